"""How far local patches get: accuracy against receptive field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Rows, mean
from texshape.claims.experiment import Experiment
from texshape.claims.rules import NOT_RUN, UNDEFINED, above, compare
from texshape.claims.wording import listed, network_name, pct, pixels, points

#: What counts as near: a tenth.
MARGIN = 0.1
#: Networks that differ in their field, smallest first, with its side in pixels; the wider one answers another
#: question.
LIMITED = {"rf9": 9, "bagnet9": 9, "rf17": 17, "bagnet17": 17, "rf33": 33, "bagnet33": 33}
_SMALL, _WIDE = "rf9", "rf9-wide"


def applies(experiment: Experiment) -> bool:
    """Whether the article compares networks by their field."""
    return experiment.trains


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    yield _plain(experiment)
    yield _stylized(experiment)
    if _styled(experiment, _WIDE):
        yield _width(experiment)


def _styled(e: Experiment, architecture: str | None = None) -> Rows:
    return e.accuracy_of("stylized", "test-stylized", "shape", architecture)


def _gap(first: Rows, second: Rows) -> float | None:
    a, b = mean(first, "accuracy"), mean(second, "accuracy")
    return None if a is None or b is None else a - b


def _learned(e: Experiment, rows: Rows) -> bool:
    """Whether there is anything to compare: a network that guesses has learned nothing."""
    return above(rows, e.guess) == "above"


def _plain(e: Experiment) -> Claim:
    measured = {name: e.accuracy_of("plain", "test-plain", "shape", name) for name in LIMITED}
    smallest = next((name for name, rows in measured.items() if rows), next(iter(LIMITED)))
    small = measured[smallest]
    full = e.accuracy_of("plain", "test-plain", "shape")
    gap = _gap(full, small)
    if not full or not small:
        verdict = NOT_RUN
    elif gap is None:
        verdict = UNDEFINED
    elif not _learned(e, small) or not _learned(e, full):
        verdict = "not learned"
    else:
        verdict = "near" if gap <= MARGIN else "far"
    behind = (
        "not behind" if gap is not None and gap <= 0 else f"behind by no more than {points(gap)}"
    )
    return claim(
        "patches-plain",
        verdict,
        {
            "near": f"""A field of {pixels(LIMITED[smallest])} is {behind}: plain images can be named by what
            fits into it.""",
            "not learned": """At least one of them does not exceed guessing in every seed, so that nothing
            follows for receptive fields.""",
            "far": f"""A field of {pixels(LIMITED[smallest])} is behind by {points(gap)}, so here even plain
            images need more than what fits into it.""",
        },
        evidence="accuracy.csv: arm plain, set test-plain, the network of the smallest field and the main "
        "architecture: accuracy, mean over seeds",
        rule="not learned: a seed's interval reaches 1 / classes; near: the means differ by at most a tenth; "
        "far: otherwise",
        cells=cells_of([*small, *full], "accuracy", "ci_low"),
    )


def _whole(e: Experiment, names: Iterable[str]) -> str:
    """Which of the networks see an object whole, as far as it is known how large objects are."""
    half, side = e.parameter("data.outline.half_size"), e.parameter("data.image_size")
    if not e.procedural or half is None or side is None:
        return """How much of an object such a field takes in is not known here, so that pieces of the contour
        are not shown to be enough."""
    low, high = (2 * share * side for share in half)
    names = list(names)
    blind, seeing = (
        [name for name in names if (LIMITED[name] < low) == small] for small in (True, False)
    )
    said = f"The longer side of an object measures {pixels(low)} to {pixels(high)} here"
    if seeing:
        fields = listed(f"{network_name(name)} ({pixels(LIMITED[name])})" for name in seeing)
        said += f", so that the smallest fit into the field of the {fields}"
    if not blind:
        return f"{said}: that pieces of the contour are enough is not shown."
    fields = listed(f"{network_name(name)} ({pixels(LIMITED[name])})" for name in blind)
    said += f"{' and' if seeing else ', so that'} none fits into that of the {fields}"
    return f"{said}: there pieces of the contour are enough for most of it."


def _stylized(e: Experiment) -> Claim:
    full = _styled(e)
    rows = {name: _styled(e, name) for name in LIMITED if _styled(e, name)}

    def way(name: str) -> float | None:
        """How far a network gets from guessing to the main network's accuracy."""
        own, top = mean(rows[name], "accuracy"), mean(full, "accuracy")
        if own is None or top is None or e.guess is None or top <= e.guess:
            return None
        return (own - e.guess) / (top - e.guess)

    ways = {name: way(name) for name in rows}
    most = {name: share for name, share in ways.items() if share is not None and share > 0.5}
    narrowest = next(iter(rows.values()), [])
    gap = _gap(full, narrowest)
    if not full or not rows:
        verdict = NOT_RUN
    elif any(_gap(full, own) is None for own in rows.values()) or (
        _learned(e, full) and None in ways.values()
    ):
        verdict = UNDEFINED
    elif not _learned(e, full):
        verdict = "not learned"
    elif compare(full, narrowest) != "higher" or gap is None or gap <= MARGIN:
        verdict = "local suffices"
    else:
        verdict = "contour" if most else "wide view"
    shares = listed(
        f"the {network_name(name)} gets {pct(share, 0)} of the way from guessing to the {e.main_name}"
        for name, share in most.items()
    )
    # Style transfer may leave some of it; the renderer's patterns belong to no class.
    start = "Once texture carries no information," if e.procedural else "On stylized images,"
    return claim(
        "patches-stylized",
        verdict,
        {
            "wide view": f"""{start} none of these fields gets half of the way
            from guessing to what the {e.main_name} reaches: stylized images require a view wider than any
            of them.""",
            "contour": f"""{start} the network of the smallest field is left
            behind. Yet {shares}. {_whole(e, most)} Stylized images test for shape, local shape included;
            that the whole outline is needed does not follow.""",
            "not learned": f"""The {e.main_name} itself does not exceed guessing there in every seed, so that
            nothing follows for receptive fields.""",
            "local suffices": f"""The gap to the smallest field is {points(gap)} and does not show that
            stylized images require a wide view: that they test for shape is not shown.""",
        },
        evidence="accuracy.csv: arm stylized, set test-stylized, every network of limited field and the main "
        "architecture: accuracy, ci_low, ci_high",
        rule="not learned: a seed's interval of the main architecture reaches 1 / classes; local suffices: "
        "not every interval of the main architecture lies above every one of the smallest field, or the "
        "means differ by at most a tenth; contour: a field gets more than half of the way from guessing to "
        "the main architecture's mean; wide view: none does. An object fits into a field that is as wide as "
        "the smallest of data.outline.half_size, doubled, in pixels",
        cells=cells_of(
            [*full, *(row for own in rows.values() for row in own)],
            *("accuracy", "ci_low", "ci_high"),
        ),
    )


def _width(e: Experiment) -> Claim:
    small, wide, full = (_styled(e, name) for name in (_SMALL, _WIDE, None))
    total, gained = _gap(full, small), _gap(wide, small)
    if total is None or gained is None:
        verdict = UNDEFINED
    elif total <= MARGIN:
        verdict = "no gap"
    else:
        verdict = "field" if gained < total / 2 else "width"
    return claim(
        "patches-width",
        verdict,
        {
            "field": "Width closes less than half of the gap: it is the field that matters more.",
            "width": """Width closes half of the gap or more, so the field is not the main reason for
            it.""",
            "no gap": "The main architecture’s lead is at most a tenth, too small a gap to be parted.",
        },
        evidence="accuracy.csv: arm stylized, set test-stylized, rf9, rf9-wide and the main architecture: "
        "accuracy, mean over seeds",
        rule="field: rf9-wide gains less than half of the main architecture's lead over rf9; no gap: that "
        "lead is at most a tenth",
        cells=cells_of([*small, *wide, *full], "accuracy"),
    )
