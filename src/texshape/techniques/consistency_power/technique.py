"""Uncertainty of the consistency with humans: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Technique
from texshape.techniques.consistency_power.figures import FIGURES
from texshape.techniques.consistency_power.tables import CONSISTENCY_DIFFERENCES, CONSISTENCY_POWER
from texshape.techniques.sections import Typst

TECHNIQUE = Technique(
    name="consistency_power",
    title="uncertainty of the consistency with humans",
    question="Which differences in error consistency can these trials show, and how many trials would?",
    paper="Klein and others 2025, arXiv 2507.06645",
    explanation="consistency-power",
    heading="people",
    tables=(CONSISTENCY_POWER, CONSISTENCY_DIFFERENCES),
    sections=("bootstrap",),
    memory=4000,
    minutes=60,
    figures=FIGURES,
    section=Typst("texshape.techniques.consistency_power:article.typ", part="consistency"),
)
