"""Reading the cells that claims rest on.

Cells are kept as the text that stands in the file, so that a claim can name them.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from pathlib import Path

from texshape.errors import InputError

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


class Row(dict):
    """A row of a result table: column to text."""

    def __init__(self, table: str, cells: dict[str, str]) -> None:
        super().__init__(cells)
        self.table = table

    def __missing__(self, column: str) -> str:
        found = ", ".join(self)
        raise InputError(f"{self.table}.csv: column '{column}' is missing; found {found}")


Rows = Sequence[Row]


def read(path: Path) -> list[Row]:
    """The rows of a table.

    Raises
    ------
    InputError
        If the file cannot be read as CSV in UTF-8, or a row has more or fewer cells than the header.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.DictReader(file, strict=True, restkey="", restval=None)
            rows = [Row(path.stem, line) for line in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable table ({error})") from None
    for place, row in enumerate(rows, 1):
        if "" in row or None in row.values():
            raise InputError(f"{path}: row {place} has not as many cells as the header")
    return rows


def number(text: str | None) -> float | None:
    """A cell as a number; None for an empty cell and for words."""
    text = (text or "").strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def values(rows: Rows, column: str) -> list[float]:
    """The numbers of a column; cells without a number are left out."""
    found = (number(row.get(column)) for row in rows)
    return [x for x in found if x is not None]


def mean(rows: Rows, column: str) -> float | None:
    """Mean of the numbers of a column, None without any."""
    known = values(rows, column)
    # Added one by one: `sum` rounds otherwise from Python 3.12 on.
    return reduce(add, known, 0.0) / len(known) if known else None


def smallest(rows: Rows, column: str) -> float | None:
    """Smallest number of a column."""
    return min(values(rows, column), default=None)


def largest(rows: Rows, column: str) -> float | None:
    """Largest number of a column."""
    return max(values(rows, column), default=None)


def select(rows: Rows, **wanted: str) -> list[Row]:
    """Rows whose cells equal the given ones."""
    return [row for row in rows if all(row.get(key, "") == value for key, value in wanted.items())]


def last_stage(rows: Rows) -> str | None:
    """Last stage of a network: tables list stages in order."""
    return rows[-1]["stage"] if rows else None


def at_last_stage(rows: Rows) -> list[Row]:
    """Rows of the last stage."""
    return [row for row in rows if row["stage"] == last_stage(rows)]


def last_epoch(rows: Rows) -> list[Row]:
    """Rows of the last checkpoint."""
    last = largest(rows, "epoch")
    return list(rows) if last is None else [r for r in rows if number(r["epoch"]) == last]


def at_end(rows: Rows) -> list[Row]:
    """Rows of the last stage at the last checkpoint."""
    return last_epoch(at_last_stage(rows))


def before_training(rows: Rows) -> list[Row]:
    """Rows of networks with random weights: an arm of that name, else the checkpoint of epoch 0."""
    named = [row for row in rows if row["arm"] == "untrained"]
    return named or [row for row in rows if number(row.get("epoch")) == 0]


def networks_in(rows: Rows) -> list[tuple[str, str]]:
    """Architecture and arm of each network that was trained, in the order of the table."""
    pairs = ((row["architecture"], row["arm"]) for row in rows)
    return list(
        dict.fromkeys(p for p in pairs if p[1] not in ("untrained", "published", "baseline"))
    )


def each(rows: Iterable[Row], column: str) -> list[str]:
    """Each value of a column once, in the order of the table."""
    return list(dict.fromkeys(row[column] for row in rows))
