"""The side of the square that holds most of a map of influence; needs no torch."""

from __future__ import annotations

import numpy as np

MASS = 0.95  # share of the influence inside the square


def square_side(
    influence: np.ndarray, centre: tuple[float, float], mass: float = MASS
) -> int | None:
    """Side of the smallest square around a centre that holds a share of a map.

    Parameters
    ----------
    influence : ndarray of shape (height, width)
        Non-negative.
    centre : tuple of float
        Row and column: whole numbers are pixel centres (odd sides), halves lie between two pixels
        (even sides).
    mass : float
        Share in (0, 1].

    Returns
    -------
    int or None
        Side in pixels, at most the larger side of the map; None if the map is zero everywhere.
    """
    total = float(influence.sum())
    if not np.isfinite(total) or total <= 0:
        return None
    rows = np.abs(np.arange(influence.shape[0]) - centre[0])
    columns = np.abs(np.arange(influence.shape[1]) - centre[1])
    # A pixel lies in the square of side s when its distance (larger of both axes) is at most (s -
    # 1) / 2.
    side = np.rint(2 * np.maximum(rows[:, None], columns[None, :]) + 1).astype(int)
    held = np.cumsum(np.bincount(side.ravel(), weights=influence.ravel()))
    # The last term of the sum may miss the total by rounding.
    smallest = int(np.argmax(held >= mass * total * (1 - 1e-12)))
    return min(smallest, max(influence.shape))
