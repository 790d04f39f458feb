"""What decisions add to the comparison: the shape bias and how often a network is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.techniques.base import Measure, Observations

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings


def _accuracy(
    name: str, pictures: str, images: str, *, label: str = "shape", cue: str = ""
) -> Measure:
    return Measure(
        name=name,
        label=f"accuracy, {pictures}",
        unit="fraction",
        table="accuracy",
        value="accuracy",
        where={"set": images, "cue": label},
        n="n",
        source="set {set}, label {cue}",
        cue=cue,
    )


MEASURES = (
    Measure(
        name="shape_bias",
        label="shape bias",
        unit="fraction",
        table="shape_bias",
        value="shape_bias",
        rows="texshape.techniques.shape_bias.measures:with_matches",
        n="n_matches",
        source="conflict images, matches of a cue",
        undefined="no decision for either cue",
        cue="shape",
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
    _accuracy("stylized_accuracy", "stylized images", "test-stylized", cue="shape"),
    _accuracy("silhouette_accuracy", "silhouettes", "silhouettes", cue="shape"),
    _accuracy("edge_accuracy", "edges", "edges", cue="shape"),
    _accuracy("texture_accuracy", "texture patches", "textures", label="texture", cue="texture"),
)

_COUNTED = ("shape_bias", "cue_match_rate", "n_shape", "n_texture")
_IMAGES = {"n": "n_conflict"}

OBSERVATIONS = (
    *(
        Observations("shape_bias", column, columns=_IMAGES, interval=column == "shape_bias",
                     fixed={"set": "cue-conflict", "class": "all"})
        for column in _COUNTED
    ),
    *(
        Observations("shape_bias_by_class", column, columns=_IMAGES, interval=column == "shape_bias",
                     fixed={"set": "cue-conflict"})
        for column in _COUNTED
    ),
    Observations("accuracy", "accuracy"),
)  # fmt: skip


def with_matches(frame: pd.DataFrame, settings: ComparisonSettings) -> pd.DataFrame:
    """How many decisions are for either cue, as a column ``n_matches``."""
    return frame.assign(n_matches=frame["n_shape"] + frame["n_texture"])
