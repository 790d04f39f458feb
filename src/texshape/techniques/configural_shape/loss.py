"""What is lost when a silhouette's configuration is taken away, and what direction adds to pieces.

Accuracy is the mean over categories; a difference is paired by exemplar, and its interval resamples
exemplars within their categories. A difference says nothing where the better condition is not
recognised: it is undefined unless accuracy there lies above chance with its whole interval.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from texshape.errors import InputError
from texshape.stats.bootstrap import draw_weights, interval
from texshape.techniques.configural_shape import fragments, mirrored, tables
from texshape.trials.names import natural

COLUMNS = ("shape", "shape_exemplar", "condition", "decision")
NOT_RECOGNISED = "what it is compared with is not recognised above chance"


def measure(
    trials: pd.DataFrame,
    *,
    chance: float,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Accuracy of each condition and its difference to the condition that it is made from.

    Parameters
    ----------
    trials : DataFrame
        `COLUMNS`: class and exemplar of the silhouette, condition, class decided for.
    chance : float
        Share that guessing decides rightly: 1 over the number of classes.
    resamples, level, seed
        Of the bootstrap over exemplars within classes.

    Returns
    -------
    DataFrame
        `tables.CONFIGURAL`, a row a condition. Mirrored conditions are compared with the whole:
        ``difference`` is what they lose. Segments are compared with dots of the same share: it is
        what their direction adds.

    Raises
    ------
    InputError
        If a column or a condition to compare with is missing, or an exemplar is missing in a
        condition or of two classes.
    """
    for column in COLUMNS:
        if column not in trials.columns:
            raise InputError(f"configural shape: trials lack the column '{column}'")
    if not 0 < chance < 1:
        raise InputError(f"configural shape: chance is {chance!r}; expected a share above 0")
    trials = trials.assign(
        correct=(trials["decision"].astype(str) == trials["shape"].astype(str)).astype(float)
    )
    rows: list[dict[str, Any]] = []
    for group, other in _comparisons(trials["condition"].unique()):
        wanted = list(dict.fromkeys([other, *group]))
        chosen = trials[trials["condition"].isin(wanted)]
        right, drawn, exemplars = _accuracies(chosen, wanted, resamples, seed)
        recognised = interval(drawn[:, 0], level)[0] > chance
        for i, condition in enumerate(wanted):
            ends = interval(drawn[:, i], level)
            row = {
                "condition": condition,
                "share": _share(condition),
                "accuracy": right[i],
                "ci_low": ends[0],
                "ci_high": ends[1],
                "chance": chance,
                "n": int((chosen["condition"] == condition).sum()),
                "n_exemplars": exemplars,
                "reason": "",
            }
            if condition != other:
                row["compared_with"] = other
                row |= _difference(right, drawn, i, condition, recognised, level, chance)
            rows.append(row)
    return tables.CONFIGURAL.frame(rows)


def _difference(
    right: np.ndarray, drawn: np.ndarray, i: int, condition: str, recognised: bool, level: float,
    chance: float,
) -> dict[str, Any]:  # fmt: skip
    """What a condition loses against the first, or, for segments, gains."""
    sign = -1 if condition.startswith(fragments.SEGMENTS) else 1
    if sign < 0:  # either may be the better one
        recognised = recognised or interval(drawn[:, i], level)[0] > chance
    if not recognised:
        return {"reason": NOT_RECOGNISED if sign > 0 else "neither is recognised above chance"}
    low, high = interval(sign * (drawn[:, 0] - drawn[:, i]), level)
    return {
        "difference": sign * (right[0] - right[i]),
        "difference_low": low,
        "difference_high": high,
    }


def _comparisons(conditions: Any) -> list[tuple[list[str], str]]:
    """Conditions, and which one each is compared with."""
    present = set(map(str, conditions))
    found = []
    moved = [name for name in (mirrored.JOINED, mirrored.APART) if name in present]
    if moved or mirrored.WHOLE in present:
        if mirrored.WHOLE not in present:
            raise InputError(f"configural shape: condition '{mirrored.WHOLE}' is missing")
        found.append((moved, mirrored.WHOLE))
    pieces = (f"{fragments.SEGMENTS}-", f"{fragments.DOTS}-")
    shares = sorted({_share(name) for name in present if name.startswith(pieces)})
    for share in shares:
        pair = fragments.name(fragments.SEGMENTS, share), fragments.name(fragments.DOTS, share)
        if missing := [name for name in pair if name not in present]:
            raise InputError(f"configural shape: condition '{missing[0]}' is missing")
        found.append(([pair[0]], pair[1]))
    if not found:
        raise InputError(
            f"configural shape: no condition is known, found {', '.join(sorted(present)) or 'none'}; "
            f"expected {', '.join(mirrored.CONDITIONS)}, segments-25, dots-25 and the like"
        )
    return found


def _share(condition: str) -> float:
    """Share of the outline that a condition draws."""
    kind, _, percent = str(condition).partition("-")
    return float(percent) / 100 if kind in (fragments.SEGMENTS, fragments.DOTS) else 1.0


def _accuracies(
    trials: pd.DataFrame, conditions: list[str], resamples: int, seed: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Accuracy of each condition over the same exemplars, and in each resample."""
    table = trials.pivot_table(
        index="shape_exemplar", columns="condition", values="correct", aggfunc="mean"
    ).reindex(columns=conditions)
    if table.isna().any(axis=None):
        row, column = np.argwhere(table.isna().to_numpy())[0]
        exemplar, condition = table.index[row], table.columns[column]
        raise InputError(f"configural shape: exemplar '{exemplar}' is missing as '{condition}'")
    table = table.loc[sorted(table.index, key=natural)]
    owners = trials.groupby("shape_exemplar")["shape"].unique()
    if (twice := owners[owners.map(len) > 1]).size:
        raise InputError(
            f"configural shape: exemplar '{twice.index[0]}' is of two classes, "
            f"{' and '.join(map(str, twice.iloc[0]))}"
        )
    classes = owners.loc[table.index].map(lambda values: values[0]).to_numpy()
    names, codes, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    share = 1 / (len(names) * sizes[codes])  # each category counts alike
    values = table.to_numpy(float)
    weights = draw_weights(np.random.default_rng([seed, 0]), len(table), resamples, classes) * share
    drawn = (weights @ values) / weights.sum(1, keepdims=True)
    return share @ values, drawn, len(table)
