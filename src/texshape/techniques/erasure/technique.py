"""Erasure: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Technique
from texshape.techniques.erasure.measures import MEASURES
from texshape.techniques.erasure.tables import ERASURE

TECHNIQUE = Technique(
    name="erasure",
    title="erasure",
    question="What does a network decide once what codes a cue is gone: what is used of what is known?",
    paper="Ravfogel and others 2020, arXiv 2004.07667; Belrose and others 2023, arXiv 2306.03819",
    run="texshape.techniques.erasure.measure:run",
    applies="texshape.techniques.erasure.measure:reason",
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
)
