"""Information about a factor, per unit: a Gaussian copula over pairs of images that share it.

After Islam, Kowal et al. 2021 (arXiv 2101.11604) and Esser et al. 2020, with two repairs.
Correlation is counted only where it is positive: pairs of a factor must differ in the other one,
which gives a unit that codes the other one alone a correlation of -1 / (K - 1), and squared that
would pass for information. And what unrelated pairs give by chance is subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from texshape.errors import InputError
from texshape.stats import bootstrap
from texshape.techniques.dimensionality.pairs import Design, Pairs
from texshape.techniques.readout.linear import check_features

RHO_LIMIT = 1 - 1e-6  # 6.6 nats: a unit that repeats exactly would have infinite information


@dataclass(frozen=True)
class Information:
    """Information about one factor in one stage.

    Attributes
    ----------
    value : float
        Mean over units of the information in nats, minus `null`; NaN where undefined.
    ci_low, ci_high : float
        Interval over resamples of exemplars, shifted so that their mean is the value.
    null : float
        Mean over units and draws of the null pairs' information.
    rho, information, p_value : ndarray of shape (units,)
        Per unit; NaN for constant units.
    null_information : ndarray of shape (draws, units)
    significant : ndarray of shape (units,), bool
        At the false discovery rate of the settings.
    n_units, n_constant, n_saturated : int
        Units that vary, that don't (excluded), and whose correlation reaches the limit.
    n_pairs : int
        Unordered pairs, each used in both orders.
    reason : str
    """

    value: float
    ci_low: float
    ci_high: float
    null: float
    rho: np.ndarray
    information: np.ndarray
    p_value: np.ndarray
    null_information: np.ndarray
    significant: np.ndarray
    n_units: int
    n_constant: int
    n_saturated: int
    n_pairs: int
    reason: str = ""


def normal_scores(features: np.ndarray) -> np.ndarray:
    """Replace each unit's values by the normal quantiles of their ranks over the images.

    Tied images share their mean rank.

    Parameters
    ----------
    features : ndarray of shape (n, units)

    Returns
    -------
    ndarray of shape (n, units), float64
        Each column has mean 0 and standard deviation 1; a constant unit's column is 0.
    """
    from scipy.special import ndtri

    n, units = features.shape
    scores = np.empty((units, n))
    order = np.argsort(features, axis=0, kind="stable").T
    columns = np.ascontiguousarray(features.T)
    positions = np.arange(1, n + 1, dtype=float)
    for unit in range(units):
        ranked = columns[unit, order[unit]]
        new = np.empty(n, dtype=bool)
        new[0] = True
        np.not_equal(ranked[1:], ranked[:-1], out=new[1:])
        starts = np.flatnonzero(new)
        ranks = positions
        if len(starts) < n:
            counts = np.diff(np.append(starts, n))
            ranks = np.repeat(starts + (counts + 1) / 2, counts)
        scores[unit, order[unit]] = ranks
    scores = ndtri((scores - 0.5) / n)
    scores -= scores.mean(1, keepdims=True)
    spread = scores.std(1, keepdims=True)
    constant = spread[:, 0] < 1e-9
    spread[constant] = 1
    scores[constant] = 0
    return np.ascontiguousarray((scores / spread).T)


def pair_correlation(scores: np.ndarray, pairs: Pairs) -> np.ndarray:
    """Pearson correlation over pairs, per unit.

    Parameters
    ----------
    scores : ndarray of shape (n, units)
    pairs : Pairs

    Returns
    -------
    ndarray of shape (units,)
        NaN for a unit that is constant over the pairs.
    """
    from scipy.sparse import csr_array

    n, count = len(scores), len(pairs)
    ones = np.ones(count)
    adjacency = csr_array((ones, (pairs.first, pairs.second)), shape=(n, n))
    cross = np.einsum("ij,ij->j", scores, adjacency @ scores) / count
    first = np.bincount(pairs.first, minlength=n) / count
    second = np.bincount(pairs.second, minlength=n) / count
    return _correlation(cross, *_moments(scores, first, second, pairs.both_orders))


def _moments(
    scores: np.ndarray, first: np.ndarray, second: np.ndarray, both_orders: bool
) -> tuple[np.ndarray, ...]:
    """Mean and variance of the first and of the second members under weights over images."""
    if both_orders:
        first = second = (first + second) / 2
    squares = scores**2
    mean_first, square_first = first @ scores, first @ squares
    if both_orders:
        mean_second, square_second = mean_first, square_first
    else:
        mean_second, square_second = second @ scores, second @ squares
    return mean_first, mean_second, square_first - mean_first**2, square_second - mean_second**2


def _correlation(
    cross: np.ndarray,
    mean_first: np.ndarray,
    mean_second: np.ndarray,
    variance_first: np.ndarray,
    variance_second: np.ndarray,
) -> np.ndarray:
    spread = np.sqrt(np.maximum(variance_first, 0) * np.maximum(variance_second, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = (cross - mean_first * mean_second) / spread
    return np.where(spread > 1e-12, rho, np.nan)


def information_of(rho: np.ndarray) -> np.ndarray:
    """Gaussian-copula information in nats of the positive part of a correlation.

    Parameters
    ----------
    rho : ndarray

    Returns
    -------
    ndarray
        -1/2 log(1 - max(rho, 0)^2), with rho held below `RHO_LIMIT`; NaN stays NaN.
    """
    return -0.5 * np.log1p(-(np.clip(rho, 0, RHO_LIMIT) ** 2))


def significant_units(p_values: np.ndarray, fdr: float) -> np.ndarray:
    """Units found by the step-up procedure of Benjamini and Hochberg (1995).

    Parameters
    ----------
    p_values : ndarray of shape (units,)
        NaN is never significant and does not count as a test.
    fdr : float

    Returns
    -------
    ndarray of shape (units,), bool
    """
    tested = np.flatnonzero(~np.isnan(p_values))
    found = np.zeros(len(p_values), dtype=bool)
    order = tested[np.argsort(p_values[tested])]
    passed = p_values[order] <= fdr * np.arange(1, len(order) + 1) / max(len(order), 1)
    if passed.any():
        found[order[: np.flatnonzero(passed)[-1] + 1]] = True
    return found


def p_values_against(null_rho: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """One-sided p-value of each unit's correlation against that unit's own null draws.

    Each unit has its own null, because null pairs, too, must differ in texture: it lies at 0 for a
    unit that codes nothing, and lower for one that codes much. Pooled over units, the strong ones
    would make chance look rare. Draws are few and close to normal: Student's t for one more draw.

    Parameters
    ----------
    null_rho : ndarray of shape (draws, units)
    rho : ndarray of shape (units,)

    Returns
    -------
    ndarray of shape (units,)
        1 where the correlation is not positive: such a unit has no information to test.
    """
    from scipy.special import stdtr

    draws = len(null_rho)
    spread = null_rho.std(0, ddof=1) * np.sqrt(1 + 1 / draws)
    statistic = (rho - null_rho.mean(0)) / np.maximum(spread, 1e-12)
    return np.where(rho > 0, stdtr(draws - 1, -statistic), np.where(np.isnan(rho), np.nan, 1.0))


def resampled_correlation(
    scores: np.ndarray, pairs: Pairs, weights: np.ndarray, block: int = 128
) -> np.ndarray:
    """Correlation over pairs, in both orders, under weights of the pairs.

    Means stay those of the whole sample: re-estimated in each resample, they would pull every
    resample below the estimate.

    Parameters
    ----------
    scores : ndarray of shape (n, units)
    pairs : Pairs
    weights : ndarray of shape (resamples, n_pairs)
    block : int
        Units at a time: memory stays at n_pairs x block.

    Returns
    -------
    ndarray of shape (resamples, units)
        NaN where a resample holds no pair.
    """
    from scipy.sparse import csr_array

    resamples, count = weights.shape
    n, units = scores.shape
    total = weights.sum(1, dtype=float)
    share = 1 / np.where(total > 0, total, np.nan)[:, None]
    places = np.concatenate([pairs.first, pairs.second])
    columns = np.tile(np.arange(count), 2)
    incidence = csr_array((np.full(2 * count, 0.5), (places, columns)), shape=(n, count))
    margins = (incidence @ weights.T.astype(float)).T * share  # (resamples, n)
    scores = scores - np.bincount(places, minlength=n) / (2 * count) @ scores
    rho = np.empty((resamples, units))
    weights = np.ascontiguousarray(weights, dtype=np.float32)
    for start in range(0, units, block):
        part = scores[:, start : start + block]
        # float32: rounding, about 1e-6 of rho, is far below what a resample varies.
        products = (part[pairs.first] * part[pairs.second]).astype(np.float32)
        covariance = (weights @ products).astype(float) * share
        variance = margins @ part**2
        rho[:, start : start + block] = covariance / np.where(variance > 0, variance, np.nan)
    return rho


def mutual_information(
    features: np.ndarray,
    design: Design,
    factor: str,
    *,
    scores: np.ndarray | None = None,
    intervals: bool = True,
) -> Information:
    """Information about a factor in the units of a stage.

    The sum over units is not given: units are correlated, so it would not be the stage's
    information.

    Parameters
    ----------
    features : ndarray of shape (n, units)
        Pooled activations.
    design : Design
        Of the same images.
    factor : str
        ``shape`` or ``texture``.
    scores : ndarray of shape (n, units), optional
        `normal_scores` of the features, where they are at hand. Ranks are not redrawn in resamples.
    intervals : bool

    Returns
    -------
    Information

    Raises
    ------
    InputError
        If features are not finite or do not match the design in number.
    """
    if scores is None:
        scores = scores_of(features, design)
    units = scores.shape[1]
    varying = scores.std(0) > 0
    n_units, settings = int(varying.sum()), design.settings
    pairs, nulls = design.pairs[factor], design.nulls[factor]
    nan = np.full(units, np.nan)
    reason = design.reason(factor) or ("" if n_units else "all units are constant")
    if reason:
        none = np.zeros(units, dtype=bool)
        return Information(
            *[float("nan")] * 4, nan, nan, nan, np.full((0, units), np.nan), none,
            n_units, units - n_units, 0, len(pairs), reason,
        )  # fmt: skip
    kept = scores[:, varying]
    rho = pair_correlation(kept, pairs)
    information = information_of(rho)
    null_rho = np.stack([pair_correlation(kept, draw) for draw in nulls])
    null = information_of(null_rho)
    p_values = p_values_against(null_rho, rho)
    null_mean = _mean(null)
    value = _mean(information) - null_mean
    low = high = float("nan")
    if intervals and settings.resamples:
        own, unrelated = design.weights[factor]
        means = _row_means(information_of(resampled_correlation(kept, pairs, own)))
        means -= _row_means(information_of(resampled_correlation(kept, nulls[0], unrelated)))
        # Information is convex in rho: the noise that a resample adds raises its mean over units.
        means += value - _mean(means)
        low, high = bootstrap.interval(means, settings.level)

    def all_units(values: np.ndarray) -> np.ndarray:
        full = np.full((*values.shape[:-1], units), np.nan)
        full[..., varying] = values
        return full

    p_value = all_units(p_values)
    saturated = int((rho >= RHO_LIMIT).sum())
    return Information(
        value=value,
        ci_low=low,
        ci_high=high,
        null=null_mean,
        rho=all_units(rho),
        information=all_units(information),
        p_value=p_value,
        null_information=all_units(null),
        significant=significant_units(p_value, settings.fdr),
        n_units=n_units,
        n_constant=units - n_units,
        n_saturated=saturated,
        n_pairs=len(pairs),
        reason=_notes(units - n_units, saturated),
    )


def scores_of(features: np.ndarray, design: Design) -> np.ndarray:
    """Normal scores of checked features."""
    features = check_features(features)
    if len(features) != design.n_images:
        raise InputError(f"{len(features)} rows of features for {design.n_images} labels")
    return normal_scores(features)


def _notes(constant: int, saturated: int) -> str:
    notes = []
    if constant:
        notes.append(f"{constant} constant units excluded")
    if saturated:
        notes.append(f"{saturated} units held at the limit of rho")
    return "; ".join(notes)


def _mean(values: np.ndarray) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _row_means(values: np.ndarray) -> np.ndarray:
    counts = (~np.isnan(values)).sum(1)
    with np.errstate(invalid="ignore"):
        return np.nansum(values, axis=1) / np.where(counts, counts, np.nan)
