"""Linear read-out: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, File, Observations, Technique
from texshape.techniques.readout.measures import MEASURES
from texshape.techniques.readout.tables import READOUT
from texshape.techniques.sections import Typst

TECHNIQUE = Technique(
    name="readout",
    title="linear read-out",
    question="What of shape and of texture can be read from each stage, whatever the network decides?",
    paper="Hermann, Chen and Kornblith 2020, arXiv 1911.09071, section 5",
    explanation="read-out",
    heading="knows",
    run="texshape.techniques.readout.measure:run",
    applies="texshape.techniques.reasons:without_folds",
    settings="texshape.techniques.readout.settings:ReadoutSettings",
    tables=(READOUT,),
    files=(File("readings.csv", "the last stage's reading of each picture: 1 right, 0 wrong"),),
    images=("conflict",),
    features=True,
    measures=MEASURES,
    observations=(
        Observations("readout", "accuracy", "readout", {"n": "n_images", "detail": "input"}),
    ),
    reads_out=True,
    pixels={"inputs": ["pixels"]},
    figures=(
        Figure(
            name="readout",
            tables=("readout",),
            draw="texshape.techniques.readout.figure:by_stage",
            caption="Accuracy of linear classifiers of shape and of texture on the activations of "
            "each stage, beside chance, permuted labels (of the last stage), the untrained "
            "network and raw pixels. The table also has each network's gain over its own "
            "initialisation, and what four numbers of the mask tell of the shape.",
            chapter="3 What is known and used",
        ),
    ),
    section=Typst("texshape.techniques.readout:article.typ", part="knowledge"),
)
