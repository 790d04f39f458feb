"""Directions from a class's texture towards a class's shape, fitted on other exemplars.

The mean activation of images is taken apart into what their shape class and what their texture class adds
to it, by least squares over both at once, so that a set in which some pairs of classes are rarer gives
the same. For a picture of shape s and texture t the direction is what s adds as a shape minus what t adds
as a texture, at length one.

No picture is moved by what was fitted on its own exemplars, of either cue: exemplars are halved within their
classes, cue by cue, and an image in one half of each takes the fit on the other half of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from texshape.stats import exemplars as ex

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Fit:
    """What classes add to a stage's activations.

    Attributes
    ----------
    shape, texture : ndarray of shape (fits, classes, units)
        Of each class as a shape, and as a texture; each is zero in the mean over classes.
    spread : float
        Root mean square of the distance of the images' activations from their mean.
    """

    shape: np.ndarray
    texture: np.ndarray
    spread: float


def parts(labels: pd.DataFrame) -> np.ndarray:
    """The fit that each image takes.

    Parameters
    ----------
    labels : DataFrame with n rows
        Of images that show both cues.

    Returns
    -------
    ndarray of shape (n,), int
        2 * half of its shape exemplar + half of its texture exemplar.
    """
    halves = []
    for name in ex.CUES:
        cue = ex.cue(labels, name)
        halves.append(ex.exemplar_folds(cue.classes, cue.exemplars, 2))
    return 2 * halves[0] + halves[1]


def fit(
    activations: np.ndarray, shape: np.ndarray, texture: np.ndarray, part: np.ndarray, classes: int
) -> Fit:
    """What each class adds, in each of four parts and in all images together.

    Parameters
    ----------
    activations : ndarray of shape (n, units)
    shape, texture : ndarray of shape (n,), int
        Classes.
    part : ndarray of shape (n,), int
        From `parts`.
    classes : int

    Returns
    -------
    Fit
        Five fits: those that images of parts 0 to 3 take, and the fit on all images, for images
        that are none of these.
    """
    values = np.asarray(activations, dtype=np.float64)
    # The fit that part 0 takes is on part 3: the other half of both cues' exemplars.
    chosen = [part == 3 - number for number in range(4)] + [np.ones(len(values), dtype=bool)]
    found = [_additive(values[rows], shape[rows], texture[rows], classes) for rows in chosen]
    spread = float(np.sqrt(((values - values.mean(0)) ** 2).sum(1).mean()))
    return Fit(*(np.stack(each) for each in zip(*found, strict=True)), spread)


def _additive(
    values: np.ndarray, shape: np.ndarray, texture: np.ndarray, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    design = np.zeros((len(values), 1 + 2 * classes))
    rows = np.arange(len(values))
    design[:, 0] = design[rows, 1 + shape] = design[rows, 1 + classes + texture] = 1
    found = np.linalg.lstsq(design, values, rcond=None)[0][1:].reshape(2, classes, -1)
    return tuple(one - one.mean(0) for one in found)


def towards_shape(
    found: Fit, take: np.ndarray, shape: np.ndarray, texture: np.ndarray
) -> np.ndarray:
    """Unit vectors from the texture's class towards the shape's.

    Parameters
    ----------
    found : Fit
    take : ndarray of shape (n,), int
        Which of the fits each image takes.
    shape, texture : ndarray of shape (n,), int

    Returns
    -------
    ndarray of shape (n, units), float32
        Zero where the two classes add nothing that differs.
    """
    vectors = found.shape[take, shape] - found.texture[take, texture]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(
        np.float32
    )


def random_like(found: Fit, rng: np.random.Generator) -> Fit:
    """Random vectors in the place of what classes add, the same for all fits."""
    drawn = rng.normal(size=(2, 1, *found.shape.shape[1:])).repeat(len(found.shape), 1)
    return Fit(drawn[0], drawn[1], found.spread)


def other_classes(classes: int, rng: np.random.Generator) -> np.ndarray:
    """For each pair of classes another pair, of neither: int of shape (classes, classes, 2).

    A pair of one class gets a pair of one other class.
    """
    found = np.empty((classes, classes, 2), dtype=int)
    for shape in range(classes):
        for texture in range(classes):
            rest = rng.permutation([k for k in range(classes) if k not in (shape, texture)])
            found[shape, texture] = rest[0], rest[0] if shape == texture else rest[1]
    return found
