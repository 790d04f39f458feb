"""Differences over trainings: whether two networks differ beyond what another seed would change.

An interval over exemplars holds the trained weights fixed; it says how far other pictures would move
a number. How far other trainings would, only the seeds tell. With a handful of them the bootstrap
makes intervals too narrow, so the mean difference has Welch's interval and test (Welch 1947,
*Biometrika* 34, 28-35), which allow the two networks to spread differently.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from texshape.experiment.runs import model_parts
from texshape.trials.columns import ACCURACY_DIFFERENCES, SEEDS

if TYPE_CHECKING:
    import pandas as pd


def welch(first: Sequence[float], second: Sequence[float], level: float = 0.95) -> dict:
    """Difference of the means of two networks' seeds, with Welch's interval.

    Parameters
    ----------
    first, second : sequence of float
        One value a seed; undefined ones (NaN) are left out.
    level : float

    Returns
    -------
    dict
        `columns.SEEDS`: numbers of seeds, mean of the first minus mean of the second, its interval and
        two-sided p. Interval and p are NaN where a network has fewer than two seeds, or no seed
        differs from the others of its network.
    """
    from scipy.stats import ttest_ind

    a, b = (np.array([v for v in values if not math.isnan(v)]) for values in (first, second))
    difference = float(a.mean() - b.mean()) if len(a) and len(b) else math.nan
    low = high = p = math.nan
    if min(len(a), len(b)) > 1 and (np.ptp(a) > 0 or np.ptp(b) > 0):
        found = ttest_ind(a, b, equal_var=False)
        interval = found.confidence_interval(level)
        low, high, p = float(interval.low), float(interval.high), float(found.pvalue)
    return dict(
        zip(
            (column.name for column in SEEDS),
            (len(a), len(b), difference, low, high, p),
            strict=True,
        )
    )


def accuracy_differences(accuracy: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Accuracy of networks trained here against each other, over their seeds.

    Parameters
    ----------
    accuracy : DataFrame
        Of `texshape.trials.accuracy.accuracy_table`.
    level : float

    Returns
    -------
    DataFrame of `columns.ACCURACY_DIFFERENCES`
        A row for each set, cue and pair of networks that share the architecture or the arm; empty
        where nothing was trained.
    """
    rows = []
    own = accuracy[accuracy["seed"].notna()]
    for (images, cue), group in own.groupby(["set", "cue"], sort=True):
        values: Mapping[str, list[float]] = group.groupby("model")["accuracy"].agg(list).to_dict()
        for a, b in combinations(sorted(values), 2):
            if not set(model_parts(a)) & set(model_parts(b)):
                continue
            row = {"model_a": a, "model_b": b, "set": images, "cue": cue}
            rows.append(row | welch(values[a], values[b], level))
    return ACCURACY_DIFFERENCES.frame(rows)
