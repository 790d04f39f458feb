"""Which cue a network loses by, beyond what taking it costs where it is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, Rows, each, number, select
from texshape.claims.experiment import Experiment
from texshape.claims.networks import (
    by_seed,
    known,
    over_networks,
    reasons,
    smallest_field,
    trained_arms,
)
from texshape.claims.rules import NOT_RUN
from texshape.claims.wording import escape, listed, network_name, when
from texshape.techniques.suppression.technique import COMPARED, LACKING

RELIED, NOT_BEYOND, LIMITED, AS_CONTROL, NO_CONTROL, NOT_RECOGNISED = (
    "relied on", "not beyond the smallest field", "smallest field", "as the control", "no control",
    "not recognised",
)  # fmt: skip
RULE = (
    "as the control: not in every seed does the interval of what is kept lie below 1 and below that of "
    "pictures without the cue under the same suppression; else, for shape, not beyond the smallest field: not "
    "in every seed below every one of the network with the smallest receptive field trained alike (where one "
    "was measured), which cannot see how parts are arranged; smallest field: that network itself, which is not "
    "held against itself; relied on otherwise; no control: in a seed those pictures were not shown, or intact "
    "ones are not recognised; not recognised: in a seed intact pictures with both cues are recognised no "
    "better than by guessing"
)
COLUMNS = ("kept_low", "kept_high")


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("suppression")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    rows = e.rows("suppression")
    for arm in trained_arms(e, rows):
        for cue in COMPARED:
            yield _of_cue(e, cue, arm, rows)
    for cue in COMPARED:
        both, control = _compared(rows, cue)
        field = " and ".join(
            dict.fromkeys(network_name(one.network) for one in floors(rows, cue).values())
        )
        yield over_networks(
            e,
            f"suppression-{cue}",
            [*both, *control],
            lambda own, cue=cue: state(own, cue, floors(rows, cue)),
            {
                RELIED: f"a loss by the suppression of {cue} beyond that of pictures without it"
                + when(field, f" (and of the {field}, where it was trained alike)"),
                NOT_BEYOND: f"a loss beyond that of pictures without {cue}, not shown to be beyond "
                f"that of the {field},",
                LIMITED: f"a loss of the {field} itself, which others are held against,",
                AS_CONTROL: f"no loss shown beyond that of pictures without {cue}",
                NO_CONTROL: f"at least one seed without a control of what is lost when {cue} is suppressed",
                NOT_RECOGNISED: "at least one seed in which intact pictures are not recognised,",
            },
            evidence=_evidence(cue, "every network"),
            rule=RULE,
            cells=cells_of([*both, *control], *COLUMNS),
        )


def _compared(rows: Rows, cue: str) -> tuple[list[Row], list[Row]]:
    """Rows of pictures with both cues and of those without one, in the degree that networks are compared by."""
    kind, degree = COMPARED[cue]
    chosen = [row for row in select(rows, suppression=kind) if number(row["degree"]) == degree]
    return select(chosen, shows="both"), select(chosen, shows=LACKING[cue])


class Floor(NamedTuple):
    """What a network keeps at least that cannot see how parts are arranged, and which one it is."""

    network: str
    kept: float


def floors(rows: Rows, cue: str) -> dict[str, Floor]:
    """By arm, the least that is kept without shape by who cannot see it: the cost of cutting pictures."""
    found: dict[str, Floor] = {}
    both, _ = _compared(smallest_field(rows), cue)
    for row in both if cue == "shape" else []:
        low = number(row["kept_low"])
        if low is not None:
            kept = found[row["arm"]].kept if row["arm"] in found else 1.0
            found[row["arm"]] = Floor(row["architecture"], min(low, kept))
    return found


def state(rows: Rows, cue: str, floors: Mapping[str, Floor] = MappingProxyType({})) -> str:
    """Whether a network relies on a cue; `rows` are those of all of its seeds, `floors` of `floors`."""
    both, control = _compared(rows, cue)
    if not both:
        return NOT_RUN
    if not known(both, *COLUMNS):
        return NOT_RECOGNISED
    without = by_seed(control, "kept_low")
    if any(without.get(row["seed"]) is None for row in both):
        return NO_CONTROL
    if not all(number(row["kept_high"]) < min(1.0, without[row["seed"]]) for row in both):
        return AS_CONTROL
    floor = floors.get(both[0]["arm"])
    if floor is None:
        return RELIED
    if floor.network == both[0]["architecture"]:
        return LIMITED
    return RELIED if all(number(row["kept_high"]) < floor.kept for row in both) else NOT_BEYOND


def _evidence(cue: str, who: str) -> str:
    kind, degree = COMPARED[cue]
    return (
        f"suppression.csv: {who}, {kind}, degree {degree}, pictures with both cues and with {LACKING[cue]} "
        "alone, all seeds: kept_low, kept_high"
    )


def _of_cue(e: Experiment, cue: str, arm: str, every: Rows) -> Claim:
    rows = select(every, architecture=e.main, arm=arm)
    both, control = _compared(rows, cue)
    alone = _alone(rows, cue)
    floor = floors(every, cue)
    null = [
        row
        for row in _compared(smallest_field(every), cue)[0]
        if arm in floor and row["arm"] == arm and row["architecture"] != e.main
    ]
    limits = {"low": "kept_low", "high": "kept_high"}
    small = (
        f"""the {network_name(null[0]["architecture"])}, which cannot see the shape and keeps
        {e.describe(null, "kept", **limits)}"""
        if null
        else ""
    )
    how = listed(map(escape, each(both, "constants")))
    kept = e.describe(both, "kept", "n_images", **limits)
    without = e.describe(control, "kept", "n_images", **limits)
    start = f"""The {e.main_name} trained on {arm} images keeps {kept} of its accuracy with {cue} suppressed
        ({how}{_in_pixels(e, cue)})"""
    beside = f"{start}, and {without} on pictures that have no {cue} to lose."
    more = "In each seed it loses more than the suppression costs without the cue"
    return claim(
        f"suppression-{arm}-{cue}",
        state(rows, cue, floor),
        {
            RELIED: f"{beside} {more}{when(small, ', and more than ' + small)}: it uses the {cue}.",
            NOT_BEYOND: f"""{beside} {more}, and not shown to be more than {small}: that it uses the {cue} is
            not shown in this way.""",
            LIMITED: f"""{beside} {more}. It has the smallest receptive field of the networks here, so that
            what it loses is the cost of cutting pictures, which others are held against.""",
            AS_CONTROL: f"""{beside} In at least one seed that is not separated from no loss, or from what the
            suppression costs without the cue: that it uses the {cue} is not shown in this way.
            {_taken(e, cue, alone)}""",
            NO_CONTROL: f"""{start}. What the suppression costs without the cue is not known in every seed
            ({reasons(control) or "such pictures were not shown"}), so that nothing follows for the {cue}.
            {_taken(e, cue, alone)}""",
            NOT_RECOGNISED: f"""The {e.main_name} trained on {arm} images has nothing to keep in at
            least one seed, so that a loss of {cue} says nothing: {reasons(both)}.""",
        },
        evidence=_evidence(cue, f"{e.main} trained on {arm}")
        + f"; the same of pictures with {cue} alone, which say whether it is suppressed",
        rule=RULE,
        cells=cells_of([*both, *control, *null, *alone], *COLUMNS),
    )


def _alone(rows: Rows, cue: str) -> list[Row]:
    """Rows of pictures with the cue alone, under the suppression that is to take it away."""
    kind, degree = COMPARED[cue]
    chosen = select(rows, suppression=kind, shows=cue)
    return [row for row in chosen if number(row["degree"]) == degree]


def _taken(e: Experiment, cue: str, alone: Rows) -> str:
    """Whether the suppression takes the cue away, by pictures that have nothing else to be recognised by."""
    if not known(alone, *COLUMNS):
        return f"""This network does not show whether the suppression takes the {cue} away, as on pictures of
        {cue} alone {reasons(alone) or "nothing is defined"}."""
    if not alone:
        return ""
    kept = e.describe(alone, "kept", low="kept_low", high="kept_high")
    taken = all(number(row["kept_high"]) < 1 for row in alone)
    start = f"Of pictures of {cue} alone it keeps {kept} under the same suppression"
    if taken:
        return f"{start}."
    return f"""{start}: that the suppression takes the {cue} away is not shown, and little lost by it says
        little."""


def _in_pixels(e: Experiment, cue: str) -> str:
    """How far the filter reaches in the pictures of this experiment."""
    from texshape.techniques.suppression import filters

    side, scale = e.parameter("data.image_size"), e.parameter("suppression.scale")
    kind, degree = COMPARED[cue]
    if kind != "bilateral" or side is None or scale is False:
        return ""
    radius, _ = filters.scaled(filters.BILATERAL[degree - 1][0] / 2, side)
    return f""", a diameter for pictures of {filters.REFERENCE} px; scaled to the {side} px here, a disc
        {2 * radius + 1} px across"""
