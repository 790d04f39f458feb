"""What the estimators of dimensionality add to the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.techniques.base import Measure

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings


def _measure(name: str, label: str, unit: str, estimator: str, factor: str) -> Measure:
    return Measure(
        name=name,
        label=label,
        unit=unit,
        table="dimensionality",
        value="value",
        rows="texshape.techniques.dimensionality.measures:of_blocks",
        where={"estimator": estimator, "factor": factor},
        n="n_pairs",
        cue="" if factor == "residual" else factor,
        source="{estimator}, last stage ({stage})",
    )


MEASURES = (
    *(
        _measure(f"information_{factor}", f"{factor} information, last stage", "nats a unit",
                 "mutual_information", factor)
        for factor in ("shape", "texture")
    ),
    *(
        _measure(f"islam2021_score_{factor}", f"{factor} score", "score", "islam2021_score", factor)
        for factor in ("shape", "texture")
    ),
    *(
        _measure(f"islam2021_share_{factor}", f"{factor} dimensions", "fraction", "islam2021", factor)
        for factor in ("shape", "texture", "residual")
    ),
)  # fmt: skip


def of_blocks(frame: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """Rows of blocks: a class token stands as a stage of its own behind its block, which counts."""
    return frame[~frame["stage"].astype(str).str.endswith(".cls")]
