"""How much of a receptive field counts, what training does to it, and how wide known networks look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import (
    Row,
    at_last_stage,
    each,
    networks_in,
    number,
    select,
    values,
)
from texshape.claims.experiment import Experiment
from texshape.claims.rules import NOT_RUN, UNDEFINED, direction, ordered_alike
from texshape.claims.wording import code, count, listed, network_name, pct

SECTION = "fields"


def applies(experiment: Experiment) -> bool:
    """Whether the article has one of the two sections."""
    return experiment.has("receptive_field", "architectures")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the two sections, in the order of their text."""
    if experiment.has("receptive_field"):
        yield from _fields(experiment)
    if experiment.has("architectures"):
        yield from _architectures(experiment)


def _sizes(last: list[Row], theory: str) -> str:
    """In how many networks, and which, the effective field is smaller than, as large as or larger."""
    found: dict[str, list[str]] = {}
    for row in last:
        could, does = number(row.get(theory)), number(row["effective_trained"])
        if could is not None and does is not None:
            place = (
                "smaller than" if does < could else "larger than" if does > could else "as large as"
            )
            found.setdefault(place, []).append(network_name(row["architecture"]))
    return listed(
        f"{place} the theoretical one in {count(len(found[place]))} ({listed(dict.fromkeys(found[place]))})"
        for place in ("smaller than", "as large as", "larger than")
        if place in found
    )


def _fields(e: Experiment) -> Iterator[Claim]:
    fields = e.rows("receptive_field")
    last: list[Row] = []
    for architecture, arm in networks_in(fields):
        last += at_last_stage(select(fields, architecture=architecture, arm=arm))
    shown = select(last, architecture=e.main) if e.trains else last
    theory = "theoretical_local" if values(shown, "theoretical_local") else "theoretical"
    parts = _sizes(last, theory)
    yield claim(
        "field-effective",
        direction((number(row.get(theory)), number(row["effective_trained"])) for row in last),
        {
            "above": "In every network measured, what counts is smaller than what could.",
            "below": """In every network measured, the effective field exceeds the theoretical one, which
            cannot be; something is wrong with one of the two.""",
            "mixed": f"Of {count(len(last))} networks the effective field is {parts}.",
        },
        evidence="receptive_field.csv: last stage of every trained network: theoretical (local paths where "
        "global), effective_trained",
        rule="above: theoretical exceeds effective in every row; below: the reverse in every row; mixed "
        "otherwise; no interval is involved",
        cells=cells_of(last, theory, "effective_trained"),
    )
    # Arms of one seed are not independent trainings.
    compared = f"{count(len(shown))} networks compared"
    if e.trains and len(shown) > 1 and len(each(shown, "seed")) == 1:
        compared += " (one training for each kind of images, all from the same initial weights)"
    pairs = [(number(r["effective_trained"]), number(r["effective_untrained"])) for r in shown]
    yield claim(
        "field-training",
        direction(pairs),
        {
            "above": f"""Training widens it, as reported for deeper networks @luo2016, in each of the
            {compared}.""",
            "below": f"""Training narrows it, in each of the {compared}; for deeper networks the opposite was
            reported @luo2016.""",
            "mixed": f"Of the {compared} training {_ways(pairs)}.",
        },
        evidence="receptive_field.csv: last stage, "
        + ("main architecture" if e.trains else "all networks")
        + ": effective_trained, effective_untrained",
        rule="above: trained exceeds untrained in every row; below: falls short in every row; mixed "
        "otherwise; no interval is involved",
        cells=cells_of(shown, "effective_trained", "effective_untrained"),
    )


def _architectures(e: Experiment) -> Iterator[Claim]:
    rows = e.rows("architectures")
    pairs = [(row, number(row["receptive_field"]), number(row["texshape"])) for row in rows]
    both = [(row, given, traced) for row, given, traced in pairs if None not in (given, traced)]
    apart = [code(row["architecture"]) for row, given, traced in both if given != traced]
    if not rows:
        verdict = NOT_RUN
    elif not both:
        verdict = UNDEFINED
    else:
        verdict = "differs" if apart else "agrees"
    yield claim(
        "tracer-agrees",
        verdict,
        {
            "agrees": f"""For each of the {count(len(both))} networks that both list, the tracer finds the
            published field to the pixel.""",
            "differs": f"""Of the {count(len(both))} networks that both list, the tracer finds the published
            field to the pixel in {count(len(both) - len(apart))} and another one in {listed(apart)}.""",
        },
        evidence="architectures.csv: rows with receptive_field and texshape",
        rule="agrees: the two are equal in every row that has both",
        cells=cells_of([row for row, *_ in both], "receptive_field", "texshape"),
    )
    placed = []
    for row, given, traced in pairs:
        field, top1 = given if given is not None else traced, number(row["top1"])
        if field is not None and top1 is not None:
            placed.append((row, field, top1))
    share = ordered_alike((field, top1) for _, field, top1 in placed)
    if not rows:
        verdict = NOT_RUN
    elif share is None:
        verdict = UNDEFINED
    else:
        verdict = "with" if share > 0.5 else "against"
    taken = "Taken two at a time, the network with the larger field is the more accurate one in"
    of = f"{pct(share, 0)} of the pairs ({count(len(placed))} networks)."
    yield claim(
        "field-accuracy",
        verdict,
        {
            "with": f"""{taken} {of} Field, depth, parameters and year grow together in this list, so this
            shows no effect of the field.""",
            "against": f"{taken} only {of}",
        },
        evidence="architectures.csv: receptive_field (texshape where not published), top1: all pairs of rows "
        "that differ in both",
        rule="with: the share of pairs ordered alike exceeds one half; a description of this list, not a "
        "test",
        cells=cells_of([row for row, *_ in placed], "receptive_field", "texshape", "top1"),
    )


def _ways(pairs: Iterable[tuple[float | None, float | None]]) -> str:
    """In how many networks training does what to the field."""
    known = [(after, before) for after, before in pairs if after is not None and before is not None]
    ways = {
        "widens it": sum(after > before for after, before in known),
        "narrows it": sum(after < before for after, before in known),
        "leaves it as it is": sum(after == before for after, before in known),
    }
    return listed(f"{way} in {count(n)}" for way, n in ways.items() if n)
