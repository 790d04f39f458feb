"""Do the critics order networks as shape bias does, and so: what belongs beside a bias in a report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, number, select
from texshape.claims.experiment import Experiment
from texshape.claims.rules import NOT_RUN
from texshape.claims.sections.comparison import alpha_of
from texshape.claims.wording import HARD, count, escape, listed, num, p_value, plural, span, when
from texshape.comparison.agreement import (
    AGREE,
    CONTRARY,
    HERE,
    REFERENCE,
    TIED,
    UNDECIDED,
    in_words,
)
from texshape.techniques import registry

RULE = (
    "agree: the interval of the rank correlation, turned towards shape, lies above zero and its p_holm is "
    "below one minus the level of the intervals; contrary: below zero; tied: the two are tied by "
    "definition; undecided otherwise"
)
COLUMNS = ("rho", "ci_low", "ci_high", "p_holm", "n_networks", "verdict", "reason")
#: what is recommended beside a bias where no verdict speaks against it -> what it says
FIRST = {
    "cue_match_rate": "how many decisions a bias describes",
    "balance_point": "how strong a cue would have to be",
}
TWO = len(FIRST)


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("comparison") and experiment.has("agreement")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    rows = [
        row
        for row in select(experiment.rows("agreement"), measured_by=HERE)
        if row["family"] == REFERENCE
    ]
    yield _all(experiment, rows)
    for name, title, own in _by_technique(rows):
        yield _technique(experiment, name, title, own)
    yield from _others(experiment)
    yield _instead(rows)
    yield _two(rows)


def _by_technique(rows: list[Row]) -> Iterator[tuple[str, str, list[Row]]]:
    """Rows of each technique that has to be named, as far as it measured anything."""
    for technique in [*map(registry.get, registry.OPTIONAL), *registry.usable()]:
        measures = {measure.name for measure in technique.measures}
        if own := [row for row in rows if row["measure_y"] in measures]:
            title = technique.section.title if technique.section else technique.title
            yield technique.name, title, own


def _with(rows: list[Row], verdict: str) -> list[Row]:
    """Rows of a verdict; without a coefficient nothing is decided."""
    return [row for row in rows if _verdict(row) == verdict]


def _verdict(row: Row) -> str:
    decided = number(row["rho"]) is not None or row["verdict"] == TIED
    return row["verdict"] if decided else UNDECIDED


def _word(row: Row) -> str:
    """A measure in words; what is turned round says so."""
    label = escape(in_words(row["label_y"]))
    return f"_{label}_" + when(row["cue_y"] == "texture", " (turned round)")


def _words(rows: list[Row]) -> str:
    return listed(map(_word, rows))


def _within(e: Experiment, agree: list[Row]) -> str:
    """How many of the measures that agree do so within one kind of training images too."""
    p_values = [number(row["within_holm"]) for row in agree]
    known, alpha = [p for p in p_values if p is not None], alpha_of(e)
    if not known or alpha is None or not e.trains:
        return ""
    open_ = [p for p in known if p >= alpha]
    if not open_:
        return " Within one kind of training images that is shown for each of them."
    firm = len(known) - len(open_)
    p = f"p{HARD}={HARD}{span(min(open_), max(open_), lambda x: num(x, 3))}"
    return f""" Within one kind of training images that is shown for {count(firm) if firm else "none"} of them,
    once corrected ({when(firm, "else ")}{p}): the order may be that of the kinds of training, which is not
    shown either."""


def _two_families(e: Experiment, rows: list[Row]) -> tuple[list[Row], str]:
    """Pairs that are significant in the table of few named pairs and not among all, or the other way round."""
    alpha = alpha_of(e)
    found, words = [], []
    named = {row["measure_y"]: row for row in select(e.rows("correlations"), measure_x=REFERENCE)}
    for row in rows:
        other = named.get(row["measure_y"])
        if other is None or alpha is None or row["verdict"] == TIED:
            continue
        here, there = number(row["p_holm"]), number(other["p_holm"])
        if here is not None and there is not None and (here < alpha) != (there < alpha):
            found += [row, other]
            words.append(
                f"{_word(row)}: p{p_value(there)} among {count(number(other['n_tests']))} tests, "
                f"p{p_value(here)} among {count(number(row['n_tests']))}"
            )
    if not words:
        return [], ""
    return (
        found,
        f""" The fewer pairs of @tab-correlations are corrected for their own number, which gives
    another result for {"; ".join(words)}.""",
    )


def _all(e: Experiment, rows: list[Row]) -> Claim:
    agree, contrary, undecided, tied = (
        _with(rows, verdict) for verdict in (AGREE, CONTRARY, UNDECIDED, TIED)
    )
    free = len(rows) - len(tied)
    if not rows:
        verdict = NOT_RUN
    elif agree and contrary:
        verdict = "both"
    elif contrary or agree:
        verdict = CONTRARY if contrary else AGREE
    else:
        verdict = UNDECIDED
    as_it = (
        f"{plural(len(agree), 'measure orders', 'measures order')} the networks as shape bias does"
    )
    against = f"{plural(len(contrary), 'measure orders', 'measures order')} them contrary to it"
    within = _within(e, agree)
    twice, families = _two_families(e, rows)
    rest = (
        f"For {count(len(undecided))} of {count(free)} that are not tied to it nothing is decided."
        f"{families}"
    )
    return claim(
        "agreement",
        verdict,
        {
            "both": f"{as_it[0].upper()}{as_it[1:]}: {_words(agree)}.{within} "
            f"{against[0].upper()}{against[1:]}: {_words(contrary)}. {rest}",
            AGREE: f"{as_it[0].upper()}{as_it[1:]}: {_words(agree)}.{within} "
            f"None is shown to be contrary to it. {rest}",
            CONTRARY: f"No measure is shown to order the networks as shape bias does. "
            f"{against[0].upper()}{against[1:]}: {_words(contrary)}. {rest}",
            UNDECIDED: f"""Of {count(free)} measures that are not tied to shape bias none is shown to order
            the networks as it does, and none contrary ({_reasons(undecided)}).{families}""",
        },
        evidence="agreement.csv: rows of shape_bias measured here: verdict, within_holm; correlations.csv: "
        "the same pairs: p_holm",
        rule=f"{RULE}; both: some measures agree and some are contrary; agree, contrary: only such are "
        "decided. Within one kind of training images: within_holm below one minus the level",
        cells=[
            *cells_of(rows, *COLUMNS, "within_holm"),
            *(cell for row in twice for cell in cells_of([row], "p_holm", "n_tests")),
        ],
    )


def _reasons(rows: list[Row]) -> str:
    """Why nothing was decided, each reason once with how often."""
    said: dict[str, int] = {}
    for row in rows:
        reason = row["reason"] or "undefined"
        said[reason] = said.get(reason, 0) + 1
    return "; ".join(f"{escape(reason)}: {count(n)}" for reason, n in said.items())


def _numbers(e: Experiment, row: Row) -> str:
    rho, low, high = (number(row[column]) for column in ("rho", "ci_low", "ci_high"))
    if rho is None:
        return escape(row["reason"] or "undefined")
    within, held = number(row["within_rho"]), number(row["within_holm"])
    parts = [f"ρ{HARD}={HARD}{num(rho)}", f"{e.level} {span(low, high, num)}",
             f"n{HARD}={HARD}{count(number(row['n_networks']))}"]  # fmt: skip
    # Of networks that were trained elsewhere the table has groups of weights with one name.
    if within is not None and held is not None and e.trains:
        parts.append(f"within one kind of training images {num(within)}, p{p_value(held)}")
    if row["reason"]:
        parts.append(escape(row["reason"]))
    return ", ".join(parts)


def _technique(e: Experiment, name: str, title: str, rows: list[Row]) -> Claim:
    agree, contrary, tied = (_with(rows, verdict) for verdict in (AGREE, CONTRARY, TIED))
    if agree and contrary:
        verdict = "both"
    elif contrary:
        verdict = CONTRARY
    elif agree:
        verdict = AGREE if len(agree) + len(tied) == len(rows) else "partly"
    else:
        verdict = TIED if len(tied) == len(rows) else UNDECIDED
    cells = "; ".join(f"{_word(row)}: {_numbers(e, row)}" for row in rows)
    start = f"*{escape(title)}*"
    return claim(
        f"agreement-{name}",
        verdict,
        {
            AGREE: f"{start} orders the networks as shape bias does ({cells}).",
            "partly": f"""{start} orders the networks as shape bias does by {_words(agree)}; for the rest
            that is open ({cells}).""",
            CONTRARY: f"""{start} contradicts shape bias: by {_words(contrary)} the networks stand in the
            opposite order ({cells}).""",
            "both": f"""{start} agrees with shape bias by {_words(agree)} and contradicts it by
            {_words(contrary)} ({cells}).""",
            UNDECIDED: f"""{start}: whether it orders the networks as shape bias does is undecided
            ({cells}).""",
            TIED: f"{start} is tied to shape bias by definition, so its order is not a finding ({cells}).",
        },
        evidence=f"agreement.csv: rows of shape_bias with {', '.join(row['measure_y'] for row in rows)}, "
        "measured here",
        rule=f"by measure, {RULE}; of the technique, agree: every measure that is not tied; partly: some, "
        "and none is contrary; contrary: some, and none agrees; both: some of either",
        cells=cells_of(rows, *COLUMNS, "within_rho", "within_holm"),
    )


def _others(e: Experiment) -> Iterator[Claim]:
    """What networks say that others measured: a claim for each hand, of which no other claim takes a row."""
    rows = [row for row in e.rows("agreement") if row["family"] == REFERENCE]
    for who in dict.fromkeys(row["measured_by"] for row in rows):
        if who != HERE:
            yield _by(who, select(rows, measured_by=who))


def _by(who: str, rows: list[Row]) -> Claim:
    agree, contrary, undecided = (_with(rows, verdict) for verdict in (AGREE, CONTRARY, UNDECIDED))
    if agree and contrary:
        verdict = "both"
    elif agree or contrary:
        verdict = AGREE if agree else CONTRARY
    else:
        verdict = UNDECIDED

    def with_rho(chosen: list[Row]) -> str:
        return listed(f"{_word(row)} ({num(number(row['rho']))})" for row in chosen)

    n = span(*(f(number(row["n_networks"]) or 0 for row in rows) for f in (min, max)), show=count)
    start = f"Of {n} networks that {escape(who)} measured"
    open_ = when(undecided, f" Undecided: {with_rho(undecided)}.")
    return claim(
        "agreement-by-" + re.sub(r"\W+", "-", who.lower()).strip("-"),
        verdict,
        {
            AGREE: f"{start}, the order by shape bias agrees with that by {with_rho(agree)}.{open_}",
            CONTRARY: f"{start}, the order by shape bias is contrary to that by {with_rho(contrary)}.{open_}",
            "both": f"""{start}, the order by shape bias agrees with that by {with_rho(agree)}, and is contrary
            to that by {with_rho(contrary)}.{open_}""",
            UNDECIDED: f"{start}, no measure is shown to order them as shape bias does, or contrary.{open_}",
        },
        evidence=f"agreement.csv: rows of shape_bias measured by {who}: verdict, rho",
        rule=f"by measure, {RULE}; both: some measures agree and some are contrary; agree, contrary: only "
        "such are decided",
        cells=cells_of(rows, *COLUMNS),
    )


def _instead(rows: list[Row]) -> Claim:
    agree, contrary, undecided = (_with(rows, verdict) for verdict in (AGREE, CONTRARY, UNDECIDED))
    if not rows:
        verdict = NOT_RUN
    elif contrary:
        verdict = CONTRARY
    elif agree:
        verdict = "some undecided" if undecided else "all agree"
    else:
        verdict = UNDECIDED
    # Many are named once, where they are found to agree.
    named = _words(agree) if len(agree) <= 4 else f"{count(len(agree))} of them (@agreement)"
    stands = when(agree, f" It shares the order by {named} in part.")
    return claim(
        "report-instead",
        verdict,
        {
            CONTRARY: f"""Where another measure puts the networks in the opposite order, either number alone
            misleads: {_words(contrary)} {"belongs" if len(contrary) == 1 else "belong"} beside the
            bias.{stands}""",
            "some undecided": f"""Nothing that was measured here is shown to contradict the order by
            bias.{stands}
            Agreement of {plural(len(undecided), "other measure", "other measures")} was not shown,
            and a report without them would assume it.""",
            "all agree": """All measures that are not tied to the bias share its order in part. How far one
            stands for another its coefficient says; what each network holds, and how surely, an order does
            not say.""",
            UNDECIDED: """That other measures follow from the bias was shown for none of them, so none can be
            left out on its account; nor was it shown that any of them contradicts it.""",
        },
        evidence="agreement.csv: rows of shape_bias measured here: verdict",
        rule="contrary: some measure is; all agree: every one that is not tied does; some undecided: some "
        "agree, none is contrary; undecided: none is decided",
        cells=cells_of(rows, "verdict"),
    )


def _two(rows: list[Row]) -> Claim:
    """Two numbers more than the bias: what contradicts it first, then what does not follow from it."""
    contrary = sorted(_with(rows, CONTRARY), key=lambda row: number(row["rho"]) or 0)
    first = [row for row in rows if row["measure_y"] in FIRST]
    left = [row for row in first if row["verdict"] != AGREE and row not in contrary]
    chosen = [*contrary, *left][:TWO]
    gone = [row for row in first if row["verdict"] == AGREE]
    if not rows:
        verdict = NOT_RUN
    elif contrary:
        verdict = CONTRARY
    elif gone:
        verdict = "follows"
    else:
        verdict = "nothing against" if chosen else "none"
    many = "one number" if len(chosen) == 1 else "two numbers"
    begin = f"Whoever can report {many} besides the bias should report {_words(chosen)}"
    says = [FIRST[row["measure_y"]] for row in left]
    order = "because the networks stand in another order by"
    if len(contrary) < len(chosen):
        reason = f": {_words(contrary)} {order} it"
    else:
        reason = f", {order} {'it' if len(chosen) == 1 else 'each of them'}"
    return claim(
        "report-two",
        verdict,
        {
            CONTRARY: f"{begin}{reason}.",
            "follows": f"""The order by {_words(gone)} is in part that by bias here{
                when(chosen, f", so the number to add first is {_words(chosen)}")
            }.""",
            "nothing against": f"""{begin}, to say {listed(says)}. That the bias says as much was not
            shown.""",
            "none": "Neither the cue match rate nor the balance point was measured beside it.",
        },
        evidence="agreement.csv: rows of shape_bias measured here: verdict, rho",
        rule="contrary: the measures that are, the most contrary first, then "
        f"{' and '.join(FIRST)} unless they agree; follows: one of those two agrees and none is "
        "contrary; nothing against: neither; none: neither was measured",
        cells=cells_of(rows, "verdict", "rho"),
    )
