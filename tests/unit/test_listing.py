"""The hash of a folder's files by name."""

from __future__ import annotations

import os
from pathlib import Path

from texshape.data.listing import listing_hash


def test_every_visible_file_counts_by_its_name_alone(tmp_path: Path) -> None:
    folder = tmp_path / "bear"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"1")
    before = listing_hash([tmp_path, None])
    (folder / "a.png").write_bytes(b"2")
    os.utime(folder / "a.png", (1, 1))
    (folder / ".hidden").touch()
    assert listing_hash([tmp_path, None]) == before
    seen = {
        before,
        listing_hash([tmp_path]),
        listing_hash([None, tmp_path]),
        listing_hash(["cifar10"]),
    }
    (folder / "b.png").touch()
    seen.add(listing_hash([tmp_path, None]))
    (folder / "a.png").rename(tmp_path / "a.png")
    seen.add(listing_hash([tmp_path, None]))
    assert len(seen) == 6
