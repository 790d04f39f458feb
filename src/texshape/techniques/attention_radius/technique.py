"""Attention radius: the declaration."""

from __future__ import annotations

from texshape.techniques.attention_radius.tables import ATTENTION_RADIUS
from texshape.techniques.base import Figure, Measure, Section, Technique

TECHNIQUE = Technique(
    name="attention_radius",
    title="attention radius",
    question="Does a transformer that may attend nearby alone still decide as it did?",
    paper="Doshi and others 2025, arXiv 2507.00493",
    explanation="attention-radius",
    heading="uses",
    run="texshape.techniques.attention_radius.measure:run",
    applies="texshape.techniques.attention_radius.measure:reason",
    ahead="texshape.techniques.attention_radius.measure:ahead",
    settings="texshape.techniques.attention_radius.settings:AttentionRadiusSettings",
    sections=("evaluation",),
    tables=(ATTENTION_RADIUS,),
    images=("conflict",),
    optional_images=("agreeing",),
    network=True,
    gpu=True,
    memory=2500,
    minutes=120,
    figures=(
        Figure(
            name="attention_radius",
            tables=("attention_radius",),
            draw="texshape.techniques.attention_radius.figure:by_radius",
            caption="Shape bias, cue-match rate and accuracy on pictures whose cues agree, when patches "
            "attend to those within a radius alone, or to as many at random. Vertical lines are "
            "intervals over exemplars.",
            alt="Bias, cue matches and accuracy by radius of attention, a row a network.",
        ),
    ),
    measures=(
        Measure(
            name="attention_radius_bias_change",
            label="bias moved by near attention",
            unit="difference of fractions",
            table="attention_radius",
            value="bias_change",
            where={"kept": "near", "strongest": "True"},
            interval=("bias_change_low", "bias_change_high"),
            n="n_conflict",
            undefined="no attention between patches that takes a mask",
        ),
    ),
    section=Section(
        title="Attention radius",
        question="Does a transformer that may attend nearby alone still decide as it did?",
        method="In all blocks a patch attends to the patches within a radius, and to class token and "
        "registers, which attend to all. The control leaves each patch as many patches at random. "
        "Bias, cue matches and accuracy on pictures whose cues agree are of the same pictures under "
        "every mask.",
        limits="Distances add up over blocks, and a class token relays what lies further away. Networks "
        "without attention, or with attention that takes no mask, have no value.",
    ),
)
