"""Keep the largest of a stage's activations and set the others to zero.

Li et al. (*Emergence of shape bias in convolutional neural networks through activation sparsity*, NeurIPS
2023) keep the k largest of each channel over its positions. Chosen at each position over its channels,
the same number says whether it is the place or the kind of what is left that counts. Largest is by
magnitude: for activations after a rectifier that is by value.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

AXES = {"channel": 1, "position": 2}  # of (B, positions, channels): along it activations are chosen


def count(share: float, of: int) -> int:
    """How many a share leaves of so many; at least one."""
    return min(of, max(1, round(share * of)))


def largest(flat: Tensor, across: str, k: int) -> Tensor:
    """Activations with all but the k largest set to zero.

    Parameters
    ----------
    flat : Tensor of shape (B, positions, channels)
    across : str
        ``channel`` or ``position``.
    k : int

    Returns
    -------
    Tensor of shape (B, positions, channels)
        `flat` itself where k leaves all.
    """
    axis = AXES[across]
    if k >= flat.shape[axis]:
        return flat
    places = flat.abs().topk(k, dim=axis).indices
    return torch.zeros_like(flat).scatter(axis, places, flat.gather(axis, places))


def random_mask(
    positions: int, channels: int, across: str, k: int, rng: np.random.Generator
) -> np.ndarray:
    """Mask that leaves k positions of each channel, or k channels at each position, at random.

    Returns
    -------
    ndarray of shape (positions, channels), bool
    """
    axis = AXES[across] - 1
    order = rng.random((positions, channels)).argsort(axis=axis).argsort(axis=axis)
    return order < k
