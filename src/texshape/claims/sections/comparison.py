"""Do the measures agree: correlations, pairs of networks with the same bias, decision and knowledge."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, number, select
from texshape.claims.experiment import Experiment, counts
from texshape.claims.rules import NOT_RUN, UNDEFINED, side
from texshape.claims.wording import (
    HARD,
    count,
    escape,
    hundredths,
    listed,
    nats,
    network_name,
    num,
    p_value,
    pct,
    points_between,
    when,
)
from texshape.experiment.runs import model_parts

#: Measures as the article calls them: without a comma, since they stand in lists.
WORDS = {
    "shape_bias": "shape bias",
    "cue_match_rate": "cue match rate",
    "response_entropy": "entropy of decisions",
    "plain_accuracy": "plain accuracy",
    "stylized_accuracy": "stylized accuracy",
    "silhouette_accuracy": "silhouette accuracy",
    "edge_accuracy": "edge accuracy",
    "texture_accuracy": "texture-patch accuracy",
    "readout_shape": "shape decodable",
    "readout_texture": "texture decodable",
    "information_shape": "shape information",
    "information_texture": "texture information",
    "segmentation_shape": "shape mIoU",
    "segmentation_semantic": "class mIoU",
    "receptive_field": "effective field",
    "balance_point": "balance point",
    "shuffling_ratio": "shuffled / whole",
    "corruption_accuracy": "corrupted accuracy",
    "used_shape": "shape used",
    "used_texture": "texture used",
    "error_consistency": "error consistency",
    "error_consistency_17": "error consistency (full benchmark)",
}


def word(measure: str) -> str:
    """A measure in words."""
    return WORDS.get(measure) or escape(measure.replace("_", " "))


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("comparison")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    yield from _correlations(experiment)
    if experiment.has("equivalent_pair"):
        yield from _pairs(experiment)
    if experiment.has("disagreement"):
        yield from _disagreement(experiment)


def alpha_of(e: Experiment) -> float | None:
    """What a p-value of the comparison has to lie below."""
    level = e.parameter("comparison.level")
    level = e.parameter("bootstrap.level") if level is None else level
    return None if level is None else 1 - level


def _correlations(e: Experiment) -> Iterator[Claim]:
    tests, alpha = e.rows("correlations"), alpha_of(e)
    made = [row for row in tests if number(row["rho"]) is not None]
    tied = [row for row in made if row.get("coupled", "")]

    def significant(row: Row, column: str) -> bool:
        p = number(row.get(column))
        return p is not None and alpha is not None and p < alpha

    sure = [row for row in made if row not in tied and significant(row, "p_holm")]
    firm = [row for row in sure if significant(row, "within_holm")]
    free = count(len(made) - len(tied))
    pairs, within = (
        listed(f"{word(row['measure_x'])} with {word(row['measure_y'])}" for row in rows)
        for rows in (sure, firm)
    )
    if not tests:
        verdict = NOT_RUN
    elif not made:
        verdict = "too few"
    elif alpha is None:
        verdict = UNDEFINED
    else:
        verdict = "some" if sure else "none"
    yield claim(
        "correlations",
        verdict,
        {
            "too few": f"""None of the {count(len(tests))} pairs has enough networks here
            ({counts(tests, "n_networks")} have both measures), so the charts stand without a
            coefficient.""",
            "some": f"""Of {free} tests of measures that are not tied, {count(len(sure))}
            {"is" if len(sure) == 1 else "are"} significant after correction: {pairs}
            (@tab-correlations).""",
            "none": f"""None of the {free} tests of measures that are not tied is significant after
            correction (@tab-correlations). That does not show that the measures are unrelated.""",
        },
        evidence="correlations.csv: every row: rho, p_holm, coupled",
        rule="some: a pair whose measures are not coupled has p_holm below one minus the level of the "
        "intervals; too few: no pair has a coefficient",
        cells=cells_of(tests, "rho", "p_holm", "coupled"),
    )
    inside = "; ".join(
        f"{word(row['measure_x'])} with {word(row['measure_y'])}: ρ{HARD}={HARD}"
        f"{num(number(row.get('within_rho')))}, p{p_value(number(row.get('within_holm')))}, "
        f"n{HARD}={HARD}{count(number(row.get('n_within')))}"
        for row in sure
    )
    if not tests:
        verdict = NOT_RUN
    elif not sure:
        verdict = "nothing to hold"
    elif alpha is None:
        verdict = UNDEFINED
    elif not e.trains:  # what they were trained on, their names do not say
        verdict = "not known"
    elif all(number(row.get("within_rho")) is None for row in sure):
        verdict = "not made"
    else:
        verdict = "all" if len(firm) == len(sure) else "some" if firm else "none"
    yield claim(
        "correlations-within",
        verdict,
        {
            "nothing to hold": "",
            "not known": """Whether that holds within one kind of training images cannot be tested: the networks
            were trained elsewhere.""",
            "not made": """Within one kind of training images there is no coefficient: too few networks
            share one, or all do.""",
            "all": f"""Within one kind of training images {"it is" if len(firm) == 1 else "they are"}
            significant too.""",
            "some": f"""Within one kind of training images only {within}
            {"is" if len(firm) == 1 else "are"}.""",
            "none": f"""Within one kind of training images none of them is, once corrected ({inside}). With
            so few networks of one kind that shows neither that there is no relation nor that kinds of
            training alone make the pooled order.""",
        },
        evidence="correlations.csv: rows that are significant and not coupled: within_rho, within_holm, "
        "n_within",
        rule="all, some, none: of them so many have within_holm below one minus the level of the "
        "intervals; nothing to hold: none is significant; not known: no network was trained here; not made: of "
        "none there is a within_rho",
        cells=cells_of(sure, "within_rho", "within_holm", "n_within"),
    )


def _named(model: str) -> str:
    architecture, arm = model_parts(model)
    return network_name(architecture) + (f" trained on {escape(arm)}" if arm else "")


def _pairs(e: Experiment) -> Iterator[Claim]:
    pairs = e.rows("equivalent_pair")
    margin = next((m for m in (number(row["margin"]) for row in pairs) if m is not None), None)
    for row in pairs:
        yield from _pair(row, margin)
    yield from _same_direction([row for row in pairs if row["confirmed"].lower() == "true"])


def _pair(row: Row, margin: float | None) -> Iterator[Claim]:
    kind = row["information"]
    show = nats if kind.startswith("information") else pct
    if row["confirmed"].lower() == "true":
        state = "confirmed"
    else:
        state = "not confirmed" if row["model_a"] else "no pair"

    def cell(column: str) -> float | None:
        return number(row.get(column))

    def both(name: str, show=pct) -> str:
        return f"{show(cell(f'confirm_{name}_a'))} and {show(cell(f'confirm_{name}_b'))}"

    def between(name: str) -> str:
        return points_between(cell(f"confirm_{name}_low"), cell(f"confirm_{name}_high"))

    reason = escape(row["reason"].replace("not confirmed: ", "")).replace(escape(kind), word(kind))
    reason = re.sub(
        r"[\w.:\\-]+--[\w.\\-]+", lambda found: _named(found[0].replace("\\", "")), reason
    )
    searched = _searched(row)
    first, second = _named(row["model_a"]), _named(row["model_b"])
    limits = between("information")
    if show is not pct:
        ends = (show(cell(f"confirm_information_{end}")) for end in ("low", "high"))
        limits = " to ".join(ends)
    yield claim(
        "pair-" + kind,
        state,
        {
            "confirmed": f"""By {word(kind)}, there is such a pair: {first} and {second}. On the seeds and
            pictures that confirm, their biases are {both("bias")} (difference {between("bias")}), and about
            shape they hold on those seeds, by all pictures, {both("information", show)} (difference
            {limits}).{searched}""",
            "not confirmed": f"""By {word(kind)}, the pair chosen on some seeds, {first} and {second}, does
            not hold on the others ({reason}), so no such pair is claimed.{searched}""",
            "no pair": f"By {word(kind)}, no such pair was found: {reason}.{searched}",
        },
        evidence=f"equivalent_pair.csv: row {kind}: confirmed, model_a, reason, n_networks, n_searched, "
        "n_few_seeds, n_few_matches",
        rule="confirmed: chosen on some seeds and exemplars as equivalent within the margin, further than "
        "it from 0 and 1, and different beyond the interval, and on all other seeds that have the measure "
        "equivalent again, on other exemplars, and different again, by all pictures, in each seed with the "
        "same sign; a "
        "network that has the measure in too few seeds, or too few decisions for a cue, is not searched",
        cells=cells_of(
            [row],
            *("confirmed", "model_a", "reason"),
            *("n_networks", "n_searched", "n_few_seeds", "n_few_matches"),
        ),
    )
    low, high = cell("confirm_cue_match_low"), cell("confirm_cue_match_high")
    if state != "confirmed":
        verdict = "no pair"
    elif low is None or high is None or margin is None:
        verdict = UNDEFINED
    elif low > -margin and high < margin:
        verdict = "equivalent"
    else:
        verdict = "differ" if low > 0 or high < 0 else "open"
    matches = both("cue_match")
    yield claim(
        "pair-matches-" + kind,
        verdict,
        {
            "no pair": "",
            "equivalent": f"""They match a cue equally often too ({matches}), so nobody who saw both
            numbers could tell them apart.""",
            "differ": f"""Yet they match a cue in {matches} of the pictures (difference
            {points_between(low, high)}), so the cue match rate, which belongs beside a bias, does tell
            them apart.""",
            "open": f"""Whether they match a cue equally often ({matches}, difference
            {points_between(low, high)}) is open.""",
        },
        evidence=f"equivalent_pair.csv: row {kind}: confirm_cue_match_low, confirm_cue_match_high, margin",
        rule="no pair: none is confirmed; equivalent: the interval of the difference lies within the "
        "margin; differ: it does not, and lies on one side of zero; open otherwise",
        cells=cells_of([row], "confirm_cue_match_low", "confirm_cue_match_high", "margin"),
    )


def _searched(row: Row) -> str:
    """How many networks a pair was looked for among, and why others were left out."""
    names = ("n_networks", "n_searched", "n_few_seeds", "n_few_matches")
    networks, searched, seeds, matches = (number(row.get(name)) for name in names)
    if networks is None or searched is None:
        return ""
    why = {
        "too few of their seeds have the measure": seeds,
        "too few decisions match a cue": matches,
    }
    left = [f"{count(n)} since {reason}" for reason, n in why.items() if n]
    return (
        f" It was searched for among {count(searched)} of {count(networks)} networks"
        + when(left, f"; left out are {listed(left)}")
        + "."
    )


def _same_direction(pairs: list[Row]) -> Iterator[Claim]:
    """The same pair by several measures: do they agree which of the two holds more?"""
    if len(pairs) < 2 or len({(row["model_a"], row["model_b"]) for row in pairs}) > 1:
        return
    column = "confirm_information_difference"
    signs = {(number(row[column]) or 0) > 0 for row in pairs}
    yield claim(
        "pair-direction",
        "same" if len(signs) == 1 else "opposite",
        {
            "same": "Both measures name the same network as the one that holds more.",
            "opposite": """But the measures disagree on which of the two holds more: what a linear reader
            finds with all units together is not what the average unit carries alone.""",
        },
        evidence=f"equivalent_pair.csv: confirmed, model_a, model_b, {column}",
        rule="opposite: the differences of the confirmed rows have different signs",
        cells=cells_of(pairs, "confirmed", column),
    )


def _disagreement(e: Experiment) -> Iterator[Claim]:
    rows = select(e.rows("disagreement"), cue="shape", decision="texture", readout="right")
    rows = [row for row in rows if row["arm"] != "published"]
    which = "every network"
    if e.trains:
        rows, which = select(rows, architecture=e.main, arm="plain"), "arm plain"

    def limits(name: str) -> list[tuple[float | None, float | None]]:
        return [(number(row[f"{name}_low"]), number(row[f"{name}_high"])) for row in rows]

    yield claim(
        "disagreement",
        side(limits("excess"), ("more", "less", "as independent")),
        {
            "more": """That is more than independence gives: where the shape can be read, texture wins more
            often. That is an association, and shows no cause.""",
            "less": """That is less than independence gives: where the shape can be read, texture wins less
            often. That is an association: a clear outline may be both read and followed, so that it does not
            show that what is known influences what is decided.""",
            "as independent": """In at least one seed that is not separated from what independence gives, so no
            relation of knowing and deciding is claimed.""",
        },
        evidence=f"disagreement.csv: {which}, cue shape, decision texture, readout right: excess_low, "
        "excess_high",
        rule="more: the interval of share minus expected share, both from the same pictures, lies above "
        "zero in every row; less: below in every row; as independent otherwise",
        cells=cells_of(rows, "excess_low", "excess_high"),
    )
    difference = e.describe(
        rows, "read_difference", show=hundredths, low="read_low", high="read_high"
    )
    decided = "in pictures decided for the shape than in those decided for the texture"
    yield claim(
        "disagreement-read",
        side(limits("read"), ("more often", "less often", "not separated")),
        {
            "more often": f"The shape is read more often {decided}, in percentage points by {difference}.",
            "less often": f"The shape is read less often {decided}, in percentage points by {difference}.",
            "not separated": f"""Whether the shape is read more often in pictures decided for it than in
            those decided for the texture is open (difference in percentage points {difference}).""",
        },
        evidence=f"disagreement.csv: {which}, cue shape: read_low, read_high",
        rule="more often: the interval of the difference lies above zero in every row; less often: below "
        "in every row; not separated otherwise",
        cells=cells_of(rows, "read_low", "read_high"),
    )
