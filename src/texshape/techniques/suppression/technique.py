"""Suppression of cues: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Technique
from texshape.techniques.suppression.tables import SUPPRESSION

TECHNIQUE = Technique(
    name="suppression",
    title="suppression of cues",
    question="What does a network lose when shape, texture or colour is taken from a picture?",
    paper="Burgert et al., NeurIPS 2025, arXiv 2509.20234",
    run="texshape.techniques.suppression.measure:run",
    applies="texshape.techniques.suppression.measure:reason",
    settings="texshape.techniques.suppression.settings:SuppressionSettings",
    tables=(SUPPRESSION,),
    sections=("evaluation",),
    images=("plain|agreeing|conflict",),
    optional_images=("silhouettes", "textures"),
    network=True,
    gpu=True,
    memory=2500,
    minutes=180,
)
