"""Published values beside those of this experiment, with a verdict for each.

What was published, and where, stands in ``published_values.csv``. The rule: our value is *replicated* where it
rounds to the published one, *within the interval* where it does not, and our interval holds what was
published; else it is *not replicated*. What is defined otherwise, or is of other weights, is *not comparable*,
whatever the two numbers are, and what nobody measured here *not measured*; both with the reason.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from texshape.comparison.columns import REPLICATION
from texshape.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

REPLICATED, WITHIN, NOT_REPLICATED = "replicated", "within the interval", "not replicated"
NOT_COMPARABLE, NOT_MEASURED = "not comparable", "not measured"
VERDICTS = (REPLICATED, WITHIN, NOT_REPLICATED, NOT_COMPARABLE, NOT_MEASURED)
_FILE = Path(__file__).with_name("published_values.csv")
_ROUNDING = 1e-9  # of binary fractions


@dataclass(frozen=True)
class Published:
    """A number that somebody published, and where this experiment has its own.

    Attributes
    ----------
    name, quantity, subject : str
    published : str
        As it was printed: its digits say how it was rounded.
    unit : str
    scale : float
        What our value is multiplied by to have that unit.
    source, place : str
        Key in the bibliography, and where in that work.
    table, row, column : str
        Where our value stands: the row by ``COLUMN=VALUE;...``. Empty where nothing measures it.
    low, high, count : str
        Columns of the interval's ends and of how many it rests on; empty where there are none.
    not_comparable, not_measured : str
        Why the two cannot be compared; why there is no value where there is none.
    """

    name: str
    quantity: str
    subject: str
    published: str
    unit: str
    scale: float
    source: str
    place: str
    table: str
    row: str
    column: str
    low: str
    high: str
    count: str
    not_comparable: str
    not_measured: str

    @property
    def digits(self) -> int:
        """Decimals that were published."""
        return len(self.published.partition(".")[2])

    def keys(self) -> dict[str, str]:
        """What tells our row from the others."""
        return dict(part.split("=", 1) for part in self.row.split(";") if part)


@lru_cache
def published_values() -> tuple[Published, ...]:
    """All published values that are compared."""
    with open(_FILE, encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return tuple(Published(**{**row, "scale": float(row["scale"])}) for row in rows)


def tables_read() -> list[str]:
    """The result tables that our values stand in."""
    return sorted({one.table for one in published_values() if one.table})


def verdict(published: str, value: float, low: float, high: float) -> str:
    """Whether our value is the published one.

    Parameters
    ----------
    published : str
        As printed.
    value, low, high : float
        Ours with its interval, in the same unit; the ends NaN where there is none.

    Examples
    --------
    >>> verdict("22.1", 22.07, 17.1, 27.4), verdict("21.39", 21.42, 16.6, 26.8)
    ('replicated', 'within the interval')
    >>> verdict("0.208", 0.25, math.nan, math.nan)
    'not replicated'
    """
    told = float(published)
    half = 0.5 * 10.0 ** -len(published.partition(".")[2])
    if abs(value - told) <= half + _ROUNDING:
        return REPLICATED
    return WITHIN if low <= told <= high else NOT_REPLICATED


def replication(
    tables: Mapping[str, pd.DataFrame], values: Sequence[Published] | None = None
) -> pd.DataFrame:
    """Set published values beside ours.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Result tables by name (`tables_read`); one that is missing has no value.
    values : sequence of Published, optional
        `published_values` by default.

    Returns
    -------
    DataFrame
        `REPLICATION`, a row a published value, in their order.

    Raises
    ------
    InputError
        If a table lacks a column, or several of its rows could be meant.
    """
    return REPLICATION.frame(
        _row(one, tables) for one in (published_values() if values is None else values)
    )


def _row(one: Published, tables: Mapping[str, pd.DataFrame]) -> dict[str, object]:
    value, low, high, count = _ours(one, tables)
    if one.not_comparable:
        found, reason = NOT_COMPARABLE, one.not_comparable
    elif math.isnan(value):
        found, reason = NOT_MEASURED, one.not_measured or f"{one.table}.csv has no value of it"
    else:
        found, reason = verdict(one.published, value, low, high), ""
    return {
        "name": one.name,
        "quantity": one.quantity,
        "subject": one.subject,
        "published": float(one.published),
        "digits": one.digits,
        "unit": one.unit,
        "value": value,
        "ci_low": low,
        "ci_high": high,
        "n": count,
        "verdict": found,
        "source": one.source,
        "place": one.place,
        "table": one.table,
        "row": one.row,
        "reason": reason,
    }


def _ours(
    one: Published, tables: Mapping[str, pd.DataFrame]
) -> tuple[float, float, float, float | None]:
    """Our value, its interval and what it rests on, in the published unit; NaN without any."""
    nothing = (math.nan, math.nan, math.nan, None)
    if one.table not in tables:
        return nothing
    frame = tables[one.table]
    columns = [*one.keys(), *filter(None, (one.column, one.low, one.high, one.count))]
    for column in columns:
        if column not in frame.columns:
            raise InputError(
                f"{one.table}.csv: column '{column}' is missing; found {', '.join(frame.columns)}"
            )
    for column, wanted in one.keys().items():
        frame = frame[frame[column].astype(str) == wanted]
    if len(frame) > 1:
        raise InputError(f"{one.table}.csv: {len(frame)} rows of {one.row}; expected one")
    if not len(frame):
        return nothing
    row = frame.iloc[0]
    value, low, high = (
        one.scale * float(row[column]) if column else math.nan
        for column in (one.column, one.low, one.high)
    )
    return value, low, high, row[one.count] if one.count else None
