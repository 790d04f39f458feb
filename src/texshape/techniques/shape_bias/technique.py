"""Shape bias: the declaration. Decisions on every set are made once, and other techniques take them too."""

from __future__ import annotations

from texshape.techniques.base import Technique
from texshape.techniques.sections import Typst
from texshape.techniques.shape_bias.measures import MEASURES
from texshape.trials.columns import (
    ACCURACY,
    ACCURACY_DIFFERENCES,
    SHAPE_BIAS,
    SHAPE_BIAS_BY_CLASS,
    SHAPE_BIAS_DIFFERENCES,
)

TECHNIQUE = Technique(
    name="shape_bias",
    title="shape bias",
    question="Where shape and texture disagree, which of them do decisions follow, and how often either?",
    paper="Geirhos and others 2019, arXiv 1811.12231",
    explanation="shape-bias",
    heading="decides",
    tables=(
        SHAPE_BIAS,
        SHAPE_BIAS_BY_CLASS,
        SHAPE_BIAS_DIFFERENCES,
        ACCURACY,
        ACCURACY_DIFFERENCES,
    ),
    sections=("evaluation", "bootstrap"),
    images=("conflict",),
    optional_images=("plain", "stylized", "silhouettes", "edges", "textures"),
    network=True,
    gpu=True,
    memory=2000,
    measures=MEASURES,
    section=Typst("texshape.techniques.shape_bias:article.typ", part="decisions", always=True),
)
