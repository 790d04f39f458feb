"""Whether a bias moves further when patches attend nearby alone than when they attend to as many at random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, Rows, number, select, values
from texshape.claims.experiment import Experiment
from texshape.claims.networks import known, networks, over_networks, reasons, trained_arms
from texshape.claims.rules import NOT_RUN, UNDEFINED, compare
from texshape.claims.wording import HARD, hundredths, num

TEXTURE, TEXTURE_SPOILT = "towards texture", "towards texture, not beyond random"
SHAPE, SHAPE_SPOILT = "towards shape", "towards shape, not beyond random"
STAYS, WITHOUT, UNCONTROLLED = "not moved", "no attention", "no control"
COLUMNS = ("bias_change_low", "bias_change_high")
#: a smaller radius leaves each patch to itself, as the random mask does then: no control
LEAST_RADIUS = 1
RULE = (
    "towards texture: in every seed the interval of the bias's change lies below zero, and below that of every "
    "random mask that leaves as many patches; towards texture, not beyond random: the first alone; towards "
    "shape, and not beyond random: above likewise; no attention: none that takes a mask; no control: no radius "
    "of at least one patch; not moved otherwise"
)


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("attention_radius")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    rows = [row for own in networks(e.rows("attention_radius")).values() for row in _read(own)]
    for arm in trained_arms(e, rows):
        yield _of_arm(e, arm, _read(e.of("attention_radius", arm)))
    yield over_networks(
        e,
        "attention-radius-networks",
        rows,
        state,
        {
            TEXTURE: "a move towards texture beyond that of random masks",
            TEXTURE_SPOILT: "a move towards texture that is not shown to be beyond that of random masks",
            SHAPE: "a move towards shape beyond that of random masks",
            SHAPE_SPOILT: "a move towards shape that is not shown to be beyond that of random masks",
            STAYS: "no move shown",
            WITHOUT: "no attention between patches that takes a mask",
            UNCONTROLLED: "no control, since each patch was left to itself alone,",
        },
        evidence=_evidence("every network"),
        rule=RULE,
        cells=cells_of(rows, "n_modules", *COLUMNS),
    )


def _read(rows: Rows) -> list[Row]:
    """What a verdict reads: the smallest radius that has a control, near and at random, and who has none."""
    radii = sorted({*values(rows, "radius")})
    least = next((radius for radius in radii if radius >= LEAST_RADIUS), min(radii, default=None))
    return [
        row
        for row in rows
        if _without(row) or (least is not None and number(row["radius"]) == least)
    ]


def _without(row: Row) -> bool:
    return number(row["n_modules"]) == 0


def state(rows: Rows) -> str:
    """What attention nearby does to a network; `rows` are those of all of its seeds."""
    near, random = (select(rows, kept=name) for name in ("near", "random"))
    if rows and all(map(_without, rows)):
        return WITHOUT
    if not near:
        return NOT_RUN
    if max(values(near, "radius")) < LEAST_RADIUS:
        return UNCONTROLLED
    if not known([*near, *random], *COLUMNS):
        return UNDEFINED
    order = compare(near, random, *COLUMNS)
    if all(float(row["bias_change_high"]) < 0 for row in near):
        return TEXTURE if order == "lower" else TEXTURE_SPOILT
    if all(float(row["bias_change_low"]) > 0 for row in near):
        return SHAPE if order == "higher" else SHAPE_SPOILT
    return STAYS


def _evidence(who: str) -> str:
    return (
        f"attention_radius.csv: {who}, smallest radius of at least {LEAST_RADIUS} patch, near and random, all "
        "seeds: n_modules, bias_change_low, bias_change_high"
    )


def _of_arm(e: Experiment, arm: str, rows: Rows) -> Claim:
    near, random = (select(rows, kept=name) for name in ("near", "random"))
    ends = dict(zip(("low", "high"), COLUMNS, strict=True))
    moved = e.describe(near, "bias_change", "n_conflict", show=hundredths, **ends)
    null = e.describe(random, "bias_change", show=hundredths, **ends)
    left, by_chance = (
        e.describe(own, "cue_match_rate", low="match_low", high="match_high")
        for own in (near, random)
    )
    who = f"the {e.main_name} trained on {arm} images"
    radius = num(number(near[0]["radius"]), 1) if near else ""
    start = f"""Where a patch attends only to those within a radius of{HARD}{radius}, the shape bias of {who}
        changes, in percentage points, by {moved}; where it attends to as many at random, by {null}. Of the
        decisions {left} are for either cue, under the random masks {by_chance}."""
    open_ = f"""{start} That the bias depends on which patches are left is not shown: the move is not separated
        from that under random masks, which damage the network."""
    why = reasons(rows)
    return claim(
        f"attention-radius-{arm}",
        state(rows),
        {
            TEXTURE: f"{start} Attention over a distance favours shape, and not only by the number "
            "of patches left.",
            TEXTURE_SPOILT: open_,
            SHAPE: f"{start} Attention over a distance favours texture, and not only by the number "
            "of patches left.",
            SHAPE_SPOILT: open_,
            UNCONTROLLED: f"{start} Within less than one patch each is left to itself, as by the random masks.",
            STAYS: f"{start} A move of the bias is not shown.",
            WITHOUT: f"Attention of {who} cannot be kept nearby: {why or 'it has none'}.",
        },
        evidence=_evidence(f"{e.main} trained on {arm}") + (f" ({why})" if why else ""),
        rule=RULE,
        cells=cells_of(rows, "n_modules", *COLUMNS),
    )
