"""Humans and networks on the same pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Rows, mean, select, values
from texshape.claims.experiment import Experiment
from texshape.claims.rules import (
    BIAS_RULE,
    NOT_RUN,
    ORDER_RULE,
    UNDEFINED,
    bias_verdict,
    compare,
    no_name,
    without_name,
)
from texshape.claims.wording import escape, listed, num, pct, plural, span, when
from texshape.comparison import replication
from texshape.data.published_answers import SHOWN
from texshape.trials import naming
from texshape.trials.deciding import ASKED, CLASSES, ZERO_SHOT
from texshape.trials.names import HUMANS


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
            "texture-biased": """They are texture-biased by the rule of @bias, which contradicts the original
            report @geirhos2019.""",
            "shape-biased": "They are shape-biased by the rule of @bias, as reported @geirhos2019.",
            "neither": """They are neither by the rule of @bias, which the original report @geirhos2019 does
            not lead one to expect.""",
            **without_name("The bias has no name", who="these trials"),
        },
        evidence="shape_bias.csv: humans: verdict",
        rule=BIAS_RULE,
        cells=cells_of(humans, "verdict"),
    )
    read_out = {row["model"] for row in e.rows("decision_readout")}
    networks = [
        row
        for row in [*e.published, *e.measured]
        if row["architecture"] != HUMANS and row["model"] not in read_out
    ]
    yield claim(
        "humans-against-networks",
        e.bias_order(humans, networks),
        {
            "higher": "That is more than every network has, on the same pictures.",
            "lower": "That is less than every network has, on the same pictures.",
            "not over seeds": """They differ from every network over exemplars, but not from every one over
            trainings.""",
            "not separated": """At least one network is not shown to differ from them, or some networks lie
            above them and others below.""",
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
    if read_out:
        yield _read_out(e.rows("decision_readout"))
    if e.has("published_answers"):
        yield from _answers(e.rows("published_answers"))
    if e.has("replication"):
        yield _replication(e.rows("replication"))


REPLICATION_RULE = (
    "replicated: our value rounds to the published one; within the interval: it does not, and our interval "
    "holds what was published; not replicated: neither; not comparable: of another definition or of other "
    "weights, whatever the numbers; not measured: there is no value here. All: every value that is compared is "
    "replicated or within the interval; none: not one is; some otherwise"
)


def _replication(rows: Rows) -> Claim:
    """How many published values come out here, of those that can be compared."""
    by = {name: select(rows, verdict=name) for name in replication.VERDICTS}
    compared = [row for name in replication.VERDICTS[:3] for row in by[name]]
    failed = by[replication.NOT_REPLICATED]
    verdict = NOT_RUN
    if compared:
        verdict = "some" if failed else "all"
        verdict = "none" if len(failed) == len(compared) else verdict
    if len(values(compared, "value")) < len(compared):
        verdict = UNDEFINED
    rounds, within = len(by[replication.REPLICATED]), len(by[replication.WITHIN])
    aside = f"""The others: {len(by[replication.NOT_COMPARABLE])} not comparable,
    {len(by[replication.NOT_MEASURED])} not measured here."""
    well = (
        f"replicated to the last digit that was published: {rounds}; within our interval: {within}"
    )
    which = listed([escape(f"{row['quantity']} of {row['subject']}") for row in failed])
    start = f"Of {len(rows)} published values {len(compared)} can be compared"
    return claim(
        "replication",
        verdict,
        {
            "all": f"{start}; {well}. {aside}",
            "some": f"{start}; {well}; not replicated: {len(failed)} ({which}). {aside}",
            "none": f"{start}, and none is replicated, not even within our interval. {aside}",
        },
        evidence="replication.csv: every row: verdict",
        rule=REPLICATION_RULE,
        cells=cells_of(rows, "published", "value", "ci_low", "ci_high", "verdict"),
    )


def _read_out(rows: Rows) -> Claim:
    """What decisions by a read-out rest on."""
    guessing = select(rows, at_guessing="True")
    right, chances = values(rows, "accuracy"), sorted({*values(rows, "chance")})
    told = f"""Counted apart: {plural(len(rows), "network decides", "networks decide")} by a linear read-out of
    photographs, as the name says. Such a read-out correctly names {span(min(right), max(right))} of the
    photographs that it was not fitted on; always naming the most common class would give
    {listed(map(pct, chances))}."""
    lost = plural(len(guessing), "read-out is", "read-outs are")
    return claim(
        "decisions-read-out",
        "at guessing" if guessing else "above guessing",
        {
            "above guessing": told,
            "at guessing": f"{told} Since {lost} at guessing, those decisions mean nothing.",
        },
        evidence="decision_readout.csv: each network: accuracy, ci_low, chance, at_guessing",
        rule="above guessing: every interval lies above the share of the commonest class",
        cells=cells_of(rows, "accuracy", "ci_low", "chance", "at_guessing"),
    )


_KINDS = {
    ASKED: ("model that was asked", "models that were asked"),
    ZERO_SHOT: ("CLIP-like model", "CLIP-like models"),
    CLASSES: ("classifier", "classifiers"),
}


def _answers(rows: Rows) -> Iterator[Claim]:
    """What is said of subjects whose answers others published; of several prompts one counts."""
    had = [row for row in rows if row["wording"] in SHOWN and not row["reason"]]
    humans = select(had, subject=HUMANS)
    others = [row for row in had if row["subject"] != HUMANS]
    by_kind = {kind: select(others, decides_by=kind) for kind in _KINDS}
    named = "; ".join(_names(kind, own) for kind, own in by_kind.items() if own)
    named = f"By the rule of @bias they are named thus: {named}."
    yield claim(
        "answers-kinds",
        compare(by_kind[ASKED], by_kind[CLASSES]),
        {
            "higher": f"Every model that was asked has a higher shape bias than every classifier. {named}",
            "lower": f"Every model that was asked has a lower shape bias than every classifier. {named}",
            "not separated": f"""That every model that was asked has a higher shape bias than every classifier,
            or a lower one, is not shown. {named}""",
        },
        evidence="published_answers.csv: each subject by one wording: verdict, ci_low, ci_high",
        rule="higher: every interval of a model that was asked lies above every one of a classifier; "
        f"lower: below; in each kind counted: {BIAS_RULE}",
        cells=cells_of(others, "verdict", "ci_low", "ci_high"),
    )
    yield claim(
        "answers-humans",
        compare(humans, others),
        {
            "higher": "Humans’ shape bias is higher than that of any of them.",
            "lower": "Humans’ shape bias is lower than that of any of them.",
            "not separated": """That humans’ shape bias lies above that of every one of them, or below it, is
            not shown.""",
        },
        evidence="published_answers.csv: humans against every subject by one wording: ci_low, ci_high",
        rule="higher: the humans' interval lies above every other; lower: below",
        cells=cells_of([*humans, *others], "ci_low", "ci_high"),
    )
    limits = {"low": "error_consistency_low", "high": "error_consistency_high"}
    found = values(others, "error_consistency")
    numbers = f"""(error consistency {num(mean(humans, "error_consistency"))} against
    {span(min(found, default=None), max(found, default=None), num)})"""
    yield claim(
        "answers-consistency",
        compare(humans, others, **limits),
        {
            "higher": f"Humans err like other humans more than any of these does {numbers}.",
            "lower": f"Every one of these errs like humans more than other humans do {numbers}.",
            "not separated": f"""The consistency of humans with each other is not separated from that of
            every one of these {numbers}.""",
        },
        evidence="published_answers.csv: humans against every subject by one wording: error_consistency_low, "
        "error_consistency_high",
        rule="higher: the humans' interval lies above every other; lower: below",
        cells=cells_of([*humans, *others], "error_consistency", *limits.values()),
    )


def _names(kind: str, rows: Rows) -> str:
    """How many of a kind have which name."""
    names = [row["verdict"] for row in rows]
    words = {
        naming.SHAPE: "shape-biased",
        naming.TEXTURE: "texture-biased",
        naming.NEITHER: "neither",
    }
    parts = [f"{names.count(name)} {word}" for name, word in words.items() if name in names]
    nameless = sum(name not in words for name in names)
    parts += [f"{nameless} without a name"] * (nameless > 0)
    return f"{plural(len(rows), *_KINDS[kind])}, {listed(parts)}"
