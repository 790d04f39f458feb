"""What shuffled patches add to the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.techniques.base import Measure

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings

MEASURES = (
    Measure(
        name="shuffling_ratio",
        label="shuffled / whole accuracy",
        unit="ratio",
        table="shuffling",
        value="ratio",
        rows="texshape.techniques.shuffling.measures:shuffled_by_whole",
        interval=("ratio_low", "ratio_high"),
        n="n",
        source="accuracy at {patches} x {patches} patches / whole images, set {set}",
        undefined="no whole image is decided rightly",
        cue="texture",  # parts suffice
    ),
)


def shuffled_by_whole(frame: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """Accuracy on shuffled images by that on whole ones, as ``ratio`` with its limits."""
    from texshape.comparison import limits
    from texshape.comparison.rows import INTERVAL, side_by_side

    sets = list(dict.fromkeys(frame["set"]))
    name = "test-plain" if "test-plain" in sets else next(iter(sets), "")
    k = settings.shuffling_patches
    frame = frame[frame["set"] == name]
    both = side_by_side(frame[frame["k"] == k], frame[frame["k"] == 1], ("accuracy", "n"))
    shuffled, whole = (
        [both[f"{column}{suffix}"] for column in ("accuracy", *INTERVAL)]
        for suffix in ("", "_other")
    )
    low, high = limits.ratio(shuffled, whole)
    value = shuffled[0] / whole[0].where(whole[0] != 0)
    return both.assign(ratio=value, ratio_low=low, ratio_high=high, patches=k)
