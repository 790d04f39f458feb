"""Fit a linear read-out on labelled photographs, and say how often it is right of those that it never saw.

Multinomial logistic regression, the one of the technique `readout` (`texshape.techniques.readout.linear`); its
penalty is chosen by cross-validation on the photographs alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from texshape.decision_readout.settings import DecisionReadoutSettings
from texshape.errors import UnmeasurableError
from texshape.stats.exemplars import exemplar_folds
from texshape.stats.proportions import wilson
from texshape.techniques.readout import linear
from texshape.techniques.readout.axes import principal_axes

# Of float32, by which units are computed that are meant to be constant; with room for sums.
_ROUNDING = 1e-5


@dataclass(frozen=True, eq=False)
class ReadOut:
    """A fitted read-out and how well it does.

    Attributes
    ----------
    weights : ndarray of shape (classes, units), float32
    intercept : ndarray of shape (classes,), float32
    classes : tuple of str
    penalty : float
    correct : ndarray of shape (n,), float
        1 where a photograph that was held out is named rightly.
    accuracy, low, high : float
        Of those, with its interval.
    chance : float
        Share of the commonest class.
    least, least_class : float, str
        Least accuracy of a class, and that class.
    """

    weights: np.ndarray
    intercept: np.ndarray
    classes: tuple[str, ...]
    penalty: float
    correct: np.ndarray
    accuracy: float
    low: float
    high: float
    chance: float
    least: float
    least_class: str

    @property
    def at_guessing(self) -> bool:
        """Whether it is not surely right more often than naming the commonest class is."""
        return not self.low > self.chance


def fit(features: np.ndarray, labels: np.ndarray, settings: DecisionReadoutSettings) -> ReadOut:
    """Fit the read-out on all photographs; how well it does is told by fits without some of them.

    The accuracy is that of nested cross-validation: a photograph is named by a read-out whose weights and
    penalty were found without it.

    Parameters
    ----------
    features : ndarray of shape (n, units)
    labels : ndarray of shape (n,) of str
        Of each class at least ``settings.folds``.
    settings : DecisionReadoutSettings

    Raises
    ------
    UnmeasurableError
        If a feature is undefined, or none varies.
    """
    table = linear.check_features(features, "activations of the photographs")
    # What differs between photographs by rounding alone would be blown up by the standardisation.
    table[:, table.std(0) <= _ROUNDING * np.abs(table).max(0)] = 0
    classes, index = np.unique(labels, return_inverse=True)
    photographs = np.arange(len(table))  # each is an exemplar of its own
    if not (np.ptp(table, axis=0) > 0).any():
        raise UnmeasurableError("its activations are the same for every photograph")
    folds = exemplar_folds(index, photographs, settings.folds)
    predicted = np.empty(len(table), int)
    for fold in np.unique(folds):
        test = folds == fold
        model, _ = _fitted(table[~test], index[~test], photographs[~test], settings)
        predicted[test] = model.logits(table[test]).argmax(1)
    correct = (predicted == index).astype(float)
    accuracy = float(correct.mean())
    low, high = wilson(accuracy, len(correct), settings.level)
    by_class = [float(correct[index == number].mean()) for number in range(len(classes))]
    model, penalty = _fitted(table, index, photographs, settings)
    return ReadOut(
        weights=np.ascontiguousarray(model.weights.T, np.float32),
        intercept=model.intercept.astype(np.float32),
        classes=tuple(classes.tolist()),
        penalty=penalty,
        correct=correct,
        accuracy=accuracy,
        low=float(low),
        high=float(high),
        chance=float(np.bincount(index).max() / len(index)),
        least=min(by_class),
        least_class=str(classes[int(np.argmin(by_class))]),
    )


def _fitted(
    features: np.ndarray,
    index: np.ndarray,
    photographs: np.ndarray,
    settings: DecisionReadoutSettings,
) -> tuple[linear.Model, float]:
    """A classifier of the features themselves, its penalty chosen among these photographs."""
    axes, reduced = principal_axes(features)
    model, penalty, _ = linear.fit_with_chosen_penalty(
        reduced, index, photographs, settings.penalties, settings.inner_folds
    )
    return linear.Model(*axes.undo(model.weights, model.intercept)), penalty
