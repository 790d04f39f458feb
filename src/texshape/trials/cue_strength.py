"""The cue-strength curve: shape decisions against the strength of the texture cue, and where they
balance.

Shape bias is one point of this curve. The curve says how much that point owes to how strong the
cues of the stimuli happen to be: the **balance point** is the texture strength at which the
decisions for a cue are for shape and for texture equally often. A strong network for shape has it
far to the right, or nowhere.

A logistic function of the strength is fitted to the decisions by maximum likelihood:

    p(shape | shape or texture) = 1 / (1 + exp(-(b0 + b1 strength)))        balance = -b0 / b1

Intervals resample the exemplars of shape and of texture within their classes (two-way cluster
bootstrap, Owen 2007), as for shape bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from texshape.trials.bootstrap import divide, interval, resample_totals

COLUMNS = [
    "strength",
    "shape_share",
    "ci_low",
    "ci_high",
    "cue_match_rate",
    "n_shape",
    "n_texture",
    "n_conflict",
    "balance_point",
    "balance_low",
    "balance_high",
    "slope",
    "reason",
]


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
        winner = "shape" if shape.sum() else "texture"
        return Fit(nothing, nothing, nothing, f"all decisions for a cue are for the {winner}")
    intercept, slope = logistic(strengths, shape, texture)
    if np.isnan(slope):
        return Fit(nothing, nothing, nothing, "shape and texture decisions are separated")
    if slope >= 0:
        reason = "shape decisions do not become fewer with texture strength"
        return Fit(float(intercept), float(slope), nothing, reason)
    balance = -intercept / slope
    reason = ""
    if not strengths.min() <= balance <= strengths.max():
        reason = "balance point outside the strengths shown"
        balance = nothing
    return Fit(float(intercept), float(slope), float(balance), reason)


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
    DataFrame with `COLUMNS`
        One row a strength; the fit's columns are the same in each. Undefined values are NaN with
        the reason. Where more than one in twenty resamples has no falling curve, the balance point
        has no interval.
    """
    trials = trials[trials["shape"] != trials["texture"]]
    if trials.empty:
        return pd.DataFrame(columns=COLUMNS)
    strengths, level_of = np.unique(trials["strength"].to_numpy(float), return_inverse=True)
    is_shape = (trials["decision"] == trials["shape"]).to_numpy()
    is_texture = (trials["decision"] == trials["texture"]).to_numpy()
    rows, shapes = pd.factorize(trials["shape_exemplar"])
    columns, textures = pd.factorize(trials["texture_exemplar"])

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
    fitted = fit(strengths, totals[0], totals[1])
    low = high = np.nan
    if np.isfinite(fitted.balance):
        b = logistic(strengths, drawn[:, 0], drawn[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            balances = np.where(b[:, 1] < 0, -b[:, 0] / b[:, 1], np.nan)
        if np.isnan(balances).mean() <= 0.05:
            low, high = interval(balances, level)
    shape_share = divide(totals[0], totals[0] + totals[1])
    undefined = np.where(np.isnan(shape_share), "no decision for either cue", "")
    return pd.DataFrame(
        {
            "strength": strengths,
            "shape_share": shape_share,
            "ci_low": ends[:, 0],
            "ci_high": ends[:, 1],
            "cue_match_rate": divide(totals[0] + totals[1], totals[2]),
            "n_shape": totals[0].astype(int),
            "n_texture": totals[1].astype(int),
            "n_conflict": totals[2].astype(int),
            "balance_point": fitted.balance,
            "balance_low": low,
            "balance_high": high,
            "slope": fitted.slope,
            "reason": ["; ".join(filter(None, (one, fitted.reason))) for one in undefined],
        }
    )[COLUMNS]
