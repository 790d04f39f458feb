"""Shuffled patches: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, Observations, Technique
from texshape.techniques.sections import Typst
from texshape.techniques.shuffling.measures import MEASURES
from texshape.techniques.shuffling.tables import SHUFFLING

TECHNIQUE = Technique(
    name="shuffling",
    title="shuffled patches",
    question="How much accuracy is left once patches of a picture have lost their places?",
    paper="Brendel and Bethge 2019, arXiv 1904.00760, section 4",
    explanation="probes-and-corruptions",
    heading="loses",
    run="texshape.techniques.shuffling.measure:run",
    applies="texshape.techniques.shuffling.measure:reason",
    tables=(SHUFFLING,),
    ahead="texshape.techniques.shuffling.measure:ahead",
    settings="texshape.techniques.shuffling.settings:ShufflingSettings",
    place="probes",
    sections=("evaluation",),
    images=("trained-on",),
    network=True,
    gpu=True,
    memory=2500,
    minutes=120,
    measures=MEASURES,
    observations=(Observations("shuffling", "accuracy", "shuffling", {"detail": "k"}),),
    figures=(
        Figure(
            name="shuffling",
            tables=("shuffling",),
            draw="texshape.techniques.shuffling.figure:by_patches",
            caption="Accuracy on images cut into k x k patches that are put back in a random order. A "
            "line that falls late belongs to a network whose evidence lies within patches; "
            "seams are new to all networks. Dashed, with hollow markers: the same networks on "
            "pictures of the kind that they were trained on.",
            chapter="4 How far it sees",
        ),
    ),
    section=Typst("texshape.techniques.shuffling:article.typ", part="pieces"),
)
