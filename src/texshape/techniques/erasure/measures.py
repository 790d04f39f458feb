"""What erasure adds to the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.techniques.base import Measure

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings

# A share of the decisions for the cue that are there, not of all: the bias does not bound it.
MEASURES = tuple(
    Measure(
        name=f"used_{cue}",
        label=f"{cue} used, last stage",
        unit="fraction",
        table="erasure",
        value="beyond",
        rows="texshape.techniques.erasure.measures:of_cues_at_end",
        where={"cue": cue},
        cue=cue,
        interval=("beyond_low", "beyond_high"),
        n="n_images",
        source="share of the decisions for {cue} beyond chance that erasing its subspace takes, minus "
        "that of meaningless groupings, last stage ({stage})",
    )
    for cue in ("shape", "texture")
)


def of_cues_at_end(frame: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """Rows of the last stage in which the subspace of a cue was erased."""
    from texshape.comparison.rows import last_stage

    return last_stage(frame[frame["erased"] == "cue"])
