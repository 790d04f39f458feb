"""Whether a bias moves with the stage's activations, beyond random directions, and which way at a cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, Rows, at_last_stage, number, select, values
from texshape.claims.experiment import Experiment
from texshape.claims.networks import known, networks, over_networks, reasons, trained_arms
from texshape.claims.rules import NOT_RUN, UNDEFINED
from texshape.claims.wording import num, when

BOTH, SHAPE, TEXTURE, FREE, AGAINST, STAYS = (
    "at a cost either way", "at a cost towards shape", "at a cost towards texture", "no cost shown",
    "against", "not moved",
)  # fmt: skip
_MOVED = "a slope beyond that along random directions"
COLUMNS = ("beyond_random_low", "beyond_random_high")
CHANGES = ("bias_change", "accuracy_change", "accuracy_change_high")
RULE = (
    "moved: in every seed the interval of what the slope of the bias exceeds that of random directions by "
    "lies above zero; at a cost towards shape (towards texture, either way): moved, and in every seed the "
    "interval of what the largest dose that way (of both ways) changes the accuracy by lies below zero; no "
    "cost shown: moved otherwise; against: the first interval lies below zero in every seed; not moved "
    "otherwise"
)


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("steering_slopes")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    slopes, doses = (_last(e.rows(table)) for table in ("steering_slopes", "steering"))
    for arm in trained_arms(e, slopes):
        yield _of_arm(
            e,
            arm,
            at_last_stage(e.of("steering_slopes", arm)),
            ends(select(doses, architecture=e.main, arm=arm)),
        )
    cues = select(slopes, direction="cues")
    extremes = [row for own in networks(doses).values() for row in ends(own)]
    yield over_networks(
        e,
        "steering-networks",
        [*cues, *extremes],
        state,
        {
            BOTH: f"{_MOVED}, with accuracy lost either way",
            SHAPE: f"{_MOVED}, with accuracy lost towards shape",
            TEXTURE: f"{_MOVED}, with accuracy lost towards texture",
            FREE: f"{_MOVED}, with no loss of accuracy shown",
            AGAINST: "a slope towards shape less than along random directions",
            STAYS: "no difference shown from random directions",
        },
        evidence=_evidence("every network"),
        rule=RULE,
        cells=[*cells_of(cues, *COLUMNS), *cells_of(extremes, *CHANGES)],
    )


def _last(rows: Rows) -> list[Row]:
    """Each network's last stage."""
    return [row for own in networks(rows).values() for row in at_last_stage(own)]


def ends(rows: Rows) -> list[Row]:
    """Rows of the largest dose along the cues' direction to either side, in every seed."""
    cues = select(rows, direction="cues")
    doses = values(cues, "dose")
    # All doses may be of one sign; then there is no other side.
    wanted = {min([0, *doses]), max([0, *doses])} - {0}
    return [row for row in cues if number(row["dose"]) in wanted]


def _sides(rows: Rows) -> tuple[list[Row], list[Row]]:
    """Rows of doses towards shape, and towards texture."""
    towards = [row for row in rows if (number(row["dose"]) or 0) > 0]
    return towards, [row for row in rows if (number(row["dose"]) or 0) < 0]


def state(rows: Rows) -> str:
    """What steering does to a network.

    Parameters
    ----------
    rows : list of Row
        All of its seeds: of ``steering_slopes`` those along the cues' direction, of ``steering`` `ends`.
    """
    slopes = [row for row in rows if row.table == "steering_slopes"]
    if not slopes:
        return NOT_RUN
    if not known(slopes, *COLUMNS):
        return UNDEFINED
    if all(float(row["beyond_random_high"]) < 0 for row in slopes):
        return AGAINST
    if not all(float(row["beyond_random_low"]) > 0 for row in slopes):
        return STAYS
    towards, away = map(_costs, _sides([row for row in rows if row.table == "steering"]))
    if towards:
        return BOTH if away else SHAPE
    return TEXTURE if away else FREE


def _costs(rows: Rows) -> bool:
    """Whether a dose costs accuracy in every seed; not where nothing is known of it."""
    highs = values(rows, "accuracy_change_high")
    return 0 < len(rows) == len(highs) and max(highs) < 0


def _evidence(who: str) -> str:
    return (
        f"steering_slopes.csv: {who}, last stage that was steered, direction cues, all seeds: "
        f"{', '.join(COLUMNS)}; steering.csv: the largest dose to either side: {', '.join(CHANGES)}"
    )


def _of_arm(e: Experiment, arm: str, rows: Rows, extremes: Rows) -> Claim:
    cues, random = (select(rows, direction=name) for name in ("cues", "random"))
    moved = e.describe(cues, "bias_slope", "n_conflict", show=num)
    null = e.describe(random, "bias_slope", show=num)
    both = zip(("shape", "texture"), _sides(extremes), strict=True)
    found = "; ".join(_by_dose(e, cue, own) for cue, own in both if own)
    start = f"""Over the doses from texture towards shape the shape bias of the {e.main_name} trained on {arm}
        images has a slope of {moved} a spread, along random directions of {null}."""
    start += when(found, f" Each way apart: {found}.")
    depend, cost = "The decisions depend on that direction.", "accuracy in every seed"
    why = reasons(cues)
    return claim(
        f"steering-{arm}",
        state([*cues, *extremes]),
        {
            BOTH: f"{start} {depend} Moving in either direction costs {cost}.",
            SHAPE: f"""{start} {depend} Moving towards shape costs {cost}; that moving towards
            texture does is not shown.""",
            TEXTURE: f"""{start} {depend} Moving towards texture costs {cost}; that moving towards
            shape does is not shown.""",
            FREE: f"{start} {depend} A cost is not shown in every seed, in either direction.",
            AGAINST: f"{start} In every seed that is less towards shape than along random directions.",
            STAYS: f"{start} That the decisions depend on that direction is not shown.",
        },
        evidence=_evidence(f"{e.main} trained on {arm}") + (f" ({why})" if why else ""),
        rule=RULE,
        cells=[*cells_of(cues, *COLUMNS), *cells_of(extremes, *CHANGES)],
    )


def _by_dose(e: Experiment, cue: str, rows: Rows) -> str:
    """What the largest dose to one side changes."""
    dose = abs(number(rows[0]["dose"]) or 0)
    bias, accuracy = (
        e.describe(rows, name, show=num, low=f"{name}_low", high=f"{name}_high")
        for name in ("bias_change", "accuracy_change")
    )
    return f"""a dose of {dose:g} towards {cue} changes the bias by {bias}, and accuracy on pictures whose cues
        agree by {accuracy}"""
