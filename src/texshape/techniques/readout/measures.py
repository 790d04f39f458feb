"""What the read-out adds to the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.techniques.base import Measure

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings

MEASURES = tuple(
    Measure(
        name=f"readout_{cue}{suffix}",
        label=f"{cue} decodable, {stage} stage",
        unit="fraction",
        table="readout",
        value="accuracy",
        rows="texshape.techniques.readout.measures:of_one_input",
        where={"cue": cue},
        stage=stage,
        n="n_images",
        cue=cue,
        source=f"{stage} stage ({{stage}}), {{input}}",
    )
    for stage, suffix in (("last", ""), ("best", "_best"))
    for cue in ("shape", "texture")
)


def of_one_input(frame: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """Rows of the kind of features that the parameters name."""
    return frame[frame["input"] == settings.input]
