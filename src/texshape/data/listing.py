"""Which files there are in folders, as a hash: a workflow that takes it for a parameter sees a new one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path


def listing_hash(places: Iterable[str | Path | None]) -> str:
    """Hash the names of all visible files below some folders; of what is no folder its name alone.

    Returns
    -------
    str
        SHA-256 as hexadecimal digits. Contents and times do not matter to it.
    """
    digest = hashlib.sha256()
    for place in places:
        digest.update(f"{place}\n".encode())
        for inside, _, names in sorted(os.walk(place or "")):
            seen = sorted(name for name in names if not name.startswith("."))
            digest.update(os.fsencode("\n".join([inside, *seen])))
    return digest.hexdigest()
