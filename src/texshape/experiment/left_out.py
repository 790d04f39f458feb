"""What an experiment could not measure: its reasons, and tables that hold no network for want of one."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from texshape.experiment.columns import LEFT_OUT
from texshape.techniques.base import Technique

FILE = f"tables/{LEFT_OUT.name}.csv"


def note(path: str | Path, technique: Technique, reason: str) -> None:
    """Write why a technique could not measure a network; a table without rows where it could.

    Parameters
    ----------
    path : path
        Of the network's file.
    technique : Technique
    reason : str
        Empty where the network was measured.
    """
    tables = " ".join(table.name for table in technique.tables)
    row = {"technique": technique.name, "tables": tables, "reason": reason}
    LEFT_OUT.write(path, LEFT_OUT.frame([row] if reason else []))


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
    named = {
        f"tables/{name}.csv" for row in _rows(results / FILE) for name in row["tables"].split()
    }
    return [
        file
        for file in found
        if file not in named or not (results / file).is_file() or any(_rows(results / file))
    ]


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)
