"""Consistency with humans: the declaration. It takes no pictures, but the decisions on them."""

from __future__ import annotations

from texshape.techniques.base import Technique
from texshape.techniques.human_consistency.figures import FIGURES
from texshape.techniques.human_consistency.measures import MEASURES
from texshape.techniques.human_consistency.tables import BENCHMARK, BENCHMARK_BY_DATASET
from texshape.techniques.sections import Typst

TECHNIQUE = Technique(
    name="human_consistency",
    title="consistency with humans",
    question="Does a network err on the pictures on which humans err?",
    paper="Geirhos and others 2021, arXiv 2106.07411",
    explanation="humans",
    heading="people",
    tables=(BENCHMARK, BENCHMARK_BY_DATASET),
    sections=("bootstrap",),
    memory=1500,
    minutes=30,
    measures=MEASURES,
    figures=FIGURES,
    section=Typst(
        "texshape.techniques.human_consistency:article.typ",
        part="side-by-side",
        tells="whether it fails where humans fail",
    ),
)
