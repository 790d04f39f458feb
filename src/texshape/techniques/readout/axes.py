"""Principal axes of standardised activations: what a linear read-out is fitted along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Axes:
    """Standardised principal axes of some training images.

    Attributes
    ----------
    mean, scale : ndarray of shape (units,)
        Of the training images; the scale is infinite where they do not vary.
    rotation : ndarray of shape (units, components)
    """

    mean: np.ndarray
    scale: np.ndarray
    rotation: np.ndarray

    def of(self, features: np.ndarray) -> np.ndarray:
        """Features (m, units) along the axes, (m, components)."""
        return ((features - self.mean) / self.scale) @ self.rotation

    def undo(self, weights: np.ndarray, intercept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A classifier along the axes, (components, classes) and (classes,), as one of the features themselves.

        Returns
        -------
        tuple of ndarray
            Weights of shape (units, classes), 0 where training images do not vary, and intercept (classes,).
        """
        inside = (self.rotation @ weights) / self.scale[:, None]
        return inside, intercept - self.mean @ inside


def reduce_features(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Standardise by the training images and rotate to their principal axes; see `principal_axes`.

    Parameters
    ----------
    train : ndarray of shape (n, units)
    test : ndarray of shape (m, units)

    Returns
    -------
    tuple of ndarray
        Shapes (n, components) and (m, components), components at most min(n - 1, units).
    """
    axes, reduced = principal_axes(train)
    return reduced, axes.of(test)


def principal_axes(train: np.ndarray) -> tuple[Axes, np.ndarray]:
    """Standardise training images and rotate them to their principal axes, exactly.

    The penalised classifier depends on the features through their inner products alone, so a
    rotation changes nothing and directions in which no training image varies can go. With more
    units than images the axes come from the images' Gram matrix instead of the units' covariance.

    Parameters
    ----------
    train : ndarray of shape (n, units)

    Returns
    -------
    axes : Axes
    reduced : ndarray of shape (n, components)
        The training images along them.
    """
    mean = train.mean(0)
    scale = train.std(0)
    # A unit that is constant up to rounding in training would be blown up in the test images.
    scale[scale <= 1e-10 * np.maximum(np.abs(mean), 1e-300)] = np.inf
    train = (train - mean) / scale
    n, units = train.shape
    gram = train.T @ train if units <= n else train @ train.T
    values, vectors = np.linalg.eigh(gram)
    keep = values > max(values[-1], 0) * 1e-11
    values, vectors = values[keep], vectors[:, keep]
    if units <= n:
        return Axes(mean, scale, vectors), train @ vectors
    rotation = train.T @ (vectors / np.sqrt(values))
    return Axes(mean, scale, rotation), vectors * np.sqrt(values)
