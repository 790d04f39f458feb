"""Whether pictures are alike by shape or by texture at a network's last stage, beyond its untrained state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, Rows, at_end, last_stage, number, select
from texshape.claims.experiment import Experiment
from texshape.claims.networks import by_seed, known, networks, over_networks, reasons, trained_arms
from texshape.claims.rules import BIAS_RULE, NOT_RUN, UNDEFINED
from texshape.claims.wording import when
from texshape.techniques.triplets.technique import COMPARED

SHAPE, TEXTURE, UNTRAINED, NEITHER, SHAPE_ALONE, TEXTURE_ALONE = (
    "shape", "texture", "as untrained", "neither", "shape, not compared", "texture, not compared",
)  # fmt: skip
COLUMNS = ("ci_low", "ci_high", "chance")
RULE = (
    "shape: in every seed the interval lies above one half and above that of the same network with random "
    "weights; texture: below both; not compared: above (below) one half in every seed, random weights not "
    "measured in one or more; as untrained: on one side of one half in every seed, and not beyond random "
    "weights; neither otherwise"
)


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("triplets")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    rows = select(e.rows("triplets"), **COMPARED)
    for arm in trained_arms(e, rows):
        own = e.of("triplets", arm, **COMPARED)
        yield _of_arm(e, arm, own)
        yield _beside_bias(e, arm, own)
    yield over_networks(
        e,
        "triplets-networks",
        rows,
        state,
        {
            SHAPE: "a choice by shape beyond the untrained network's",
            TEXTURE: "a choice by texture beyond the untrained network's",
            UNTRAINED: "a preference that is not shown to be beyond that with random weights",
            SHAPE_ALONE: "a choice by shape, not compared with random weights,",
            TEXTURE_ALONE: "a choice by texture, not compared with random weights,",
            NEITHER: "no preference shown",
        },
        evidence=_evidence("every network"),
        rule=RULE,
        cells=cells_of([row for own in networks(rows).values() for row in _read(own)], *COLUMNS),
    )


def _untrained(rows: Rows) -> list[Row]:
    """The last stage of the same network with random weights."""
    return [row for row in rows if row["stage"] == last_stage(rows) and number(row["epoch"]) == 0]


def _read(rows: Rows) -> list[Row]:
    """What a verdict reads: the last stage, untrained and at the end."""
    end = at_end(rows)
    return [*(row for row in _untrained(rows) if row not in end), *end]


def state(rows: Rows) -> str:
    """What a network chooses by; `rows` are those of all of its seeds, stages and epochs."""
    end = at_end(rows)
    if not end:
        return NOT_RUN
    if not known(end, *COLUMNS):
        return UNDEFINED
    start = _untrained(rows)
    lows, highs = by_seed(start, "ci_low"), by_seed(start, "ci_high")

    above = all(float(row["ci_low"]) > float(row["chance"]) for row in end)
    below = all(float(row["ci_high"]) < float(row["chance"]) for row in end)
    if any(lows.get(row["seed"]) is None or highs.get(row["seed"]) is None for row in end):
        return SHAPE_ALONE if above else TEXTURE_ALONE if below else NEITHER

    def beyond(row: Row, sign: int) -> bool:
        chance = float(row["chance"])
        if sign > 0:
            return float(row["ci_low"]) > max(chance, highs[row["seed"]])
        return float(row["ci_high"]) < min(chance, lows[row["seed"]])

    for name, sign in ((SHAPE, 1), (TEXTURE, -1)):
        if all(beyond(row, sign) for row in end):
            return name
    return UNTRAINED if above or below else NEITHER


def _evidence(who: str) -> str:
    return (
        f"triplets.csv: {who}, last stage, other exemplars of a class, centred, last epoch and epoch 0, all "
        "seeds: ci_low, ci_high"
    )


def _of_arm(e: Experiment, arm: str, rows: list[Row]) -> Claim:
    share = e.describe(at_end(rows), "shape_share", "n_anchors")
    untrained = _untrained(rows)
    before = when(untrained, f", with random weights in {e.describe(untrained, 'shape_share')}")
    start = f"""At its last stage the {e.main_name} trained on {arm} images chooses the picture of the same
        shape in {share} of triplets{before}."""
    alone = "That training made them so is not shown, since random weights were not measured in every seed."
    why = reasons(at_end(rows))
    return claim(
        f"triplets-{arm}",
        state(rows),
        {
            SHAPE: f"{start} Training made pictures of one shape alike.",
            TEXTURE: f"{start} Training made pictures of one texture alike.",
            UNTRAINED: f"""{start} That is one side of one half in every seed, but not beyond random weights: no
            preference is shown that training made.""",
            SHAPE_ALONE: f"{start} Pictures of one shape are alike. {alone}",
            TEXTURE_ALONE: f"{start} Pictures of one texture are alike. {alone}",
            NEITHER: f"{start} A preference for either is not shown.",
        },
        evidence=_evidence(f"{e.main} trained on {arm}") + (f" ({why})" if why else ""),
        rule=RULE,
        cells=cells_of(_read(rows), *COLUMNS),
    )


def _beside_bias(e: Experiment, arm: str, rows: list[Row]) -> Claim:
    """Whether likeness and decisions follow the same cue."""
    name, its = e.verdict_of(arm), state(rows)
    bias = {"texture-biased": TEXTURE, "shape-biased": SHAPE}.get(name)
    if NOT_RUN in (name, its) or UNDEFINED in (name, its):
        verdict = NOT_RUN if NOT_RUN in (name, its) else UNDEFINED
    elif bias is None or its in (UNTRAINED, NEITHER):
        verdict = "open"
    else:
        likeness = SHAPE if its in (SHAPE, SHAPE_ALONE) else TEXTURE
        verdict = "agrees" if bias == likeness else "contradicts"
    return claim(
        f"triplets-{arm}-bias",
        verdict,
        {
            "agrees": f"Its decisions are {name}: likeness without classes says the same.",
            "contradicts": f"""Its decisions are {name}: by likeness the other cue prevails, so that the
            preference belongs to the decision and not to what the stage represents as alike.""",
            "open": """Decisions and likeness do not both name a cue, so that they neither agree nor
            contradict each other.""",
        },
        evidence=f"shape_bias.csv: {e.main} trained on {arm}, all seeds: verdict; {_evidence('the same')}",
        rule="agrees: bias and choices name the same cue; contradicts: they name different ones; open: one of "
        f"them names none. {BIAS_RULE}",
        cells=[*cells_of(e.bias_of(arm), "verdict"), *cells_of(_read(rows), *COLUMNS)],
    )
