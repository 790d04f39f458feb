"""Exemplars as the unit of resampling and of cross-validation.

Images of a cue-conflict set share exemplars: one outline wears many textures, one texture covers
many outlines. What was learned from an exemplar must not be tested on it, and an interval must say
what other exemplars would have given. Hence folds of whole exemplars and resamples of whole
exemplars.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from texshape.errors import InputError, nearest
from texshape.stats import bootstrap
from texshape.trials.names import natural

if TYPE_CHECKING:
    import pandas as pd

CUES = ("shape", "texture")
ABSENT = "na"


@dataclass(frozen=True)
class Cue:
    """Labels of one cue over the images of a set.

    Attributes
    ----------
    name : str
        ``shape`` or ``texture``.
    classes : ndarray of shape (n,), int
        Index of the class in `class_names`.
    exemplars : ndarray of shape (n,), int
        Index of the exemplar in `exemplar_names`; exemplars of different classes differ.
    class_names, exemplar_names : tuple of str
    """

    name: str
    classes: np.ndarray
    exemplars: np.ndarray
    class_names: tuple[str, ...]
    exemplar_names: tuple[str, ...]


def cue(labels: pd.DataFrame, name: str) -> Cue:
    """Read one cue from a table of labels.

    Parameters
    ----------
    labels : DataFrame with columns ``shape``, ``texture``, ``shape_exemplar``, ``texture_exemplar``
    name : str
        ``shape`` or ``texture``.

    Raises
    ------
    InputError
        If the cue is unknown or absent from some image, or if one exemplar has two classes.
    """
    if name not in CUES:
        raise InputError(f"cue '{name}' is unknown{nearest(name, CUES)}")
    classes = labels[name].astype(str).to_numpy()
    exemplars = labels[f"{name}_exemplar"].astype(str).to_numpy()
    if (classes == ABSENT).any():
        raise InputError(
            f"column '{name}': {(classes == ABSENT).sum()} of {len(classes)} images show no "
            f"{name}; expected images with both cues"
        )
    class_names = sorted(set(classes))
    exemplar_names = sorted(set(exemplars), key=natural)
    class_index = {value: index for index, value in enumerate(class_names)}
    exemplar_index = {value: index for index, value in enumerate(exemplar_names)}
    result = Cue(
        name=name,
        classes=np.array([class_index[value] for value in classes], dtype=int),
        exemplars=np.array([exemplar_index[value] for value in exemplars], dtype=int),
        class_names=tuple(class_names),
        exemplar_names=tuple(exemplar_names),
    )
    owner = class_of_exemplars(result)
    wrong = np.flatnonzero(owner[result.exemplars] != result.classes)
    if len(wrong):
        raise InputError(
            f"{name} exemplar '{exemplars[wrong[0]]}' is given to two classes, "
            f"'{class_names[owner[result.exemplars[wrong[0]]]]}' and '{classes[wrong[0]]}'"
        )
    return result


def some(cue: Cue, chosen: np.ndarray) -> Cue:
    """The cue over some of the images, bool of shape (n,), with the exemplars that they show."""
    kept, exemplars = np.unique(cue.exemplars[chosen], return_inverse=True)
    names = tuple(cue.exemplar_names[index] for index in kept)
    return replace(cue, classes=cue.classes[chosen], exemplars=exemplars, exemplar_names=names)


def conflicting(labels: pd.DataFrame) -> np.ndarray:
    """Mark the images whose two cues are present and disagree; bool of shape (n,)."""
    shape, texture = labels["shape"].astype(str), labels["texture"].astype(str)
    return ((shape != texture) & (shape != ABSENT) & (texture != ABSENT)).to_numpy()


def class_of_exemplars(cue: Cue) -> np.ndarray:
    """Class of each exemplar, int of shape (exemplars,)."""
    owner = np.zeros(len(cue.exemplar_names), dtype=int)
    owner[cue.exemplars[::-1]] = cue.classes[::-1]
    return owner


def exemplar_folds(classes: np.ndarray, exemplars: np.ndarray, folds: int) -> np.ndarray:
    """Fold of each image such that an exemplar is never split.

    The exemplars of each class, in order, go to folds 0, 1, ... in turn: with as many folds as a
    class has exemplars, one of each class is held out at a time.

    Parameters
    ----------
    classes, exemplars : ndarray of shape (n,), int
    folds : int
        Largest number of folds; the smallest class bounds it.

    Returns
    -------
    ndarray of shape (n,), int
        Values 0 ... k - 1, with k the smaller of `folds` and the smallest class's number of
        exemplars.
    """
    pairs = np.unique(np.stack([classes, exemplars], axis=1), axis=0)
    counts = np.unique(pairs[:, 0], return_counts=True)[1]
    k = min(folds, int(counts.min())) if len(counts) else 0
    fold_of: dict[int, int] = {}
    for label in np.unique(classes):
        for position, exemplar in enumerate(pairs[pairs[:, 0] == label, 1]):
            fold_of[int(exemplar)] = position % k
    return np.array([fold_of[int(exemplar)] for exemplar in exemplars], dtype=int)


def permuted_classes(
    classes: np.ndarray, exemplars: np.ndarray, folds: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Labels under a random map from exemplars to classes.

    Classes change hands between the exemplars of one fold, so all images of an exemplar keep one
    common label and each fold keeps its number of exemplars a class. Permuting images instead would
    destroy what they share and make the baseline blind to leaks; permuting across folds would make
    held-out classes rarer in training, and push the baseline below chance.

    Parameters
    ----------
    classes, exemplars, folds : ndarray of shape (n,), int
    rng : Generator

    Returns
    -------
    ndarray of shape (n,), int
    """
    permuted = np.empty_like(classes)
    for fold in np.unique(folds):
        inside = folds == fold
        names, first = np.unique(exemplars[inside], return_index=True)
        new = rng.permutation(classes[inside][first])
        permuted[inside] = new[np.searchsorted(names, exemplars[inside])]
    return permuted


