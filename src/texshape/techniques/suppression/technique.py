"""Suppression of cues: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, Measure, Section, Technique
from texshape.techniques.suppression.tables import SUPPRESSION

#: cue -> the suppression, and its degree, that networks are compared by
COMPARED = {"shape": ("patch-shuffle", 2), "texture": ("bilateral", 6)}
#: the pictures that lack a cue: those that show the other one alone
LACKING = {"shape": "texture", "texture": "shape"}

TECHNIQUE = Technique(
    name="suppression",
    title="suppression of cues",
    question="What does a network lose when shape, texture or colour is taken from a picture?",
    paper="Burgert and others, NeurIPS 2025, arXiv 2509.20234",
    explanation="suppression",
    heading="uses",
    run="texshape.techniques.suppression.measure:run",
    applies="texshape.techniques.suppression.measure:reason",
    ahead="texshape.techniques.suppression.measure:ahead",
    settings="texshape.techniques.suppression.settings:SuppressionSettings",
    tables=(SUPPRESSION,),
    sections=("evaluation",),
    images=("plain|agreeing|conflict",),
    optional_images=("silhouettes", "textures"),
    network=True,
    gpu=True,
    memory=2500,
    minutes=180,
    figures=(
        Figure(
            name="suppression",
            tables=("suppression",),
            draw="texshape.techniques.suppression.figure:by_degree",
            caption="Accuracy that is kept when shape, texture or colour is suppressed in degrees, and "
            "what guessing would keep. Dashed, what is kept of pictures that lack the cue: the cost of the "
            "suppression itself. Vertical lines are intervals over exemplars.",
            alt="Accuracy kept by degree of suppression, a panel a way to suppress a cue.",
            chapter="2 What decides",
        ),
    ),
    measures=tuple(
        Measure(
            name=f"kept_without_{cue}",
            label=f"kept, {cue} suppressed",
            unit="ratio",
            table="suppression",
            value="kept",
            where={"shows": "both", "suppression": kind, "degree": str(degree)},
            interval=("kept_low", "kept_high"),
            n="n_images",
            cue="texture" if cue == "shape" else "shape",  # what is left to rely on
        )
        for cue, (kind, degree) in COMPARED.items()
    ),
    section=Section(
        title="Suppression of cues",
        question="What does a network lose when shape, texture or colour is taken from a picture?",
        method="Pictures whose cues agree are shown as they are and with one cue suppressed in degrees: "
        "shape by shuffling or turning patches, texture by filters that smooth between edges, colour by "
        "blending towards grey. What is kept is accuracy on suppressed pictures over accuracy on the same "
        "pictures intact, with exemplars resampled for both at once. Pictures that show one cue alone are "
        "the control: a cue that is not there cannot be taken.",
        limits="No filter takes one cue and leaves the other whole, so that degrees of two cues cannot be "
        "compared. Lengths of filters are scaled with the picture's side, and on small pictures the "
        "filters reach over a few pixels alone.",
    ),
)
