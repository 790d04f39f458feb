"""Configural shape: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, Measure, Section, Technique
from texshape.techniques.configural_shape.tables import CONFIGURAL

TECHNIQUE = Technique(
    name="configural_shape",
    title="configural shape",
    question="Does a network use how a shape's parts are arranged, or its parts alone?",
    paper="Baker and Elder 2022, iScience 25, 104913; Scialom and others 2025, arXiv 2504.05253",
    explanation="configural-shape",
    heading="decides",
    run="texshape.techniques.configural_shape.measure:run",
    applies="texshape.techniques.configural_shape.measure:reason",
    ahead="texshape.techniques.configural_shape.measure:ahead",
    settings="texshape.techniques.configural_shape.settings:ConfiguralShapeSettings",
    sections=("evaluation",),
    tables=(CONFIGURAL,),
    images=("silhouettes",),
    brings="animals",
    downloads={"animals": ("baker2022",)},
    network=True,
    gpu=True,
    memory=2500,
    figures=(
        Figure(
            name="configural_shape",
            tables=("configural_shape",),
            draw="texshape.techniques.configural_shape.figure:by_condition",
            caption="Silhouettes whole, with a part mirrored and joined again, and with the two parts "
            "apart; outlines of which a share is drawn, in segments and in dots of the same ink. Lines "
            "are intervals over exemplars.",
            alt="Accuracy on whole silhouettes, on moved parts and on pieces of outlines.",
        ),
    ),
    measures=tuple(
        Measure(
            name=f"configural_loss_{condition}",
            label=label,
            unit="difference of fractions",
            table="configural_shape",
            value="difference",
            where={"condition": condition},
            interval=("difference_low", "difference_high"),
            n="n",
            cue="shape",
        )
        for condition, label in (
            ("joined", "lost by mirroring a part"),
            ("apart", "lost by breaking the outline"),
        )
    ),
    section=Section(
        title="Configural shape",
        question="Does a network use how a shape's parts are arranged, or its parts alone?",
        method="One part of a silhouette is mirrored along a cut and joined again, which keeps local "
        "shape and changes the whole; or the two parts are moved apart, which breaks the outline, too. "
        "The loss is accuracy on wholes minus accuracy on either, paired by exemplar. Outlines of which "
        "a share is drawn as segments or as dots of the same ink say what direction adds.",
        limits="A loss says nothing where the whole is not recognised, and is empty there. Networks that "
        "were trained on mirrored pictures recognise mirrored parts.",
    ),
)
