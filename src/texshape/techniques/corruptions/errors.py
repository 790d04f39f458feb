"""Error by corruption, alone and divided by a baseline network's (Hendrycks and Dietterich 2019).

The corruption error of a network f for a type c sums the error over severities and divides by the
baseline's (their section 4.1):

    CE_c = sum_s E_(s,c)(f) / sum_s E_(s,c)(baseline)

Their *relative* corruption error takes the error on clean images off first, above and below:

    relative CE_c = sum_s (E_(s,c)(f) - E_clean(f)) / sum_s (E_(s,c)(baseline) - E_clean(baseline))

The published mean corruption error (mCE) is the mean of CE_c over types **with AlexNet as the
baseline**. With any other baseline the quotient is called corruption error ratio here, and its
baseline is named. A quotient says little where the baseline makes almost no errors: such types are
marked. A mean of quotients would rest on them, so types are summarized by the quotient of summed
errors (``sum``) and by the mean of logarithms (``log_mean``), over the types that are neither
marked nor undefined; the others are counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from texshape.errors import InputError
from texshape.stats.bootstrap import divide, draw_weights, interval
from texshape.techniques.corruptions.tables import CORRUPTION_ERRORS

CLEAN = "none"  # the name of the uncorrupted images, severity 0
SUM, LOG_MEAN = "sum", "log_mean"  # the names of the rows that summarize types
FRONT = ["set", "imagename", "shape", "severities"]  # of a table of pictures, then the types
_OF_TWO = ["set", "baseline", "baseline_set", "measure"]  # of a network and its baseline
#: columns of one network against another
COLUMNS = [name for name in CORRUPTION_ERRORS.names if name not in _OF_TWO]


def mean_errors(accuracies: pd.DataFrame) -> pd.DataFrame:
    """Error by type, averaged over severities.

    Parameters
    ----------
    accuracies : DataFrame
        Columns ``corruption, severity, accuracy`` of one network; severity 0 of type ``none`` is
        the accuracy on uncorrupted images, where it was measured.

    Returns
    -------
    DataFrame
        ``corruption, error, clean_error, n_severities``; ``clean_error`` is NaN where it was not
        measured.
    """
    clean = accuracies.loc[accuracies["corruption"] == CLEAN, "accuracy"]
    corrupted = accuracies[accuracies["corruption"] != CLEAN]
    if corrupted.duplicated(["corruption", "severity"]).any():
        raise InputError("corruption errors: a type and severity occurs twice for one network")
    groups = corrupted.groupby("corruption", sort=False)["accuracy"]
    errors = pd.DataFrame({"error": 1 - groups.mean(), "n_severities": groups.size()}).reset_index()
    errors.insert(2, "clean_error", 1 - clean.iloc[0] if len(clean) else np.nan)
    return errors


@dataclass(frozen=True)
class _Errors:
    """Errors of one network: clean of shape (k,), by type of shape (k, types); k is 1 or resamples."""

    clean: np.ndarray
    by_type: np.ndarray


def picture_errors(pictures: pd.DataFrame) -> pd.DataFrame:
    """Accuracy by type, from the errors of single pictures: one row a type, severities pooled.

    Parameters
    ----------
    pictures : DataFrame
        `FRONT`, then a column a type: at how many of its severities the picture was decided
        wrongly; ``none`` is 0 or 1. One set.

    Returns
    -------
    DataFrame
        ``corruption, severity, accuracy``; severity 0 is the mean over all.
    """
    types = [name for name in pictures.columns if name not in FRONT]
    times = {name: 1 if name == CLEAN else pictures["severities"].max() for name in types}
    accuracy = [1 - pictures[name].mean() / times[name] for name in types]
    return pd.DataFrame({"corruption": types, "severity": 0, "accuracy": accuracy})


def _resampled(pictures: pd.DataFrame, types: list[str], resamples: int, stream: list) -> _Errors:
    weights = draw_weights(
        np.random.default_rng(stream), len(pictures), resamples, list(pictures["shape"])
    )
    wrong = pictures[[CLEAN, *types]].to_numpy(float) / len(pictures)
    wrong[:, 1:] /= pictures["severities"].max()
    errors = weights @ wrong
    return _Errors(errors[:, 0], errors[:, 1:])


def _ratios(network: _Errors, baseline: _Errors, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quotients of each type, of the sums and the mean of logarithms, as they are and without clean.

    Returns
    -------
    plain, relative : ndarray of shape (k, types + 2)
    """
    found = []
    for clean in (False, True):
        above, below = (
            each.by_type - each.clean[:, None] if clean else each.by_type
            for each in (network, baseline)
        )
        by_type = divide(above, _divisor(below))
        total = divide(above[:, kept].sum(1), _divisor(below[:, kept].sum(1)))
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(by_type[:, kept]).mean(1) if kept.any() else np.full(len(total), np.nan)
        logs = np.exp(np.where(np.isfinite(logs), logs, np.nan))
        found.append(np.column_stack([by_type, total, logs]))
    return found[0], found[1]


