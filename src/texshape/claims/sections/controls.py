"""What the number depends on: networks trained anew on pictures whose textures are harder to use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from texshape.claims.claim import Claim, cells_of, claim
from texshape.claims.evidence import Row, number
from texshape.claims.experiment import Experiment
from texshape.claims.rules import NOT_RUN, UNDEFINED, obstacle
from texshape.claims.rules import side as side_of
from texshape.claims.wording import points, points_between
from texshape.trials import naming


def applies(experiment: Experiment) -> bool:
    """Whether the article has this section."""
    return experiment.trains and experiment.procedural


def claims(experiment: Experiment, made: Mapping[str, Claim]) -> Iterator[Claim]:
    """The claims of the section, in the order of its text."""
    yield from _moved(experiment, "control-orientation", "texture", "orientation")
    yield from _moved(experiment, "control-tint", "colour", "tint")


def strongest(experiment: Experiment, section: str, key: str) -> str | None:
    """The arm whose variant of the pictures has the widest range of a parameter, if there is one."""
    variants = experiment.parameter("data.variants") or {}
    found: dict[str, Any] = {}
    for name, arm in experiment.arms.items():
        own = variants.get(arm.get("variant"), {}) if arm.get("variant") is not None else {}
        value = own.get(section, {}).get(key)
        if value is not None and experiment.bias_of(name):
            found[name] = value
    return sorted(found, key=lambda name: found[name])[-1] if found else None


def _side(row: Row | None) -> str:
    """Which way the interval of a difference lies."""
    if row is None:
        return NOT_RUN
    low, high = number(row["ci_low"]), number(row["ci_high"])
    return side_of([(low, high)], ("higher", "lower", "not separated"))


def _by(row: Row | None) -> str:
    if row is None:
        return ""
    limits = points_between(number(row["ci_low"]), number(row["ci_high"]))
    return f"{points(number(row['difference']))} ({limits})"


#: What training does on either pictures, and what either network's pictures do (``controls.csv``).
_TRAINING = ("training, base pictures", "training, variant's pictures")
_PICTURES = ("pictures, base network", "pictures, variant's network")


def _crossed(id: str, change: str, effects: Mapping[str, Row | None]) -> Claim:
    """Which of the two makes the change: what moves the bias its way with the other at either of its values."""
    sides = {name: _side(row) for name, row in effects.items()}
    same = [[sides[name] == change for name in names] for names in (_TRAINING, _PICTURES)]
    if change == "not separated":
        verdict = "no change"
    elif any(any(two) and not all(two) for two in same):
        verdict = "depends"
    else:
        verdict = {(True, False): "training", (False, True): "pictures", (True, True): "both"}.get(
            (all(same[0]), all(same[1])), "neither"
        )
    trained, shown = ([_by(effects[name]) for name in names] for names in (_TRAINING, _PICTURES))
    start = f"""Training crossed with test, the networks trained on the variant and on the base differ by
        {trained[0]} on the base pictures and by {trained[1]} on the variant’s; between the two sets of
        pictures the base network differs by {shown[0]}, the variant’s by {shown[1]}"""
    return claim(
        id + "-crossed",
        obstacle(change, *sides.values()) or verdict,
        {
            "training": f"{start}. It is training that makes the difference.",
            "pictures": f"{start}. It is the test pictures that make the difference.",
            "both": f"{start}. Both contribute.",
            "depends": f"{start}. So what one of the two does depends on the other.",
            "neither": f"{start}. Neither effect is shown by itself.",
            "no change": f"{start}. Together they make no difference that is shown.",
        },
        evidence=f"controls.csv: effects both, {', '.join(_TRAINING + _PICTURES)} of the variant: ci_low, "
        "ci_high",
        rule="training, pictures, both: the intervals of that effect, with the other factor at either value, "
        "lie on the side of zero on which that of both together lies, and neither interval of the other does; "
        "depends: one of the two intervals of an effect does; neither: none does; no change: that of both "
        "together contains zero",
        cells=cells_of([r for r in effects.values() if r], "difference", "ci_low", "ci_high"),
    )


def _moved(e: Experiment, id: str, section: str, key: str) -> Iterator[Claim]:
    arm = strongest(e, section, key)
    variant = e.arms[arm]["variant"] if arm is not None else None

    def effect(name: str) -> Row | None:
        rows = e.rows("controls")
        return next((r for r in rows if (r["variant"], r["effect"]) == (variant, name)), None)

    total = effect("both")
    change = _side(total)
    yield claim(
        id,
        change,
        {
            "higher": f"""Training and test pictures together raise it: the difference over the same
            exemplars is {_by(total)}.""",
            "lower": f"""Training and test pictures together lower it: the difference over the same
            exemplars is {_by(total)}.""",
            "not separated": f"""The difference over the same exemplars, {_by(total)}, does not exclude
            zero.""",
        },
        evidence="controls.csv: effect both of the variant: difference, ci_low, ci_high",
        rule="higher: the interval of the paired difference (exemplars resampled alike, trainings drawn "
        "anew) lies above zero; lower: below; intervals in brackets are at "
        f"{e.parameter('bootstrap.level')}",
        cells=cells_of([total] if total else [], "difference", "ci_low", "ci_high"),
    )
    yield _crossed(id, change, {name: effect(name) for name in (*_TRAINING, *_PICTURES)})
    plain = e.verdict_of("plain")
    name = e.verdict_of(arm) if arm is not None else NOT_RUN
    nameless = [each for each in (plain, name) if each not in naming.NAMES]
    if change in (NOT_RUN, UNDEFINED):
        verdict = change
    elif nameless:
        verdict = "no name"
    else:
        verdict = "changes" if name != plain else "stays"
    yield claim(
        id + "-name",
        verdict,
        {
            "changes": f"""The name changes with the pictures: by the rule of @bias it is “{plain}” on
            the base and “{name if arm is not None else ""}” on the variant.""",
            "stays": f"The name by the rule of @bias stays the same, “{plain}”.",
            "no name": f"""By the rule of @bias one of the two has no name (“{plain}” on the base, “{name}” on
            the variant), so that none changes.""",
        },
        evidence="shape_bias.csv: the variant's arm and arm plain: verdict",
        rule="changes: the names that the bias rule gives differ; no name: it gives none to one of the two",
        cells=cells_of([*(e.bias_of(arm) if arm else []), *e.bias_of("plain")], "verdict"),
    )
