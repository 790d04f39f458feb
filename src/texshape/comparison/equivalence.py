"""Two networks that are equivalent in shape bias and differ in what they know of shape.

If there are such networks, the bias hides something. Looking through all pairs finds some by
chance, so the pair is chosen on some seeds and some exemplars and confirmed on others, which had no
part in the choice: the conflict images are split into halves that share no exemplar of either cue.
More trainings decide than are measured otherwise: a network is searched with those that have the measure.

Equivalence is two one-sided tests (Schuirmann 1987, Journal of Pharmacokinetics and
Biopharmaceutics 15, 657-680): the interval of level 1 - 2 alpha of the difference in bias lies
within the margin. The difference is paired: both networks saw the same stimuli, whose exemplars are
resampled, and trainings are resampled within a network. Biases closer to 0 or to 1 than the margin
are left out: all networks that hardly ever choose a cue would be equivalent. The difference in
information comes from the intervals in its table, which rest on all images, taken for independent
(`texshape.comparison.limits`), and must have the same sign in every training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from texshape.comparison import limits
from texshape.comparison.columns import EQUIVALENT_PAIR
from texshape.errors import InputError
from texshape.stats import bootstrap
from texshape.trials.names import natural
from texshape.trials.score import Decisions, decision_draws, images_of, restrict

if TYPE_CHECKING:
    import pandas as pd

    from texshape.config.comparison import ComparisonSettings

Decided = Mapping[str, Mapping[int, Decisions]]
Images = frozenset[tuple[str, str]]


class Part:
    """What one set of seeds says about all pairs: biases with paired resamples, and information.

    Parameters
    ----------
    decided : mapping of model to mapping of seed to Decisions
    images : set of (str, str)
        Conflict images that count, by their exemplars.
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
        images: frozenset[tuple[str, str]],
        comparison: pd.DataFrame,
        seeds: Mapping[str, Sequence[int]],
        settings: ComparisonSettings,
        seed: int,
    ) -> None:
        self.settings, self.seeds = settings, seeds
        self.models = list(seeds)
        self.n_images = len(images)
        groups = [[restrict(decided[model][one], images) for one in seeds[model]]
                  for model in self.models]  # fmt: skip
        totals, drawn = decision_draws(groups, resamples=settings.resamples, seed=seed)

        def rates(counts: np.ndarray) -> tuple[dict, dict]:
            """Shape bias and cue match rate by model."""
            matches = counts[..., 0] + counts[..., 1]
            bias = bootstrap.divide(counts[..., 0], matches)
            match = bootstrap.divide(matches, counts[..., 2])
            return dict(zip(self.models, bias.T, strict=True)), dict(
                zip(self.models, match.T, strict=True)
            )

        self.bias, self.cue_match = rates(totals)
        self.draws, self.match_draws = rates(drawn)
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
        level = 1 - 2 * self.settings.alpha
        low, high = bootstrap.interval(drawn, level)
        match_low, match_high = bootstrap.interval(self.match_draws[a] - self.match_draws[b], level)
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
            "cue_match_difference": self.cue_match[a] - self.cue_match[b],
            "cue_match_low": match_low,
            "cue_match_high": match_high,
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
        `columns.EQUIVALENT_PAIR`, one row a measure. Of the pairs that are equivalent on the choosing seeds and
        exemplars, the one whose information differs most, beyond its interval. ``confirmed`` if on
        all other seeds that have the measure, `least_confirming` or more, and on the other exemplars it is
        equivalent again and differs the same way. Without such a pair the reason says why.

    Raises
    ------
    InputError
        If networks saw different stimuli.
    """

    _require_same_images(decided)
    split: tuple[tuple[Images, Images], str] | None = None
    made: dict[str, tuple[Part, Part]] = {}  # measures that the same seeds have share their draws
    rows = []
    for measure in settings.information:
        row: dict[str, object] = {
            "information": measure,
            "margin": settings.margin,
            "choose_seeds": " ".join(map(str, settings.choose_seeds)),
            "n_networks": len(decided),
            "n_searched": 0,
            "n_few_seeds": 0,
            "n_few_matches": 0,
            "n_pairs": 0,
            "n_away": 0,
            "n_equivalent": 0,
        }
        rows.append(row)
        seeds = _seeds(decided, comparison, measure, settings)
        row["n_few_seeds"] = len(decided) - len(seeds["choose"])
        if len(seeds["choose"]) < 2:
            row["reason"] = _why_nothing(decided, seeds["choose"], measure, settings)
            continue
        if split is None:
            split = halves(decided)
        images, reason = split
        if reason:
            row["reason"] = reason
            continue
        if repr(seeds) not in made:
            choose, confirm = (
                Part(decided, half, comparison, own, settings, seed)
                for half, own in zip(images, seeds.values(), strict=True)
            )
            made[repr(seeds)] = choose, confirm
        choose, confirm = made[repr(seeds)]
        row |= _choose_and_confirm(choose, confirm, measure)
        row |= {"choose_n_images": choose.n_images, "confirm_n_images": confirm.n_images}
    return EQUIVALENT_PAIR.frame(rows)


def _seeds(
    decided: Decided, comparison: pd.DataFrame, measure: str, settings: ComparisonSettings
) -> dict[str, dict[str, list[int]]]:
    """Trainings that choose and that confirm, by network: those that have the measure with its interval.

    More trainings are asked to decide than are measured otherwise. A network that has the measure in none
    of the choosing seeds, or in fewer than `least_confirming` others, is left out.
    """
    rows = comparison[comparison["measure"] == measure]
    rows = rows.dropna(subset=["seed", "value", "ci_low", "ci_high"])
    known = {model: {*own.astype(int)} for model, own in rows.groupby("model")["seed"]}
    found: dict[str, dict[str, list[int]]] = {"choose": {}, "confirm": {}}
    for model, own in decided.items():
        having = sorted({*own} & known.get(model, set()))
        choose = [one for one in settings.choose_seeds if one in having]
        confirm = [one for one in having if one not in settings.choose_seeds]
        if choose and len(confirm) >= settings.least_confirming:
            found["choose"][model], found["confirm"][model] = choose, confirm
    return found


def halves(decided: Decided) -> tuple[tuple[Images, Images], str]:
    """Split the conflict images so that the halves share no exemplar of shape nor of texture.

    The exemplars of each class go to either half in turn; images with one of each are in neither.

    Returns
    -------
    halves : (set of (str, str), set of (str, str))
        By exemplars of shape and texture.
    reason : str
        Why there are none; empty where there are.
    """
    own = next(iter(next(iter(decided.values())).values()))
    half: dict[str, dict[str, int]] = {}
    columns = {
        "shape": (own.shape, own.shape_exemplar),
        "texture": (own.texture, own.texture_exemplar),
    }
    for cue, (classes, exemplars) in columns.items():
        of_class: dict[str, set[str]] = {}
        for name, exemplar in zip(classes, exemplars, strict=True):
            of_class.setdefault(name, set()).add(exemplar)
        for name, members in of_class.items():
            if len(members) == 1:
                return (frozenset(), frozenset()), (
                    f"the images cannot be split: class '{name}' has a single {cue} exemplar, and "
                    "the pair is confirmed on exemplars that did not choose it"
                )
            for place, exemplar in enumerate(sorted(members, key=natural)):
                half.setdefault(cue, {})[exemplar] = place % 2
    first, second = (
        frozenset(
            (shape, texture)
            for shape, texture in images_of(own)
            if half["shape"][shape] == half["texture"][texture] == number
        )
        for number in (0, 1)
    )
    if not first or not second:
        return (first, second), "the images cannot be split into halves without common exemplars"
    return (first, second), ""


def _choose_and_confirm(choose: Part, confirm: Part, measure: str) -> dict[str, object]:
    settings = choose.settings
    able = [model for model in choose.models if choose.cue_match[model] >= settings.least_cue_match]
    few = len(choose.models) - len(able)
    found: dict[str, object] = {"reason": "", "n_searched": len(able), "n_few_matches": few}
    if len(able) < 2:
        found["reason"] = (
            f"{len(able)} of {len(choose.models)} networks have a cue match rate of "
            f"{settings.least_cue_match:g} or more; two are needed"
        )
        return found
    compared = {(a, b): choose.compare(a, b, measure) for a, b in combinations(able, 2)}
    defined = {pair: one for pair, one in compared.items() if not np.isnan(one["bias_low"])}
    away = {pair: one for pair, one in defined.items() if _away(one, settings.margin)}
    equal = {pair: one for pair, one in away.items() if _within(one, settings.margin)}
    different = {pair: one for pair, one in equal.items() if _apart(one)}
    found |= {"n_pairs": len(compared), "n_away": len(away), "n_equivalent": len(equal)}
    if not different:
        found["reason"] = _no_pair(compared, away, equal, measure, settings.margin)
        return found
    a, b = max(different, key=lambda pair: abs(different[pair]["information_difference"]))
    chosen, again = different[a, b], confirm.compare(a, b, measure)
    checks = {
        f"a bias within {settings.margin:g} of 0 or 1": _away(again, settings.margin),
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


def _away(one: Mapping[str, float], margin: float) -> bool:
    """Whether both biases lie further from 0 and from 1 than the margin."""
    return all(margin < one[name] < 1 - margin for name in ("bias_a", "bias_b"))


def _apart(one: Mapping[str, float]) -> bool:
    return one["information_low"] > 0 or one["information_high"] < 0


def _no_pair(
    compared: Mapping[tuple[str, str], Mapping[str, float]],
    away: Mapping[tuple[str, str], Mapping[str, float]],
    equal: Mapping[tuple[str, str], Mapping[str, float]],
    measure: str,
    margin: float,
) -> str:
    if equal:
        if len(equal) == 1:
            return f"the one equivalent pair does not differ in {measure} beyond its interval"
        return f"none of {len(equal)} equivalent pairs differs in {measure} beyond its interval"
    which = "in the one pair" if len(compared) == 1 else f"in each of {len(compared)} pairs"
    if not away:
        return (
            f"{which} a bias lies no further than {margin:g} from 0 or from 1, where all biases are "
            "equivalent"
        )
    ends = {pair: max(abs(one["bias_low"]), abs(one["bias_high"])) for pair, one in away.items()}
    (a, b) = min(ends, key=ends.__getitem__)
    one = away[a, b]
    some = (
        "the one pair is not"
        if len(compared) == 1
        else f"of {len(compared)} pairs {len(away)} have both biases further than {margin:g} from 0 and "
        "from 1, and none is"
    )
    return (
        f"{some} equivalent in shape bias within {margin:g}; nearest {a} and {b}: "
        f"{one['bias_difference']:.3f} [{one['bias_low']:.3f}, {one['bias_high']:.3f}]"
    )


def _why_nothing(
    decided: Decided, searched: Mapping[str, object], measure: str, settings: ComparisonSettings
) -> str:
    if len(decided) < 2:
        return f"trials of {len(decided)} networks were given; two are needed"
    seeds = " ".join(map(str, settings.choose_seeds))
    return (
        f"{len(searched)} of {len(decided)} networks have {measure} with an interval in seeds to choose on "
        f"({seeds}) and in {settings.least_confirming} others to confirm on; two are needed"
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
