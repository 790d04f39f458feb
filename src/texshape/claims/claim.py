"""A claim: what the article says of results, by which rule, and on which cells it rests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from texshape.catalogue import catalogue
from texshape.claims.evidence import Row, number
from texshape.claims.wording import escape
from texshape.tables import PATH_COLUMNS

#: Columns that name a row of the tables of a survey, which are of no experiment.
SURVEY_KEYS = ("subject",)


@dataclass(frozen=True)
class Cell:
    """A cell of a result table.

    Attributes
    ----------
    table : str
        Name of the table, without its ending.
    row : dict
        The columns that name the row, as text.
    column : str
    value : float, str or None
        What stands there; None where the cell is empty.
    """

    table: str
    row: dict[str, str]
    column: str
    value: float | str | None


@dataclass(frozen=True)
class Claim:
    """A sentence that the results chose.

    Attributes
    ----------
    id : str
    section : str
        Section of the article that makes it.
    evidence : str
        The cells in words.
    cells : tuple of Cell
        Every cell that the verdict was found from.
    rule : str
        In words, how the verdict follows from the cells.
    verdict : str
        One of `alternatives`, or ``not run`` (results are missing) or ``undefined`` (a value is).
    alternatives : tuple of str
        The verdicts that have a sentence.
    sentence : str
        Numbers are set. Its markup: ``*strong*``, ``_emphasis_``, `` `code` ``, ``@key`` for a
        reference to a section, table or source, and a backslash before a sign that means itself.
    without : dict or None
        A seed to the verdict that is found where it is left out (``not run`` where nothing is left then),
        empty where there is none to leave out; None where cells pool seeds, so that it is not known
        (`texshape.claims.firmness`).
    levels : dict
        Another level of the intervals, as text, to the verdict that is found there (``not made`` where there is
        no such claim then); empty where none was decided (`texshape.claims.levels`).
    """

    id: str
    section: str
    evidence: str
    cells: tuple[Cell, ...]
    rule: str
    verdict: str
    alternatives: tuple[str, ...]
    sentence: str
    without: dict[str, str] | None = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The claim as JSON has it."""
        return asdict(self)


def claim(
    id: str,
    verdict: str,
    sentences: Mapping[str, str],
    *,
    evidence: str,
    rule: str,
    cells: Iterable[Cell] = (),
) -> Claim:
    """Choose the sentence that the verdict picks. The section is filled in by who asked for it.

    Parameters
    ----------
    id : str
    verdict : str
        A key of `sentences`, ``not run`` or ``undefined``.
    sentences : mapping
        Verdict to sentence. Runs of spaces and line breaks count as one space.
    evidence, rule : str
        The cells and the rule in words.
    cells : iterable of Cell

    Raises
    ------
    ValueError
        If the verdict has no sentence: an error in the code of the claim.
    """
    fallback = {"not run": "Not run", "undefined": "Undefined here"}
    if verdict in sentences:
        sentence = re.sub(r"[ \n]+", " ", sentences[verdict]).strip(" ")
    elif verdict in fallback:
        sentence = f"_({fallback[verdict]}: {escape(evidence)}.)_"
    else:
        raise ValueError(f"claim {id} has no sentence for '{verdict}'")
    return Claim(id, "", evidence, tuple(cells), rule, verdict, tuple(sentences), sentence)


def cells_of(rows: Iterable[Row], *columns: str) -> list[Cell]:
    """Cells of rows, as far as their table has the columns."""
    return [
        Cell(
            row.table,
            {key: row[key] for key in _keys(row.table) if key in row},
            column,
            _value(row[column]),
        )
        for row in rows
        for column in columns
        if column in row
    ]


@cache
def _keys(table: str) -> tuple[str, ...]:
    """Columns that name a row of a table."""
    if table not in catalogue():
        return SURVEY_KEYS
    return tuple(
        dict.fromkeys([*(column.name for column in PATH_COLUMNS), *catalogue()[table].keys])
    )


def _value(text: str) -> float | str | None:
    value = number(text)
    return value if value is not None else (text or None)
