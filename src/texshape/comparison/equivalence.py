"""Two networks that are equivalent in shape bias and differ in what they know of shape.

If there are such networks, the bias hides something. Looking through all pairs finds some by
chance, so the pair is chosen on some seeds and confirmed on others, which had no part in the
choice.

Equivalence is two one-sided tests (Schuirmann 1987, Journal of Pharmacokinetics and
Biopharmaceutics 15, 657-680): the interval of level 1 - 2 alpha of the difference in bias lies
within the margin. The difference is paired: both networks saw the same stimuli, whose exemplars are
resampled, and trainings are resampled within a network. The difference in information comes from
the intervals in its table, taken for independent (`texshape.comparison.limits`), and must have the
same sign in every training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from texshape.comparison import limits
from texshape.errors import InputError
from texshape.trials import bootstrap
from texshape.trials.score import Decisions, bias_draws

if TYPE_CHECKING:
    import pandas as pd

    from texshape.comparison.settings import ComparisonSettings

_PART = [
    "bias_a", "bias_b", "bias_difference", "bias_low", "bias_high", "cue_match_a", "cue_match_b",
    "information_a", "information_b", "information_difference", "information_low",
    "information_high",
]  # fmt: skip
COLUMNS = [
    "information", "model_a", "model_b", "margin", "choose_seeds", "confirm_seeds",
    *(f"choose_{name}" for name in _PART), *(f"confirm_{name}" for name in _PART),
    "equivalence_p", "same_sign", "confirmed", "n_pairs", "n_equivalent", "n_images", "reason",
]  # fmt: skip

Decided = Mapping[str, Mapping[int, Decisions]]


class Part:
    """What one set of seeds says about all pairs: biases with paired resamples, and information.

    Parameters
    ----------
    decided : mapping of model to mapping of seed to Decisions
    comparison : DataFrame
        From `texshape.comparison.measures.collect`.
    seeds : mapping of model to sequence of int
        Trainings of each model that count.
    settings : ComparisonSettings
    seed : int
        Of the bootstrap.
    """

    def __init__(
        self,
        decided: Decided,
        comparison: pd.DataFrame,
        seeds: Mapping[str, Sequence[int]],
        settings: ComparisonSettings,
        seed: int,
    ) -> None:
        self.settings, self.seeds = settings, seeds
        self.models = list(seeds)
        groups = [[decided[model][one] for one in seeds[model]] for model in self.models]
        bias, draws = bias_draws(groups, resamples=settings.resamples, seed=seed)
        self.bias = dict(zip(self.models, bias, strict=True))
        self.draws = dict(zip(self.models, draws.T, strict=True))
        counts = [[own.counts() for own in group] for group in groups]
        self.cue_match = {
            model: sum(c.n_shape + c.n_texture for c in own) / sum(c.n_conflict for c in own)
            for model, own in zip(self.models, counts, strict=True)
        }
        rows = comparison[comparison["measure"].isin(settings.information)]
        rows = rows.set_index(["model", "measure"])[["seed", "value", "ci_low", "ci_high"]]
        self.known: dict[tuple[str, str], np.ndarray] = {}
        for model in self.models:
            for measure in settings.information:
                own = rows[rows.index == (model, measure)].set_index("seed").astype(float)
                self.known[model, measure] = own.reindex(seeds[model]).to_numpy()

    def information(self, model: str, measure: str) -> np.ndarray:
        """Value and limits of each of the model's trainings, shape (seeds, 3); NaN where absent."""
        return self.known[model, measure]

    def compare(self, a: str, b: str, measure: str) -> dict[str, float]:
        """Differences a - b, with the names of `_PART`."""
        drawn = self.draws[a] - self.draws[b]
        low, high = bootstrap.interval(drawn, 1 - 2 * self.settings.alpha)
        first, second = (self.information(model, measure).mean(0) for model in (a, b))
        info_low, info_high = limits.difference(tuple(first), tuple(second))
        return {
            "bias_a": self.bias[a],
            "bias_b": self.bias[b],
            "bias_difference": self.bias[a] - self.bias[b],
            "bias_low": low,
            "bias_high": high,
            "cue_match_a": self.cue_match[a],
            "cue_match_b": self.cue_match[b],
            "information_a": first[0],
            "information_b": second[0],
            "information_difference": first[0] - second[0],
            "information_low": float(info_low),
            "information_high": float(info_high),
        }

    def equivalence_p(self, a: str, b: str) -> float:
        """Larger p-value of the two one-sided tests, from the resamples."""
        drawn = self.draws[a] - self.draws[b]
        drawn = drawn[~np.isnan(drawn)]
        margin = self.settings.margin
        beyond = max((drawn >= margin).sum(), (drawn <= -margin).sum())
        return float((1 + beyond) / (1 + len(drawn)))

    def same_sign(self, a: str, b: str, measure: str) -> bool:
        """Whether each training of a lies on the same side of each training of b."""
        first, second = (self.information(model, measure)[:, 0] for model in (a, b))
        signs = np.sign(first[:, None] - second[None, :])
        return bool((signs == signs[0, 0]).all() and signs[0, 0] != 0)