def exemplar_weights(
    shape: Cue, texture: Cue, resamples: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """How often each resample draws each exemplar, of both cues at once, within their classes.

    Parameters
    ----------
    shape, texture : Cue
    resamples, seed : int

    Returns
    -------
    tuple of ndarray, float32
        Shapes (resamples, shape exemplars) and (resamples, texture exemplars). An image's weight is
        the product of its two exemplars' counts (Owen 2007, the pigeonhole bootstrap).
    """
    by_shape, by_texture = (
        bootstrap.draw_weights(
            np.random.default_rng([seed, stream]),
            len(cue.exemplar_names),
            resamples,
            class_of_exemplars(cue),
        )
        for cue, stream in ((shape, bootstrap.ROWS), (texture, bootstrap.COLUMNS))
    )
    return by_shape, by_texture


def resampled_rates(
    marked: np.ndarray, shape: Cue, texture: Cue, *, resamples: int, seed: int
) -> np.ndarray:
    """Means of what marks images, over resamples of both cues' exemplars within classes.

    Parameters
    ----------
    marked : ndarray of shape (n, k), bool or float
        k properties of the images, or chances of them; all are resampled alike.
    shape, texture : Cue
        Of the same n images.
    resamples, seed : int

    Returns
    -------
    ndarray of shape (resamples, k)
        NaN in a resample that holds no image.
    """
    size = (len(shape.exemplar_names), len(texture.exemplar_names))
    cells = shape.exemplars * size[1] + texture.exemplars
    tables = [
        np.bincount(cells, weights=weights, minlength=size[0] * size[1]).reshape(size)
        for weights in (np.ones(len(marked)), *marked.T.astype(float))
    ]
    totals = bootstrap.resample_totals(
        np.stack(tables),
        strata=(class_of_exemplars(shape), class_of_exemplars(texture)),
        resamples=resamples,
        seed=seed,
    )
    return bootstrap.divide(totals[:, 1:], totals[:, :1])


def resampled_means(
    values: np.ndarray, labels: pd.DataFrame, *, resamples: int, seed: int
) -> np.ndarray:
    """Means over resamples of exemplars, of images of which some may lack a cue.

    A cue that no image shows is not resampled, so that images with one cue have the one-way
    bootstrap; for images that show both this is `resampled_rates`. Where the two cues' exemplars
    are the same (a photograph has both of its own, as plain pictures have) they are drawn once:
    the product of two draws of one thing would count its variance thrice.

    Parameters
    ----------
    values : ndarray of shape (n, k)
        k values of the images; all are resampled alike.
    labels : DataFrame with n rows
        Columns ``shape``, ``texture``, ``shape_exemplar``, ``texture_exemplar``.
    resamples, seed : int

    Returns
    -------
    ndarray of shape (resamples, k)
        NaN in a resample that holds no image.
    """
    found = []
    for name in CUES:
        classes = labels[name].astype(str).to_numpy()
        exemplars = np.where(classes == ABSENT, ABSENT, labels[f"{name}_exemplar"].astype(str))
        names, first, codes = np.unique(exemplars, return_index=True, return_inverse=True)
        owner = np.unique(classes[first], return_inverse=True)[1]
        found.append(Cue(name, owner[codes], codes, tuple(np.unique(classes)), tuple(names)))
    levels = [len(cue.exemplar_names) for cue in found]
    together = len(np.unique(np.stack([cue.exemplars for cue in found]), axis=1).T)
    if together == levels[0] == levels[1]:
        none = np.zeros(len(labels), dtype=int)
        found[1] = Cue(found[1].name, none, none, (ABSENT,), (ABSENT,))
    return resampled_rates(np.asarray(values), *found, resamples=resamples, seed=seed)
