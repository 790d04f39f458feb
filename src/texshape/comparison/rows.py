"""Which rows of a table count where one number a network is wanted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

KEYS = ["model", "architecture", "arm", "seed"]
INTERVAL = ("ci_low", "ci_high")


def last_epoch(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of each network's last checkpoint; all where no epoch is named."""
    if "epoch" not in frame.columns:
        return frame
    last = frame.groupby(KEYS, dropna=False)["epoch"].transform("max")
    return frame[(frame["epoch"] == last) | frame["epoch"].isna()]


def last_stage(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of each network's last stage: tables name stages from input to output."""
    if frame.empty:
        return frame
    last = frame.groupby(KEYS, dropna=False)["stage"].transform("last")
    return frame[frame["stage"] == last]


def best(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The row of each network with the largest value of a column."""
    rows = frame.sort_values(column, ascending=False, kind="stable", na_position="last")
    return rows.drop_duplicates(KEYS).sort_index()


def side_by_side(frame: pd.DataFrame, other: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Rows of a network beside its rows of another kind, whose columns end in ``_other``."""
    columns = [*dict.fromkeys([*columns, *(c for c in INTERVAL if c in other.columns)])]
    other = other[[*KEYS, *columns]].rename(columns={name: f"{name}_other" for name in columns})
    return frame.merge(other, on=KEYS, how="inner", validate="one_to_one")


def text(column: pd.Series) -> pd.Series:
    """Words with nothing for empty cells; a column of empty cells alone was read as numbers."""
    return column.astype(object).where(column.notna(), "").astype(str)
