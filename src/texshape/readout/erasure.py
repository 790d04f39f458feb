"""Erasing what a linear reader could know: the smallest affine change that hides a label.

LEACE (Belrose et al. 2023, arXiv 2306.03819): subtract the projection, in whitened coordinates,
onto the span of the differences between class means. Afterwards the classes have equal means, so on
the images of the fit no linear classifier beats the best constant guess; among all maps that
achieve this it moves activations least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from texshape.errors import InputError
from texshape.readout import exemplars as ex
from texshape.readout.linear import (
    check_features,
    fit_with_chosen_penalty,
    reduce_features,
)
from texshape.readout.settings import ReadoutSettings


@dataclass(frozen=True)
class Eraser:
    """The affine map x -> x - (x - mean) @ projection.

    Attributes
    ----------
    mean : ndarray of shape (units,)
    projection : ndarray of shape (units, units)
        Acts on row vectors; oblique, of rank `dimension`.
    dimension : int
    """

    mean: np.ndarray
    projection: np.ndarray
    dimension: int

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Map activations of shape (n, units)."""
        return features - (features - self.mean) @ self.projection


@dataclass(frozen=True)
class Whitening:
    """Coordinates in which activations have unit covariance.

    Attributes
    ----------
    mean : ndarray of shape (units,)
    to_white : ndarray of shape (units, rank)
    from_white : ndarray of shape (rank, units)
    """

    mean: np.ndarray
    to_white: np.ndarray
    from_white: np.ndarray


def whitening(features: np.ndarray) -> Whitening:
    """Whiten activations; directions without variance are left out.

    Parameters
    ----------
    features : ndarray of shape (n, units)

    Returns
    -------
    Whitening

    Raises
    ------
    InputError
        If features are not finite or all constant.
    """
    features = check_features(features)
    mean = features.mean(0)
    centred = features - mean
    values, vectors = np.linalg.eigh(centred.T @ centred / len(features))
    keep = values > max(values[-1], 0) * 1e-9
    if not keep.any() or values[-1] <= 0:
        raise InputError("all units are constant: there is nothing to erase")
    roots = np.sqrt(values[keep])
    return Whitening(mean, vectors[:, keep] / roots, (vectors[:, keep] * roots).T)


def erase_classes(white: Whitening, features: np.ndarray, classes: np.ndarray) -> Eraser:
    """Fit the eraser of a labelling.

    Parameters
    ----------
    white : Whitening
        Of the same features.
    features : ndarray of shape (n, units)
    classes : ndarray of shape (n,), int

    Returns
    -------
    Eraser
        Its dimension is at most the number of classes - 1, and at most the rank of the features.
    """
    whitened = (check_features(features) - white.mean) @ white.to_white
    labels, inverse, counts = np.unique(classes, return_inverse=True, return_counts=True)
    sums = np.zeros((len(labels), whitened.shape[1]))
    np.add.at(sums, inverse, whitened)
    # Rows weighted by sqrt(share): the cross-covariance with whitened indicators.
    means = sums / counts[:, None] * np.sqrt(counts / counts.sum())[:, None]
    _, values, directions = np.linalg.svd(means, full_matrices=False)
    return _eraser(white, directions[values > max(values[0], 1e-12) * 1e-6])


def erase_random(white: Whitening, dimension: int, rng: np.random.Generator) -> Eraser:
    """Eraser of a random subspace: as many directions, uniform in whitened coordinates.

    Parameters
    ----------
    white : Whitening
    dimension : int
    rng : Generator

    Returns
    -------
    Eraser
    """
    rank = white.to_white.shape[1]
    basis = np.linalg.qr(rng.normal(size=(rank, min(dimension, rank))))[0]
    return _eraser(white, basis.T)


def _eraser(white: Whitening, directions: np.ndarray) -> Eraser:
    projection = (white.to_white @ directions.T) @ (directions @ white.from_white)
    return Eraser(white.mean, projection, len(directions))


@dataclass(frozen=True)
class Condition:
    """One change of a stage's activations.

    Attributes
    ----------
    cue : str
        ``shape`` or ``texture``: whose subspace, and whose exemplars are held apart.
    erased : str
        ``nothing``, ``cue`` (the subspace that codes the cue's classes) or ``random``.
    draw : int
        Number of the random subspace.
    """

    cue: str
    erased: str
    draw: int = 0


