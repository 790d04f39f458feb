"""Whether the largest activations alone move a bias further than spoiling the network does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, Rows, at_last_stage, select
from texshape.claims.experiment import Experiment
from texshape.claims.networks import known, networks, over_networks, reasons, trained_arms
from texshape.claims.rules import NOT_RUN, UNDEFINED, compare
from texshape.claims.wording import hundredths

BEYOND, SPOILT = "beyond random", "not beyond random"
AWAY, AWAY_SPOILT = "towards texture", "towards texture, not beyond random"
STAYS = "not moved"
COLUMNS = ("bias_change_low", "bias_change_high")
RULE = (
    "beyond random: in every seed the interval of the bias's change lies above zero, and above that of every "
    "random mask of the same share; not beyond random: the first alone; towards texture: below zero in every "
    "seed, and below that of every such mask; towards texture, not beyond random: the first alone; not moved "
    "otherwise"
)


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("top_k")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    rows = [row for own in networks(e.rows("top_k")).values() for row in _read(own)]
    for arm in trained_arms(e, rows):
        yield _of_arm(e, arm, _read(e.of("top_k", arm)))
    yield over_networks(
        e,
        "top-k-networks",
        rows,
        state,
        {
            BEYOND: "a move towards shape beyond that of random masks",
            SPOILT: "a move towards shape that is not shown to be beyond that of random masks",
            AWAY: "a move towards texture beyond that of random masks",
            AWAY_SPOILT: "a move towards texture that is not shown to be beyond that of random masks",
            STAYS: "no move shown",
        },
        evidence=_evidence("every network"),
        rule=RULE,
        cells=cells_of(rows, *COLUMNS),
    )


def _read(rows: Rows) -> list[Row]:
    """What a verdict reads: the smallest share of each channel, the largest and at random."""
    return select(at_last_stage(rows), across="channel", strongest="True")


def state(rows: Rows) -> str:
    """What the largest activations alone do to a network; `rows` are those of all of its seeds."""
    largest, random = (select(rows, kept=name) for name in ("largest", "random"))
    if not largest:
        return NOT_RUN
    if not known(rows, *COLUMNS):
        return UNDEFINED
    order = compare(largest, random, *COLUMNS)
    if all(float(row["bias_change_high"]) < 0 for row in largest):
        return AWAY if order == "lower" else AWAY_SPOILT
    if not all(float(row["bias_change_low"]) > 0 for row in largest):
        return STAYS
    return BEYOND if order == "higher" else SPOILT


def _evidence(who: str) -> str:
    return (
        f"top_k.csv: {who}, last stage that was thinned, across channel, smallest share, largest and random, "
        "all seeds: bias_change_low, bias_change_high"
    )


def _of_arm(e: Experiment, arm: str, rows: Rows) -> Claim:
    largest, random = (select(rows, kept=name) for name in ("largest", "random"))
    ends = dict(zip(("low", "high"), COLUMNS, strict=True))
    moved = e.describe(largest, "bias_change", "n_conflict", show=hundredths, **ends)
    null = e.describe(random, "bias_change", show=hundredths, **ends)
    left, by_chance = (
        e.describe(own, "cue_match_rate", low="match_low", high="match_high")
        for own in (largest, random)
    )
    start = f"""With the smallest share of each channel's activations left, the shape bias of the {e.main_name}
        trained on {arm} images changes, in percentage points, by {moved} where the largest are left
        and by {null} where as many at random are. Of its decisions {left} are for either cue,
        under the random masks {by_chance}."""
    why = reasons(rows)
    return claim(
        f"top-k-{arm}",
        state(rows),
        {
            BEYOND: f"{start} The largest activations tell more of shape, against texture, than as many at "
            "random.",
            SPOILT: f"""{start} That the largest activations tell shape is not shown: the move is not separated
            from that under random masks, which damage the network.""",
            AWAY: f"{start} The largest activations tell more of texture, against shape, than as many at "
            "random.",
            AWAY_SPOILT: f"""{start} That the largest activations tell texture is not shown: the move is not
            separated from that under random masks, which damage the network.""",
            STAYS: f"{start} A move of the bias is not shown.",
        },
        evidence=_evidence(f"{e.main} trained on {arm}") + (f" ({why})" if why else ""),
        rule=RULE,
        cells=cells_of(rows, *COLUMNS),
    )
