"""The cue-strength curve: shape decisions against the strength of the texture cue, and where they
balance.

Shape bias is one point of this curve. The curve says how much that point owes to how strong the
cues of the stimuli happen to be: the **balance point** is the texture strength at which the
decisions for a cue are for shape and for texture equally often. A strong network for shape has it
far to the right, or nowhere.

A logistic function of the strength is fitted to the decisions by maximum likelihood:

    p(shape | shape or texture) = 1 / (1 + exp(-(b0 + b1 strength)))        balance = -b0 / b1

Beside it stands the **crossing**, which needs no model: shares that may only fall with the strength
(antitonic least squares, by the min-max formula of Robertson, Wright and Dykstra 1988, *Order
Restricted Statistical Inference*, section 1.4), joined by straight lines, and the strength at which
they pass one half. Where the two lie apart the logistic function does not describe the curve; the
``deviance`` and ``fitted_share`` say how far. Neither point is given where decisions match a cue no
more often than guessing would at the strengths on both sides of it.

Intervals resample the exemplars of shape and of texture within their classes (two-way cluster
bootstrap, Owen 2007), as for shape bias. A resample whose point leaves the strengths shown counts as
their end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from texshape.stats.bootstrap import divide, interval, resample_totals
from texshape.techniques.cue_strength.tables import (
    ABOVE,
    ALL_SHAPE,
    ALL_TEXTURE,
    BELOW,
    CUE_STRENGTH,
    FITTED_ABOVE,
    FITTED_BELOW,
    GUESSED,
    NO_TEXTURE,
    NOT_FALLING,
    OUTSIDE,
)
from texshape.trials import naming
from texshape.trials.bias import response_entropy
from texshape.trials.names import ABSENT, natural


@dataclass(frozen=True)
class Fit:
    """A logistic fit; all NaN, with the reason, where there is none.

    Attributes
    ----------
    intercept, slope : float
    balance : float
        Strength at which the fitted share is one half.
    reason : str
    """

    intercept: float
    slope: float
    balance: float
    reason: str = ""


def separated(strengths: np.ndarray, shape: np.ndarray, texture: np.ndarray) -> np.ndarray:
    """Whether the likelihood has no maximum: no overlap of the strengths of the two decisions.

    Parameters
    ----------
    strengths : ndarray of shape (k,)
    shape, texture : ndarray of shape (..., k)
        Counts of decisions, not negative.

    Returns
    -------
    bool ndarray of shape (...)
    """

    def ends(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        there = counts > 0
        low = np.where(there, strengths, np.inf).min(-1)
        return low, np.where(there, strengths, -np.inf).max(-1)

    (shape_low, shape_high), (texture_low, texture_high) = ends(shape), ends(texture)
    return ~((shape_low < texture_high) & (texture_low < shape_high))


def logistic(
    strengths: np.ndarray, shape: np.ndarray, texture: np.ndarray, *, steps: int = 50
) -> np.ndarray:
    """Maximum-likelihood logistic fits to counts, many at a time, by Newton's method.

    Parameters
    ----------
    strengths : ndarray of shape (k,)
    shape, texture : ndarray of shape (..., k)
        Counts (or weights) of either decision.

    Returns
    -------
    ndarray of shape (..., 2)
        Intercept and slope; NaN where the maximum does not exist.
    """
    shape, texture = np.broadcast_arrays(np.asarray(shape, float), np.asarray(texture, float))
    total = shape + texture
    centre, scale = strengths.mean(), max(np.ptp(strengths), 1e-12)
    x = (strengths - centre) / scale  # well scaled whatever the unit
    b = np.zeros((*total.shape[:-1], 2))
    for _ in range(steps):
        eta = np.clip(b[..., :1] + b[..., 1:] * x, -40, 40)
        p = 1 / (1 + np.exp(-eta))
        residual, weight = shape - total * p, total * p * (1 - p)
        g0, g1 = residual.sum(-1), (residual * x).sum(-1)
        h00, h01, h11 = weight.sum(-1), (weight * x).sum(-1), (weight * x * x).sum(-1)
        determinant = np.maximum(h00 * h11 - h01**2, 1e-300)
        step = np.stack([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0], -1) / determinant[..., None]
        # Far from the maximum a full step can overshoot.
        step = np.clip(step, -4, 4)
        b += step
        if np.abs(step).max(initial=0) < 1e-10:
            break
    b[separated(strengths, shape, texture)] = np.nan
    slope = b[..., 1] / scale
    return np.stack([b[..., 0] - slope * centre, slope], -1)


def fit(strengths: np.ndarray, shape: np.ndarray, texture: np.ndarray) -> Fit:
    """Fit one curve and find its balance point.

    Parameters
    ----------
    strengths : ndarray of shape (k,)
        Texture strengths.
    shape, texture : ndarray of shape (k,)
        Counts of decisions for the shape and for the texture.
    """
    nothing = float("nan")
    if len(np.unique(strengths[(shape + texture) > 0])) < 2:
        return Fit(nothing, nothing, nothing, "fewer than two strengths with decisions for a cue")
    if not shape.sum() or not texture.sum():
        return Fit(nothing, nothing, nothing, ALL_SHAPE if shape.sum() else ALL_TEXTURE)
    intercept, slope = logistic(strengths, shape, texture)
    if np.isnan(slope):
        return Fit(nothing, nothing, nothing, "shape and texture decisions are separated")
    if slope >= 0:
        return Fit(float(intercept), float(slope), nothing, NOT_FALLING)
    balance = -intercept / slope
    reason = ""
    if not strengths.min() <= balance <= strengths.max():
        reason = OUTSIDE
        balance = nothing
    return Fit(float(intercept), float(slope), float(balance), reason)


def falling_shares(shape: np.ndarray, texture: np.ndarray) -> np.ndarray:
    """Shares of shape decisions nearest to the observed ones that never rise with the strength.

    Parameters
    ----------
    shape, texture : ndarray of shape (..., k)
        Counts (or weights) of either decision, by increasing strength.

    Returns
    -------
    ndarray of shape (..., k)
        The smallest over a <= i of the largest over b >= i of the share of all decisions from a to
        b; NaN where no strength has decisions.
    """
    k = shape.shape[-1]
    part, whole = np.cumsum(shape, -1, dtype=float), np.cumsum(shape + texture, -1, dtype=float)
    start = np.zeros((*part.shape[:-1], 1))
    part, whole = np.concatenate([start, part], -1), np.concatenate([start, whole], -1)
    best = np.full((*part.shape[:-1], k), np.inf)
    for a in range(k):
        pooled = divide(
            part[..., a + 1 :] - part[..., a, None], whole[..., a + 1 :] - whole[..., a, None]
        )
        pooled = np.where(np.isnan(pooled), -np.inf, pooled)
        largest = np.maximum.accumulate(pooled[..., ::-1], -1)[..., ::-1]  # over b >= i
        largest = np.where(np.isinf(largest), np.inf, largest)
        best[..., a:] = np.minimum(best[..., a:], largest)
    return np.where(np.isinf(best), np.nan, best)


def crossing(strengths: np.ndarray, shape: np.ndarray, texture: np.ndarray) -> np.ndarray:
    """Strength at which the falling shares, joined by straight lines, pass one half.

    Parameters
    ----------
    strengths : ndarray of shape (k,)
        Increasing.
    shape, texture : ndarray of shape (..., k)
        Counts (or weights) of either decision.

    Returns
    -------
    ndarray of shape (...)
        Infinite where at least half of the decisions are for shape at every strength, minus
        infinite where fewer are; NaN without decisions.
    """
    shares = falling_shares(shape, texture)
    above = (shares >= 0.5).sum(-1)  # the shares fall, so these come first
    k = shares.shape[-1]
    left, right = np.clip(above - 1, 0, k - 1), np.clip(above, 0, k - 1)
    high, low = (np.take_along_axis(shares, i[..., None], -1)[..., 0] for i in (left, right))
    part = divide(high - 0.5, high - low)
    found = strengths[left] + part * (strengths[right] - strengths[left])
    found = np.where(above == 0, -np.inf, np.where(above == k, np.inf, found))
    return np.where(np.isnan(shares).any(-1), np.nan, found)


def curve(
    trials: pd.DataFrame, *, resamples: int = 10_000, level: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """The cue-strength curve of one network.

    Parameters
    ----------
    trials : DataFrame
        Columns ``strength`` (of the texture cue), ``shape``, ``texture`` (classes),
        ``shape_exemplar``, ``texture_exemplar`` and ``decision`` (class name). Trials whose shape
        is their texture are left out.
    resamples, level, seed
        Of the bootstrap.

    Returns
    -------
    DataFrame of `CUE_STRENGTH`
        One row a strength; the columns of the balance point and of the crossing are the same in
        each. Undefined values are NaN with the reason. Where a larger share of the resamples than
        one minus the level has no falling curve, the balance point has no interval. ``verdict`` is
        the name of the bias at that strength (`naming.name`; ``no texture`` at 0), ``deviance``
        twice the log likelihood that the fit lacks of the observed shares (on k - 2 degrees of
        freedom if decisions were independent, which common exemplars forbid).
    """
    trials = trials[trials["shape"] != trials["texture"]]
    if trials.empty:
        return CUE_STRENGTH.frame([])
    strengths, level_of = np.unique(trials["strength"].to_numpy(float), return_inverse=True)
    is_shape = (trials["decision"] == trials["shape"]).to_numpy()
    is_texture = (trials["decision"] == trials["texture"]).to_numpy()
    # In the order of all other resamples.
    shapes, textures = (
        sorted(trials[f"{cue}_exemplar"].unique(), key=natural) for cue in ("shape", "texture")
    )
    rows = pd.Index(shapes).get_indexer(trials["shape_exemplar"])
    columns = pd.Index(textures).get_indexer(trials["texture_exemplar"])

    # Tables of counts: decision (shape, texture, any) and strength by pair of exemplars.
    k = len(strengths)
    counts = np.zeros((3, k, len(shapes), len(textures)), np.float32)
    for kind, chosen in enumerate((is_shape, is_texture, np.ones(len(trials), bool))):
        np.add.at(counts[kind], (level_of[chosen], rows[chosen], columns[chosen]), 1)
    totals = counts.sum((2, 3), dtype=float)
    tables = counts.reshape(3 * k, len(shapes), len(textures))
    strata = [
        trials[cue].to_numpy()[np.unique(codes, return_index=True)[1]]
        for cue, codes in (("shape", rows), ("texture", columns))
    ]
    drawn = resample_totals(
        tables, strata=(strata[0], strata[1]), resamples=resamples, seed=seed
    ).reshape(-1, 3, k)

    shares = divide(drawn[:, 0], drawn[:, 0] + drawn[:, 1])
    ends = np.array([interval(shares[:, i], level) for i in range(k)])
    rates = divide(drawn[:, 0] + drawn[:, 1], drawn[:, 2])
    matches = np.array([interval(rates[:, i], level) for i in range(k)])
    shape_share = divide(totals[0], totals[0] + totals[1])
    labels, decision = trials[["shape", "texture"]].astype(str), trials["decision"].astype(str)
    n_classes = len({*labels["shape"], *labels["texture"], *decision} - {ABSENT})
    # Of two classes every decision matches a cue (`naming`).
    guessed = ~(matches[:, 0] > 2 / n_classes) & (n_classes > 2)
    verdicts = [
        NO_TEXTURE
        if strength == 0
        else naming.name(
            shape_share[i],
            *ends[i],
            match_low=matches[i, 0],
            n_classes=n_classes,
            response_entropy=response_entropy(decision[level_of == i]),
            label_entropy=min(
                response_entropy(labels[cue][level_of == i]) for cue in ("shape", "texture")
            ),
        )
        for i, strength in enumerate(strengths)
    ]

    fitted = fit(strengths, totals[0], totals[1])
    if _beside(strengths, fitted.balance, guessed):
        fitted = replace(fitted, balance=np.nan, reason=GUESSED)
    low = high = np.nan
    if np.isfinite(fitted.balance):
        b = logistic(strengths, drawn[:, 0], drawn[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            balances = np.where(b[:, 1] < 0, -b[:, 0] / b[:, 1], np.nan)
        balances = np.clip(balances, strengths[0], strengths[-1])
        low, high = interval(balances, level)
    crossed, crossed_low, crossed_high, crossed_reason = _crossed(
        strengths, totals, drawn, guessed, level
    )
    expected = 1 / (1 + np.exp(-(fitted.intercept + fitted.slope * strengths)))
    undefined = np.where(np.isnan(shape_share), "no decision for either cue", "")
    return pd.DataFrame(
        {
            "strength": strengths,
            "shape_share": shape_share,
            "ci_low": ends[:, 0],
            "ci_high": ends[:, 1],
            "cue_match_rate": divide(totals[0] + totals[1], totals[2]),
            "match_low": matches[:, 0],
            "match_high": matches[:, 1],
            "verdict": verdicts,
            "n_shape": totals[0].astype(int),
            "n_texture": totals[1].astype(int),
            "n_conflict": totals[2].astype(int),
            "balance_point": fitted.balance,
            "balance_low": low,
            "balance_high": high,
            "slope": fitted.slope,
            "fitted_share": expected,
            "deviance": _deviance(totals[0], totals[1], expected),
            "reason": ["; ".join(filter(None, (one, fitted.reason))) for one in undefined],
            "crossing": crossed,
            "crossing_low": crossed_low,
            "crossing_high": crossed_high,
            "crossing_reason": crossed_reason,
        }
    )[CUE_STRENGTH.names]


def _beside(strengths: np.ndarray, point: float, chosen: np.ndarray) -> bool:
    """Whether the strengths on both sides of a point (or the one that it falls on) are chosen."""
    if not np.isfinite(point):
        return False
    left = np.flatnonzero(strengths <= point)[-1]
    right = np.flatnonzero(strengths >= point)[0]
    return bool(chosen[left] and chosen[right])


def _crossed(
    strengths: np.ndarray, totals: np.ndarray, drawn: np.ndarray, guessed: np.ndarray, level: float
) -> tuple[float, float, float, str]:
    """The crossing, its interval, and why there is none."""
    nothing = float("nan")
    point = float(crossing(strengths, totals[0], totals[1]))
    if not np.isfinite(point):
        reason = _no_crossing(point, divide(totals[0], totals[0] + totals[1]))
        return nothing, nothing, nothing, reason
    if _beside(strengths, point, guessed):
        return nothing, nothing, nothing, GUESSED
    points = crossing(strengths, drawn[:, 0], drawn[:, 1])
    return point, *interval(np.clip(points, strengths[0], strengths[-1]), level), ""


def _no_crossing(point: float, shares: np.ndarray) -> str:
    """Why there is no crossing; shares that rise may lie on both sides of one half without one."""
    if np.isnan(point):
        return "no decision for either cue"
    if point > 0:
        return ABOVE if (shares >= 0.5).all() else FITTED_ABOVE
    return BELOW if (shares < 0.5).all() else FITTED_BELOW


def _deviance(shape: np.ndarray, texture: np.ndarray, expected: np.ndarray) -> float:
    """Twice the log likelihood ratio of the observed shares and a fit; NaN without a fit."""
    if np.isnan(expected).any():
        return float("nan")
    total = shape + texture
    parts = [
        count * np.log(np.where(count > 0, divide(count, total * share), 1))
        for count, share in ((shape, expected), (texture, 1 - expected))
    ]
    return float(2 * np.nansum(parts))
