"""Rank of each cue: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, Measure, Section, Technique
from texshape.techniques.cue_rank.tables import CUE_RANK

#: rows that networks are compared by
COMPARED = {"set": "one-cue", "class": "all"}

TECHNIQUE = Technique(
    name="cue_rank",
    title="rank of each cue",
    question="How well is each cue seen when it is shown alone?",
    paper="Kim and others 2026, arXiv 2603.10834 (REFINED-BIAS)",
    explanation="rank-of-each-cue",
    heading="knows",
    run="texshape.techniques.cue_rank.measure:run",
    applies="texshape.techniques.cue_rank.measure:reason",
    ahead="texshape.techniques.cue_rank.measure:ahead",
    settings="texshape.techniques.cue_rank.settings:CueRankSettings",
    tables=(CUE_RANK,),
    sections=("evaluation",),
    images=("silhouettes|edges",),
    optional_images=("textures",),
    downloads={"refined_bias": ("refined-bias-shape", "refined-bias-texture")},
    network=True,
    gpu=True,
    memory=2500,
    figures=(
        Figure(
            name="cue_rank",
            tables=("cue_rank",),
            draw="texshape.techniques.cue_rank.figure:by_network",
            caption="How well shape and texture are seen, each shown alone: mean of 1 / rank of the true "
            "class, share of first ranks and median rank, with what outputs in random order would give. "
            "Lines are intervals over exemplars.",
            alt="Rank scores of shape and of texture with their intervals, a row a network.",
            chapter="3 What is known and used",
        ),
    ),
    measures=tuple(
        Measure(
            name=f"cue_rank_{cue}",
            label=f"rank score, {cue} alone",
            unit="mean of 1 / rank",
            table="cue_rank",
            value="score",
            where={**COMPARED, "cue": cue},
            n="n_images",
            cue=cue,
        )
        for cue in ("shape", "texture")
    ),
    section=Section(
        title="Rank of each cue",
        question="How well is each cue seen when it is shown alone?",
        method="Pictures show one cue and not the other, so that nothing is in conflict: outlines without "
        "a texture, and textures without an outline. A cue's score is the mean over pictures of 1 / rank "
        "of the true class among all outputs, 1 where it always comes first. Outputs in random order do "
        "not score 0, so that chance stands beside each score.",
        limits="A score says how well a cue is seen alone, and not which one a decision follows where both "
        "are there. Pictures of one cue are new to most networks, and what is lost to their being new is "
        "not told from what is lost to the cue.",
    ),
)
