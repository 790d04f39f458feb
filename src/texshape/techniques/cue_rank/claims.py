"""How well each cue is seen alone, against outputs in random order and against the other cue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, Rows, select
from texshape.claims.experiment import Experiment
from texshape.claims.networks import known, over_networks, trained_arms
from texshape.claims.rules import BIAS_RULE, NOT_RUN, UNDEFINED, compare
from texshape.claims.wording import num
from texshape.techniques.cue_rank.technique import COMPARED

SHAPE, TEXTURE, ALIKE, NEITHER, ONE = (
    "shape better", "texture better", "not separated", "neither seen", "one cue",
)  # fmt: skip
COLUMNS = ("ci_low", "ci_high", "chance")
RULE = (
    "neither seen: of no cue does every seed's interval lie above the score of outputs in random order; shape "
    "better: every interval of its score above every one of texture's; texture better: below; not separated "
    "otherwise; one cue: pictures of the other were not shown"
)
CUES = ("shape", "texture")


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("cue_rank")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e = experiment
    rows = select(e.rows("cue_rank"), **COMPARED)
    for arm in trained_arms(e, rows):
        own = e.of("cue_rank", arm, **COMPARED)
        yield _of_arm(e, arm, own)
        yield _beside_bias(e, arm, own)
    yield over_networks(
        e,
        "cue-rank-networks",
        rows,
        state,
        {
            SHAPE: "a better rank of shape than of texture",
            TEXTURE: "a better rank of texture than of shape",
            ALIKE: "no order of the two scores that every seed shows",
            NEITHER: "neither cue above outputs in random order",
            ONE: "only one cue that was shown",
        },
        evidence=_evidence("every network"),
        rule=RULE,
        cells=cells_of(rows, *COLUMNS),
    )


def seen(rows: Rows, cue: str) -> bool:
    """Whether a cue's score lies above that of outputs in random order in every seed."""
    own = select(rows, cue=cue)
    return bool(own) and all(float(row["ci_low"]) > float(row["chance"]) for row in own)


def state(rows: Rows) -> str:
    """Which cue a network ranks better; `rows` are those of all of its seeds."""
    shape, texture = (select(rows, cue=cue) for cue in CUES)
    if not shape and not texture:
        return NOT_RUN
    if not known(rows, *COLUMNS):
        return UNDEFINED
    if not shape or not texture:
        return ONE
    if not any(seen(rows, cue) for cue in CUES):
        return NEITHER
    return {"higher": SHAPE, "lower": TEXTURE}.get(compare(shape, texture), ALIKE)


def _evidence(who: str) -> str:
    return (
        f"cue_rank.csv: {who}, both cues, all classes together, all seeds: ci_low, ci_high, chance"
    )


def _of_arm(e: Experiment, arm: str, rows: list[Row]) -> Claim:
    shape, texture = (
        e.describe(select(rows, cue=cue), "score", "n_images", show=num) for cue in CUES
    )
    start = f"""The {e.main_name} trained on {arm} images has a score of {shape} for shape alone and of
        {texture} for texture alone."""
    return claim(
        f"cue-rank-{arm}",
        state(rows),
        {
            SHAPE: f"{start} It sees the shape better.",
            TEXTURE: f"{start} It sees the texture better.",
            ALIKE: f"{start} Which of them it sees better is not shown.",
            NEITHER: f"{start} Neither lies above the score of outputs in random order in every seed.",
            ONE: f"{start} With one cue shown alone there is nothing to compare.",
        },
        evidence=_evidence(f"{e.main} trained on {arm}"),
        rule=RULE,
        cells=cells_of(rows, *COLUMNS),
    )


def _beside_bias(e: Experiment, arm: str, rows: list[Row]) -> Claim:
    """Whether the cue that loses the conflict is seen all the same: what the bias does not say."""
    name, its = e.verdict_of(arm), state(rows)
    loser = {"texture-biased": "shape", "shape-biased": "texture"}.get(name)
    if NOT_RUN in (name, its) or UNDEFINED in (name, its):
        verdict = NOT_RUN if NOT_RUN in (name, its) else UNDEFINED
    elif loser is None or not select(rows, cue=loser):
        verdict = "no loser"
    elif seen(rows, loser):
        verdict = "seen all the same"
    else:
        winner = next(cue for cue in CUES if cue != loser)
        verdict = "not seen" if seen(rows, winner) else "neither seen"
    return claim(
        f"cue-rank-{arm}-bias",
        verdict,
        {
            "seen all the same": f"""In conflict it is {name}, and yet it ranks the {loser} above chance when
            that is shown alone: the bias tells which cue wins, and hides that the other is seen.""",
            "not seen": f"""In conflict it is {name}, and alone the {loser} is not ranked above chance in every
            seed: here bias and rank say the same.""",
            "neither seen": f"""In conflict it is {name}. That it ranks either cue above chance when that is
            shown alone is not shown in every seed, so that its rank does not tell of the bias.""",
            "no loser": """Its bias names no cue that loses the conflict, or that cue was not shown alone, so
            that its rank adds nothing to the name.""",
        },
        evidence=f"shape_bias.csv: {e.main} trained on {arm}, all seeds: verdict; {_evidence('the same')}",
        rule="seen all the same: the bias has a name, and every seed's interval of the other cue's score lies "
        "above chance; not seen: it does not, and that of the cue that wins does; neither seen: neither "
        f"does; no loser: no name. {BIAS_RULE}",
        cells=[*cells_of(e.bias_of(arm), "verdict"), *cells_of(rows, *COLUMNS)],
    )
