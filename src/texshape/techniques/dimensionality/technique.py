"""Dimensionality by mutual information: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, Observations, Technique
from texshape.techniques.dimensionality.measures import MEASURES
from texshape.techniques.dimensionality.tables import DIMENSIONALITY
from texshape.techniques.sections import Typst

TECHNIQUE = Technique(
    name="dimensionality",
    title="information by unit",
    question="How much information about shape and about texture do the units of each stage hold?",
    paper="Islam, Kowal and others 2021, arXiv 2101.11604, section 3",
    explanation="dimensionality",
    heading="knows",
    run="texshape.techniques.dimensionality.measure:run",
    applies="texshape.techniques.reasons:without_folds",
    settings="texshape.techniques.dimensionality.settings:DimensionalitySettings",
    tables=(DIMENSIONALITY,),
    images=("conflict",),
    features=True,
    measures=MEASURES,
    observations=(
        Observations(
            "dimensionality",
            "value",
            "dimensionality",
            {"cue": "factor", "n": "n_pairs", "detail": "estimator"},
        ),
    ),
    figures=(
        Figure(
            name="dimensionality",
            tables=("dimensionality",),
            draw="texshape.techniques.dimensionality.figure:by_stage",
            caption="Information about shape and texture in the units of each stage: mutual "
            "information above null pairs, and the scores and shares of the published "
            "variant. Dashed: untrained; dotted: null.",
            chapter="3 What is known and used",
        ),
    ),
    section=Typst("texshape.techniques.dimensionality:article.typ", part="knowledge"),
)
