"""Intervals for rates over trials that share exemplars: the bootstrap of crossed factors.

Trials with the same shape exemplar, texture exemplar or observer are not independent. Each factor
is resampled on its own and a trial counts with the product of its factors' weights (Owen 2007, "The
pigeonhole bootstrap", Annals of Applied Statistics 1(2), 386-411). A rate needs of the trials only
how many fall on each pair of exemplars, so a resample is two products with a small matrix of
counts.

The classes of a set are fixed: another set like it would have other exemplars of the same classes.
So exemplars are drawn **within their class** (strata). Drawn across classes, they count what
classes differ in as chance, and nominal 95 % intervals cover 97 to 100 %. Within classes they cover
92 to 97 % where exemplars differ much (standard deviation of their log odds 1 to 2), which
`tests/known_answers/test_bootstrap.py` shows; 97 to 100 % where they hardly differ, since the
product of weights counts the noise of single trials thrice (Owen 2007, section 4); and down to 90 %
where three exemplars a class differ in nothing but that, whose spread about their own mean is 2/3
of the true one.

All functions draw the same weights for the same seed, numbers of levels and strata: statistics that
were computed apart can be compared resample by resample, which is what makes differences paired.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Floats that one block of resamples may hold: 32 MB of float32.
_BLOCK = 8_000_000
# Each factor has its own stream, so that it is resampled alike whatever the others are.
ROWS, COLUMNS, OBSERVERS = 0, 1, 2


def merge_singles(strata: Sequence) -> np.ndarray:
    """Strata to draw within: those of a single level are joined with one another.

    A single exemplar says nothing about how exemplars of its class vary. Such classes are pooled
    ("collapsed strata", Cochran 1977, Sampling Techniques, section 5A.12): what their classes
    differ in then counts as chance, and the interval is too wide rather than empty. A single one
    that is left alone joins the smallest other stratum.

    Parameters
    ----------
    strata : sequence of n str or int
        Stratum (class) of each level (exemplar).

    Returns
    -------
    ndarray of shape (n,), int
        Every stratum has at least two levels, where there are two at all.
    """
    _, codes = np.unique(np.asarray(strata), return_inverse=True)
    sizes = np.bincount(codes)
    single = sizes == 1
    if single.sum() == 1 and len(sizes) > 1:
        rest = np.where(single, np.iinfo(int).max, sizes)
        single[rest.argmin()] = True
    if single.any():
        codes = np.where(single[codes], single.argmax(), codes)
    return np.unique(codes, return_inverse=True)[1]


def draw_weights(
    generator: np.random.Generator,
    levels: int,
    resamples: int,
    strata: Sequence | None = None,
) -> np.ndarray:
    """Draw how often each level is chosen when levels are drawn with replacement.

    Parameters
    ----------
    generator : Generator
    levels, resamples : int
    strata : sequence of `levels` str or int, optional
        Within each stratum as many levels are drawn as it has, after `merge_singles`; by default
        all levels are one stratum: for what has no classes, such as observers.

    Returns
    -------
    ndarray of shape (resamples, levels), float32
        Each row is multinomial with equal probabilities within each stratum, and sums to the size
        of each.
    """
    if strata is None:
        chosen = generator.integers(0, levels, size=(resamples, levels))
    else:
        codes = merge_singles(strata)
        order = np.argsort(codes, kind="stable")
        sizes = np.bincount(codes)
        size = np.repeat(sizes, sizes)  # of the stratum of each draw, strata in order
        start = np.repeat(np.cumsum(sizes) - sizes, sizes)
        # One number for all is drawn faster.
        high = size[0] if levels and (size == size[0]).all() else size
        chosen = order[start + generator.integers(0, high, size=(resamples, levels))]
    chosen += levels * np.arange(resamples)[:, None]
    counts = np.bincount(chosen.ravel(), minlength=resamples * levels)
    return counts.reshape(resamples, levels).astype(np.float32)


def resample_totals(
    counts: np.ndarray,
    *,
    strata: tuple[Sequence | None, Sequence | None] = (None, None),
    resamples: int = 10_000,
    seed: int = 0,
) -> np.ndarray:
    """Resample the exemplars of rows and of columns and add up the counts.

    Parameters
    ----------
    counts : ndarray of shape (k, rows, columns)
        k tables over the same exemplars: how many trials of a kind fall on each pair. A single
        column (or row) is not resampled: the one-way bootstrap.
    strata : (sequence of rows, sequence of columns)
        Class of each exemplar; see `draw_weights`.
    resamples, seed : int

    Returns
    -------
    ndarray of shape (resamples, k), float32
        Weighted totals of each table in each resample, the weights shared by all tables.
    """
    k, rows, columns = counts.shape
    # (rows, k * columns): one product serves all tables.
    table = np.ascontiguousarray(counts.transpose(1, 0, 2).reshape(rows, k * columns), np.float32)
    row_generator, column_generator = (
        np.random.default_rng([seed, factor]) for factor in (ROWS, COLUMNS)
    )
    totals = np.empty((resamples, k), dtype=np.float32)
    block = max(1, _BLOCK // max(rows, k * columns, 1))
    for start in range(0, resamples, block):
        stop = min(start + block, resamples)
        by_row = draw_weights(row_generator, rows, stop - start, strata[0])
        sums = (by_row @ table).reshape(stop - start, k, columns)
        if columns == 1:
            totals[start:stop] = sums[:, :, 0]
        else:
            by_column = draw_weights(column_generator, columns, stop - start, strata[1])
            totals[start:stop] = np.einsum("rkc,rc->rk", sums, by_column)
    return totals


def pool_observers(totals: np.ndarray, *, seed: int = 0, stream: int = OBSERVERS) -> np.ndarray:
    """Resample the observers too and add up over them: the third factor.

    Parameters
    ----------
    totals : ndarray of shape (resamples, observers, ...)
        From `resample_totals`, one table an observer.
    seed : int
    stream : int
        Another number draws other observers: for groups that have nothing in common.

    Returns
    -------
    ndarray of shape (resamples, ...)
    """
    resamples, observers = totals.shape[:2]
    if observers == 1:
        return totals[:, 0]
    weights = draw_weights(np.random.default_rng([seed, stream]), observers, resamples)
    return np.einsum("ro...,ro->r...", totals, weights)


def divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide arrays, with NaN for an empty whole."""
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan),
                     where=whole != 0)  # fmt: skip


def interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of resampled values.

    Parameters
    ----------
    values : ndarray of shape (resamples,)
        NaN where a resample leaves the number undefined.
    level : float

    Returns
    -------
    low, high : float
        NaN where a larger share of the resamples than one minus the level is undefined: the rest would give an
        interval for samples in which it happens to be defined.
    """
    if np.isnan(values).sum() > (1 - level + 1e-12) * len(values):
        return float("nan"), float("nan")
    return interval_of_defined(values, level)


def interval_of_defined(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """`interval` of the defined values alone, for a draw that is undefined by its design and not by its data.

    Of three observers who are drawn anew a ninth of the draws has one of them three times, and no pair.
    NaN where none is defined.
    """
    values = values[~np.isnan(values)]
    if not values.size:
        return float("nan"), float("nan")
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def count_table(
    rows: Sequence[int], columns: Sequence[int], shape: tuple[int, int], chosen: np.ndarray
) -> np.ndarray:
    """Count the chosen trials on each pair of exemplars.

    Parameters
    ----------
    rows, columns : sequence of n int
        Exemplar of each trial by number.
    shape : (int, int)
        Numbers of exemplars.
    chosen : ndarray of shape (n,), bool

    Returns
    -------
    ndarray of shape `shape`, float32
    """
    cells = np.asarray(rows)[chosen] * shape[1] + np.asarray(columns)[chosen]
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float32)
