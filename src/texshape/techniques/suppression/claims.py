"""Which cue a network loses by, beyond what taking it costs where it is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

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
from texshape.claims.wording import escape, listed, network_name
from texshape.techniques.suppression.technique import COMPARED, LACKING

RELIED, AS_CONTROL, NO_CONTROL, NOT_RECOGNISED = (
    "relied on", "as the control", "no control", "not recognised",
)  # fmt: skip
RULE = (
    "relied on: in every seed the interval of what is kept lies below 1, below that of pictures without the "
    "cue under the same suppression, and, for shape, below every one of the network with the smallest "
    "receptive field trained alike (where one was measured), which cannot see how parts are arranged; as the "
    "control otherwise; no control: in a seed those pictures were not shown, or intact ones are not "
    "recognised; not recognised: intact pictures with both cues are recognised no better than by guessing"
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
        yield over_networks(
            e,
            f"suppression-{cue}",
            [*both, *control],
            lambda own, cue=cue: state(own, cue, floors(rows, cue)),
            {
                RELIED: f"a loss by the suppression of {cue} beyond that of pictures without it",
                AS_CONTROL: f"none shown beyond that of pictures without {cue}",
                NO_CONTROL: f"no control of the loss by the suppression of {cue}",
                NOT_RECOGNISED: "nothing to lose, as intact pictures are not recognised,",
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


def floors(rows: Rows, cue: str) -> dict[str, float]:
    """By arm, the least that is kept without shape by who cannot see it: the cost of cutting pictures."""
    found: dict[str, float] = {}
    both, _ = _compared(smallest_field(rows), cue)
    for row in both if cue == "shape" else []:
        low = number(row["kept_low"])
        if low is not None:
            found[row["arm"]] = min(low, found.get(row["arm"], 1.0))
    return found


def state(rows: Rows, cue: str, floors: Mapping[str, float] = MappingProxyType({})) -> str:
    """Whether a network relies on a cue; `rows` are those of all of its seeds, `floors` of `floors`."""
    both, control = _compared(rows, cue)
    if not both:
        return NOT_RUN
    if not known(both, *COLUMNS):
        return NOT_RECOGNISED
    floor = by_seed(control, "kept_low")
    if any(floor.get(row["seed"]) is None for row in both):
        return NO_CONTROL
    least = min(1.0, floors.get(both[0]["arm"], 1.0))
    lost = (number(row["kept_high"]) < min(least, floor[row["seed"]]) for row in both)
    return RELIED if all(lost) else AS_CONTROL


def _evidence(cue: str, who: str) -> str:
    kind, degree = COMPARED[cue]
    return (
        f"suppression.csv: {who}, {kind}, degree {degree}, pictures with both cues and with {LACKING[cue]} "
        "alone, all seeds: kept_low, kept_high"
    )


def _of_cue(e: Experiment, cue: str, arm: str, every: Rows) -> Claim:
    rows = select(every, architecture=e.main, arm=arm)
    both, control = _compared(rows, cue)
    least = floors(every, cue)
    null = [
        row
        for row in _compared(smallest_field(every), cue)[0]
        if cue == "shape" and row["arm"] == arm
    ]
    beyond = (
        f""", and more than the {network_name(null[0]["architecture"])}, which cannot see the shape and keeps
        {e.describe(null, "kept", low="kept_low", high="kept_high")}"""
        if arm in least
        else ""
    )
    how = listed(map(escape, each(both, "constants")))
    limits = {"low": "kept_low", "high": "kept_high"}
    kept = e.describe(both, "kept", "n_images", **limits)
    without = e.describe(control, "kept", "n_images", **limits)
    start = f"""The {e.main_name} trained on {arm} images keeps {kept} of its accuracy with {cue} suppressed
        ({how})"""
    return claim(
        f"suppression-{arm}-{cue}",
        state(rows, cue, least),
        {
            RELIED: f"""{start}, and {without} on pictures that have no {cue} to lose. In each seed it loses
            more than the suppression costs without the cue{beyond}: it uses the {cue}.""",
            AS_CONTROL: f"""{start}, and {without} on pictures that have no {cue} to lose. In at least one
            seed that is not separated from no loss, or from what the suppression costs without the
            cue{" or the " + network_name(null[0]["architecture"]) if arm in least else ""}: that it uses the
            {cue} is not shown in this way.""",
            NO_CONTROL: f"""{start}. What the suppression costs without the cue is not known
            ({reasons(control) or "such pictures were not shown"}), so that nothing follows for the {cue}.""",
            NOT_RECOGNISED: f"""The {e.main_name} trained on {arm} images has nothing to keep, so that a loss
            of {cue} says nothing: {reasons(both)}.""",
        },
        evidence=_evidence(cue, f"{e.main} trained on {arm}"),
        rule=RULE,
        cells=cells_of([*both, *control, *null], *COLUMNS),
    )
