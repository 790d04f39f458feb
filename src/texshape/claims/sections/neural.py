"""How the conflict is made: by a renderer, or by neural style transfer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, each, mean, number, select
from texshape.claims.experiment import Experiment
from texshape.claims.rules import (
    BIAS_RULE,
    NOT_RUN,
    ORDER_RULE,
    UNDEFINED,
    above,
    bias_verdict,
    compare,
    direction,
    no_name,
)
from texshape.claims.sections.summary import NAMED
from texshape.claims.wording import code, escape, listed, points, when

RENDERED = "cue-conflict"


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.has("stylization_fitness", "shape_bias_by_set", "reconstruction")


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    e, arms = experiment, neural_arms(experiment)
    if e.rows("reconstruction"):
        yield _decoder(e)
    if e.rows("stylization_fitness"):
        images = e.arms.get(arms[0] if arms else "neural", {}).get("sets", ["neural"])[0]
        split = e.parameter("fitness.split") or "test"
        yield _fitness(e, images, split)
    if arms:
        yield from _network(e, arms[0])
    others = [name for name in each(e.rows("shape_bias_by_set"), "set") if name != RENDERED]
    if others:
        yield from _other_way(e, others[0], arms)


def neural_arms(e: Experiment) -> list[str]:
    """Arms that train on one set made by style transfer, and nothing else."""
    made = e.parameter("stylizations") or {}
    sets = {name: arm["sets"] for name, arm in e.arms.items()}
    return [n for n, s in sets.items() if len(s) == 1 and s[0] in made and e.bias_of(n)]


def _decoder(e: Experiment) -> Claim:
    rows = e.rows("reconstruction")
    pairs, read = [], []
    for row in select(rows, method="decoder"):
        same = {key: row[key] for key in ("stylization", "images")}
        blur = select(rows, method="blur", **same)[:1]
        pairs.append((number(row["psnr"]), number(blur[0]["psnr"]) if blur else None))
        read += [row, *blur]
    return claim(
        "decoder",
        direction(pairs),
        {
            "above": "Every decoder reconstructs the picture better than the blur does.",
            "below": """No decoder reconstructs the picture as well as a blur does, so what follows rests on
            pictures that lost more than their texture.""",
            "mixed": "Not every decoder reconstructs the picture better than a blur does.",
        },
        evidence="reconstruction.csv: methods decoder and blur: psnr",
        rule="above: the decoder's psnr is the larger one in every pair",
        cells=cells_of(read, "psnr"),
    )


def _fitness(e: Experiment, stylized: str, split: str) -> Claim:
    def fit(name: str, role: str) -> list[Row]:
        return select(e.rows("stylization_fitness"), set=f"{split}-{name}", role=role)

    gap, plain, rendered = (fit(n, "difference") for n in (stylized, "plain", "stylized"))
    verdict = above(gap, 0)
    if verdict == "above":
        apart = not plain or compare(gap, plain) == "higher"
        verdict = "apart" if apart else "no more than plain"
    full, limited = e.describe(fit(stylized, "full"), "accuracy"), fit(stylized, "limited")
    ahead, on_plain = (points(mean(rows, "accuracy")) for rows in (gap, plain))
    beside = f", against {on_plain} on plain images" if plain else ""
    if rendered and stylized != "stylized":
        ahead_there = points(mean(rendered, "accuracy"))
        beside += f" and {ahead_there} on the renderer’s stylized ones"
    images = f"{split}-{stylized}"
    return claim(
        "fitness",
        verdict,
        {
            "apart": f"""On the images of {code(images)} the full network is right in {full} and the limited
            one in {e.describe(limited, "accuracy", n="n")}, {ahead} apart{beside}. So patches do not suffice
            there.""",
            "no more than plain": f"""On the images of {code(images)} the full network is ahead of the limited
            one by {ahead}, which is not clearly more than the {on_plain} on plain images: that stylization is
            not shown to leave less to local patches.""",
            "not above": f"""On the images of {code(images)} the full network is not clearly ahead of the
            limited one ({ahead}): that stylization is not shown to be fit for its purpose.""",
        },
        evidence=f"stylization_fitness.csv: the first neural set and {split}-plain, role difference: ci_low, "
        "ci_high",
        rule="apart: the interval of full minus limited lies above zero and above the one on plain images",
        cells=cells_of([*gap, *plain], "ci_low", "ci_high"),
    )


def _network(e: Experiment, arm: str) -> Iterator[Claim]:
    own, plain, stylized = map(e.bias_of, (arm, "plain", "stylized"))
    # Only the renderer's own stylized images have a direction that could be the same, or another one.
    drawn = e.bias_order(stylized, plain) if e.procedural and arm != "stylized" else ""
    as_drawn = when(
        drawn == "higher",
        ", as with the renderer’s images, whose way of removing texture is another one",
    )
    not_as_drawn = when(drawn == "higher", ": the renderer’s result does not carry over here")
    yield claim(
        "neural-against-plain",
        e.bias_order(own, plain),
        {
            "higher": f"That is more than after training on plain images{as_drawn}.",
            "lower": f"That is less than after training on plain images{not_as_drawn}.",
            "not over seeds": """That differs from training on plain images over exemplars but not over
            trainings, so that with these few an effect is not shown.""",
            "not separated": """That is not separated from the network trained on plain images, so with these
            pictures stylized training is not shown to do anything.""",
        },
        evidence="shape_bias.csv and shape_bias_differences.csv: the first arm on a neural set and arm plain",
        rule=ORDER_RULE,
        cells=e.order_cells(own, plain),
    )
    if not e.procedural or arm == "stylized":
        return
    that = f"""that of the network trained on the renderer’s stylized images
    ({e.describe(stylized, "shape_bias")})"""
    yield claim(
        "neural-against-stylized",
        e.bias_order(own, stylized),
        {
            "higher": f"It is above {that}.",
            "lower": f"It stays below {that}.",
            "not over seeds": f"It differs from {that} over exemplars, not over trainings.",
            "not separated": f"It is not separated from {that}.",
        },
        evidence="shape_bias.csv and shape_bias_differences.csv: the first arm on a neural set and arm "
        "stylized",
        rule=ORDER_RULE,
        cells=e.order_cells(own, stylized),
    )


def _on_both(first: list[Row], second: list[Row], arm: str) -> Iterator[Claim]:
    """One kind of network on both sets, three cells of the section's table."""
    names = (*NAMED, NOT_RUN)
    verdicts = []
    for which, rows in (("rendered", first), ("other", second)):
        verdicts.append(bias_verdict(rows))
        yield claim(
            f"conflict-{arm}-{which}",
            verdicts[-1],
            {name: name for name in names},
            evidence=f"shape_bias_by_set.csv: main architecture, arm {arm}, {which} set: verdict",
            rule=BIAS_RULE,
            cells=cells_of(rows, "verdict"),
        )
    difference = mean(second, "difference")
    verdict = "named" if difference is not None else UNDEFINED
    yield claim(
        f"conflict-{arm}-difference",
        "unnamed" if {*no_name()} & {*verdicts} else verdict,
        {"named": points(difference), "unnamed": "–", UNDEFINED: points(None)},
        evidence=f"shape_bias_by_set.csv: main architecture, arm {arm}, the other set: difference",
        rule="named: no set is without a name for one of the three reasons",
        cells=cells_of(second, "difference"),
    )


