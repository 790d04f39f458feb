"""Segmentation read-out: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, File, Technique
from texshape.techniques.sections import Typst
from texshape.techniques.segmentation.measures import MEASURES
from texshape.techniques.segmentation.tables import SEGMENTATION

TECHNIQUE = Technique(
    name="segmentation",
    title="segmentation read-out",
    question="Which masks, of the object, its shape or its texture, can be read from the maps of each stage?",
    paper="Islam, Kowal and others 2021, arXiv 2101.11604, section 4",
    explanation="segmentation",
    heading="knows",
    run="texshape.techniques.segmentation.technique_run:run",
    settings="texshape.techniques.segmentation.settings:SegmentationSettings",
    sparing="texshape.techniques.segmentation.settings:sparing",
    tables=(SEGMENTATION,),
    files=(
        File("segmentation.npz", "a few test images, their masks, and what each stage predicts"),
    ),
    images=("masked|voc",),
    network=True,
    untrained=True,
    ends=True,
    batch="segmentation.batch_size",
    gpu=True,
    measures=MEASURES,
    figures=(
        Figure(
            name="segmentation",
            tables=("segmentation",),
            draw="texshape.techniques.segmentation.figure:by_stage",
            caption="Mean intersection over union of masks read by one convolution from each frozen "
            "stage, beside the untrained network, the mean mask and networks trained end to end.",
            chapter="3 What is known and used",
        ),
        Figure(
            name="segmentation_pictures",
            caption="Test images, their true masks, and what the head reads from each stage.",
            chapter="3 What is known and used",
            pictures=True,
        ),
    ),
    memory=2500,
    minutes=240,
    section=Typst("texshape.techniques.segmentation:article.typ", part="knowledge"),
)
