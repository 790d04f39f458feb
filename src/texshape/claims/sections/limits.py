"""What is lost on the way from a network to its bias."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from texshape.claims.claim import Cell, Claim, cells_of, claim
from texshape.claims.evidence import Row, largest, number, smallest, values
from texshape.claims.experiment import Experiment
from texshape.claims.rules import NOT_RUN, UNDEFINED
from texshape.claims.wording import (
    count,
    escape,
    listed,
    network_name,
    pct,
    plural,
    points,
    points_between,
)
from texshape.trials.names import HUMANS, is_human

#: Verdicts by which nothing was compared, so that a choice does not count as tried.
NOT_COMPARED = {"conflict-ways": "none"}
#: Verdicts by which the number or its name moved while the architecture stayed, and with what.
MOVING = {
    "strength-name": (
        ("turns", "moves"),
        "how strong the texture is in the test pictures (@strength)",
    ),
    "control-orientation": (
        ("higher", "lower"),
        "how freely textures turn in the pictures trained and tested on (@controls)",
    ),
    "control-tint": (
        ("higher", "lower"),
        "how much colours vary in the pictures trained and tested on (@controls)",
    ),
    "recipe": (("higher", "lower"), "whether training pictures were cropped (@trained)"),
    "conflict-ways": (
        ("changes",),
        "how shape and texture are put into conflict, enough to change its name (@neural)",
    ),
    "sensitivity": (
        ("turns",),
        "how outputs are combined and pictures prepared, enough to change its name (@sensitivity)",
    ),
}


def applies(experiment: Experiment) -> bool:
    """Every article has this section."""
    return True


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    yield _counts(experiment)
    yield _known(experiment, made)
    if "erasure-shape-plain" in made:
        yield _used(made)
        if "erasure-bias" in made:
            yield _freed(made["erasure-bias"])
    yield _procedure(made)


@dataclass(frozen=True)
class _Twins:
    """Two networks with near biases; `high` matches a cue more often."""

    low: Row
    high: Row
    gap: float


def _twins(e: Experiment, rows: list[Row], margin: float) -> _Twins | None:
    """Of the pairs whose biases lie within the margin, the one whose match rates lie furthest apart.

    Only networks that saw the same conflict pictures are compared: those of a variant see its own.
    """

    def pictures(row: Row) -> str | None:
        return e.arms.get(row["arm"], {}).get("variant")

    known = []
    for row in rows:
        bias, match = number(row["shape_bias"]), number(row["cue_match_rate"])
        if bias is not None and match is not None:
            known.append((row, bias, match))
    known.sort(key=lambda one: one[2])
    best = None
    for i, (low, low_bias, low_match) in enumerate(known):
        for high, high_bias, high_match in known[i + 1 :]:
            apart = any(low[key] != high[key] for key in ("architecture", "arm"))
            gap = high_match - low_match
            near = abs(low_bias - high_bias) <= margin
            same = pictures(low) == pictures(high)
            if apart and same and near and (best is None or gap > best.gap):
                best = _Twins(low, high, gap)
    return best


def _counts(e: Experiment) -> Claim:
    networks = [
        row for row in e.bias if row["architecture"] != HUMANS and not is_human(row["architecture"])
    ]
    margin = e.parameter("comparison.margin")
    margin = 0.05 if margin is None else margin
    twins = _twins(e, networks, margin)
    hidden, pair, equivalent = "", None, False
    if twins:
        names = {twins.high["model"], twins.low["model"]}
        rows = e.rows("shape_bias_differences")
        pair = next((r for r in rows if r["model_a"] in names and r["model_b"] in names), None)
        low, high = (number(pair[key]) for key in ("ci_low", "ci_high")) if pair else (None, None)
        equivalent = None not in (low, high) and low > -margin and high < margin
        hidden = _hidden(e, twins) + (
            f"""Over all seeds of both the interval of the difference ({points_between(low, high)}) lies
            within ±{points(margin)}, so equivalent biases describe very different shares of what the two
            networks do."""
            if equivalent
            else """Such similar biases describe very different shares of what the two networks do; that the
            biases are the same is not shown."""
        )
    if not networks:
        verdict = NOT_RUN
    elif not values(networks, "shape_bias"):
        verdict = UNDEFINED
    elif twins is None:
        verdict = "no twins"
    elif twins.gap > 0.1:
        verdict = "hides" if equivalent else "hides, near"
    else:
        verdict = "alike"
    lowest, highest = (pct(f(networks, "cue_match_rate")) for f in (smallest, largest))
    return claim(
        "limits-counts",
        verdict,
        {
            "hides": hidden,
            "hides, near": hidden,
            "alike": """Among the networks here it happens to do no harm: no two with similar biases differ by
            more than a tenth in how often they match a cue. It might have.""",
            "no twins": f"""Among the networks here no two have biases that lie within {points(margin)} of each
            other on the same pictures, so there is no example to give. Match rates range from {lowest} to
            {highest}.""",
        },
        evidence="shape_bias.csv: every network and seed: shape_bias, cue_match_rate; "
        "shape_bias_differences.csv: the two named: ci_low, ci_high",
        rule="hides: of the rows of the same conflict pictures (those of the base, or of one variant) whose "
        "biases differ by no more than the margin, the two furthest apart differ by more than a tenth in "
        "cue_match_rate; hides, near: the same, but the interval of their paired difference in "
        "shape_bias_differences.csv does not lie within the margin",
        cells=[
            *cells_of(networks, "shape_bias", "cue_match_rate"),
            *cells_of([pair] if pair else [], "ci_low", "ci_high"),
        ],
    )


def _hidden(e: Experiment, twins: _Twins) -> str:
    def label(row: Row) -> str:
        here = e.trains and row["arm"] in e.arms
        arm = f" trained on {escape(row['arm'])}" if here else ""
        seed = number(row["seed"])
        return (
            network_name(row["architecture"])
            + arm
            + (f" (seed {count(seed)})" if seed is not None else "")
        )

    both = (twins.high, twins.low)
    biases, rates = ([number(row[c]) for row in both] for c in ("shape_bias", "cue_match_rate"))
    return f"""{label(twins.high)} and {label(twins.low)} have biases of {pct(biases[0])} and
    {pct(biases[1])}, {points(abs(biases[0] - biases[1]))} apart, yet the first matches a cue in
    {pct(rates[0])} of its decisions and the second in {pct(rates[1])}. """


def _of(made: Mapping[str, Claim], id: str) -> str | None:
    return made[id].verdict if id in made else None


def _cells(made: Mapping[str, Claim], *ids: str) -> list[Cell]:
    return [cell for id in ids if id in made for cell in made[id].cells]


def _known(e: Experiment, made: Mapping[str, Claim]) -> Claim:
    known = _of(made, "known-not-used")
    pairs = [_of(made, f"pair-{measure}") for measure in ("readout_shape", "information_shape")]
    if known is None and pairs == [None, None]:
        verdict = NOT_RUN
    elif known == "known, not used" or "confirmed" in pairs:
        verdict = "hides"
    elif known in (UNDEFINED, NOT_RUN) and not {"no pair", "not confirmed"} & set(pairs):
        verdict = known
    else:
        verdict = "not shown"
    happened = []
    if known == "known, not used":
        who = (
            "the network trained on plain images decides"
            if e.trains
            else "at least one network decides"
        )
        happened.append(f"{who} by texture and holds what tells shapes apart (@readout)")
    differing = [
        what
        for what, pair in zip(
            ("what can be read of shape", "the information about shape in their units"),
            pairs,
            strict=True,
        )
        if pair == "confirmed"
    ]
    if differing:
        happened.append(
            f"two networks with equivalent biases differ in {listed(differing)} (@pair)"
        )
    return claim(
        "limits-known",
        verdict,
        {
            "hides": f"Here that happened: {listed(happened)}.",
            "not shown": """In this experiment no network was shown to know a shape that its bias denies, so
            that the warning rests on the literature @hermann2020 @islam2021.""",
        },
        evidence="readout.csv, shape_bias.csv, equivalent_pair.csv: the verdicts known-not-used, "
        "pair-readout_shape and pair-information_shape",
        rule="hides: known, not used, or a confirmed pair",
        cells=_cells(made, "known-not-used", "pair-readout_shape", "pair-information_shape"),
    )


def _used(made: Mapping[str, Claim]) -> Claim:
    used = made["erasure-shape-plain"].verdict
    yet = ""
    if _of(made, "erasure-shape-plain-null-space") == "most":
        yet = ", and yet most of what a reader finds of shape is also found where no decision can see it"
    than = """the plain-trained network a larger share of its decisions for shape than erasing meaningless
    groupings"""
    return claim(
        "limits-used",
        used if used in (NOT_RUN, UNDEFINED, "used") else "not shown",
        {
            "used": f"""Erasing the shape subspace cost {than} of the same exemplars did{yet}: some of what it
            knows is used; how much, this does not say.""",
            "not shown": f"""That erasing the shape subspace cost {than} did is not shown, and so neither is
            that its knowledge is used.""",
        },
        evidence="erasure.csv: the verdict erasure-shape-plain",
        rule="used: that verdict is used; not shown otherwise",
        cells=_cells(made, "erasure-shape-plain"),
    )


def _freed(full: Claim) -> Claim:
    said = {"freed": "With texture erased, it turned to shape."}
    return claim(
        "limits-freed",
        full.verdict,
        {verdict: said.get(verdict, "") for verdict in (*full.alternatives, NOT_RUN, UNDEFINED)},
        evidence=full.evidence,
        rule="as for erasure-bias",
        cells=full.cells,
    )


def _tried(moved: int, asked: int) -> str:
    """How many of the choices moved the number."""
    if moved < asked:
        return f"That is {count(moved)} of {count(asked)} such choices that were tried."
    if asked == 1:
        return "No other such choice was tried."
    return f"These are all {count(asked)} such choices that were tried."


def _procedure(made: Mapping[str, Claim]) -> Claim:
    found = {id: made[id].verdict for id in MOVING if id in made}
    nothing = (NOT_RUN, UNDEFINED)
    asked = [id for id, v in found.items() if v not in (*nothing, NOT_COMPARED.get(id))]
    moved = [id for id in asked if found[id] in MOVING[id][0]]
    if asked:
        verdict = "moves" if moved else "stable"
    else:
        verdict = UNDEFINED if UNDEFINED in found.values() else NOT_RUN
    return claim(
        "limits-procedure",
        verdict,
        {
            "moves": f"""The number moved here, while the architecture stayed as it was, with
            {listed(MOVING[id][1] for id in moved)}. {_tried(len(moved), len(asked))}""",
            "stable": f"""Of the choices between network and number, {plural(len(asked), "was", "were")} tried
            here, and none changed the number, or its name, by the rule that asks for it. Others might.""",
            NOT_RUN: """None of the choices between network and number was varied in this experiment, so how far
            the number moves with them was not seen.""",
        },
        evidence="cue_strength.csv, controls.csv, shape_bias_differences.csv (else shape_bias.csv), "
        "shape_bias_by_set.csv, sensitivity.csv: the verdicts " + ", ".join(MOVING),
        rule="moves: at least one of these verdicts says that the value or its name changes; those that were "
        "not run, are undefined or compared nothing do not count",
        cells=_cells(made, *MOVING),
    )
