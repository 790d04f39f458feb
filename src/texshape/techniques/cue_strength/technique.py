"""Cue strength: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, Observations, Technique
from texshape.techniques.cue_strength.measures import MEASURES
from texshape.techniques.cue_strength.tables import CUE_STRENGTH
from texshape.techniques.sections import Typst

TECHNIQUE = Technique(
    name="cue_strength",
    title="cue strength",
    question="How strong may the texture be until it wins over the shape?",
    paper="texshape's own, after the method of constant stimuli",
    explanation="cue-strength",
    heading="decides",
    run="texshape.techniques.cue_strength.measure:run",
    applies="texshape.techniques.cue_strength.measure:reason",
    tables=(CUE_STRENGTH,),
    ahead="texshape.techniques.cue_strength.measure:ahead",
    settings="texshape.techniques.cue_strength.settings:CueStrengthSettings",
    place="probes",
    sections=("evaluation",),
    images=("conflict",),
    optional_images=("silhouettes", "faded"),
    planned_with=("masked|silhouettes",),
    network=True,
    gpu=True,
    memory=2500,
    minutes=120,
    measures=MEASURES,
    observations=(
        Observations(
            "cue_strength", "shape_share", "cue_strength", {"detail": "strength", "n": "n_conflict"}
        ),
    ),
    figures=(
        Figure(
            name="cue_strength",
            tables=("cue_strength",),
            draw="texshape.techniques.cue_strength.figure:curves",
            caption="Share of shape decisions as the texture of the conflict images is faded in, with "
            "the balance points of a logistic curve; the table has the crossing of one half "
            "without such a curve too. The lower panels show the share of decisions that "
            "match either cue. A network's shape bias is the right end of its line.",
            chapter="2 What decides",
        ),
    ),
    section=Typst("texshape.techniques.cue_strength:article.typ", part="meaning"),
)
