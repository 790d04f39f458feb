"""Corruptions: the declaration; one job of all networks makes each corrupted picture once."""

from __future__ import annotations

from texshape.techniques.base import File, Technique
from texshape.techniques.corruptions.figures import FIGURES
from texshape.techniques.corruptions.measures import MEASURES
from texshape.techniques.corruptions.tables import CORRUPTION_ERRORS, CORRUPTIONS
from texshape.techniques.sections import Typst

TECHNIQUE = Technique(
    name="corruptions",
    title="common corruptions",
    question="How much accuracy do noise, blur, weather and compression cost, and who loses less?",
    paper="Hendrycks and Dietterich 2019, arXiv 1903.12261",
    explanation="probes-and-corruptions",
    heading="loses",
    tables=(CORRUPTIONS, CORRUPTION_ERRORS),
    files=(File("corruption_pictures.csv", "how often each picture was decided wrongly"),),
    settings="texshape.techniques.corruptions.settings:CorruptionSettings",
    sections=("evaluation",),
    images=("plain",),
    optional_images=("stylized",),
    network=True,
    gpu=True,
    memory=2500,
    minutes=240,
    measures=MEASURES,
    figures=FIGURES,
    section=Typst(
        "texshape.techniques.corruptions:article.typ",
        part="side-by-side",
        tells="how it withstands corrupted pictures",
    ),
)
