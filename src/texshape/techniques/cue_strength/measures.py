"""What faded textures add to the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.techniques.base import Measure

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings

MEASURES = (
    Measure(
        name="balance_point",
        label="balance point",
        unit="texture strength",
        table="cue_strength",
        value="balance_point",
        rows="texshape.techniques.cue_strength.measures:of_fits",
        interval=("balance_low", "balance_high"),
        n="n",
        source="logistic fit over all strengths",
        cue="shape",
    ),
)


def of_fits(frame: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """A row a network: its fit, and the images of all strengths as ``n``."""
    from texshape.comparison.rows import KEYS, text

    counted = (frame["n_shape"] + frame["n_texture"]).groupby(
        [frame[key] for key in KEYS], dropna=False
    )
    frame = frame.assign(n=counted.transform("sum"))
    # The fit's reason is in each row, behind that of the strength where there is one: the shortest
    # is the fit's alone, or that of no strength.
    length = text(frame["reason"]).str.len()
    rows = frame.assign(length=length).sort_values("length", kind="stable")
    return rows.drop_duplicates(KEYS).sort_index()
