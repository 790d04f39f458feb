"""Pictures that a network is shown while something inside it is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from texshape.stats.exemplars import ABSENT, conflicting
from texshape.techniques.base import Inputs
from texshape.techniques.corruptions.accuracy import balanced

if TYPE_CHECKING:
    from texshape.data.imageset import ImageSet


def in_conflict(images: ImageSet, most: int | None, *, seed: int) -> np.ndarray:
    """Rows of at most so many images whose cues disagree, shape classes in equal shares."""
    rows = np.flatnonzero(conflicting(images.labels))
    return rows[balanced(images.labels["shape"].to_numpy()[rows], most, seed=seed)]


def in_agreement(images: ImageSet, most: int | None, *, seed: int) -> np.ndarray:
    """Rows of at most so many images whose cues agree, classes in equal shares."""
    shape, texture = (images.labels[name].astype(str).to_numpy() for name in ("shape", "texture"))
    rows = np.flatnonzero((shape == texture) & (shape != ABSENT))
    return rows[balanced(shape[rows], most, seed=seed)]


def agreeing(inputs: Inputs) -> ImageSet:
    """Images among which are some whose cues agree: a set of such, or the conflict set itself.

    A conflict set often holds the pairs of one class too.
    """
    return inputs.images("agreeing" if inputs.has("agreeing") else "conflict")
