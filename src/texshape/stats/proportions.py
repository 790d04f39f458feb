"""Intervals of shares of independent images."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from statistics import NormalDist
from typing import Any

import numpy as np


def wilson(share: Any, n: Any, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's score interval (Wilson 1927, without correction for continuity).

    Parameters
    ----------
    share, n : array_like
        Shares in [0, 1] of so many independent images; undefined where n is 0.
    level : float
        Such as 0.95.

    Returns
    -------
    low, high : ndarray
    """
    z = NormalDist().inv_cdf(0.5 + level / 2)
    p, n = np.asarray(share, dtype=float), np.asarray(n, dtype=float)
    n = np.where(n > 0, n, np.nan)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return centre - half, centre + half


def percent(share: float) -> str:
    """A share in percent with one decimal, halves away from zero: as the report and people round.

    >>> percent(0.6825), percent(0.0625), percent(0.50625)
    ('68.3', '6.3', '50.6')
    """
    exact = 100 * Decimal(repr(float(share)))
    return str(exact.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))
