"""What corrupted images add to the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.techniques.base import Measure

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings

MEASURES = (
    Measure(
        name="corruption_accuracy",
        label="accuracy under corruption",
        unit="fraction",
        table="corruptions",
        value="accuracy",
        rows="texshape.techniques.corruptions.measures:over_cells",
        n="n",
        source="mean over {cells} types x severities",
    ),
    Measure(
        name="corruption_error_ratio",
        label="corruption error ratio",
        unit="ratio",
        table="corruption_errors",
        value="error_ratio",
        rows="texshape.techniques.corruptions.measures:against_same_images",
        where={"corruption": "sum"},
        n="n",
        source="sum over types, against {baseline}",
    ),
)


def over_cells(frame: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """Mean accuracy of each network over all types and severities, with an interval."""
    from texshape.comparison.rows import KEYS
    from texshape.stats.proportions import wilson

    rows = frame[frame["corruption"] != "none"].groupby(KEYS, dropna=False, sort=False)
    means = rows.agg(
        accuracy=("accuracy", "mean"), n=("n", "max"), cells=("accuracy", "size")
    ).reset_index()
    # An image's mean over cells lies in [0, 1], so its variance is at most p(1 - p): the interval
    # of n independent images decided once bounds it.
    low, high = wilson(means["accuracy"], means["n"], settings.level)
    return means.assign(ci_low=low, ci_high=high)


def against_same_images(frame: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """Rows whose baseline saw the same set of images."""
    from texshape.comparison.rows import text

    return frame[text(frame["set"]) == text(frame["baseline_set"])]
