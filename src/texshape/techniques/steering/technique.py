"""Steering: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, Measure, Section, Technique
from texshape.techniques.steering.tables import STEERING, STEERING_SLOPES

TECHNIQUE = Technique(
    name="steering",
    title="steering",
    question="Does moving a stage's activations from texture towards shape move the decisions, and at what "
    "cost?",
    paper="Difference-of-means steering: Turner and others 2023, arXiv 2308.10248",
    explanation="steering",
    heading="uses",
    run="texshape.techniques.steering.measure:run",
    applies="texshape.techniques.steering.measure:reason",
    ahead="texshape.techniques.steering.measure:ahead",
    settings="texshape.techniques.steering.settings:SteeringSettings",
    sections=("evaluation",),
    tables=(STEERING, STEERING_SLOPES),
    images=("conflict",),
    optional_images=("agreeing",),
    network=True,
    gpu=True,
    memory=2500,
    minutes=120,
    figures=(
        Figure(
            name="steering",
            tables=("steering",),
            draw="texshape.techniques.steering.figure:by_dose",
            caption="Shape bias, cue-match rate and accuracy on pictures whose cues agree, while a stage is "
            "moved from texture towards shape (right) or back (left), beside directions of other classes and "
            "random ones of the same length. Lines are intervals over exemplars.",
            alt="Dose-response of bias, cue matches and accuracy, a row a network.",
        ),
    ),
    measures=(
        Measure(
            name="steering_slope",
            label="slope of the bias over steering",
            unit="fraction a spread",
            table="steering_slopes",
            value="bias_slope",
            where={"direction": "cues"},
            n="n_conflict",
            # A share that follows a dose as a logistic curve does is steepest where it is one half.
            tied={"shape_bias": "a slope of that bias, flat where it is near 0 or 1"},
        ),
    ),
    section=Section(
        title="Steering",
        question="Does moving a stage's activations from texture towards shape move the decisions, and at "
        "what cost?",
        method="What a picture's shape class adds to the activations, minus what its texture class adds, "
        "fitted on other exemplars, is a direction; a multiple of it is added everywhere in the stage. The "
        "dose is its length in spreads of the activations. Directions of two other classes, and random ones, "
        "are moved along by the same lengths. Bias, cue matches and accuracy on pictures whose cues agree "
        "are of the same pictures at every dose.",
        limits="A direction is chosen by the labels of the picture: steering says what decisions depend on, "
        "and makes no better network. A large dose leaves what the network knows, and decisions "
        "change with it; the controls and the accuracy show how far that goes.",
    ),
)
