"""Which published files a gallery is made of, known by their content, and on which terms."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import lru_cache

from texshape.data import published

#: the pictures among the keys of `texshape.data.published.sources`
STIMULI = "cue-conflict"
_CITATIONS = {
    "geirhos2019": ("Geirhos et al. 2019", "https://arxiv.org/abs/1811.12231"),
    "geirhos2021": ("Geirhos et al. 2021", "https://arxiv.org/abs/2106.07411"),
    "gavrikov2025": ("Gavrikov et al. 2025", "https://arxiv.org/abs/2403.09193"),
}


@lru_cache
def by_content() -> dict[str, tuple[str, str]]:
    """SHA-256 of each published file to the key of its source and its path in the repository.

    What several sources hold byte for byte is of the first in the order of `published.sources`.
    """
    found: dict[str, tuple[str, str]] = {}
    for name in published.sources():
        with open(published.index_path(name), encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                found.setdefault(row["sha256"], (name, row["path"]))
    return found


def credits(names: Iterable[str]) -> list[dict[str, str]]:
    """What the page says of each source that it shows something of.

    Parameters
    ----------
    names : iterable of str
        Keys of `published.sources`.

    Returns
    -------
    list of dict
        ``what``, ``repository``, ``commit``, ``address``, ``licence``, ``citation`` and ``paper`` (its
        address), in the order of the sources.
    """
    wanted = set(names)
    rows = []
    for name, source in published.sources().items():
        if name not in wanted:
            continue
        citation, paper = _CITATIONS[source.citation]
        rows.append(
            {
                "what": source.what,
                "repository": source.repository,
                "commit": source.commit,
                "address": f"https://github.com/{source.repository}/tree/{source.commit}",
                "licence": source.licence,
                "citation": citation,
                "paper": paper,
            }
        )
    return rows
