"""Whether a bias moves with the stage's activations, beyond random directions, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Rows, at_last_stage, select
from texshape.claims.experiment import Experiment
from texshape.claims.networks import known, networks, over_networks, reasons, trained_arms
from texshape.claims.rules import NOT_RUN, UNDEFINED
from texshape.claims.wording import num

COSTS, FREE, AGAINST, STAYS = "at a cost", "no cost shown", "against", "not moved"
COLUMNS = ("beyond_random_low", "beyond_random_high", "accuracy_slope_high")
RULE = (
    "moved: in every seed the interval of what the slope of the bias exceeds that of random directions by "
    "lies above zero; at a cost: moved, and in every seed the interval of the slope of the accuracy over doses "
    "without their sign lies below zero; no cost shown: moved otherwise; against: the first interval lies "
    "below zero in every seed; not moved otherwise"
)


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("steering_slopes")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    rows = _last(e.rows("steering_slopes"))
    for arm in trained_arms(e, rows):
        yield _of_arm(e, arm, at_last_stage(e.of("steering_slopes", arm)))
    cues = select(rows, direction="cues")
    yield over_networks(
        e,
        "steering-networks",
        cues,
        state,
        {
            COSTS: "a move towards shape beyond that of random directions, at a cost of accuracy",
            FREE: "a move towards shape beyond that of random directions, at no cost that is shown",
            AGAINST: "a move less towards shape than along random directions",
            STAYS: "no difference shown from random directions",
        },
        evidence=_evidence("every network"),
        rule=RULE,
        cells=cells_of(cues, *COLUMNS),
    )


def _last(rows: Rows) -> Rows:
    """Each network's last stage."""
    return [row for own in networks(rows).values() for row in at_last_stage(own)]


def state(rows: Rows) -> str:
    """What steering does to a network; `rows` are those of all of its seeds along the cues' direction."""
    if not rows:
        return NOT_RUN
    if not known(rows, *COLUMNS[:2]):
        return UNDEFINED
    if all(float(row["beyond_random_high"]) < 0 for row in rows):
        return AGAINST
    if not all(float(row["beyond_random_low"]) > 0 for row in rows):
        return STAYS
    if not known(rows, "accuracy_slope_high"):
        return FREE
    return COSTS if all(float(row["accuracy_slope_high"]) < 0 for row in rows) else FREE


def _evidence(who: str) -> str:
    return (
        f"steering_slopes.csv: {who}, last stage that was steered, direction cues, all seeds: "
        "beyond_random_low, beyond_random_high, accuracy_slope_high"
    )


def _of_arm(e: Experiment, arm: str, rows: Rows) -> Claim:
    cues, random = (select(rows, direction=name) for name in ("cues", "random"))
    moved = e.describe(cues, "bias_slope", "n_conflict", show=num)
    null = e.describe(random, "bias_slope", show=num)
    cost = e.describe(
        cues, "accuracy_slope", show=num, low="accuracy_slope_low", high="accuracy_slope_high"
    )
    start = f"""A dose of one spread from texture towards shape moves the shape bias of the {e.main_name}
        trained on {arm} images by {moved}, along random directions by {null}."""
    why = reasons(cues)
    return claim(
        f"steering-{arm}",
        state(cues),
        {
            COSTS: f"""{start} The decisions depend on that direction. It costs: accuracy on pictures whose cues
            agree changes by {cost} a spread.""",
            FREE: f"""{start} The decisions depend on that direction. A cost is not shown in every seed:
            accuracy on pictures whose cues agree changes by {cost} a spread.""",
            AGAINST: f"{start} In every seed that is less towards shape than along random directions.",
            STAYS: f"{start} That the decisions depend on that direction is not shown.",
        },
        evidence=_evidence(f"{e.main} trained on {arm}") + (f" ({why})" if why else ""),
        rule=RULE,
        cells=cells_of(cues, *COLUMNS),
    )
