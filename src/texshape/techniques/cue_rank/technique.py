"""Rank of each cue: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Technique
from texshape.techniques.cue_rank.tables import CUE_RANK

TECHNIQUE = Technique(
    name="cue_rank",
    title="rank of each cue",
    question="How well is each cue seen when it is shown alone?",
    paper="Kim et al. 2026, arXiv 2603.10834 (REFINED-BIAS)",
    run="texshape.techniques.cue_rank.measure:run",
    applies="texshape.techniques.cue_rank.measure:reason",
    settings="texshape.techniques.cue_rank.settings:CueRankSettings",
    tables=(CUE_RANK,),
    sections=("evaluation",),
    images=("silhouettes|edges",),
    optional_images=("textures",),
    network=True,
    gpu=True,
    memory=2500,
)