def _divisor(errors: np.ndarray) -> np.ndarray:
    """Errors of the baseline; less than none of its own cannot divide."""
    return np.where(errors > 1e-12, errors, 0)


def error_ratios(
    accuracies: pd.DataFrame,
    baseline: pd.DataFrame,
    *,
    least_error: float = 0.02,
    pictures: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Errors by type divided by a baseline network's.

    Parameters
    ----------
    accuracies, baseline : DataFrame
        Columns ``corruption, severity, accuracy``, the same types and severities in both.
    least_error : float
        Types whose baseline error lies below are marked and left out of the summaries.
    pictures : (DataFrame, DataFrame), optional
        Errors of single pictures, of the network and of the baseline (see `picture_errors`): then
        there are intervals. Pictures are resampled within their classes; where both networks saw
        the same set, the same pictures for both, so that the quotient is paired.
    resamples, level, seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row a type, then ``sum`` (the quotient of summed errors) and ``log_mean`` (of
        the quotients): ``error_ratio`` with its interval, ``relative_error_ratio`` with clean
        errors taken off, with its interval; ``n_types`` in a summary, ``n`` pictures. A quotient is
        NaN where the baseline makes no errors (none more than on clean images).
    """
    measured = accuracies[accuracies["corruption"] != CLEAN]
    reference = baseline[baseline["corruption"] != CLEAN]
    cells = [set(zip(t["corruption"], t["severity"], strict=True)) for t in (measured, reference)]
    if cells[0] != cells[1]:
        odd = sorted(cells[0] ^ cells[1])[0]
        raise InputError(
            f"corruption error ratio: '{odd[0]}' severity {odd[1]} was measured for one of two "
            "networks only"
        )
    table = mean_errors(accuracies)
    other = mean_errors(baseline).set_index("corruption").loc[table["corruption"]]
    types = list(table["corruption"])
    network = _Errors(table["clean_error"].to_numpy()[:1], table["error"].to_numpy()[None])
    divisor = _Errors(other["clean_error"].to_numpy()[:1], other["error"].to_numpy()[None])
    marked = divisor.by_type[0] < least_error
    kept = ~marked & (divisor.by_type[0] > 0)
    values = _ratios(network, divisor, kept)
    limits = np.full((2, len(types) + 2, 2), np.nan)
    n = None
    if pictures is not None:
        n = len(pictures[0])
        same = list(pictures[0]["imagename"]) == list(pictures[1]["imagename"])
        drawn = [
            _resampled(one, types, resamples, [seed, 0 if same else stream])
            for stream, one in enumerate(pictures)
        ]
        for kind, draws in enumerate(_ratios(*drawn, kept)):
            for column in range(len(types) + 2):
                if np.isfinite(values[kind][0, column]):
                    limits[kind, column] = interval(draws[:, column], level)

    def summed(errors: np.ndarray) -> list[float]:
        mean = errors[kept].mean() if kept.any() else np.nan
        return [*errors, mean, mean]

    left_out = len(types) - int(kept.sum())
    said = (
        f"{left_out} of {len(types)} types left out: baseline error below {100 * least_error:g} %"
    )
    reasons = np.where(marked, f"baseline error below {100 * least_error:g} %", "")
    return pd.DataFrame(
        {
            "corruption": [*types, SUM, LOG_MEAN],
            "error": summed(network.by_type[0]),
            "clean_error": network.clean[0],
            "baseline_error": summed(divisor.by_type[0]),
            "baseline_clean_error": divisor.clean[0],
            "error_ratio": values[0][0],
            "ci_low": limits[0, :, 0],
            "ci_high": limits[0, :, 1],
            "relative_error_ratio": values[1][0],
            "relative_low": limits[1, :, 0],
            "relative_high": limits[1, :, 1],
            "marked": [*marked, False, False],
            "n_types": pd.array([*[None] * len(types), *[int(kept.sum())] * 2], dtype="Int64"),
            "n": pd.array([n] * (len(types) + 2), dtype="Int64"),
            "reason": [*reasons, *[said if left_out else ""] * 2],
        }
    )[COLUMNS]


def measure_name(baseline: str) -> str:
    """Name of the quotient: ``mCE`` only where it divides by AlexNet, as published."""
    return "mCE" if baseline.split(":")[-1].lower() == "alexnet" else "corruption error ratio"


def against_plain(
    table: pd.DataFrame,
    *,
    baseline_arm: str = "plain",
    least_error: float = 0.02,
    pictures: Mapping[tuple[str, int], pd.DataFrame] | None = None,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Corruption errors of each network against its plain-trained twin's.

    Parameters
    ----------
    table : DataFrame
        Columns ``model, architecture, arm, seed, set, corruption, severity, accuracy``.
    baseline_arm : str
        The arm that divides: same architecture, same seed.
    pictures : mapping of (model, seed) to DataFrame, optional
        Errors of single pictures, for intervals. Sets beyond the table's are a network's own kind
        of pictures: rows of their own, divided by the twin's errors on the table's set.
    resamples, level, seed
        As in `error_ratios`.

    Returns
    -------
    DataFrame
        The columns of `error_ratios` behind ``model, architecture, arm, seed, set, baseline,
        baseline_set, measure``. A network without a twin has its errors, and the reason in place of
        the quotient.
    """
    keys = ["model", "architecture", "arm", "seed"]
    if table.empty:
        raise InputError("corruption error ratio: the table has no rows")
    if "set" not in table.columns:
        table = table.assign(set="")
    networks = dict(list(table.groupby(keys, sort=False, dropna=False)))
    how = {"least_error": least_error, "resamples": resamples, "level": level, "seed": seed}
    known = pictures or {}
    rows = []
    for key, one in networks.items():
        model, architecture, _, number = key
        shown = one["set"].iloc[0]
        twin = next(
            (
                (other[0], frame)
                for other, frame in networks.items()
                if other[1:] == (architecture, baseline_arm, number)
            ),
            None,
        )
        label = dict(zip(keys, key, strict=True))
        if twin is None:
            result = mean_errors(one).drop(columns="n_severities").reindex(columns=COLUMNS)
            result = result.assign(
                marked=False, reason=f"no '{baseline_arm}' network of this architecture and seed"
            )
            rows.append(
                result.assign(
                    **label, set=shown, baseline="", baseline_set="", measure=measure_name("")
                )
            )
            continue
        baseline, reference = twin
        own, other = (
            dict(list(known[who].groupby("set", sort=False))) if who in known else {}
            for who in ((model, number), (baseline, number))
        )
        found = {shown: one} | {name: None for name in own if name != shown}
        for name, cells in found.items():
            both = (own[name], other[shown]) if name in own and shown in other else None
            if cells is None:
                if both is None:
                    continue
                cells, divisor = picture_errors(own[name]), picture_errors(other[shown])
            else:
                divisor = reference
            result = error_ratios(cells, divisor, pictures=both, **how)
            rows.append(
                result.assign(
                    **label, set=name, baseline=baseline, baseline_set=shown,
                    measure=measure_name(baseline),
                )
            )  # fmt: skip
    result = pd.concat(rows, ignore_index=True)
    return result[[*keys, *CORRUPTION_ERRORS.names]]
