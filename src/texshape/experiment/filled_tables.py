"""Tables that hold at least one network; of those in which all are missing only the reasons are told."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from texshape.experiment.columns import EVERY
from texshape.experiment.left_out import FILE
from texshape.techniques import registry


def filled(results: Path, files: Iterable[str]) -> list[str]:
    """The files without the tables in which every network is missing.

    Parameters
    ----------
    results : path
        Folder of an experiment.
    files : iterable of str
        Result files, relative to it.
    """
    found = list(files)
    if FILE not in found or not (results / FILE).is_file():
        return found
    rows = list(_rows(results / FILE))
    named = {f"tables/{name}.csv" for row in rows for name in row["tables"].split()}
    if any(row["technique"] == EVERY for row in rows):
        ours = map(registry.get, registry.BUILT_IN + registry.OPTIONAL)
        each = [table for one in (*ours, *registry.usable()) for table in one.tables]
        named |= {f"tables/{table.name}.csv" for table in each}
    return [
        file
        for file in found
        if file not in named or not (results / file).is_file() or any(_rows(results / file))
    ]


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)