def equivalent_pairs(
    decided: Decided, comparison: pd.DataFrame, settings: ComparisonSettings, *, seed: int = 0
) -> pd.DataFrame:
    """Choose and confirm a pair for each measure of shape information.

    Parameters
    ----------
    decided : mapping of model to mapping of seed to Decisions
        All on the same stimuli.
    comparison : DataFrame
        From `texshape.comparison.measures.collect`.
    settings : ComparisonSettings
    seed : int

    Returns
    -------
    DataFrame
        `COLUMNS`, one row a measure. Of the pairs that are equivalent on the choosing seeds, the
        one whose information differs most, beyond its interval. ``confirmed`` if on all other seeds
        it is equivalent again and differs the same way. Without such a pair the reason says why.

    Raises
    ------
    InputError
        If networks saw different stimuli.
    """
    import pandas as pd

    _require_same_images(decided)
    choose = {
        model: [one for one in settings.choose_seeds if one in own]
        for model, own in decided.items()
    }
    confirm = {
        model: [one for one in sorted(own) if one not in settings.choose_seeds]
        for model, own in decided.items()
    }
    both = [model for model in decided if choose[model] and confirm[model]]
    rows = []
    parts: dict[str, Part] = {}
    for name, seeds in (("choose", choose), ("confirm", confirm)) if len(both) > 1 else ():
        kept = {model: seeds[model] for model in both}
        parts[name] = Part(decided, comparison, kept, settings, seed)
    for measure in settings.information:
        row: dict[str, object] = {
            "information": measure,
            "margin": settings.margin,
            "choose_seeds": " ".join(map(str, settings.choose_seeds)),
            "n_pairs": 0,
            "n_equivalent": 0,
        }
        if parts:
            row |= _choose_and_confirm(parts["choose"], parts["confirm"], measure)
            row["n_images"] = decided[both[0]][choose[both[0]][0]].counts().n_conflict
        else:
            row["reason"] = _why_nothing(decided, choose, confirm, row["choose_seeds"])
        rows.append(row)
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


