"""What decisions add to the comparison: the shape bias and how often a network is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.techniques.base import Measure

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings


def _accuracy(name: str, pictures: str, images: str, cue: str = "shape") -> Measure:
    return Measure(
        name=name,
        label=f"accuracy, {pictures}",
        unit="fraction",
        table="accuracy",
        value="accuracy",
        where={"set": images, "cue": cue},
        n="n",
        source="set {set}, label {cue}",
    )


MEASURES = (
    Measure(
        name="shape_bias",
        label="shape bias",
        unit="fraction",
        table="shape_bias",
        value="shape_bias",
        rows="texshape.trials.measures:with_matches",
        n="n_matches",
        source="conflict images, matches of a cue",
        undefined="no decision for either cue",
    ),
    Measure(
        name="cue_match_rate",
        label="cue match rate",
        unit="fraction",
        table="shape_bias",
        value="cue_match_rate",
        interval=(),
        n="n_conflict",
        source="conflict images",
        undefined="no conflict image",
    ),
    Measure(
        name="response_entropy",
        label="entropy of decisions",
        unit="bits",
        table="accuracy",
        value="response_entropy",
        where={"set": "cue-conflict", "cue": "shape"},
        interval=(),
        n="n",
        source="set cue-conflict, conflict images",
    ),
    _accuracy("plain_accuracy", "plain images", "test-plain"),
    _accuracy("stylized_accuracy", "stylized images", "test-stylized"),
    _accuracy("silhouette_accuracy", "silhouettes", "silhouettes"),
    _accuracy("edge_accuracy", "edges", "edges"),
    _accuracy("texture_accuracy", "texture patches", "textures", cue="texture"),
)


def with_matches(frame: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """How many decisions are for either cue, as a column ``n_matches``."""
    return frame.assign(n_matches=frame["n_shape"] + frame["n_texture"])
