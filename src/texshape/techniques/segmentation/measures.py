"""What segmentation adds to the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.techniques.base import Measure

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings

_TARGETS = {"binary": "object", "shape": "shape", "semantic": "class"}
#: how the maps were found -> (end of the name, in a figure, in the source)
_BOUNDS = {
    "readout": ("", "best stage", "best stage"),
    "end_to_end": ("_end_to_end", "end to end", "trained end to end"),
}

MEASURES = tuple(
    Measure(
        name=f"segmentation_{target}{suffix}",
        label=f"mIoU {what}, {label}",
        unit="fraction",
        table="segmentation",
        value="miou",
        rows="texshape.techniques.segmentation.measures:of_one_head",
        where={"target": target, "bound": bound},
        stage="best",
        n="n_test",
        cue="shape" if target == "shape" else "",
        source=f"target {{target}}, head {{head}}, {stage} ({{stage}})",
    )
    for bound, (suffix, label, stage) in _BOUNDS.items()
    for target, what in _TARGETS.items()
)


def of_one_head(frame: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """Rows of the head that the parameters name."""
    return frame[frame["head"] == settings.head]
