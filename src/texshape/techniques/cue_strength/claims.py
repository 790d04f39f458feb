"""How a bias depends on the strength of the texture, and where the two cues weigh as much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import (
    Row,
    Rows,
    each,
    largest,
    mean,
    networks_in,
    number,
    select,
    smallest,
    values,
)
from texshape.claims.experiment import Experiment
from texshape.claims.rules import (
    NOT_RUN,
    UNDEFINED,
    above,
    bias_verdict,
    compare,
    no_name,
    obstacle,
)
from texshape.claims.wording import escape, listed, network_name, num, plural, span
from texshape.techniques.cue_strength.tables import ABOVE, ALL_SHAPE, NOT_FALLING, OUTSIDE

SECTION = "cue-strength"


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("cue_strength")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    if not e.trains:
        yield _turning(e)
        return
    plain, stylized = (e.of("cue_strength", arm) for arm in ("plain", "stylized"))
    yield _name(plain)
    yield _balance(e, plain)
    yield _fit(e, plain)
    if stylized:
        yield _against_plain(e, stylized, plain)


def strengths(rows: Rows) -> list[float]:
    """Strengths of the texture, ascending."""
    return sorted(set(values(rows, "strength")))


def _at(rows: Rows, strength: float | None) -> list[Row]:
    return [row for row in rows if number(row["strength"]) == strength]


def _ends(rows: Rows) -> tuple[float | None, float | None]:
    """The weakest and the strongest texture; without a texture there is none to prefer."""
    steps = strengths(rows)
    if len(steps) > 1:
        steps = [step for step in steps if step > 0]
    return (steps[0], steps[-1]) if steps else (None, None)


def _names(rows: Rows) -> list[tuple[float, str]]:
    """Names that the bias rule gives at each strength; none without a texture."""
    return [(step, bias_verdict(_at(rows, step))) for step in strengths(rows) if step > 0]


def movement(rows: Rows) -> str:
    """How the name of a bias moves along the curve: ``turns``, ``moves`` or ``stays``."""
    if not rows:
        return NOT_RUN
    first, last = _ends(rows)
    names = [name for _, name in _names(rows)]
    if all(name == UNDEFINED for name in names):
        return UNDEFINED
    if "texture-biased" in names and "shape-biased" in names:
        return "turns"
    change = compare(_at(rows, first), _at(rows, last))
    return "moves" if change in ("higher", "lower") else "stays"


def _once(rows: Rows) -> list[Row]:
    """One row a seed: what is said of a whole curve stands in all of its rows."""
    return [select(rows, seed=seed)[0] for seed in each(rows, "seed")]


def _defined(rows: Rows, column: str) -> str:
    """In how many seeds a point of the curve is defined: ``inside`` (all), ``some`` or ``none``."""
    if not rows:
        return NOT_RUN
    if not values(rows, "shape_share"):
        return UNDEFINED
    seeds = {row["seed"] for row in rows}
    known = {row["seed"] for row in rows if number(row[column]) is not None}
    return "inside" if known == seeds else "some" if known else "none"


def _name(rows: Rows) -> Claim:
    def named(wanted: str) -> str:
        return listed(num(step) for step, name in _names(rows) if name == wanted)

    return claim(
        "strength-name",
        movement(rows),
        {
            "turns": f"""By the rule of @bias, matches and spread of decisions included, the same network is
            texture-biased at {named("texture-biased")} of the full strength and shape-biased at
            {named("shape-biased")}. What the bias reports is which strength the pictures happened to
            have.""",
            "moves": f"""The value moves with the strength. What it is called at each: {_each_name(rows)}.
            {_passes(rows)}""",
            "stays": """Between the ends of the curve the intervals overlap: that the value depends on the
            strength of the texture is not shown for this network.""",
        },
        evidence="cue_strength.csv: arm plain, all strengths above 0 and all seeds: verdict, ci_low, ci_high "
        "of shape_share",
        rule="turns: at one strength every seed is named texture-biased and at another shape-biased by the "
        "rule of the bias, with its guards (on pictures in conflict alone); moves: the ends are separated, "
        "every interval against every one; stays otherwise",
        cells=cells_of(
            [row for row in rows if (number(row["strength"]) or 0) > 0],
            *("verdict", "ci_low", "ci_high"),
        ),
    )


def _each_name(rows: Rows) -> str:
    """The names along the curve: each with the strengths that it is given at."""
    by_name: dict[str, list[str]] = {}
    for step, name in _names(rows):
        by_name.setdefault(name, []).append(num(step))
    return "; ".join(f"{name} at {listed(steps)}" for name, steps in by_name.items())


def _passes(rows: Rows) -> str:
    """Whether a name passes into the other, as far as there are names."""
    names = [name for _, name in _names(rows)]
    stops = {**no_name(), UNDEFINED: "in at least one seed the share is undefined"}
    why = [f"_{name}_ is no name ({reason})" for name, reason in stops.items() if name in names]
    if not why:
        return "It does not pass from one name to the other."
    return f"""Of these {listed(why)}, so that whether it passes from one name to the other is not known."""


def _balance(e: Experiment, rows: Rows) -> Claim:
    state = _defined(rows, "balance_point")
    texts = [row.get("reason", "").split("; ")[-1] for row in rows if row.get("reason", "")]
    reasons = [escape(text) for text in dict.fromkeys(texts)]
    return claim(
        "balance-plain",
        state,
        {
            "inside": f"Its balance point lies at {_balance_point(e, rows)} of the full texture.",
            "some": f"""A balance point is defined in some seeds only (mean
            {num(mean(_once(rows), "balance_point"))}), not in the others: {listed(reasons)}.""",
            "none": f"""It has no balance point within the strengths
            shown{": " + listed(reasons) if reasons else ""}.""",
        },
        evidence="cue_strength.csv: arm plain, all seeds: balance_point, reason",
        rule="inside: a balance point in every seed; none: in no seed; some otherwise",
        cells=cells_of(_once(rows), "balance_point", "reason"),
    )


def _balance_point(e: Experiment, rows: Rows) -> str:
    limits = {"low": "balance_low", "high": "balance_high"}
    return e.describe(_once(rows), "balance_point", show=num, **limits)


def _crossing(e: Experiment, rows: Rows) -> str:
    limits = {"low": "crossing_low", "high": "crossing_high"}
    return e.describe(_once(rows), "crossing", show=num, **limits)


def _missed(rows: Rows) -> list[Row]:
    """Rows in which the fitted share lies outside the interval of the observed one, over all seeds."""
    missed = []
    for row in rows:
        share, low, high = (number(row[name]) for name in ("fitted_share", "ci_low", "ci_high"))
        if share is not None and low is not None and high is not None and not low <= share <= high:
            missed.append(row)
    return missed


def _fit(e: Experiment, rows: Rows) -> Claim:
    state, missed, once = _defined(rows, "crossing"), _missed(rows), _once(rows)
    if state in (NOT_RUN, UNDEFINED):
        verdict = state
    elif state != "inside":
        verdict = "no crossing"
    elif len(values(rows, "fitted_share")) < len(rows):
        verdict = "no fit"
    else:
        verdict = "misses" if missed else "fits"
    reasons = dict.fromkeys(row["crossing_reason"] for row in once if row["crossing_reason"])
    why = ": " + listed(map(escape, reasons)) if reasons else ""
    at = _crossing(e, rows)
    deviance = span(smallest(once, "deviance"), largest(once, "deviance"), _whole)
    return claim(
        "balance-fit",
        verdict,
        {
            "no crossing": f"Without a model the curve of at least one seed does not cross one half{why}.",
            "no fit": f"""Without a model the curve crosses one half at {at}, and at least one seed has no
            fit beside it.""",
            "fits": f"""Without a model it crosses one half at {at}, and the logistic curve stays within the
            {e.level} of every share.""",
            "misses": f"""Without a model it crosses one half at {at}. The logistic curve does not describe
            these decisions ({len(missed)} of {len(rows)} fitted shares lie outside the interval of what was
            observed, deviance {deviance} on {len(strengths(rows)) - 2} degrees of freedom), so the crossing
            is the number to go by.""",
        },
        evidence="cue_strength.csv: arm plain, all strengths and seeds: fitted_share, ci_low, ci_high; "
        "crossing, crossing_reason, deviance",
        rule="no crossing: not in every seed; fits: every fitted share lies in the interval of the observed "
        "one; misses otherwise. The deviance is not tested, since decisions on one exemplar are not "
        "independent",
        cells=[
            *cells_of(rows, "fitted_share", "ci_low", "ci_high"),
            *cells_of(once, "crossing", "crossing_reason", "deviance"),
        ],
    )


def _whole(x: float | None) -> str:
    return num(x, 0)


def _against_plain(e: Experiment, stylized: Rows, plain: Rows) -> Claim:
    states = [_defined(rows, "crossing") for rows in (plain, stylized)]
    once, full = _once(stylized), _at(stylized, _ends(stylized)[1])
    over_half = all(row["crossing_reason"] == ABOVE for row in once)
    level_ones = [row for row in once if row["reason"].endswith((NOT_FALLING, ALL_SHAPE))]
    falling = [row for row in once if row["reason"].endswith(OUTSIDE)]
    verdict = obstacle(*states)
    if verdict is None:
        if states == ["inside", "inside"]:
            verdict = compare(once, _once(plain), low="crossing_low", high="crossing_high")
        elif (
            states[1] == "none"
            and over_half
            and len(level_ones) + len(falling) == len(once)
            and above(full, 0.5) == "above"
        ):
            verdict = "beyond" if falling else "no balance"
            if level_ones and falling:
                verdict = "beyond or none"
        else:
            verdict = "no comparison"
    at, others = _crossing(e, stylized), len(once) - len(level_ones)
    start = (
        "Trained on stylized images it decides for shape at every strength, the full one included"
    )
    both = zip(("plain", "stylized"), states, strict=True)
    without = [f"trained on {arm} images" for arm, state in both if state != "inside"]
    return claim(
        "balance-stylized",
        verdict,
        {
            "higher": f"""Trained on stylized images it needs more texture to be drawn away from the shape:
            its curve crosses one half at {at}.""",
            "lower": f"""Trained on stylized images it is drawn away from the shape by less texture: its curve
            crosses one half at {at}.""",
            "not separated": f"""The crossing of the network trained on stylized images, {at}, is not
            separated from that of the network trained on plain images.""",
            "no balance": f"""{start}, and its shape decisions do not become fewer as texture grows: there is no
            balance point, within these strengths or beyond them.""",
            "beyond or none": f"""{start}. In {plural(len(level_ones), "seed", "seeds")} of {len(once)} its
            shape decisions do not become fewer as texture grows: there is no balance point, within these
            strengths or beyond them. In {"the other" if others == 1 else "the others"} the fitted curve falls
            and would pass one half beyond the strengths shown.""",
            "beyond": f"""{start}, though less often the stronger the texture: where the two would balance lies
            beyond the strengths shown.""",
            "no comparison": f"""For the network {" and for that ".join(without)} no crossing is defined in
            every seed, so that the two are not compared.""",
        },
        evidence="cue_strength.csv: arms stylized and plain: crossing_low, crossing_high, crossing_reason, "
        "reason; stylized at full strength: ci_low",
        rule="higher: every interval of stylized lies above every one of plain; lower: below; no balance, "
        "beyond or none, or beyond: at least half of the decisions are for shape at every strength in every "
        "seed of stylized, and every interval at full strength lies above one half; no balance: in every seed "
        "the fit does not fall with the strength or all decisions are for the shape; beyond or none: in some; "
        "beyond: in none",
        cells=[
            *cells_of([*once, *_once(plain)], "crossing_low", "crossing_high", "crossing_reason"),
            *cells_of(once, "reason"),
            *cells_of(full, "ci_low"),
        ],
    )


def _turning(e: Experiment) -> Claim:
    """Networks that were not trained here."""
    rows = e.rows("cue_strength")
    turning = [
        network_name(architecture)
        for architecture, arm in networks_in(rows)
        if movement(select(rows, architecture=architecture, arm=arm)) == "turns"
    ]
    if not rows:
        verdict = NOT_RUN
    elif not values(rows, "ci_low"):
        verdict = UNDEFINED
    else:
        verdict = "turns" if turning else "keeps"
    return claim(
        "strength-name",
        verdict,
        {
            "turns": f"""{listed(turning)} {"passes" if len(turning) == 1 else "pass"} from one name to
            the other along this curve: texture-biased at one strength, shape-biased at another.""",
            "keeps": "None of them passes from one name to the other along this curve.",
        },
        evidence="cue_strength.csv: every network, all strengths above 0: verdict",
        rule="turns: a network is texture-biased by the rule of the bias at one strength and shape-biased at "
        "another; keeps otherwise",
        cells=cells_of([r for r in rows if (number(r["strength"]) or 0) > 0], "verdict"),
    )
