"""Whether networks err on the pictures that humans err on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, Rows, mean, number, select
from texshape.claims.experiment import Experiment
from texshape.claims.rules import UNDEFINED, compare, ordered_alike
from texshape.claims.wording import count, pct
from texshape.trials.names import HUMANS

SECTION = "humans"

_LIMITS = {"low": "error_consistency_low", "high": "error_consistency_high"}


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("benchmark")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    rows = experiment.rows("benchmark")
    # The data sets that networks measured here have seen; else the first.
    own = [row for row in rows if row["arm"] != "published"]
    group = (own or rows)[0]["datasets"] if rows else ""
    seen = select(rows, datasets=group)
    ceiling = select(seen, architecture=HUMANS)
    networks = [row for row in seen if row["architecture"] != HUMANS]
    yield claim(
        "humans-ceiling",
        compare(ceiling, networks, **_LIMITS),
        {
            "higher": "Humans’ errors match those of other humans more than any network’s do.",
            "lower": "Every network is more consistent with humans than humans are with each other.",
            "not separated": """The interval of the humans overlaps with that of at least one network, or lies
            among them.""",
        },
        evidence=f"benchmark.csv: datasets {group}: humans against every network: error_consistency_low, "
        "error_consistency_high",
        rule="higher: the humans' interval lies above every network's; lower: below",
        cells=cells_of([*ceiling, *networks], *_LIMITS.values()),
    )
    if own:
        yield _measured_here(select(own, datasets=group), select(networks, arm="published"), group)
    yield from _by_bias(experiment, networks)


def _measured_here(own: Rows, others: Rows, group: str) -> Claim:
    return claim(
        "humans-own",
        compare(own, others, **_LIMITS),
        {
            "higher": "That is more than any published network.",
            "lower": "That is less than any published network.",
            "not separated": "That they all lie above every published network, or all below, is not shown.",
        },
        evidence=f"benchmark.csv: datasets {group}: networks measured here against published networks: "
        "error_consistency_low, error_consistency_high",
        rule="higher: every interval of the first lies above every one of the second; lower: below",
        cells=cells_of([*own, *others], *_LIMITS.values()),
    )


def _by_bias(e: Experiment, networks: Rows) -> Iterator[Claim]:
    """Whether a network with more shape bias is more consistent with humans."""
    both: list[tuple[Row, list[Row], float, float]] = []
    for row in networks:
        whose = {key: row[key] for key in ("architecture", "arm", "seed")}
        match = select(e.bias, **whose)
        bias, kappa = mean(match, "shape_bias"), number(row["error_consistency"])
        if bias is not None and kappa is not None:
            both.append((row, match, bias, kappa))
    if len(both) < 3:
        return
    share = ordered_alike((bias, kappa) for *_, bias, kappa in both)
    text = f"""Of all pairs of the {count(len(both))} networks that have both numbers, the one with the larger
    bias is the more consistent one in {pct(share, 0)}"""
    if e.has("comparison"):
        text += "; @comparison gives what can be said of that as a correlation"
    verdict = UNDEFINED if share is None else "with" if share > 0.5 else "against"
    yield claim(
        "humans-by-bias",
        verdict,
        {"with": f"{text}.", "against": f"{text}.", UNDEFINED: f"{text}."},
        evidence="benchmark.csv: error_consistency, and shape_bias.csv: shape_bias, of every network with both",
        rule="with: the share of pairs ordered alike exceeds one half; a description, not a test",
        cells=[
            *cells_of([row for row, *_ in both], "error_consistency"),
            *cells_of([row for _, match, *_ in both for row in match], "shape_bias"),
        ],
    )
