"""Error consistency of two observers as a distribution: its error, and the trials that it takes.

Two observers are right with probabilities p1 and p2 on images drawn at random. Kappa fixes how
often both are right: kappa = 2 c / (p1 (1 - p2) + p2 (1 - p1)), where c is the covariance of being
right. So accuracies and kappa give the four probabilities of a trial, and from these come the
standard error of an estimated kappa by the delta method (Fleiss, Cohen and Everitt 1969,
Psychological Bulletin 72, 323-327), the error of a difference, its power, and the number of trials.

Klein et al. (NeurIPS 2025, arXiv 2507.06645) give kappa a meaning: of two observers that are right
equally often, of whom one copies the other's answer with probability q and else answers for itself,
kappa is q.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from texshape.errors import InputError


@dataclass(frozen=True)
class Observer:
    """How an observer compares with the reference: its accuracy, and the kappa of the two."""

    accuracy: float
    kappa: float


def kappa_limits(first: float, second: float) -> tuple[float, float]:
    """Lowest and highest kappa that two accuracies allow.

    The overlap of what both are right on is at most the smaller accuracy and at least what the two
    exceed 1 by, so that kappa reaches 1 at equal accuracies only (Geirhos et al. 2020, arXiv
    2006.16736, section 2).

    Examples
    --------
    >>> kappa_limits(0.5, 0.5)
    (-1.0, 1.0)
    """
    scale = first * (1 - second) + second * (1 - first)
    if scale <= 0:
        return math.nan, math.nan
    low = max(0.0, first + second - 1) - first * second
    high = min(first, second) - first * second
    return 2 * low / scale, 2 * high / scale


def cells(first: float, second: float, kappa: float) -> np.ndarray:
    """Probabilities of a trial, shape (2, 2): first wrong or right, second wrong or right.

    Raises
    ------
    InputError
        If an accuracy is none, or the accuracies do not allow this kappa.
    """
    for accuracy in (first, second):
        if not 0 < accuracy < 1:
            raise InputError(
                f"error consistency: accuracy {accuracy:g}; expected a number between 0 and 1"
            )
    low, high = kappa_limits(first, second)
    if not low - 1e-12 <= kappa <= high + 1e-12:
        raise InputError(
            f"error consistency: kappa {kappa:g} cannot be at accuracies {first:g} and {second:g}; "
            f"expected {low:.3g} to {high:.3g}"
        )
    covariance = kappa * (first * (1 - second) + second * (1 - first)) / 2
    both = first * second + covariance
    found = np.array([[1 - first - second + both, second - both], [first - both, both]])
    return np.clip(found, 0, 1)


def influence(first: float, second: float, kappa: float) -> np.ndarray:
    """By how much a trial of each kind moves kappa, times the number of trials; as `cells`.

    Its mean over the cells is 0 and its mean square the variance of kappa, times the number of
    trials.
    """
    chance = first * second + (1 - first) * (1 - second)
    agreed = chance + kappa * (1 - chance)
    x, y = np.meshgrid([0.0, 1.0], [0.0, 1.0], indexing="ij")
    by_agreement = ((x == y) - agreed) / (1 - chance)
    of_chance = (2 * second - 1) * (x - first) + (2 * first - 1) * (y - second)
    return by_agreement - of_chance * (1 - agreed) / (1 - chance) ** 2


def standard_error(first: float, second: float, kappa: float, trials: int) -> float:
    """Standard error of kappa estimated from so many trials."""
    square = cells(first, second, kappa) * influence(first, second, kappa) ** 2
    return math.sqrt(square.sum() / trials)


def difference_error(
    reference: float, one: Observer, other: Observer, trials: int = 1, *, paired: bool = True
) -> float:
    """Standard error of the difference of two observers' kappas with one reference.

    Parameters
    ----------
    reference : float
        Accuracy of the observer that both are compared with.
    one, other : Observer
    trials : int
    paired : bool
        Whether both saw the same images as the reference; given its answer, the two answer
        independently. Otherwise each was compared on images of its own.
    """
    joint, effect = [], []
    for observer in (one, other):
        joint.append(cells(observer.accuracy, reference, observer.kappa))
        effect.append(influence(observer.accuracy, reference, observer.kappa))
    variance = sum(float((p * e**2).sum()) for p, e in zip(joint, effect, strict=True))
    if paired:
        share = np.array([1 - reference, reference])
        by_answer = [(p * e).sum(0) / share for p, e in zip(joint, effect, strict=True)]
        variance -= 2 * float((share * by_answer[0] * by_answer[1]).sum())
    return math.sqrt(max(variance, 0.0) / trials)


def smallest_difference(error: float, *, level: float = 0.95, power: float = 0.8) -> float:
    """Smallest true difference that a test of this level finds with this power.

    Parameters
    ----------
    error : float
        Standard error of the difference.
    level : float
        1 minus the level of the two-sided test.
    power : float
        Share of repetitions in which the difference is found.
    """
    return _quantiles(level, power) * error


def power_of(difference: float, error: float, *, level: float = 0.95) -> float:
    """Share of repetitions in which a true difference of this size is found (two-sided)."""
    normal = NormalDist()
    if error <= 0:
        return float(difference != 0)
    bound, shift = normal.inv_cdf(0.5 + level / 2), abs(difference) / error
    return normal.cdf(shift - bound) + normal.cdf(-shift - bound)


def trials_for(
    difference: float, reference: float, one: Observer, other: Observer, *, level: float = 0.95,
    power: float = 0.8, paired: bool = True,
) -> int:  # fmt: skip
    """Trials after which a difference of two kappas is found with this power.

    Raises
    ------
    InputError
        If the difference is 0: no number of trials shows it.
    """
    if difference == 0:
        raise InputError("error consistency: a difference of 0 is shown by no number of trials")
    error = difference_error(reference, one, other, paired=paired)
    return math.ceil((_quantiles(level, power) * error / difference) ** 2)


def _quantiles(level: float, power: float) -> float:
    for name, value in (("level", level), ("power", power)):
        if not 0 < value < 1:
            raise InputError(
                f"error consistency: {name} {value:g}; expected a number between 0 and 1"
            )
    normal = NormalDist()
    return normal.inv_cdf(0.5 + level / 2) + normal.inv_cdf(power)
