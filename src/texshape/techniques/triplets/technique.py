"""Choices by likeness: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, Measure, Section, Technique
from texshape.techniques.triplets.tables import TRIPLETS

#: rows that networks are compared by
COMPARED = {"match": "class", "centred": "True"}

TECHNIQUE = Technique(
    name="triplets",
    title="choices by likeness",
    question="Are pictures alike by their shape or by their texture, at each stage?",
    paper="Tartaglini, Vong and Lake 2022, arXiv 2202.08340",
    explanation="triplets",
    heading="knows",
    run="texshape.techniques.triplets.measure:run",
    settings="texshape.techniques.triplets.settings:TripletSettings",
    tables=(TRIPLETS,),
    images=("conflict",),
    features=True,
    figures=(
        Figure(
            name="triplets",
            tables=("triplets",),
            draw="texshape.techniques.triplets.figure:by_stage",
            caption="Share of triplets in which the picture of the anchor's shape is more like it than "
            "the picture of its texture, by stage; one half is chance. Lines are intervals over "
            "exemplars.",
            alt="Share of choices for shape by stage, a panel a network.",
        ),
    ),
    measures=(
        Measure(
            name="triplet_shape_share",
            label="choices for shape",
            unit="fraction",
            table="triplets",
            value="shape_share",
            where=COMPARED,
            n="n_anchors",
            cue="shape",
        ),
    ),
    section=Section(
        title="Choices by likeness",
        question="Are pictures alike by their shape or by their texture, at each stage?",
        method="Of an anchor, a picture of its shape with another texture and one of its texture with "
        "another shape, the one at the smaller angle in a stage's features is chosen. All triplets of "
        "the conflict images count; features are compared as they are, and with their mean over pictures "
        "subtracted.",
        limits="The share says which cue is stronger, and not whether either is known.",
    ),
)