def _other_way(e: Experiment, other: str, neural: list[str]) -> Iterator[Claim]:
    def on(arm: str, images: str) -> list[Row]:
        return e.of("shape_bias_by_set", arm, set=images)

    arms = [a for a in dict.fromkeys(("plain", "stylized", "mixed", *neural)) if on(a, other)]
    names = {arm: [bias_verdict(on(arm, images)) for images in (RENDERED, other)] for arm in arms}
    rows = [row for arm in arms for images in (RENDERED, other) for row in on(arm, images)]
    why = {
        "not recognised": "congruent pictures are not recognised",
        "follows no cue": "no cue is followed",
        "few answers": "few answers",
    }
    blind = [arm for arm in arms if names[arm][1] == "not recognised"]
    stuck = [arm for arm in arms if names[arm][1] in ("follows no cue", "few answers")]
    bad = [f"{escape(arm)} ({why[names[arm][1]]})" for arm in [*blind, *stuck]]
    if not arms:
        verdict = NOT_RUN
    elif all(names[arm][1] == UNDEFINED for arm in arms):
        verdict = UNDEFINED
    else:
        verdict = "readable" if not bad else "unreadable" if len(bad) == len(arms) else "in part"
    yield claim(
        "conflict-readable",
        verdict,
        {
            "readable": f"The pictures of {code(other)} can be read by each of these networks.",
            "in part": f"""The pictures of {code(other)} can be read by some of these networks only: no bias
            is named from them for {listed(bad)}.""",
            "unreadable": f"""The pictures of {code(other)} are no conflict stimuli for any of these networks:
            not one gets a name from them.""",
        },
        evidence="shape_bias_by_set.csv: main architecture, each arm, the other set: verdict",
        rule="readable: no arm is without a name on the other set for one of the three reasons; unreadable: "
        "every arm is; " + BIAS_RULE,
        cells=cells_of([row for row in rows if row["set"] == other], "verdict"),
    )
    for arm in arms:
        yield from _on_both(on(arm, RENDERED), on(arm, other), arm)
    nameless = {*no_name(), UNDEFINED, NOT_RUN}
    both = [arm for arm in arms if not nameless & set(names[arm])]
    changed = [arm for arm in both if names[arm][0] != names[arm][1]]
    if not arms:
        verdict = NOT_RUN
    elif all(name in (UNDEFINED, NOT_RUN) for arm in arms for name in names[arm]):
        verdict = UNDEFINED
    else:
        verdict = "none" if not both else "changes" if changed else "same"
    kept = "Every one of these networks"
    if len(both) < len(arms):
        kept = f"Trained on {listed(map(escape, both))}, where both sets give a name, the network"
    changes = listed(f"{escape(arm)}: {names[arm][0]}, then {names[arm][1]}" for arm in changed)
    yield claim(
        "conflict-ways",
        verdict,
        {
            "none": """No network gets a name on both sets, so that the two ways to make the conflict are not
            compared.""",
            "same": f"{kept} keeps its name when the conflict is made the other way.",
            "changes": f"""Where both sets give a name, it depends on how the conflict is made: trained on
            {listed(map(escape, changed))}, the network gets another name when the conflict is made the other
            way ({changes}).""",
        },
        evidence="shape_bias_by_set.csv: main architecture, each arm, both sets: verdict",
        rule="changes: an arm that has a name on both sets has two different ones; same: none has; none: no "
        "arm has a name on both. " + BIAS_RULE,
        cells=cells_of(rows, "verdict"),
    )
    rates = [
        [mean(on(arm, images), "cue_match_rate") for images in (RENDERED, other)] for arm in arms
    ]
    yield claim(
        "conflict-matches",
        direction((first, second) for first, second in rates),
        {
            "above": """Each matches a cue less often there, so each of these biases rests on fewer
            decisions.""",
            "below": "Each matches a cue more often there.",
            "mixed": """How often decisions match a cue does not change in the same direction for all of
            these networks.""",
        },
        evidence="shape_bias_by_set.csv: main architecture, each arm, both sets: cue_match_rate, means over "
        "seeds",
        rule="above: the mean on the set cue-conflict is the larger one for every arm",
        cells=cells_of(rows, "cue_match_rate"),
    )
