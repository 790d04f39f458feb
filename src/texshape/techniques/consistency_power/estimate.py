"""Error consistency with its uncertainty, and the differences that the trials can show.

The error consistency of a network is the mean of its kappas with human observers, over conditions,
observers and data sets (`texshape.techniques.human_consistency`). Trials are drawn anew within
conditions and categories, the same for every subject, and observers within data sets: that gives
its interval and, as the draws are shared, the interval of the difference of two networks. From the
standard deviation of a difference follow the smallest one that these trials and observers show with
a power of 0.8, and how many times as many trials the observed one would need (Klein et al., NeurIPS
2025, arXiv 2507.06645, who find many published differences within chance).

The variance that observers bring does not shrink with the number of trials. It is what is left of
the whole after the variance with observers held fixed was taken off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from texshape.errors import InputError
from texshape.stats.bootstrap import draw_weights
from texshape.techniques.consistency_power import planning
from texshape.techniques.human_consistency import humans
from texshape.techniques.human_consistency.humans import DATASETS, Dataset
from texshape.trials.names import HUMANS, is_human

if TYPE_CHECKING:
    import pandas as pd

KAPPA = "error_consistency"


@dataclass(frozen=True)
class Draws:
    """Kappas of one subject, a row a data set that it saw.

    Attributes
    ----------
    datasets : tuple of str
    kappas : ndarray of shape (datasets,)
    both : ndarray of shape (datasets, resamples)
        Trials and observers drawn anew.
    trials_only : ndarray of shape (datasets, resamples)
        Trials drawn anew, all observers kept.
    n_trials, n_observers : int
    """

    datasets: tuple[str, ...]
    kappas: np.ndarray
    both: np.ndarray
    trials_only: np.ndarray
    n_trials: int
    n_observers: int


def draw(
    datasets: Sequence[Dataset], *, resamples: int = 10_000, seed: int = 0
) -> dict[str, Draws]:
    """Kappas of each network and of the observers with one another, and of resamples.

    Parameters
    ----------
    datasets : sequence of Dataset
        Each with human observers.
    resamples, seed : int

    Returns
    -------
    dict of str to Draws
        Networks in alphabetical order, then ``humans`` where a data set has two observers.

    Raises
    ------
    InputError
        If there is no data set, or one without observers.
    """
    if not datasets:
        raise InputError("error consistency: no data set; expected at least one with observers")
    rows: dict[str, list[tuple]] = {}
    for dataset in datasets:
        people = [i for i, subject in enumerate(dataset.subjects) if is_human(subject)]
        if not people:
            raise InputError(f"error consistency: data set '{dataset.name}' has no human observer")
        values = humans.compare_dataset(dataset)[0][KAPPA]
        drawn = humans.compare_dataset(dataset, resamples=resamples, seed=seed)[0][KAPPA]
        # The weights of `humans.benchmark`: one quantity has one interval.
        generator = np.random.default_rng([seed, len(DATASETS), DATASETS.index(dataset.name)])
        weights = draw_weights(generator, len(people), resamples)
        pairs = (weights[:, :, None] * weights[:, None, :]).reshape(resamples, -1)
        equal = np.ones(pairs.shape)
        for i, subject in enumerate(dataset.subjects):
            if i not in people:
                own = drawn[:, i]
                rows.setdefault(subject, []).append(
                    (
                        dataset.name,
                        float(humans.mean_defined(values[0, i])),
                        humans.weighted(own, weights),
                        humans.weighted(own, equal[:, : len(people)]),
                        _trials(dataset, [i], people),
                        len(people),
                    )
                )
        if len(people) > 1:
            own = drawn[:, people].reshape(resamples, -1)
            rows.setdefault(HUMANS, []).append(
                (
                    dataset.name,
                    float(humans.mean_defined(values[0, people])),
                    humans.weighted(own, pairs),
                    humans.weighted(own, equal),
                    _trials(dataset, people, people),
                    len(people),
                )
            )
    order = [*sorted(set(rows) - {HUMANS}), *([HUMANS] if HUMANS in rows else [])]
    return {
        name: Draws(
            tuple(row[0] for row in rows[name]),
            np.array([row[1] for row in rows[name]]),
            np.stack([row[2] for row in rows[name]]),
            np.stack([row[3] for row in rows[name]]),
            sum(row[4] for row in rows[name]),
            sum(row[5] for row in rows[name]),
        )
        for name in order
    }


def of_subjects(
    draws: dict[str, Draws], *, level: float = 0.95, power: float = 0.8
) -> list[dict[str, Any]]:
    """Kappa of each subject, with its interval and the smallest difference that could be shown.

    Returns
    -------
    list of dict
        Rows of the table ``consistency_power``.
    """
    rows = []
    for name, own in draws.items():
        value = float(humans.mean_defined(own.kappas))
        defined = math.isfinite(value)
        drawn = humans.mean_defined(own.both, 0)
        low, high = humans.limits(drawn, level, name) if defined else (math.nan, math.nan)
        error = _spread(drawn)
        rows.append(
            {
                "subject": name,
                KAPPA: value,
                "ci_low": low,
                "ci_high": high,
                "standard_error": error,
                "standard_error_trials": _spread(humans.mean_defined(own.trials_only, 0)),
                "smallest_difference": planning.smallest_difference(
                    math.sqrt(2) * error, level=level, power=power
                ),
                "n_trials": own.n_trials,
                "n_observers": own.n_observers,
                "n_datasets": int(np.isfinite(own.kappas).sum()),
                "reason": "" if defined else "always right or always wrong: kappa is 0/0",
            }
        )
    return rows


def of_differences(
    draws: dict[str, Draws], *, level: float = 0.95, power: float = 0.8
) -> list[dict[str, Any]]:
    """Difference of the kappas of every two subjects, over the data sets that both saw.

    Returns
    -------
    list of dict
        Rows of the table ``consistency_differences``; p-values are two-sided, of the difference
        over its standard error, adjusted by Holm for all pairs.
    """
    from texshape.comparison.correlation import holm

    rows = []
    for first, second in combinations(draws, 2):
        a, b = draws[first], draws[second]
        # The same data sets for both: a mean over others would compare two things at once.
        seen = [(a.datasets.index(n), b.datasets.index(n)) for n in a.datasets if n in b.datasets]
        common = [(i, j) for i, j in seen if np.isfinite([a.kappas[i], b.kappas[j]]).all()]
        row: dict[str, Any] = {
            "subject_a": first, "subject_b": second, "n_datasets": len(common), "p": math.nan,
            "reason": "",
        }  # fmt: skip
        rows.append(row)
        if not common:
            row["reason"] = "a kappa is undefined" if seen else "no data set in common"
            continue
        of_a, of_b = map(list, zip(*common, strict=True))
        value, drawn, held = (
            humans.mean_defined(x[of_a], 0) - humans.mean_defined(y[of_b], 0)
            for x, y in ((a.kappas, b.kappas), (a.both, b.both), (a.trials_only, b.trials_only))
        )
        value = float(value)
        error, by_trials = _spread(drawn), _spread(held)
        row["difference"] = value
        row["ci_low"], row["ci_high"] = humans.limits(drawn, level, first, second)
        row["standard_error"] = error
        row["standard_error_trials"] = by_trials
        row["p"] = _p_value(value, error)
        smallest = planning.smallest_difference(error, level=level, power=power)
        row["smallest_difference"] = smallest
        needed = abs(value) * error / smallest if smallest else math.nan  # the error that it takes
        observers = max(error**2 - by_trials**2, 0)
        if needed**2 > observers:
            row["times_trials"] = by_trials**2 / (needed**2 - observers)
        else:
            row["reason"] = "more trials alone would not show it: observers differ too much"
    for row, p in zip(rows, holm(np.array([row["p"] for row in rows])), strict=True):
        row["p_holm"] = float(p)
    return rows


def tables(
    groups: Mapping[str, Sequence[Dataset]],
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    power: float = 0.8,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables of groups of data sets.

    Parameters
    ----------
    groups : mapping of str to sequence of Dataset
        By the name of the group; in each stand the subjects that saw all of its data sets.
    resamples, level, power, seed
        Of the bootstrap, the intervals and tests.

    Returns
    -------
    subjects, differences : DataFrame
        `CONSISTENCY_POWER` and `CONSISTENCY_DIFFERENCES`.
    """
    from texshape.techniques.consistency_power.tables import (
        CONSISTENCY_DIFFERENCES,
        CONSISTENCY_POWER,
    )

    subjects, differences = [], []
    for name, datasets in groups.items():
        draws = {
            subject: own
            for subject, own in draw(datasets, resamples=resamples, seed=seed).items()
            if len(own.datasets) == len(datasets)
        }
        for found, rows in (
            (subjects, of_subjects(draws, level=level, power=power)),
            (differences, of_differences(draws, level=level, power=power)),
        ):
            found += [{"datasets": name, **row} for row in rows]
    return CONSISTENCY_POWER.frame(subjects), CONSISTENCY_DIFFERENCES.frame(differences)


def _p_value(value: float, error: float) -> float:
    """Two-sided p-value of a value over its standard error."""
    if error <= 0:
        return 0.0 if value else 1.0
    return math.erfc(abs(value) / error / math.sqrt(2))


def _spread(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(values.std(ddof=1)) if len(values) > 1 else math.nan


def _trials(dataset: Dataset, subjects: Sequence[int], people: Sequence[int]) -> int:
    """Images that one of the subjects and another observer saw, over conditions."""
    count = 0
    for responses in dataset.conditions:
        seen = ~np.isnan(responses.correct)
        others = [seen[[j for j in people if j != i]].any(0) & seen[i] for i in subjects]
        count += int(np.any(others, axis=0).sum())
    return count
