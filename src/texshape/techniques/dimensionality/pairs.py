"""Pairs of images that share exactly one factor, and null pairs that share neither.

A shape pair shows one shape exemplar with textures of two classes; a texture pair shows one texture
exemplar on shapes of two classes; the two images of a null pair differ in both classes. Each pair
counts in both orders: in one order alone, the two members' means would depend on how images happen
to be sorted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from texshape.stats import exemplars as ex
from texshape.techniques.dimensionality.settings import DimensionalitySettings

if TYPE_CHECKING:
    import pandas as pd

FACTORS = ("shape", "texture")


@dataclass(frozen=True)
class Pairs:
    """Pairs of one kind; each unordered pair is listed once.

    Attributes
    ----------
    first, second : ndarray of shape (n_pairs,), int
        Images of each pair.
    available : int
        How many there were before subsampling.
    both_orders : bool
        Whether statistics count each pair in both orders.
    """

    first: np.ndarray
    second: np.ndarray
    available: int
    both_orders: bool = True

    def __len__(self) -> int:
        return len(self.first)

    def take(self, indices: np.ndarray) -> Pairs:
        """Some of the pairs."""
        return Pairs(self.first[indices], self.second[indices], self.available, self.both_orders)


@dataclass(frozen=True)
class Design:
    """All that the estimators need to know about the images: it is the same for every stage.

    Attributes
    ----------
    n_images : int
    pairs : dict of str to Pairs
        ``shape`` and ``texture``.
    nulls : dict of str to list of Pairs
        Draws of null pairs, as many pairs each as the factor has.
    weights : dict of str to tuple of ndarray
        For each factor, weights of its pairs and of its first null pairs under each resample of
        exemplars, shape (resamples, n_pairs).
    settings : DimensionalitySettings
    """

    n_images: int
    pairs: dict[str, Pairs]
    nulls: dict[str, list[Pairs]]
    weights: dict[str, tuple[np.ndarray, np.ndarray]]
    settings: DimensionalitySettings

    def reason(self, factor: str) -> str:
        """Why a factor has no estimate; empty where it has one."""
        count = len(self.pairs[factor])
        if count < self.settings.min_pairs:
            return f"{count} {factor} pairs, fewer than {self.settings.min_pairs}"
        if not self.nulls[factor] or len(self.nulls[factor][0]) < self.settings.min_pairs:
            return f"fewer than {self.settings.min_pairs} null pairs"
        # What chance gives depends on how many pairs there are.
        if min(map(len, self.nulls[factor])) < count:
            return f"fewer null pairs than the {count} {factor} pairs"
        return ""


def sharing(factor: ex.Cue, other: ex.Cue) -> Pairs:
    """All unordered pairs that share the factor's exemplar and differ in the other cue's class.

    Parameters
    ----------
    factor, other : Cue

    Returns
    -------
    Pairs
        Ordered by exemplar, then by image.
    """
    order = np.argsort(factor.exemplars, kind="stable")
    starts = np.searchsorted(factor.exemplars[order], np.arange(len(factor.exemplar_names) + 1))
    first, second = [], []
    for begin, end in pairwise(starts):
        group = order[begin:end]
        i, j = np.triu_indices(len(group), 1)
        differ = other.classes[group[i]] != other.classes[group[j]]
        first.append(group[i[differ]])
        second.append(group[j[differ]])
    empty = np.zeros(0, dtype=int)
    a, b = np.concatenate([empty, *first]), np.concatenate([empty, *second])
    return Pairs(a, b, len(a))


def null_pairs(shape: ex.Cue, texture: ex.Cue, count: int, rng: np.random.Generator) -> Pairs:
    """Distinct random pairs that differ in both classes.

    Parameters
    ----------
    shape, texture : Cue
    count : int
        How many to draw; fewer come back where no more exist.
    rng : Generator

    Returns
    -------
    Pairs
    """
    n = len(shape.classes)
    codes = np.zeros(0, dtype=np.int64)
    for _ in range(8):  # a draw loses what shares a class, and duplicates
        if len(codes) >= count or n < 2:
            break
        i, j = rng.integers(n, size=(2, 2 * count + 16))
        valid = (shape.classes[i] != shape.classes[j]) & (texture.classes[i] != texture.classes[j])
        low, high = np.minimum(i, j)[valid], np.maximum(i, j)[valid]
        codes = np.concatenate([codes, low.astype(np.int64) * n + high])
        codes = codes[np.sort(np.unique(codes, return_index=True)[1])]
    if len(codes) < count and n > 1:  # they are rare: all of them, in a random order
        i, j = np.triu_indices(n, 1)
        valid = (shape.classes[i] != shape.classes[j]) & (texture.classes[i] != texture.classes[j])
        left = np.setdiff1d(i[valid].astype(np.int64) * n + j[valid], codes)
        codes = np.concatenate([codes, rng.permutation(left)])
    codes = codes[:count]
    return Pairs(codes // max(n, 1), codes % max(n, 1), len(codes))


def subsample(pairs: Pairs, count: int, rng: np.random.Generator) -> Pairs:
    """At most `count` of the pairs, drawn without replacement, in their order."""
    if len(pairs) <= count:
        return pairs
    return pairs.take(np.sort(rng.choice(len(pairs), count, replace=False)))


def pair_weights(
    pairs: Pairs,
    shape: ex.Cue,
    texture: ex.Cue,
    by_shape: np.ndarray,
    by_texture: np.ndarray,
) -> np.ndarray:
    """How often each resample of exemplars contains each pair.

    A resample draws exemplars of both cues with replacement. A pair inside one exemplar occurs once
    for each time that exemplar was drawn, times the draws of the two exemplars in which its images
    differ.

    Parameters
    ----------
    pairs : Pairs
    shape, texture : Cue
    by_shape, by_texture : ndarray of shape (resamples, exemplars)
        Draws of each exemplar.

    Returns
    -------
    ndarray of shape (resamples, n_pairs), float32
        Whole numbers, which float32 holds exactly.
    """
    weights = np.ones((len(by_shape), len(pairs)), dtype=np.float32)
    for cue, draws in ((shape, by_shape), (texture, by_texture)):
        a, b = cue.exemplars[pairs.first], cue.exemplars[pairs.second]
        weights *= draws[:, a]
        weights *= np.where(a == b, np.float32(1), draws[:, b])
    return weights


def design(labels: pd.DataFrame, *, settings: DimensionalitySettings, seed: int = 0) -> Design:
    """Find the pairs of a set, subsample them, draw null pairs and resample exemplars.

    Parameters
    ----------
    labels : DataFrame
        One row an image, both cues present. Images whose cues agree belong to pairs too.
    settings : DimensionalitySettings
    seed : int

    Returns
    -------
    Design

    Raises
    ------
    InputError
        If a cue is absent from some image or an exemplar has two classes.
    """
    shape, texture = ex.cue(labels, "shape"), ex.cue(labels, "texture")
    cues = {"shape": (shape, texture), "texture": (texture, shape)}
    by_shape, by_texture = ex.exemplar_weights(shape, texture, settings.resamples, seed)
    pairs, nulls, weights = {}, {}, {}
    for number, (factor, (cue, other)) in enumerate(cues.items()):
        rng = np.random.default_rng([seed, 1, number])
        pairs[factor] = subsample(sharing(cue, other), settings.max_pairs, rng)
        count = len(pairs[factor])
        draws = settings.null_draws if count else 0
        nulls[factor] = [null_pairs(shape, texture, count, rng) for _ in range(draws)]
        kinds = [pairs[factor], *nulls[factor][:1]]
        found = [pair_weights(kind, shape, texture, by_shape, by_texture) for kind in kinds]
        weights[factor] = (found[0], found[-1])
    return Design(len(labels), pairs, nulls, weights, settings)
