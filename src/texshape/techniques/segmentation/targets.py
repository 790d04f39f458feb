"""What a segmentation read-out has to predict at each pixel, and which images it learns from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from texshape.errors import InputError, nearest
from texshape.techniques.segmentation.metrics import IGNORE

if TYPE_CHECKING:
    import pandas as pd

TARGETS = ("binary", "shape", "texture")


def binary(masks: np.ndarray, *, ignore: int = IGNORE) -> np.ndarray:
    """1 inside the object, 0 outside; ignored pixels stay ignored.

    ``masks`` has shape (n, height, width); any class above 0 counts as object.
    """
    return np.where(masks == ignore, ignore, masks > 0).astype(np.uint8)


def semantic(
    masks: np.ndarray, labels: Sequence[str], classes: Sequence[str], *, ignore: int = IGNORE
) -> np.ndarray:
    """Class index + 1 inside the object, 0 outside.

    Parameters
    ----------
    masks : ndarray of shape (n, height, width)
        Above 0 where the object is; `ignore` stays.
    labels : sequence of n str
        Class of each image's object.
    classes : sequence of str

    Returns
    -------
    ndarray of shape (n, height, width), uint8

    Raises
    ------
    InputError
        If an image's label is not among the classes.
    """
    index = {name: number + 1 for number, name in enumerate(classes)}
    for label in labels:
        if label not in index:
            raise InputError(f"segmentation: class '{label}' is unknown{nearest(label, index)}")
    number = np.array([index[label] for label in labels], np.uint8)
    target = np.where(masks > 0, number[:, None, None], 0)
    return np.where(masks == ignore, ignore, target).astype(np.uint8)


def target(
    name: str, masks: np.ndarray, labels: pd.DataFrame, classes: Sequence[str]
) -> tuple[np.ndarray, int]:
    """Masks of one target by name, and its number of classes with the background.

    Returns
    -------
    (ndarray of shape (n, height, width) uint8, int)
    """
    if name == "binary":
        return binary(masks), 2
    if name in ("shape", "texture"):
        return semantic(masks, labels[name].tolist(), classes), len(classes) + 1
    raise InputError(f"unknown segmentation target '{name}'{nearest(name, TARGETS)}")


def split_exemplars(
    labels: pd.DataFrame, *, train_share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a cue-conflict set in two that share no exemplar of shape and none of texture.

    The exemplars of each class are drawn at random into a training and a test part, for both cues.
    Images whose two exemplars lie in different parts belong to neither.

    Parameters
    ----------
    labels : DataFrame
        Columns ``shape, texture, shape_exemplar, texture_exemplar``.
    train_share : float
        Share of each class's exemplars in the training part, between 0 and 1.

    Returns
    -------
    (ndarray, ndarray)
        Row numbers of the training and of the test images.

    Raises
    ------
    InputError
        If a class has a single exemplar, or either part would be empty.
    """
    draws = np.random.default_rng([seed, 41])
    in_train = {}
    for cue in ("shape", "texture"):
        chosen: set[str] = set()
        for name, exemplars in labels.groupby(cue, sort=True)[f"{cue}_exemplar"]:
            names = np.array(sorted(set(exemplars)))
            if len(names) < 2:
                raise InputError(
                    f"segmentation: {cue} class '{name}' has one exemplar; two are needed, "
                    "one to train on and one to test on"
                )
            count = min(max(round(train_share * len(names)), 1), len(names) - 1)
            chosen.update(draws.permutation(names)[:count])
        in_train[cue] = labels[f"{cue}_exemplar"].isin(chosen).to_numpy()
    train = np.flatnonzero(in_train["shape"] & in_train["texture"])
    test = np.flatnonzero(~in_train["shape"] & ~in_train["texture"])
    if not len(train) or not len(test):
        raise InputError(
            "segmentation: no image has both exemplars in the training part (or in the test part); "
            "more pairings of exemplars are needed"
        )
    return train, test


def thin(rows: np.ndarray, most: int | None, *, seed: int) -> np.ndarray:
    """At most so many of the rows, drawn at random, in order."""
    if most is None or len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng([seed, 43]).choice(rows, most, replace=False))
