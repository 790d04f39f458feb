"""Intervals of a difference and of a ratio from the intervals of the two values alone (MOVER).

The two intervals are taken for those of independent estimates. Estimates from the same images
usually vary together, which makes these limits too wide rather than too narrow.

References
----------
Zou and Donner 2008, "Construction of confidence limits about effect measures: a general approach",
Statistics in Medicine 27, 1693-1702 (difference). Donner and Zou 2012, "Closed-form confidence
intervals for functions of the normal mean and standard deviation", Statistical Methods in Medical
Research 21, 347-359 (ratio).
"""

from __future__ import annotations

import numpy as np


def difference(
    first: tuple[np.ndarray, np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of first - second.

    Parameters
    ----------
    first, second : (value, low, high)
        Numbers or arrays; NaN gives NaN.

    Returns
    -------
    low, high : ndarray
    """
    a, a_low, a_high = (np.asarray(part, dtype=float) for part in first)
    b, b_low, b_high = (np.asarray(part, dtype=float) for part in second)
    return (
        a - b - np.hypot(a - a_low, b_high - b),
        a - b + np.hypot(a_high - a, b - b_low),
    )


def ratio(
    part: tuple[np.ndarray, np.ndarray, np.ndarray],
    whole: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of part / whole, both positive.

    Parameters
    ----------
    part, whole : (value, low, high)

    Returns
    -------
    low, high : ndarray
        NaN where the interval of `whole` reaches 0.
    """
    a, a_low, a_high = (np.asarray(value, dtype=float) for value in part)
    b, b_low, b_high = (np.asarray(value, dtype=float) for value in whole)

    def limit(a_end: np.ndarray, b_end: np.ndarray, sign: int) -> np.ndarray:
        inside = (a * b) ** 2 - a_end * b_end * (2 * a - a_end) * (2 * b - b_end)
        below = b_end * (2 * b - b_end)
        fine = (below > 0) & (inside >= 0) & (b_low > 0)
        root = np.sqrt(np.where(fine, inside, np.nan))
        return (a * b + sign * root) / np.where(fine, below, np.nan)

    return limit(a_low, b_high, -1), limit(a_high, b_low, +1)
