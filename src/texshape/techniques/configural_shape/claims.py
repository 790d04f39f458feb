"""Whether networks lose by a changed configuration, beyond what a network without one loses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, Rows, largest, mean, number, select, smallest, values
from texshape.claims.experiment import Experiment
from texshape.claims.networks import (
    known,
    networks,
    over_networks,
    reasons,
    smallest_field,
    trained_arms,
)
from texshape.claims.rules import NOT_RUN, UNDEFINED, side
from texshape.claims.wording import hundredths, listed, network_name, pct, span, when

CONFIGURATION, NOT_BEYOND, LIMITED, OUTLINE, NEITHER, NOT_RECOGNISED = (
    "configuration", "not beyond the smallest field", "smallest field", "outline", "neither",
    "not recognised",
)  # fmt: skip
LIMITS = ("difference_low", "difference_high")
COLUMNS = ("difference", *LIMITS, "reason")
RULE = (
    "configuration: in every seed mirroring a part costs accuracy, by an interval above zero and above every "
    "one of the network with the smallest receptive field (where one was measured), which cannot see how parts "
    "are arranged; not beyond the smallest field: above zero in every seed, though not above those; smallest "
    "field: the same of that network itself; outline: not so, but breaking the outline does cost in every "
    "seed; neither otherwise; not recognised: in a seed the whole is recognised no better than by guessing"
)


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("configural_shape")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    rows = e.rows("configural_shape")
    null = smallest_field(rows)
    field = network_name(null[0]["architecture"]) if null else ""
    if null:
        yield _known_answer(null)
    for arm in trained_arms(e, rows):
        own = e.of("configural_shape", arm)
        yield _of_arm(e, arm, own, null)
        if _segments(own):
            yield _pieces(e, arm, _segments(own))
    yield over_networks(
        e,
        "configural-networks",
        [row for row in rows if row["condition"] in ("joined", "apart")],
        partial(state, null=null),
        {
            CONFIGURATION: "a loss of accuracy by mirroring a part"
            + when(_floor(null), f" beyond the {field}’s"),
            NOT_BEYOND: f"a loss by mirroring a part, not shown to be beyond the {field}’s,",
            LIMITED: f"a loss by mirroring a part of the {field} itself, which others are held against,",
            OUTLINE: "a loss by breaking the outline, none shown by mirroring,",
            NEITHER: "no loss shown by either",
            NOT_RECOGNISED: "at least one seed in which the whole is not recognised,",
        },
        evidence=_evidence("every network"),
        rule=RULE,
        cells=cells_of(_moved(rows), *COLUMNS),
    )


def _floor(null: Rows) -> float:
    """The largest loss by mirroring that networks without configuration may have."""
    return max(0, largest(select(null, condition="joined"), "difference_high") or 0)


def _moved(rows: Rows) -> list[Row]:
    return [row for row in rows if row["condition"] in ("joined", "apart")]


def state(rows: Rows, null: Rows = ()) -> str:
    """What a network loses by; `rows` are those of all of its seeds, `null` those of the smallest field."""
    joined, apart = (select(rows, condition=name) for name in ("joined", "apart"))
    if not joined:
        return NOT_RUN
    if not known([*joined, *apart], *LIMITS):
        return NOT_RECOGNISED
    least = min(number(row["difference_low"]) for row in joined)
    if least > 0:
        if null and joined[0]["architecture"] == null[0]["architecture"]:
            return LIMITED
        return CONFIGURATION if least > _floor(null) else NOT_BEYOND
    broken = apart and all(number(row["difference_low"]) > 0 for row in apart)
    return OUTLINE if broken else NEITHER


def _evidence(who: str) -> str:
    return (
        f"configural_shape.csv: {who}, conditions joined and apart, all seeds: {', '.join(COLUMNS)}"
    )


def _known_answer(null: Rows) -> Claim:
    """A network that sees parts alone must lose nothing by their arrangement."""
    states = []
    for own in networks(null).values():
        joined = select(own, condition="joined")
        if joined and known(joined, *LIMITS):
            pairs = [tuple(number(row[name]) for name in LIMITS) for row in joined]
            states.append(side(pairs, ("loses", "gains", "as known")))
    name = network_name(null[0]["architecture"])
    verdict = "loses" if "loses" in states else "as known"
    joined = select(null, condition="joined")
    ends = smallest(joined, "difference"), largest(joined, "difference")
    losses = f"{span(*ends, hundredths)} percentage points of accuracy"
    return claim(
        "configural-limited",
        verdict if states else NOT_RECOGNISED,
        {
            "as known": f"""The {name} sees parts and not how they are arranged, so its answer is known: it
            has nothing to lose by mirroring. In no training do all seeds show that it loses (by {losses}).""",
            "loses": f"""The {name} sees parts and not how they are arranged, and yet it loses by mirroring in
            every seed of a training (by {losses}): this much is the cost of the mirroring itself, and only
            what others lose beyond it counts.""",
            NOT_RECOGNISED: f"""The {name}, whose answer is known, does not recognise whole silhouettes in
            every seed of any training, so that it gives no control: {reasons(joined)}.""",
        },
        evidence=_evidence(f"{null[0]['architecture']}, every training"),
        rule="loses: of some training every seed's interval lies above zero; not recognised: no training has a "
        "difference in every seed; as known otherwise",
        cells=cells_of(joined, *COLUMNS),
    )


def _of_arm(e: Experiment, arm: str, rows: list[Row], null: Rows) -> Claim:
    limits = {"low": LIMITS[0], "high": LIMITS[1]}
    joined, apart = (
        e.describe(select(rows, condition=name), "difference", "n", hundredths, **limits)
        for name in ("joined", "apart")
    )
    who = f"The {e.main_name} trained on {arm} images"
    wholes = pct(mean(select(rows, condition="whole"), "accuracy"))
    start = f"""{who} recognises {wholes} of whole silhouettes. Of these percentage points it loses {joined}
        where a part is mirrored and joined again, and {apart} where the outline is broken, too."""
    field = network_name(null[0]["architecture"]) if null else ""
    beyond = when(_floor(null), f", beyond the {field}, which cannot see it")
    most = f"{hundredths(_floor(null))} percentage points"
    return claim(
        f"configural-{arm}",
        state(rows, null),
        {
            CONFIGURATION: f"{start} It uses how parts are arranged{beyond}.",
            NOT_BEYOND: f"""{start} Mirroring costs it something in every seed. That it uses how parts are
            arranged is not shown even so: not in every seed is that more than the {field}, which cannot
            see it, may lose (up to {most} by the ends of its intervals).""",
            LIMITED: f"""{start} It has the smallest receptive field of the networks here and cannot see how
            parts are arranged: this much is the cost of the mirroring itself.""",
            OUTLINE: f"""{start} Breaking the outline costs it something in every seed; that mirroring does, and
            that it uses how parts are arranged, is not shown.""",
            NEITHER: f"{start} That it uses either is not shown.",
            NOT_RECOGNISED: f"{who} has nothing to lose in at least one seed: {reasons(_moved(rows))}.",
        },
        evidence=_evidence(f"{e.main} trained on {arm}, and the smallest receptive field"),
        rule=RULE,
        cells=[
            *cells_of([*_moved(rows), *select(null, condition="joined")], *COLUMNS),
            *cells_of(select(rows, condition="whole"), "accuracy"),
        ],
    )


def _segments(rows: Rows) -> list[Row]:
    """Segments of about half of the outline."""
    drawn = [row for row in rows if row["condition"].startswith("segments")]
    shares = set(values(drawn, "share"))
    if not shares:
        return []
    half = min(sorted(shares), key=lambda share: abs(share - 0.5))
    return [row for row in drawn if number(row["share"]) == half]


def _pieces(e: Experiment, arm: str, rows: list[Row]) -> Claim:
    pairs = [tuple(number(row[name]) for name in LIMITS) for row in rows]
    verdict = side(pairs, ("direction adds", "dots better", "not shown"))
    gain = e.describe(rows, "difference", "n", hundredths, low=LIMITS[0], high=LIMITS[1])
    share = listed(dict.fromkeys(pct(number(row["share"]), 0) for row in rows))
    start = f"""With {share} of the outline drawn, the accuracy on segments lies {gain} percentage points above
        that on dots of the same ink."""
    return claim(
        f"configural-{arm}-pieces",
        "not recognised" if verdict == UNDEFINED else verdict,
        {
            "direction adds": f"{start} The direction of pieces adds to their places.",
            "dots better": f"{start} Dots serve it better, so direction adds nothing.",
            "not shown": f"{start} That direction adds to place is not shown.",
            "not recognised": f"""With {share} of the outline drawn, pieces say nothing in at least one seed:
            {reasons(rows)}.""",
        },
        evidence=f"configural_shape.csv: {e.main} trained on {arm}, segments of about half of the outline, all "
        f"seeds: {', '.join(LIMITS)}",
        rule="direction adds: every seed's interval above zero; dots better: below; not recognised: a "
        "difference is undefined",
        cells=cells_of(rows, *COLUMNS),
    )
