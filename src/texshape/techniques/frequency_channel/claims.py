"""Whether a network has a spatial-frequency channel, how wide, and where an estimator has no answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, Rows, number, values
from texshape.claims.experiment import Experiment, counts
from texshape.claims.networks import known, over_networks, reasons, trained_arms
from texshape.claims.rules import NOT_RUN, UNDEFINED, compare
from texshape.claims.wording import num, plural

CHANNEL, UNBOUNDED, NONE = "channel", "not bounded", "no channel"
LIMITS = ("bandwidth_low", "bandwidth_high")
COLUMNS = ("bandwidth", *LIMITS, "n_bands", "reason")
RULE = (
    "channel: a bandwidth in every seed, whose interval ends below the octaves shown; not bounded: the "
    "interval reaches them in a seed; no channel: no bandwidth in a seed, as where the network guesses "
    "without noise or noise of every octave masks alike"
)


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("frequency_channel")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    rows = e.rows("frequency_channel")
    arms = trained_arms(e, rows)
    for arm in arms:
        yield _of_arm(e, arm, e.of("frequency_channel", arm))
    if len(arms) > 1:
        yield _order(*(e.of("frequency_channel", arm) for arm in arms))
    yield over_networks(
        e,
        "frequency-networks",
        rows,
        state,
        {
            CHANNEL: "a channel narrower than the octaves shown",
            UNBOUNDED: "a channel that may be as wide as the octaves shown",
            NONE: "at least one seed without a bandwidth",
        },
        evidence=_evidence("every network"),
        rule=RULE,
        cells=cells_of(rows, *COLUMNS),
    )
    yield _published(rows)


def state(rows: Rows) -> str:
    """Whether a network has a channel; `rows` are those of all of its seeds."""
    if not rows:
        return NOT_RUN
    if not known(rows, *LIMITS):
        return NONE
    bounded = all(number(row["bandwidth_high"]) < number(row["n_bands"]) for row in rows)
    return CHANNEL if bounded else UNBOUNDED


def _evidence(who: str) -> str:
    return f"frequency_channel.csv: {who}, all seeds: {', '.join(COLUMNS)}"


def _octaves(x: float | None) -> str:
    return f"{num(x, 1)} octaves"


def _of_arm(e: Experiment, arm: str, rows: list[Row]) -> Claim:
    width = e.describe(rows, "bandwidth", "n", show=_octaves, low=LIMITS[0], high=LIMITS[1])
    who = f"The {e.main_name} trained on {arm} images"
    return claim(
        f"frequency-{arm}",
        state(rows),
        {
            CHANNEL: f"{who} recognises by a channel of {width}.",
            UNBOUNDED: f"""{who} has a channel of {width}, which in at least one seed may be as wide as the
            octaves shown.""",
            NONE: f"{who} has no bandwidth in at least one seed: {reasons(rows) or 'no interval'}.",
        },
        evidence=_evidence(f"{e.main} trained on {arm}"),
        rule=RULE,
        cells=cells_of(rows, *COLUMNS),
    )


def _order(plain: list[Row], stylized: list[Row]) -> Claim:
    verdict = compare(stylized, plain, *LIMITS)
    why = reasons([*plain, *stylized])
    return claim(
        "frequency-order",
        "no order" if verdict == UNDEFINED else verdict,
        {
            "higher": "Trained on stylized images the channel is wider than trained on plain images.",
            "lower": "Trained on stylized images the channel is narrower than trained on plain images.",
            "not separated": "The widths of the networks trained on stylized and on plain images are not "
            "separated.",
            "no order": "Which of the two channels is wider cannot be said, since a seed has no bandwidth"
            + (f": {why}." if why else "."),
        },
        evidence="frequency_channel.csv: arms plain and stylized, all seeds: bandwidth_low, bandwidth_high",
        rule="higher: every interval of stylized above every one of plain; lower: below; no order: a bandwidth "
        "is undefined",
        cells=cells_of([*plain, *stylized], *LIMITS),
    )


def _published(rows: Rows) -> Claim:
    """How often the published estimator has an answer, and how often the sound one."""
    ours, theirs = (len(values(rows, name)) for name in ("bandwidth", "published_bandwidth"))
    verdict = "fewer" if theirs < ours else "more" if theirs > ours else "as many"
    trainings = plural(len(rows), "training", "trainings")
    both = f"""Of {trainings} the published estimator has a bandwidth for {theirs}, and the one used here for
        {ours}.{_counted(rows)}"""
    return claim(
        "frequency-published",
        verdict if rows else NOT_RUN,
        {
            "fewer": f"""{both} A threshold at half way between chance and what a network reaches is there for
            networks that never reach one half.""",
            "more": f"""{both} Values that the published one gives where a channel does not fall to half of its
            peak within the octaves shown rest on octaves that were not shown.""",
            "as many": both,
        },
        evidence="frequency_channel.csv: every network and seed: bandwidth, published_bandwidth",
        rule="fewer: the published estimator has fewer values than ours; more: it has more; what is said of "
        "equal widths: values that are the same to four decimals are counted once",
        cells=cells_of(rows, "bandwidth", "published_bandwidth", "n_bands", "n_noises"),
    )


def _counted(rows: Rows) -> str:
    """Why widths of different networks are the same number; nothing where they are not.

    The published estimator fits to whole numbers (`texshape.techniques.frequency_channel.published`).
    """
    widths = values(rows, "published_bandwidth")
    different = {round(width, 4) for width in widths}
    if len(different) == len(widths):
        return ""
    bands, noises = (counts(rows, name) for name in ("n_bands", "n_noises"))
    same = f"All of its {len(widths)} widths are the same number, {_octaves(widths[0])}"
    some = f"Its {len(widths)} widths are of {len(different)} different values only"
    which = same if len(different) == 1 else some
    return f""" {which}: for each of {bands} octaves it counts the strengths of noise, from the strongest of
        {noises}, up to the first under which more than half is recognised, and networks that have the same
        whole numbers get the same width, which is then no separate measurement of each."""
