"""Shuffled patches: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Technique
from texshape.techniques.shuffling.measures import MEASURES
from texshape.techniques.shuffling.tables import SHUFFLING

TECHNIQUE = Technique(
    name="shuffling",
    title="shuffled patches",
    question="How much accuracy is left once patches of a picture have lost their places?",
    paper="Brendel and Bethge 2019, arXiv 1904.00760, section 4",
    run="texshape.techniques.shuffling.measure:run",
    applies="texshape.techniques.shuffling.measure:reason",
    tables=(SHUFFLING,),
    settings="texshape.techniques.shuffling.settings:ShufflingSettings",
    place="probes",
    sections=("evaluation",),
    images=("trained-on",),
    network=True,
    gpu=True,
    memory=2500,
    minutes=120,
    measures=MEASURES,
)
