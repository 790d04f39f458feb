"""Erasing what a linear reader could know: the smallest affine change that hides a label.

LEACE (Belrose et al. 2023, arXiv 2306.03819): subtract the projection, in whitened coordinates,
onto the span of the differences between class means. Afterwards the classes have equal means, so on
the images of the fit no linear classifier beats the best constant guess; among all maps that
achieve this it moves activations least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from texshape.errors import InputError, UnmeasurableError
from texshape.stats import exemplars as ex
from texshape.techniques.readout.axes import reduce_features
from texshape.techniques.readout.linear import check_features, fit_with_chosen_penalty


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
        raise UnmeasurableError("all units are constant: there is nothing to erase")
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
    return _eraser(white, directions[values > max(values[0] * 1e-6, 1e-9)])


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
        ``nothing``; ``cue``: the subspace that codes the cue's classes; ``groups``: the subspace that
        codes meaningless groupings of the same exemplars; ``random``: a random one; ``head``: all
        that the decision layer reads, so that its null space is left; ``null_space``: the latter.
    draw : int
        Number of the grouping or of the random subspace.
    """

    cue: str
    erased: str
    draw: int = 0


def conditions(random_draws: int, groupings: int, head: bool = False) -> list[Condition]:
    """All conditions; the unchanged network stands once for each cue.

    Parameters
    ----------
    random_draws, groupings : int
    head : bool
        Whether the stage is followed by a linear decision layer.
    """
    found = []
    for name in ex.CUES:
        found += [Condition(name, "nothing"), Condition(name, "cue")]
        found += [Condition(name, "groups", draw) for draw in range(groupings)]
        found += [Condition(name, "random", draw) for draw in range(random_draws)]
        if head:
            found += [Condition(name, "head"), Condition(name, "null_space")]
    return found


def erase_head(mean: np.ndarray, weights: np.ndarray) -> tuple[Eraser, Eraser] | None:
    """Erasers of what a linear decision layer reads, and of what it does not.

    Logits that rise together decide nothing, so that the layer reads the span of its weights'
    differences. The two parts are orthogonal in the units' own coordinates: what is left of the
    null space may change as it likes and no decision does.

    Parameters
    ----------
    mean : ndarray of shape (units,)
        Of the activations.
    weights : ndarray of shape (classes, units)

    Returns
    -------
    pair of Eraser, or None
        Of the span, and of the null space; None where one of them is empty.
    """
    weights = np.asarray(weights, dtype=float)
    _, values, directions = np.linalg.svd(weights - weights.mean(0), full_matrices=False)
    span = directions[values > max(values[0], 1e-300) * 1e-6]
    units = weights.shape[1]
    if not 0 < len(span) < units:
        return None
    seen = span.T @ span
    return Eraser(mean, seen, len(span)), Eraser(mean, np.eye(units) - seen, units - len(span))


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
    groupings: int = 1,
    head: np.ndarray | None = None,
    seed: int,
) -> dict[Condition, tuple[Eraser | None, Eraser | None]]:
    """Erasers of every condition, for either half of the exemplars fitted on the other one.

    A meaningless grouping gives the exemplars of each half the classes of one another, so that as
    many groups of as many exemplars are told apart as there are classes. Such groups still differ
    in which classes they hold: they take some of what codes the classes, and a comparison with them
    errs on the side of the meaningless.

    Parameters
    ----------
    features : ndarray of shape (m, units)
        Activations, one or several rows an image.
    images : ndarray of shape (m,), int
        The image of each row.
    cues : dict of str to Cue
    random_draws, groupings : int
    head : ndarray of shape (classes, units), optional
        Weights of the decision layer, where it follows the stage.
    seed : int

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
    fitted: dict[tuple[str, int], tuple[np.ndarray, Whitening, Eraser]] = {}
    for name, cue in cues.items():
        half = halves(cue)[images]
        for tested in (0, 1):
            fit = half != tested
            white = whitening(features[fit])
            eraser = erase_classes(white, features[fit], cue.classes[images[fit]])
            fitted[name, tested] = (fit, white, eraser)
    of_head = None if head is None else erase_head(features.mean(0), head)
    for condition in conditions(random_draws, groupings, of_head is not None):
        cue, number = cues[condition.cue], ex.CUES.index(condition.cue)
        pair = [fitted[condition.cue, tested] for tested in (0, 1)]
        if condition.erased == "nothing":
            found[condition] = (None, None)
        elif condition.erased == "cue":
            found[condition] = (pair[0][2], pair[1][2])
        elif condition.erased == "groups":
            rng = np.random.default_rng([seed, number, condition.draw, 2])
            groups = ex.permuted_classes(cue.classes, cue.exemplars, halves(cue), rng)[images]
            first, second = (
                erase_classes(white, features[fit], groups[fit]) for fit, white, _ in pair
            )
            found[condition] = (first, second)
        elif condition.erased == "random":
            first, second = (
                erase_random(
                    white,
                    eraser.dimension,
                    np.random.default_rng([seed, number, condition.draw, tested]),
                )
                for tested, (_, white, eraser) in enumerate(pair)
            )
            found[condition] = (first, second)
        elif of_head is not None:
            eraser = of_head[condition.erased == "null_space"]
            found[condition] = (eraser, eraser)
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
    """Read one cue after erasure, in three parts that share no exemplar.

    The eraser was fitted on one half of the erased cue's exemplars. The other half passes it and is
    cut in two: a new classifier learns from one part and reads the other, in turn. Where another
    cue is read, it is that one's exemplars that the two parts do not share. Trained where the
    eraser was fitted, a classifier would find equal class means, whatever is left elsewhere, and
    read exactly chance.

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
    ndarray of shape (n,), float
        1 where the image was read rightly, else 0; NaN in a half that has no second exemplar of
        some class to learn from.

    Raises
    ------
    InputError
        If a class has a single exemplar.
    """
    half, cue = halves(cues[erased]), cues[read]
    correct = np.full(len(features), np.nan)
    for number in (0, 1):
        inside = half == number
        classes, exemplars = cue.classes[inside], cue.exemplars[inside]
        parts = ex.exemplar_folds(classes, exemplars, 2)
        if parts.max() == 0:
            continue
        eraser = erasers[number]
        mapped = features[inside] if eraser is None else eraser(features[inside])
        right = np.full(len(mapped), np.nan)
        for part in (0, 1):
            test = parts == part
            reduced, reduced_test = reduce_features(mapped[~test], mapped[test])
            model = fit_with_chosen_penalty(
                reduced, classes[~test], exemplars[~test], (penalty,), 2
            )[0]
            right[test] = model.logits(reduced_test).argmax(1) == classes[test]
        correct[inside] = right
    return correct