def conditions(random_draws: int) -> list[Condition]:
    """All conditions; the unchanged network stands once for each cue."""
    found = []
    for name in ex.CUES:
        found += [Condition(name, "nothing"), Condition(name, "cue")]
        found += [Condition(name, "random", draw) for draw in range(random_draws)]
    return found


def halves(cue: ex.Cue) -> np.ndarray:
    """Half of each image, 0 or 1, such that no exemplar of the cue is in both.

    Raises
    ------
    InputError
        If a class has a single exemplar.
    """
    found = ex.exemplar_folds(cue.classes, cue.exemplars, 2)
    if len(found) == 0 or found.max() == 0:
        raise InputError(
            f"erasing the {cue.name}: a class has a single {cue.name} exemplar; expected at least "
            "two, one to find its subspace and one to test"
        )
    return found


def fit_erasers(
    features: np.ndarray,
    images: np.ndarray,
    cues: dict[str, ex.Cue],
    *,
    random_draws: int,
    seed: int,
) -> dict[Condition, tuple[Eraser | None, Eraser | None]]:
    """Erasers of every condition, for either half of the exemplars fitted on the other one.

    Parameters
    ----------
    features : ndarray of shape (m, units)
        Activations, one or several rows an image.
    images : ndarray of shape (m,), int
        The image of each row.
    cues : dict of str to Cue
    random_draws, seed : int

    Returns
    -------
    dict of Condition to pair
        Eraser to use on half 0 and on half 1; None leaves activations as they are. A random
        subspace has the dimension of the cue's.

    Raises
    ------
    InputError
        If a class has a single exemplar, or all units are constant.
    """
    found: dict[Condition, tuple[Eraser | None, Eraser | None]] = {}
    fitted: dict[tuple[str, int], tuple[Whitening, Eraser]] = {}
    for name, cue in cues.items():
        half = halves(cue)[images]
        for tested in (0, 1):
            fit = half != tested
            white = whitening(features[fit])
            eraser = erase_classes(white, features[fit], cue.classes[images[fit]])
            fitted[name, tested] = (white, eraser)
    for condition in conditions(random_draws):
        pair = [fitted[condition.cue, tested] for tested in (0, 1)]
        if condition.erased == "nothing":
            found[condition] = (None, None)
        elif condition.erased == "cue":
            found[condition] = (pair[0][1], pair[1][1])
        else:
            number = ex.CUES.index(condition.cue)
            first, second = (
                erase_random(
                    white,
                    eraser.dimension,
                    np.random.default_rng([seed, number, condition.draw, tested]),
                )
                for tested, (white, eraser) in enumerate(pair)
            )
            found[condition] = (first, second)
    return found


def read_after(
    features: np.ndarray,
    cues: dict[str, ex.Cue],
    erased: str,
    erasers: tuple[Eraser | None, Eraser | None],
    read: str,
    *,
    penalty: float,
) -> np.ndarray:
    """Read one cue after erasure; classifier and eraser never saw the tested exemplars.

    For either half of the erased cue's exemplars the features pass its eraser; a new classifier
    learns from the other half and reads this one. Where another cue is read, its exemplars are held
    apart too.

    Parameters
    ----------
    features : ndarray of shape (n, units)
    cues : dict of str to Cue
    erased, read : str
        Cues.
    erasers : pair of Eraser or None
        For half 0 and for half 1.
    penalty : float

    Returns
    -------
    ndarray of shape (n,), bool
        Which images were read rightly.

    Raises
    ------
    InputError
        If a class has a single exemplar.
    """
    settings = ReadoutSettings(penalties=(penalty,))
    erased_half, read_half = halves(cues[erased]), halves(cues[read])
    cue = cues[read]
    predicted = np.full(len(features), -1)
    for first in (0, 1):
        eraser = erasers[first]
        mapped = features if eraser is None else eraser(features)
        for second in (0, 1):
            if erased == read and second != first:
                continue
            test = (erased_half == first) & (read_half == second)
            train = (erased_half != first) & (read_half != second)
            if test.any() and train.any():
                reduced, reduced_test = reduce_features(mapped[train], mapped[test])
                model = fit_with_chosen_penalty(
                    reduced, cue.classes[train], cue.exemplars[train], settings
                )[0]
                predicted[test] = model.logits(reduced_test).argmax(1)
    return predicted == cue.classes
