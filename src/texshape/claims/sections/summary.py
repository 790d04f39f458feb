"""In brief: what this run found, each line a claim that a section makes in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.experiment import Experiment
from texshape.claims.rules import BIAS_RULE, NOT_RUN, UNDEFINED, bias_verdict
from texshape.claims.wording import plural

#: Name of a bias, to follow *is*.
NAMED = {
    "texture-biased": "texture-biased",
    "shape-biased": "shape-biased",
    "neither": "neither texture-biased nor shape-biased",
    "not recognised": "not described by a bias, since it does not recognise pictures of this kind",
    "follows no cue": "not described by a bias, since its decisions follow neither cue more often than "
    "guessing does",
    "few answers": "not described by a bias, since its decisions collapse onto a few classes",
    "undefined": "without a defined bias",
    "not run": "not run",
}
_NO_USE = "That it uses what can be read of shape is not shown (@erasure)."
#: Claims that are repeated here, by where networks come from, and what is said of their verdicts.
_TRAINED = {
    "known-not-used": {
        "known, not used": """The texture-biased network nevertheless holds what tells the shapes apart: a
        linear reader finds it (@readout).""",
        "neither known nor used": """What can be read from the texture-biased network does not contradict its
        decisions (@readout).""",
    },
    "erasure-shape-plain": {
        "used": """Erasing what can be read of shape takes a larger share of its shape decisions than erasing
        meaningless groupings does (@erasure).""",
        "no more than groups": _NO_USE,
        "not shown": _NO_USE,
        "no decisions": _NO_USE,
    },
    "corruptions-stylized": {
        "above": """Summed over types of corruption that trouble the plain-trained network, stylized
        training errs less in every seed, whatever it does under single types (@corruptions-section).""",
        "below": """Summed over types of corruption that trouble the plain-trained network, stylized
        training errs more in every seed, whatever it does under single types (@corruptions-section).""",
    },
    "pair-readout_shape": {
        "confirmed": """And two networks with equivalent biases turn out to differ in what they hold about
        shape (@pair).""",
    },
}
_GIVEN = {
    "known-not-used": {
        "known, not used": """A linear reader finds the shape in the last stage of at least one network that
        decides by texture (@readout).""",
    },
    "humans-ceiling": {
        "higher": """Picture by picture, humans’ errors match those of other humans more than any network’s
        do (@humans).""",
        "not separated": """Picture by picture, not every network is shown to err less like humans than other
        humans do (@humans).""",
    },
}


def applies(experiment: Experiment) -> bool:
    """Every article has this section."""
    return True


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    if e.trains:
        yield _named(
            e, "plain", "Trained on plain images the {network} is {name}: its shape bias is {bias}."
        )
        yield _named(
            e, "stylized", "Trained on stylized images it is {name}, with a bias of {bias}."
        )
    else:
        yield _humans(e)
        if e.measured:
            yield _measured(e)
    for id, sentences in (_TRAINED if e.trains else _GIVEN).items():
        if id in made:
            yield _repeated(made[id], sentences)


def _named(e: Experiment, arm: str, sentence: str) -> Claim:
    rows = e.bias_of(arm)
    bias = e.describe(rows, "shape_bias")
    return claim(
        f"brief-{arm}",
        bias_verdict(rows),
        {k: sentence.format(network=e.main_name, name=v, bias=bias) for k, v in NAMED.items()},
        evidence=f"shape_bias.csv: arm {arm}, all seeds: verdict",
        rule=BIAS_RULE,
        cells=cells_of(rows, "verdict", "shape_bias", "ci_low", "ci_high"),
    )


def _humans(e: Experiment) -> Claim:
    bias = e.describe(e.humans, "shape_bias")
    return claim(
        "brief-humans",
        bias_verdict(e.humans),
        {k: f"Humans are {name}, with a shape bias of {bias}." for k, name in NAMED.items()},
        evidence="shape_bias.csv: humans: verdict",
        rule=BIAS_RULE,
        cells=cells_of(e.humans, "verdict", "shape_bias", "ci_low", "ci_high"),
    )


def _measured(e: Experiment) -> Claim:
    names = [bias_verdict([row]) for row in e.measured]
    texture, shape = (names.count(name) for name in ("texture-biased", "shape-biased"))
    counted = f"""Of the {plural(len(names), "network", "networks")} measured here, {texture}
    {"is" if texture == 1 else "are"} texture-biased and {shape} shape-biased."""
    verdict = UNDEFINED if set(names) == {UNDEFINED} else "some" if texture + shape else "none"
    return claim(
        "brief-measured",
        verdict,
        {"some": counted, "none": counted, UNDEFINED: counted},
        evidence="shape_bias.csv: networks measured here, each row: verdict",
        rule="some: a network is texture-biased or shape-biased. " + BIAS_RULE,
        cells=cells_of(e.measured, "verdict"),
    )


def _repeated(full: Claim, sentences: Mapping[str, str]) -> Claim:
    """A claim of another section in one line; nothing where its verdict is none of these."""
    said = {
        verdict: sentences.get(verdict, "") for verdict in (*full.alternatives, NOT_RUN, UNDEFINED)
    }
    return claim(
        f"brief-{full.id}",
        full.verdict,
        said,
        evidence=full.evidence,
        rule=f"as for {full.id}",
        cells=full.cells,
    )
