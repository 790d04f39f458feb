"""How much of a bias belongs to the way pictures are shown and outputs read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import each, select, values
from texshape.claims.experiment import Experiment
from texshape.claims.rules import BIAS_RULE, NOT_RUN, UNDEFINED, bias_verdict
from texshape.claims.wording import escape, listed, num


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section, a part of the one on published stimuli."""
    e = experiment
    return e.has("sensitivity") and bool(not e.trains or e.published)


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claim of the section."""
    rows = experiment.rows("sensitivity")
    spreads, unstable = [], []
    models = each(rows, "model")
    for model in models:
        own = select(rows, model=model)
        biases = values(own, "shape_bias")
        if biases:
            spreads.append(max(biases) - min(biases))
        if {"texture-biased", "shape-biased"} <= {bias_verdict([row]) for row in own}:
            unstable.append(escape(model))
    if not models:
        verdict = NOT_RUN
    elif len(spreads) < len(models):
        verdict = UNDEFINED
    else:
        verdict = "turns" if unstable else "keeps"
    moved = num(100 * max(spreads) if spreads else None, 1)
    moves = f"The bias of a network moves by up to {moved} percentage points over these choices"
    yield claim(
        "sensitivity",
        verdict,
        {
            "keeps": f"{moves}, yet none turns from texture-biased to shape-biased or back.",
            "turns": f"{moves}, and {listed(unstable)} turns from one name to the other.",
        },
        evidence="sensitivity.csv: every row of a network: shape_bias, verdict",
        rule="turns: a network has a row that is named texture-biased and another that is named shape-biased. "
        + BIAS_RULE,
        cells=cells_of(rows, "shape_bias", "verdict"),
    )
