"""The estimator of the authors' code (Islam, Kowal et al. 2021), to compare with published tables.

It turns one correlation a factor into a share of the units through a softmax whose residual is
fixed at 1. No information at all gives 21.2 % shape, 21.2 % texture and 57.6 % residual, and full
information about one factor no more than 42.2 %: the shares say little, so the raw scores stand
beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from texshape.errors import InputError
from texshape.stats import bootstrap
from texshape.techniques.dimensionality.pairs import FACTORS, Design, Pairs
from texshape.techniques.readout.linear import check_features

RESIDUAL_SCORE = 1.0


@dataclass(frozen=True)
class Shares:
    """Scores and shares of a stage's units.

    Attributes
    ----------
    scores : dict of str to float
        Of ``shape`` and ``texture``.
    dimensions : dict of str to int
        Units given to ``shape``, ``texture`` and ``residual``; they add up to all units.
    null_scores : dict of str to float
        Scores of null pairs.
    score_interval, share_interval : dict of str to tuple of float
        Over resamples of exemplars.
    n_units : int
        All units, constant ones too, as in the authors' code.
    n_pairs : dict of str to int
    reason : str
    """

    scores: dict[str, float]
    dimensions: dict[str, int]
    null_scores: dict[str, float]
    score_interval: dict[str, tuple[float, float]]
    share_interval: dict[str, tuple[float, float]]
    n_units: int
    n_pairs: dict[str, int]
    reason: str = ""

    def share(self, factor: str) -> float:
        """Part of all units given to a factor or to ``residual``; NaN where undefined."""
        return self.dimensions[factor] / self.n_units if self.dimensions else float("nan")


def softmax_shares(shape: np.ndarray, texture: np.ndarray) -> np.ndarray:
    """Shares of shape, texture and residual, before they are cut to whole units.

    Parameters
    ----------
    shape, texture : ndarray of shape (...)
        Scores.

    Returns
    -------
    ndarray of shape (..., 3)
    """
    scores = np.stack(np.broadcast_arrays(shape, texture, RESIDUAL_SCORE), axis=-1)
    exponents = np.exp(scores - scores.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


def whole_dimensions(shares: np.ndarray, n_units: int) -> dict[str, int]:
    """Cut shares to whole units, rounding down; the residual takes the remainder."""
    shape, texture = (int(share * n_units) for share in shares[:2])
    return {"shape": shape, "texture": texture, "residual": n_units - shape - texture}


def islam2021(features: np.ndarray, design: Design, *, intervals: bool = True) -> Shares:
    """Scores of both factors, and the units that the softmax gives each.

    Score of a factor: covariance across its pairs, centred on the mean of its own images, summed
    over units, divided by the variance of the images of all pairs of both factors, summed over
    units.

    Parameters
    ----------
    features : ndarray of shape (n, units)
        Pooled activations, not transformed.
    design : Design
    intervals : bool

    Returns
    -------
    Shares

    Raises
    ------
    InputError
        If features are not finite or do not match the design in number.
    """
    features = check_features(features)
    if len(features) != design.n_images:
        raise InputError(f"{len(features)} rows of features for {design.n_images} labels")
    n_units = features.shape[1]
    n_pairs = {factor: len(design.pairs[factor]) for factor in FACTORS}
    reason = "; ".join(filter(None, (design.reason(factor) for factor in FACTORS)))
    if not reason and not np.ptp(features, axis=0).any():
        reason = "all units are constant"
    nan = (float("nan"), float("nan"))
    if reason:
        undefined = dict.fromkeys(FACTORS, float("nan"))
        empty = dict.fromkeys((*FACTORS, "residual"), nan)
        return Shares(undefined, {}, undefined, empty, empty, n_units, n_pairs, reason)

    kinds = [design.pairs[factor] for factor in FACTORS]
    nulls = [design.nulls[factor][0] for factor in FACTORS]
    ones = [np.ones((1, len(kind)), dtype=np.float32) for kind in kinds]
    scores = _scores(features, kinds, kinds, ones, ones)
    null_scores = _scores(features, nulls, kinds, ones, ones)
    interval = dict.fromkeys(FACTORS, nan)
    share_interval = dict.fromkeys((*FACTORS, "residual"), nan)
    if intervals and design.settings.resamples:
        weights = [design.weights[factor][0] for factor in FACTORS]
        drawn = _scores(features, kinds, kinds, weights, weights)
        level = design.settings.level
        for column, factor in enumerate(FACTORS):
            interval[factor] = bootstrap.interval(drawn[:, column], level)
        drawn = np.floor(softmax_shares(drawn[:, 0], drawn[:, 1]) * n_units) / n_units
        drawn[:, 2] = 1 - drawn[:, 0] - drawn[:, 1]
        for column, factor in enumerate((*FACTORS, "residual")):
            share_interval[factor] = bootstrap.interval(drawn[:, column], level)
    return Shares(
        scores=dict(zip(FACTORS, map(float, scores[0]), strict=True)),
        dimensions=whole_dimensions(softmax_shares(scores[0, 0], scores[0, 1]), n_units),
        null_scores=dict(zip(FACTORS, map(float, null_scores[0]), strict=True)),
        score_interval=interval,
        share_interval=share_interval,
        n_units=n_units,
        n_pairs=n_pairs,
    )


def _scores(
    features: np.ndarray,
    kinds: list[Pairs],
    all_kinds: list[Pairs],
    weights: list[np.ndarray],
    all_weights: list[np.ndarray],
) -> np.ndarray:
    """Scores of each kind of pairs under weights, shape (resamples, kinds).

    Sums over units come first: a pair enters through the inner product of its two images, so that
    the cost of a resample does not depend on the number of units. Resamples keep the means of the
    whole sample: re-estimated, they would pull every resample below the estimate.
    """
    n = len(features)
    ones = [np.ones((1, len(kind))) for kind in all_kinds]
    sums = sum(_margins(kind, one, n) for kind, one in zip(all_kinds, ones, strict=True))
    centred = features - sums @ features / sums.sum()
    norms = np.einsum("ij,ij->i", centred, centred)
    margins = [_margins(*pair, n) for pair in zip(all_kinds, all_weights, strict=True)]
    variance = sum(margins) @ norms / sum(_total(weight) for weight in all_weights)
    columns = []
    for kind, weight in zip(kinds, weights, strict=True):
        own = _margins(kind, np.ones((1, len(kind))), n)
        centred = features - own @ features / len(kind)
        products = np.einsum("ij,ij->i", centred[kind.first], centred[kind.second])
        columns.append(weight @ products / _total(weight) / variance)
    return np.stack(columns, axis=1)


def _total(weights: np.ndarray) -> np.ndarray:
    """Weight of all pairs; NaN in a resample that holds none."""
    total = weights.sum(1, dtype=float)
    return np.where(total > 0, total, np.nan)


def _margins(pairs: Pairs, weights: np.ndarray, n: int) -> np.ndarray:
    """Weight of each image over both places in its pairs, halved, shape (resamples, n)."""
    from scipy.sparse import csr_array

    count = len(pairs)
    rows = np.concatenate([pairs.first, pairs.second])
    columns = np.tile(np.arange(count), 2)
    incidence = csr_array((np.full(2 * count, 0.5), (rows, columns)), shape=(n, count))
    return (incidence @ weights.T.astype(float)).T
