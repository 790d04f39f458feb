"""Dimensionality by mutual information: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Technique
from texshape.techniques.dimensionality.measures import MEASURES
from texshape.techniques.dimensionality.tables import DIMENSIONALITY

TECHNIQUE = Technique(
    name="dimensionality",
    title="information by unit",
    question="How much information about shape and about texture do the units of each stage hold?",
    paper="Islam, Kowal and others 2021, arXiv 2101.11604, section 3",
    run="texshape.techniques.dimensionality.measure:run",
    applies="texshape.techniques.reasons:without_folds",
    settings="texshape.techniques.dimensionality.settings:DimensionalitySettings",
    tables=(DIMENSIONALITY,),
    images=("conflict",),
    features=True,
    measures=MEASURES,
)
