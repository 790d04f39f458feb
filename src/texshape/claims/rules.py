"""Decision rules. Each looks at every seed, so that one that disagrees is enough for the cautious verdict."""

from __future__ import annotations

from collections.abc import Iterable

from texshape.claims.evidence import Rows, values
from texshape.trials import naming

NOT_RUN, UNDEFINED = "not run", "undefined"

BIAS_RULE = (
    "texture-biased: every seed's interval below one half; shape-biased: above; neither otherwise; "
    "no name where in a seed the interval of the accuracy on congruent pictures reaches 1 / classes "
    "(not recognised), that of the cue match rate 2 / classes (follows no cue), or decisions have at "
    "least one bit of entropy less than the labels (few answers)"
)
ORDER_RULE = (
    "higher: the interval of every paired difference over exemplars lies above zero, and so does "
    "Welch's interval over seeds where both networks have several; lower: below; not over seeds: the "
    "first without the second; where a pair is not in the table: every interval of the first lies "
    "above (below) every one of the second"
)


def bias_verdict(rows: Rows) -> str:
    """Name of a bias over seeds; each row brings its own (`texshape.trials.naming`).

    Whatever stands in the way of a name in one seed does so for all; a name has to be that of every
    seed, else it is ``neither``.
    """
    names = [row["verdict"] for row in rows]
    stops = (UNDEFINED, naming.UNRECOGNISED, naming.NO_CUE, naming.FEW_ANSWERS)
    if not rows:
        return NOT_RUN
    for stop in stops:
        if stop in names:
            return stop
    return names[0] if len(set(names)) == 1 else naming.NEITHER


def no_name(who: str = "at least one seed") -> dict[str, str]:
    """Why a bias has no name, to follow a colon; `who` is what the rows stand for."""
    return {
        naming.UNRECOGNISED: f"in {who} not even the pictures whose shape and texture are of one class "
        "are shown to be recognised more often than guessing would",
        naming.NO_CUE: f"in {who} decisions are not shown to match a cue more often than guessing would",
        naming.FEW_ANSWERS: f"in {who} decisions collapse onto a few classes, whatever the picture shows",
    }


def without_name(start: str, who: str = "at least one seed") -> dict[str, str]:
    """Sentences for biases without a name: `start`, a colon, the reason."""
    return {name: f"{start}: {why}." for name, why in no_name(who).items()}


def compare(first: Rows, second: Rows, low: str = "ci_low", high: str = "ci_high") -> str:
    """Order of two groups by their intervals.

    Returns
    -------
    str
        ``higher`` only if every interval of the first lies above every one of the second, ``lower``
        if below, else ``not separated``.
    """
    if not first or not second:
        return NOT_RUN
    lows, highs = [[values(rows, column) for rows in (first, second)] for column in (low, high)]
    if sum(map(len, lows + highs)) < 2 * (len(first) + len(second)):
        return UNDEFINED
    if min(lows[0]) > max(highs[1]):
        return "higher"
    return "lower" if max(highs[0]) < min(lows[1]) else "not separated"


def above(rows: Rows, threshold: float | None, low: str = "ci_low") -> str:
    """Whether every interval lies above a number: ``above`` or ``not above``."""
    if not rows:
        return NOT_RUN
    lows = values(rows, low)
    if len(lows) < len(rows) or threshold is None:
        return UNDEFINED
    return "above" if all(x > threshold for x in lows) else "not above"


def side(
    limits: Iterable[tuple[float | None, float | None]],
    names: tuple[str, str, str],
    than: float = 0,
) -> str:
    """Whether all intervals lie above a number, all below, or neither: the names of these three."""
    limits = list(limits)
    if not limits:
        return NOT_RUN
    if any(x is None for pair in limits for x in pair):
        return UNDEFINED
    if all(low > than for low, _ in limits):
        return names[0]
    return names[1] if all(high < than for _, high in limits) else names[2]


def direction(pairs: Iterable[tuple[float | None, float | None]]) -> str:
    """Whether every first number exceeds its second.

    For numbers that have no interval: what it finds is a direction that all networks share, not a
    test.

    Returns
    -------
    str
        ``above``, ``below`` (in every pair) or ``mixed``.
    """
    pairs = list(pairs)
    if not pairs:
        return NOT_RUN
    if any(x is None for pair in pairs for x in pair):
        return UNDEFINED
    if all(a > b for a, b in pairs):
        return "above"
    return "below" if all(a < b for a, b in pairs) else "mixed"


def ordered_alike(pairs: Iterable[tuple[float, float]]) -> float | None:
    """Of all two items that differ in both numbers, the share that both order alike; None without any."""
    pairs = list(pairs)
    agree = differ = 0
    for i, (x, y) in enumerate(pairs):
        for other_x, other_y in pairs[:i]:
            sign = (x - other_x) * (y - other_y)
            agree, differ = agree + (sign > 0), differ + (sign < 0)
    return agree / (agree + differ) if agree + differ else None


def obstacle(*verdicts: str) -> str | None:
    """The first verdict that stands in the way of a claim, None if nothing does."""
    return next((verdict for verdict in verdicts if verdict in (NOT_RUN, UNDEFINED)), None)
