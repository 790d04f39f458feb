"""Choices behind a shape bias: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, Technique
from texshape.techniques.sections import Typst
from texshape.techniques.sensitivity.tables import SENSITIVITY

TECHNIQUE = Technique(
    name="sensitivity",
    title="choices behind the bias",
    question="How far does a shape bias depend on how pictures are shown and outputs are read?",
    paper="Geirhos and others 2021, arXiv 2106.07411, appendix",
    explanation="shape-bias",
    heading="decides",
    run="texshape.techniques.sensitivity.measure:run",
    applies="texshape.techniques.sensitivity.measure:without_grid",
    ahead="texshape.techniques.sensitivity.measure:ahead",
    settings="texshape.techniques.sensitivity.settings:SensitivitySettings",
    tables=(SENSITIVITY,),
    sections=("evaluation", "bootstrap"),
    images=("conflict",),
    network=True,
    as_given=True,
    gpu=True,
    memory=2000,
    minutes=120,
    figures=(
        Figure(
            name="sensitivity",
            tables=("sensitivity",),
            draw="texshape.techniques.sensitivity.figure:grid",
            caption="Shape bias of the same network under other ways to combine class outputs and to "
            "prepare the image. The spread within a panel does not belong to the network.",
            chapter="2 What decides",
            needs="named",
        ),
    ),
    section=Typst("texshape.techniques.sensitivity:article.typ", part="procedure"),
)
