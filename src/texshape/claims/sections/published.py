"""Humans and networks on the same pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.experiment import Experiment
from texshape.claims.rules import (
    BIAS_RULE,
    NOT_RUN,
    ORDER_RULE,
    UNDEFINED,
    bias_verdict,
    no_name,
    without_name,
)
from texshape.claims.wording import when


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return not experiment.trains or len(experiment.published) > 0


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e, humans = experiment, experiment.humans
    yield claim(
        "bias-humans",
        bias_verdict(humans),
        {
            "texture-biased": """By the rule of @bias they are texture-biased, which contradicts the original
            report @geirhos2019.""",
            "shape-biased": "By the rule of @bias they are shape-biased, as reported @geirhos2019.",
            "neither": """By the rule of @bias they are neither, which the original report @geirhos2019 does
            not lead one to expect.""",
            **without_name("The bias has no name", who="these trials"),
        },
        evidence="shape_bias.csv: humans: verdict",
        rule=BIAS_RULE,
        cells=cells_of(humans, "verdict"),
    )
    networks = [row for row in e.published if row["architecture"] != "humans"] + e.measured
    yield claim(
        "humans-against-networks",
        e.bias_order(humans, networks),
        {
            "higher": "That is more than every network has, on the same pictures.",
            "lower": "That is less than every network has, on the same pictures.",
            "not over seeds": """From every network they differ over exemplars, from at least one not over
            trainings.""",
            "not separated": "From at least one network that is not separated, or it lies among them.",
        },
        evidence="shape_bias_differences.csv: humans against every network: ci_low, ci_high, seed_low, "
        "seed_high (else shape_bias.csv)",
        rule=ORDER_RULE,
        cells=e.order_cells(humans, networks),
    )
    names = [bias_verdict([row]) for row in networks]
    n, texture, shape = len(names), names.count("texture-biased"), names.count("shape-biased")
    unnamed = sum(names.count(name) for name in no_name())
    if not names:
        verdict = NOT_RUN
    elif names.count(UNDEFINED) == n:
        verdict = UNDEFINED
    elif n in (texture, shape):
        verdict = "all texture" if texture else "all shape"
    else:
        verdict = "divided"
    why = f"; {unnamed} have no name, because their decisions or the pictures do not carry one"
    no_bias = f"; of {names.count(UNDEFINED)} the bias is undefined"
    yield claim(
        "networks-names",
        verdict,
        {
            "all texture": f"All {n} networks are texture-biased.",
            "all shape": f"All {n} networks are shape-biased.",
            "divided": f"""Of {n} networks, {texture} are texture-biased, {shape} shape-biased,
            {names.count("neither")} neither{when(unnamed, why)}{when(UNDEFINED in names, no_bias)}.""",
        },
        evidence="shape_bias.csv: every network, each row: verdict",
        rule=BIAS_RULE + "; counted over networks",
        cells=cells_of(networks, "verdict"),
    )
