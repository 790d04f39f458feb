"""What a change inside a network moves: its shape bias, and what that costs.

A bias can be moved by spoiling a network: one that recognises nothing any more follows neither cue, and the
few decisions that are left give any ratio. So every move stands beside what happens to the share of decisions
for either cue and to the accuracy on pictures whose cues agree. Changes are compared with the network
as it is, picture by picture and resample by resample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from texshape.errors import InputError
from texshape.stats import bootstrap
from texshape.stats import exemplars as ex

if TYPE_CHECKING:
    import pandas as pd

NO_MATCH = "no decision for either cue: no shape bias"
RATES = ("bias", "match", "accuracy")  # the columns of `Moves.rates` and `Moves.drawn`


@dataclass(frozen=True)
class Moves:
    """What each of several versions of a network decides; the first is the network as it is.

    Attributes
    ----------
    rows : list of dict
        A version each, with `texshape.trials.columns.MOVED` and ``reason``.
    rates : ndarray of shape (versions, 3)
        Shape bias, cue-match rate and accuracy on agreeing pictures; NaN where undefined.
    drawn : ndarray of shape (resamples, versions, 3)
        The same in each resample of exemplars.
    """

    rows: list[dict[str, Any]]
    rates: np.ndarray
    drawn: np.ndarray


def moves(
    conflict: np.ndarray,
    labels: pd.DataFrame,
    agreeing: np.ndarray,
    agreeing_labels: pd.DataFrame,
    classes: Sequence[str],
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Moves:
    """Shape bias, cue matches and accuracy of versions of a network, and how far they moved.

    Parameters
    ----------
    conflict : ndarray of shape (versions, n), int
        Class that each version decides for on conflict images, by its place in `classes`; -1 for none.
    labels : DataFrame with n rows
        Of the conflict images.
    agreeing : ndarray of shape (versions, m), int
        Decisions on images whose cues agree; m may be 0.
    agreeing_labels : DataFrame with m rows
    classes : sequence of str
    resamples, level, seed
        Of the bootstrap over exemplars within their classes.

    Raises
    ------
    InputError
        If an image shows a class that the network does not decide for, or there is no conflict image.
    """
    if not len(labels) or not ex.conflicting(labels).all():
        raise InputError("expected images whose shape and texture are in conflict")
    place = {name: number for number, name in enumerate(classes)}
    cues = [ex.cue(labels, name) for name in ex.CUES]
    versions = len(conflict)
    marks = np.concatenate([conflict == _truth(labels[name], place) for name in ex.CUES])
    shares = marks.mean(1).reshape(2, versions)
    drawn = ex.resampled_rates(marks.T, *cues, resamples=resamples, seed=seed)
    drawn = drawn.reshape(-1, 2, versions)
    right, accuracies = np.full(versions, np.nan), np.full((resamples, versions), np.nan)
    if len(agreeing_labels):
        correct = agreeing == _truth(agreeing_labels["shape"], place)
        right = correct.mean(1)
        accuracies = ex.resampled_means(correct.T, agreeing_labels, resamples=resamples, seed=seed)
    values = np.stack([bootstrap.divide(shares[0], shares.sum(0)), shares.sum(0), right], -1)
    draws = np.stack(
        [bootstrap.divide(drawn[:, 0], drawn.sum(1)), drawn.sum(1), accuracies], axis=-1
    )
    rows = []
    for version in range(versions):
        row: dict[str, Any] = {}
        for number, (name, ends) in enumerate(
            (("shape_bias", "ci"), ("cue_match_rate", "match"), ("accuracy", "accuracy"))
        ):
            rate, now = RATES[number], draws[:, version, number]
            moved = now - draws[:, 0, number]
            row[name] = float(values[version, number])
            row[f"{ends}_low"], row[f"{ends}_high"] = bootstrap.interval(now, level)
            row[f"{rate}_change"] = float(values[version, number] - values[0, number])
            row[f"{rate}_change_low"], row[f"{rate}_change_high"] = bootstrap.interval(moved, level)
        if np.isnan(values[version, 0]):  # resamples cannot define what the pictures do not
            row |= dict.fromkeys(("ci_low", "ci_high"), np.nan)
        if np.isnan(row["bias_change"]):
            row |= dict.fromkeys(("bias_change_low", "bias_change_high"), np.nan)
        row["decisions_changed"] = float((conflict[version] != conflict[0]).mean())
        row["n_conflict"], row["n_agreeing"] = len(labels), len(agreeing_labels)
        row["reason"] = NO_MATCH if np.isnan(values[version, 0]) else ""
        rows.append(row)
    return Moves(rows, values, draws)


def _truth(column: pd.Series, place: dict[str, int]) -> np.ndarray:
    names = column.astype(str)
    unknown = sorted(set(names) - set(place))
    if unknown:
        raise InputError(f"class '{unknown[0]}' is none that the network decides between")
    return names.map(place).to_numpy(dtype=int)


def slope(doses: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Slope of the straight line through values by dose, by least squares.

    Parameters
    ----------
    doses : ndarray of shape (k,)
        At least two that differ.
    values : ndarray of shape (..., k)

    Returns
    -------
    ndarray of shape (...)
        NaN where a value is.
    """
    apart = doses - doses.mean()
    return values @ apart / (apart @ apart)
