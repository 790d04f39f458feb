"""Erasure: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, Observations, Technique
from texshape.techniques.erasure.measures import MEASURES
from texshape.techniques.erasure.tables import ERASURE
from texshape.techniques.sections import Typst

TECHNIQUE = Technique(
    name="erasure",
    title="erasure",
    question="What does a network decide once what codes a cue is gone: what is used of what is known?",
    paper="Ravfogel and others 2020, arXiv 2004.07667; Belrose and others 2023, arXiv 2306.03819",
    explanation="erasure",
    heading="uses",
    run="texshape.techniques.erasure.measure:run",
    applies="texshape.techniques.erasure.measure:reason",
    ahead="texshape.techniques.erasure.measure:ahead",
    settings="texshape.techniques.erasure.settings:ErasureSettings",
    tables=(ERASURE,),
    sections=("evaluation",),
    images=("conflict",),
    optional_images=("agreeing",),
    network=True,
    batch="erasure.batch_size",
    gpu=True,
    memory=2500,
    minutes=120,
    measures=MEASURES,
    observations=(
        Observations("erasure", "shape_bias", "erasure", {"n": "n_images", "detail": "erased"}),
    ),
    figures=(
        Figure(
            name="erasure",
            tables=("erasure",),
            draw="texshape.techniques.erasure.figure:by_condition",
            caption="The network's own decisions on conflict images as it is, after erasing the "
            "subspace from which a cue can be read, after erasing meaningless groupings of "
            "the same exemplars, and after erasing random subspaces of the same dimension. "
            "The table has the share that is taken, beyond the groupings too, and what a new "
            "reader finds afterwards on exemplars that nothing was fitted on.",
            chapter="3 What is known and used",
        ),
    ),
    section=Typst("texshape.techniques.erasure:article.typ", part="meaning"),
)
