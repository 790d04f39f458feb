"""What two folders of results say differently: claims by name, their sentences and their cells.

    texshape claims results/one results/other

A sentence holds its numbers, so it differs where a number that it sets does, not only where the verdict does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from texshape.claims import FILE
from texshape.claims.claim import Cell, Claim
from texshape.claims.wording import unmarked
from texshape.errors import InputError, nearest_path

#: What stands in place of a value where one of the folders has no such cell.
ABSENT = "no such cell"


@dataclass(frozen=True)
class ChangedCell:
    """A cell that two claims of one name read differently.

    Attributes
    ----------
    table : str
    row : dict
        The columns that name the row, as text.
    column : str
    first, second : float, str or None
        What stands there; None where it is empty, `ABSENT` where the claim read no such cell.
    """

    table: str
    row: dict[str, str]
    column: str
    first: float | str | None
    second: float | str | None

    def __str__(self) -> str:
        named = "architecture" in self.row  # as the model's name does once more
        shown = (value for key, value in self.row.items() if not (named and key == "model"))
        keys = " ".join(filter(None, shown))
        first, second = ("empty" if x is None else x for x in (self.first, self.second))
        return f"{self.table}.csv {keys} {self.column}: {first} | {second}"


@dataclass(frozen=True)
class Difference:
    """A claim whose sentence differs between two folders; None where one does not make it."""

    id: str
    first: Claim | None
    second: Claim | None

    def cells(self) -> list[ChangedCell]:
        """The cells that differ, in the order of the first claim; those that it lacks behind them."""
        first, second = (_by_place(claim) for claim in (self.first, self.second))
        return [
            ChangedCell(table, dict(row), column, *both)
            for place in [*first, *(place for place in second if place not in first)]
            if (both := (first.get(place, ABSENT), second.get(place, ABSENT)))[0] != both[1]
            for table, row, column in [place]
        ]

    def as_dict(self) -> dict[str, Any]:
        """The difference as JSON has it."""
        said = {
            name: None if claim is None else {"verdict": claim.verdict, "sentence": claim.sentence}
            for name, claim in (("first", self.first), ("second", self.second))
        }
        return {"id": self.id, **said, "cells": [vars(cell) for cell in self.cells()]}


def load(results: str | Path) -> list[Claim]:
    """The claims of a folder of results.

    Raises
    ------
    InputError
        If the folder or its ``claims.json`` is missing, or that is no file of claims.
    """
    results = Path(results)
    if not results.is_dir():
        raise InputError(f"{results}: no such folder of results{nearest_path(results)}")
    path = results / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; make it with texshape run claims --results {results} --output {path}"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable JSON ({error})") from None
    try:
        found = [_claim(one) for one in content["claims"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not a file of claims ({error}); make it anew with texshape run claims"
        ) from None
    if len({claim.id for claim in found}) < len(found):
        raise InputError(f"{path}: expected each claim once, found one twice")
    return found


def differences(first: Sequence[Claim], second: Sequence[Claim]) -> list[Difference]:
    """Claims whose sentences differ, or that one side alone makes.

    Parameters
    ----------
    first, second : sequence of Claim

    Returns
    -------
    list of Difference
        In the order of `first`; what `second` alone has comes last.
    """
    one, other = ({claim.id: claim for claim in claims} for claims in (first, second))
    found = [Difference(id, one.get(id), other.get(id)) for id in dict.fromkeys([*one, *other])]
    return [
        each
        for each in found
        if each.first is None or each.second is None or each.first.sentence != each.second.sentence
    ]


def lines(difference: Difference, names: tuple[str, str], most: int) -> Iterator[str]:
    """A difference in words: verdicts, both sentences, the cells.

    Parameters
    ----------
    difference : Difference
    names : tuple of str
        What the two folders are called.
    most : int
        How many cells to name; the others are counted.
    """
    both = (difference.first, difference.second)
    verdicts = ["not made" if claim is None else claim.verdict for claim in both]
    same = len(set(verdicts)) == 1
    yield f"{difference.id}: {verdicts[0] if same else ' | '.join(verdicts)}"
    for name, claim in zip(names, both, strict=True):
        yield f"  {name}: {'(not made)' if claim is None else unmarked(claim.sentence)}"
    cells = difference.cells()
    for cell in cells[:most]:
        yield f"    {cell}"
    if len(cells) > most:
        yield f"    and {len(cells) - most} more cells"


def _claim(stored: Mapping[str, Any]) -> Claim:
    # Claims that were made before these were told lack them.
    stored = {"without": {}, "levels": {}, **stored}
    known = {field.name: stored[field.name] for field in fields(Claim)}
    for name in ("id", "section", "verdict", "rule", "sentence"):
        if not isinstance(known[name], str):
            raise TypeError(f"{name} is {known[name]!r}, expected a text")
    cells = tuple(Cell(**cell) for cell in known["cells"])
    return Claim(**{**known, "cells": cells, "alternatives": tuple(known["alternatives"])})


def _by_place(claim: Claim | None) -> dict[tuple[str, tuple[tuple[str, str], ...], str], Any]:
    cells = () if claim is None else claim.cells
    return {(cell.table, tuple(cell.row.items()), cell.column): cell.value for cell in cells}