def _choose_and_confirm(choose: Part, confirm: Part, measure: str) -> dict[str, object]:
    settings = choose.settings
    known = [
        model
        for model in choose.models
        if not any(np.isnan(part.information(model, measure)).any() for part in (choose, confirm))
    ]
    able = [model for model in known if choose.cue_match[model] >= settings.least_cue_match]
    found: dict[str, object] = {"reason": ""}
    if len(able) < 2:
        found["reason"] = (
            f"{len(known)} of {len(choose.models)} networks have {measure} with an interval in "
            f"every seed, {len(able)} of them a cue match rate of {settings.least_cue_match:g} or "
            "more; two are needed"
        )
        return found
    compared = {(a, b): choose.compare(a, b, measure) for a, b in combinations(able, 2)}
    defined = {pair: one for pair, one in compared.items() if not np.isnan(one["bias_low"])}
    equal = {pair: one for pair, one in defined.items() if _within(one, settings.margin)}
    different = {pair: one for pair, one in equal.items() if _apart(one)}
    found |= {"n_pairs": len(compared), "n_equivalent": len(equal)}
    if not different:
        found["reason"] = _no_pair(compared, equal, measure, settings.margin)
        return found
    a, b = max(different, key=lambda pair: abs(different[pair]["information_difference"]))
    chosen, again = different[a, b], confirm.compare(a, b, measure)
    checks = {
        "the biases are not equivalent": _within(again, settings.margin),
        f"the interval of the difference of {measure} holds 0": _apart(again),
        f"the difference of {measure} has another sign in a seed": (
            confirm.same_sign(a, b, measure)
            and again["information_difference"] * chosen["information_difference"] > 0
        ),
        f"a cue match rate below {settings.least_cue_match:g}": (
            min(again["cue_match_a"], again["cue_match_b"]) >= settings.least_cue_match
        ),
    }
    failed = [text for text, passed in checks.items() if not passed]
    seeds = sorted({*confirm.seeds[a], *confirm.seeds[b]})
    return found | {
        "model_a": a,
        "model_b": b,
        "confirm_seeds": " ".join(map(str, seeds)),
        **{f"choose_{name}": value for name, value in chosen.items()},
        **{f"confirm_{name}": value for name, value in again.items()},
        "equivalence_p": confirm.equivalence_p(a, b),
        "same_sign": confirm.same_sign(a, b, measure),
        "confirmed": not failed,
        "reason": f"not confirmed: {'; '.join(failed)}" if failed else "",
    }


def _within(one: Mapping[str, float], margin: float) -> bool:
    return -margin < one["bias_low"] and one["bias_high"] < margin


def _apart(one: Mapping[str, float]) -> bool:
    return one["information_low"] > 0 or one["information_high"] < 0


def _no_pair(
    compared: Mapping[tuple[str, str], Mapping[str, float]],
    equal: Mapping[tuple[str, str], Mapping[str, float]],
    measure: str,
    margin: float,
) -> str:
    if equal:
        return f"none of {len(equal)} equivalent pairs differs in {measure} beyond its interval"
    ends = {
        pair: max(abs(one["bias_low"]), abs(one["bias_high"]))
        for pair, one in compared.items()
        if not np.isnan(one["bias_low"])
    }
    reason = f"none of {len(compared)} pairs is equivalent in shape bias within {margin:g}"
    if ends:
        (a, b) = min(ends, key=ends.__getitem__)
        one = compared[a, b]
        reason += (
            f"; nearest {a} and {b}: {one['bias_difference']:.3f} "
            f"[{one['bias_low']:.3f}, {one['bias_high']:.3f}]"
        )
    return reason


def _why_nothing(decided: Decided, choose: Mapping, confirm: Mapping, seeds: object) -> str:
    if len(decided) < 2:
        return f"trials of {len(decided)} networks were given; two are needed"
    without = [model for model in decided if not choose[model]]
    alone = [model for model in decided if choose[model] and not confirm[model]]
    return (
        f"fewer than two of {len(decided)} networks have seeds to choose on ({seeds}) and others "
        f"to confirm on: {len(without)} lack the former, {len(alone)} the latter"
    )


def _require_same_images(decided: Decided) -> None:
    first: tuple[str, set] | None = None
    for model, trainings in decided.items():
        for one, own in trainings.items():
            images = set(zip(own.shape_exemplar, own.texture_exemplar, strict=True))
            name = f"{model}, seed {one}"
            if first is None:
                first = (name, images)
            elif images != first[1]:
                raise InputError(
                    f"{name} and {first[0]} saw different cue-conflict images "
                    f"({len(images ^ first[1])} of {len(images | first[1])}); a paired comparison "
                    "needs the same (leave an arm out with --without-arm)"
                )
