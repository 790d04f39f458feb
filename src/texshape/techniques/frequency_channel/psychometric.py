"""Accuracy against noise: a psychometric function for each band, with one asymptote for all.

Without noise all bands show the same pictures, so that a network has one upper asymptote A:

    P(right | noise s, band b) = chance + (A - chance) / (1 + (s / threshold_b)^slope)

At the threshold accuracy lies half way between chance and what the network reaches without noise,
whatever that is; a fixed 50 % means nothing to a network that never reaches it. All parameters are
fitted at once, by maximum likelihood, to the trials of all noises and bands; the slope is common to
the bands, as the steepness of a rise is (Wichmann and Hill 2001, *Perception & Psychophysics* 63,
1293-1313, for the form of the function).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from texshape.errors import InputError
from texshape.stats.bootstrap import draw_weights

COLUMNS = ("picture", "band", "noise", "correct")
STEEPNESS = (0.3, 20.0)  # bounds of the slope; data without overlap would have it infinite
BEYOND = 4.0  # octaves that a threshold may lie outside the noises shown before it is held
_EDGE = 1e-9


@dataclass(frozen=True)
class Counts:
    """How many pictures were shown and recognised, in each condition.

    Attributes
    ----------
    bands : ndarray of shape (b,), int
    noises : ndarray of shape (s,)
        Above 0, increasing.
    shown, right : ndarray of shape (..., 1 + b * s)
        Without noise first, bands together, since it has none; then band by band.
    """

    bands: np.ndarray
    noises: np.ndarray
    shown: np.ndarray
    right: np.ndarray

    @property
    def by_band(self) -> tuple[np.ndarray, np.ndarray]:
        """Shown and right under noise, shapes (..., b, s)."""
        shape = (*self.shown.shape[:-1], len(self.bands), len(self.noises))
        return self.shown[..., 1:].reshape(shape), self.right[..., 1:].reshape(shape)

    def repeated(self, times: int) -> Counts:
        """The same counts so many times, along a new leading axis."""
        shape = (times, *self.shown.shape)
        shown, right = (np.broadcast_to(values, shape) for values in (self.shown, self.right))
        return Counts(self.bands, self.noises, shown, right)


def count(
    trials: pd.DataFrame, *, resamples: int = 0, seed: int = 0
) -> tuple[Counts, Counts | None]:
    """Count trials by condition, as they are and resampled over pictures.

    Parameters
    ----------
    trials : DataFrame
        `COLUMNS`, and ``stratum`` where pictures are to be drawn within classes or conditions.
        ``correct`` is 0 or 1. A picture may occur in several conditions; it is resampled as one.
    resamples, seed : int

    Returns
    -------
    tuple of Counts and Counts or None
        The second has a leading axis of `resamples`; None for 0.

    Raises
    ------
    InputError
        If a column is missing, or there is no trial without noise, or none with.
    """
    for column in COLUMNS:
        if column not in trials.columns:
            raise InputError(f"frequency channel: trials lack the column '{column}'")
    noise = trials["noise"].to_numpy(float)
    for name, chosen in (("without noise", noise == 0), ("with noise", noise > 0)):
        if not chosen.any():
            raise InputError(f"frequency channel: no trial {name}; expected some")
    noises, bands = np.unique(noise[noise > 0]), np.unique(trials["band"].to_numpy(int))
    cell = 1 + np.searchsorted(bands, trials["band"]) * len(noises) + np.searchsorted(noises, noise)
    cell = np.where(noise == 0, 0, cell)
    cells = 1 + len(bands) * len(noises)
    correct = trials["correct"].to_numpy(float)
    shown = np.bincount(cell, minlength=cells).astype(float)
    right = np.bincount(cell, correct, cells)
    whole = Counts(bands, noises, shown, right)
    if not resamples:
        return whole, None
    pictures, first, code = np.unique(
        trials["picture"].astype(str), return_index=True, return_inverse=True
    )
    strata = trials["stratum"].to_numpy()[first] if "stratum" in trials.columns else None
    tables = np.zeros((len(pictures), 2, cells), np.float32)
    np.add.at(tables, (code, 0, cell), 1)
    np.add.at(tables, (code, 1, cell), correct)
    weights = draw_weights(np.random.default_rng([seed, 0]), len(pictures), resamples, strata)
    drawn = (weights @ tables.reshape(len(pictures), -1)).reshape(resamples, 2, cells)
    return whole, Counts(bands, noises, drawn[:, 0].astype(float), drawn[:, 1].astype(float))


@dataclass(frozen=True)
class Fit:
    """Maximum-likelihood estimates; leading axes are those of the counts.

    Attributes
    ----------
    asymptote : ndarray of shape (...)
        Accuracy without noise.
    slope : ndarray of shape (...)
    thresholds : ndarray of shape (..., bands)
        log2 of the noise's standard deviation, held within `BEYOND` octaves of the noises shown.
    parameters : ndarray of shape (..., p)
        As fitted, to start other fits from.
    deviance : ndarray of shape (...)
        Twice the log likelihood that the fit lacks of one with a free accuracy in each condition.
    """

    asymptote: np.ndarray
    slope: np.ndarray
    thresholds: np.ndarray
    parameters: np.ndarray
    deviance: np.ndarray

    def row(self, index: int) -> Fit:
        """One of the estimates along the leading axis."""
        return Fit(*(getattr(self, part.name)[index] for part in fields(self)))


def fit(
    counts: Counts,
    chance: float,
    *,
    tuning: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    start: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    steps: int = 200,
) -> Fit:
    """Fit the function with thresholds that depend on parameters of their own.

    Parameters
    ----------
    counts : Counts
    chance : float
        Share that guessing recognises.
    tuning : callable
        Parameters (..., q) to log2 thresholds (..., bands) and their derivatives (..., bands, q).
    start, low, high : ndarray of shape (2 + q,) or, for `start`, (..., 2 + q)
        Logit of the asymptote between chance and 1, log of the slope, parameters of `tuning`.
    steps : int
        The most steps of Fisher's scoring, damped (Levenberg-Marquardt) and held within the bounds.
    """
    leading = counts.shown.shape[:-1]
    shown = counts.shown.reshape(-1, counts.shown.shape[-1])
    right = counts.right.reshape(shown.shape)
    octaves = np.log2(counts.noises)
    theta = np.clip(np.broadcast_to(start, (len(shown), start.shape[-1])), low, high).copy()

    def model(theta: np.ndarray, derivative: bool = True) -> tuple[np.ndarray, np.ndarray | None]:
        height = 1 / (1 + np.exp(-theta[:, 0]))
        slope = np.exp(theta[:, 1])[:, None, None]
        thresholds, by_tuning = tuning(theta[:, 2:])
        distance = octaves - thresholds[..., None]  # (rows, bands, noises)
        left = 1 / (1 + 2.0 ** np.clip(slope * distance, -60, 60))
        scale = (1 - chance) * height[:, None, None]
        p = chance + np.concatenate([scale[:, 0], (scale * left).reshape(len(theta), -1)], -1)
        if not derivative:
            return p, None
        jacobian = np.zeros((*p.shape, theta.shape[1]))
        jacobian[..., 0] = (p - chance) * (1 - height)[:, None]
        inner = scale * left * (1 - left) * np.log(2) * slope
        jacobian[:, 1:, 1] = (-inner * distance).reshape(len(theta), -1)
        moved = inner[..., None] * by_tuning[:, :, None, :]
        jacobian[:, 1:, 2:] = moved.reshape(len(theta), -1, theta.shape[1] - 2)
        return p, jacobian

    def likelihood(p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        p = np.clip(p, _EDGE, 1 - _EDGE)
        return (right[rows] * np.log(p) + (shown[rows] - right[rows]) * np.log1p(-p)).sum(-1)

    damping = np.full(len(theta), 1e-3)
    rows = np.arange(len(theta))  # those that still move
    best = likelihood(model(theta, False)[0], rows)
    for _ in range(steps):
        here = theta[rows]
        p, jacobian = model(here)
        p = np.clip(p, _EDGE, 1 - _EDGE)
        weight = shown[rows] / (p * (1 - p))
        residual = weight * (right[rows] / _safe(shown[rows]) - p)
        gradient = (residual[:, None, :] @ jacobian)[:, 0]
        # What lies on a bound and would leave it stays there: it takes no part in this step.
        free = ~(((here <= low) & (gradient < 0)) | ((here >= high) & (gradient > 0)))
        gradient = np.where(free, gradient, 0)
        information = np.swapaxes(jacobian, 1, 2) @ (weight[..., None] * jacobian)
        information = np.where(free[:, :, None] & free[:, None, :], information, 0)
        diagonal = np.einsum("rpp->rp", information)  # a view
        diagonal += damping[rows, None] * (diagonal + 1e-6) + 1e-6
        step = np.linalg.solve(information, gradient[..., None])[..., 0]
        proposed = np.clip(here + np.clip(step, -2, 2), low, high)
        gain = likelihood(model(proposed, False)[0], rows) - best[rows]
        better = gain > 0
        theta[rows[better]] = proposed[better]
        best[rows] += np.where(better, gain, 0)
        damping[rows] *= np.where(better, 0.2, 5.0)
        # A step that hardly gains ends the search, as does one that gains nothing however small.
        rows = rows[~(better & (gain < 1e-9)) & (damping[rows] < 1e7)]
        if not len(rows):
            break
    observed = np.clip(right / _safe(shown), _EDGE, 1 - _EDGE)
    lacking = 2 * np.maximum(likelihood(observed, np.arange(len(theta))) - best, 0)
    theta = theta.reshape(*leading, -1)
    return Fit(
        asymptote=chance + (1 - chance) / (1 + np.exp(-theta[..., 0])),
        slope=np.exp(theta[..., 1]),
        thresholds=tuning(theta[..., 2:])[0],
        parameters=theta,
        deviance=lacking.reshape(leading),
    )


def _safe(shown: np.ndarray) -> np.ndarray:
    return np.where(shown > 0, shown, 1)


def start(counts: Counts, chance: float) -> tuple[float, float]:
    """Where fits begin: logit of the asymptote as observed, and the log of a usual slope."""
    height = (counts.right[..., 0].sum() / counts.shown[..., 0].sum() - chance) / (1 - chance)
    height = float(np.clip(height, 0.01, 0.99))
    return float(np.log(height / (1 - height))), float(np.log(2.0))


def fit_thresholds(counts: Counts, chance: float, first: Fit | None = None) -> Fit:
    """Fit a free threshold in each band.

    Parameters
    ----------
    counts : Counts
    chance : float
    first : Fit, optional
        To begin from, such as the fit to all pictures where `counts` are resamples.
    """
    n = len(counts.bands)
    octaves = np.log2(counts.noises)
    unit = np.eye(n)

    def tuning(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return parameters, np.broadcast_to(unit, (*parameters.shape[:-1], n, n))

    low, high = bounds(octaves, [octaves[0] - BEYOND] * n, [octaves[-1] + BEYOND] * n)
    begin = np.array([*start(counts, chance), *[octaves.mean()] * n])
    if first is not None:
        begin = first.parameters
    return fit(counts, chance, tuning=tuning, start=begin, low=low, high=high)


def bounds(octaves: np.ndarray, low: list, high: list) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of all parameters, given those of the tuning."""
    steep = np.log(STEEPNESS)
    return np.array([-8.0, steep[0], *low]), np.array([8.0, steep[1], *high])
