"""Feature visualization: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, File, Technique
from texshape.techniques.sections import Typst

TECHNIQUE = Technique(
    name="feature_visualization",
    title="feature visualization",
    question="Which images excite single channels of each stage?",
    paper="Olah, Mordvintsev and Schubert 2017, Distill 10.23915/distill.00007",
    explanation="what-networks-see",
    heading="sees",
    run="texshape.techniques.feature_visualization.measure:run",
    applies="texshape.techniques.reasons:without_stages",
    ahead="texshape.techniques.feature_visualization.measure:ahead",
    settings="texshape.techniques.feature_visualization.settings:FeatureVisualizationSettings",
    tables=(),
    files=(
        File("feature_visualization.npz", "the images, and each channel's answer before and after"),
    ),
    sections=("evaluation",),
    images=("plain|conflict",),
    network=True,
    shown=True,
    batch="feature_visualization.channels",
    gpu=True,
    memory=3000,
    minutes=120,
    figures=(
        Figure(
            name="feature_visualization",
            caption="Images that excite single channels, stages from left to right.",
            chapter="4 How far it sees",
        ),
    ),
    section=Typst("texshape.techniques.feature_visualization:article.typ", part="first-look"),
)
