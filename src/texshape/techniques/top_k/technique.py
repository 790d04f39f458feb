"""Top-k: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, Measure, Section, Technique
from texshape.techniques.top_k.tables import TOP_K

TECHNIQUE = Technique(
    name="top_k",
    title="largest activations",
    question="What does a network decide by the largest activations of a stage alone?",
    paper="Li and others, NeurIPS 2023, arXiv 2310.18894",
    explanation="top-k",
    heading="uses",
    run="texshape.techniques.top_k.measure:run",
    applies="texshape.techniques.top_k.measure:reason",
    ahead="texshape.techniques.top_k.measure:ahead",
    settings="texshape.techniques.top_k.settings:TopKSettings",
    sections=("evaluation",),
    tables=(TOP_K,),
    images=("conflict",),
    optional_images=("agreeing",),
    network=True,
    gpu=True,
    memory=2500,
    minutes=120,
    figures=(
        Figure(
            name="top_k",
            tables=("top_k",),
            draw="texshape.techniques.top_k.figure:by_share",
            caption="Shape bias, cue-match rate and accuracy on pictures whose cues agree, when a share of the "
            "activations of a stage is left: the largest of each channel or at each position, or as "
            "many at random. Vertical lines are intervals over exemplars.",
            alt="Bias, cue matches and accuracy by the share of activations left, a row a network.",
        ),
    ),
    measures=(
        Measure(
            name="top_k_bias_change",
            label="bias moved by top-k",
            unit="difference of fractions",
            table="top_k",
            value="bias_change",
            where={"across": "channel", "kept": "largest", "strongest": "True"},
            interval=("bias_change_low", "bias_change_high"),
            n="n_conflict",
            # What is left of few activations tends to a bias of one half, whatever it was before.
            tied={"shape_bias": "a change from that bias, the smaller the higher it was"},
        ),
    ),
    section=Section(
        title="The largest activations",
        question="What does a network decide by the largest activations of a stage alone?",
        method="Of each channel of a stage the activations at the positions where they are largest are left "
        "and the others set to zero, or at each position those of the channels that are largest there. The "
        "control leaves as many at random. Bias, cue matches and accuracy on pictures whose cues agree "
        "are of the same pictures, thinned or not.",
        limits="A random mask takes more of the activations' sum than the same number of the largest "
        "leaves out, so that it is a harder change of the same share. The network was not trained to be "
        "thinned. A bias that moves while cue matches fall is one of few decisions.",
    ),
)
