"""Error by corruption, alone and relative to a baseline network (Hendrycks and Dietterich 2019).

The corruption error of a network f for a type c sums the error over severities and divides by the
baseline's:

    CE_c = sum_s E_(s,c)(f) / sum_s E_(s,c)(baseline)

The published mean corruption error (mCE) is the mean of CE_c over types **with AlexNet as the
baseline**. With any other baseline the quotient is called relative corruption error here, and its
baseline is named. It says little where the baseline makes almost no errors: such cells are marked.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from texshape.errors import InputError

CLEAN = "none"  # the name of the uncorrupted images, severity 0


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


def relative_errors(
    accuracies: pd.DataFrame, baseline: pd.DataFrame, *, least_error: float = 0.02
) -> pd.DataFrame:
    """Corruption error by type relative to a baseline network.

    Parameters
    ----------
    accuracies, baseline : DataFrame
        Columns ``corruption, severity, accuracy``, the same types and severities in both.
    least_error : float
        Cells whose baseline error lies below are marked.

    Returns
    -------
    DataFrame
        ``corruption, error, clean_error, baseline_error, relative_error, marked, reason``, one row
        a type and a last row ``mean`` over the types whose quotient is defined. A baseline without
        errors leaves the quotient NaN.
    """
    measured = accuracies[accuracies["corruption"] != CLEAN]
    reference = baseline[baseline["corruption"] != CLEAN]
    cells = [set(zip(t["corruption"], t["severity"], strict=True)) for t in (measured, reference)]
    if cells[0] != cells[1]:
        odd = sorted(cells[0] ^ cells[1])[0]
        raise InputError(
            f"relative corruption error: '{odd[0]}' severity {odd[1]} was measured for one of two "
            "networks only"
        )
    errors = mean_errors(accuracies)
    by_type = mean_errors(baseline).set_index("corruption")["error"]
    errors["baseline_error"] = errors["corruption"].map(by_type)
    errors["relative_error"] = (errors["error"] / errors["baseline_error"]).where(
        errors["baseline_error"] > 0
    )
    errors["marked"] = errors["baseline_error"] < least_error
    errors["reason"] = np.where(
        errors["marked"], f"baseline error below {100 * least_error:g} %", ""
    )
    mean = errors[["error", "clean_error", "baseline_error", "relative_error"]].mean()
    last = pd.DataFrame([{"corruption": "mean", **mean, "marked": bool(errors["marked"].any())}])
    undefined = int(errors["relative_error"].isna().sum())
    last["reason"] = f"{undefined} types without a quotient left out" if undefined else ""
    columns = ["corruption", "error", "clean_error", "baseline_error", "relative_error"]
    return pd.concat([errors, last], ignore_index=True)[[*columns, "marked", "reason"]]


def measure_name(baseline: str) -> str:
    """Name of the quotient: ``mCE`` only where it divides by AlexNet, as published."""
    return "mCE" if baseline.split(":")[-1].lower() == "alexnet" else "relative corruption error"


def against_plain(
    table: pd.DataFrame, *, baseline_arm: str = "plain", least_error: float = 0.02
) -> pd.DataFrame:
    """Relative corruption error of each network against its plain-trained twin.

    Parameters
    ----------
    table : DataFrame
        Columns ``model, architecture, arm, seed, corruption, severity, accuracy``.
    baseline_arm : str
        The arm that divides: same architecture, same seed.

    Returns
    -------
    DataFrame
        The columns of `relative_errors` behind ``model, architecture, arm, seed, baseline,
        measure``. A network without a twin has its errors, and the reason in place of the quotient.
    """
    keys = ["model", "architecture", "arm", "seed"]
    networks = dict(list(table.groupby(keys, sort=False, dropna=False)))
    rows = []
    for (model, architecture, arm, seed), one in networks.items():
        twins = [
            (key[0], other)
            for key, other in networks.items()
            if key[1] == architecture and key[2] == baseline_arm and key[3] == seed
        ]
        if twins:
            baseline, twin = twins[0]
            result = relative_errors(one, twin, least_error=least_error)
        else:
            baseline = ""
            result = mean_errors(one).drop(columns="n_severities")
            result = result.assign(baseline_error=np.nan, relative_error=np.nan, marked=False)
            result["reason"] = f"no '{baseline_arm}' network of this architecture and seed"
        result = result.assign(
            model=model,
            architecture=architecture,
            arm=arm,
            seed=seed,
            baseline=baseline,
            measure=measure_name(baseline),
        )
        rows.append(result[[*keys, "baseline", "measure", *result.columns[:7]]])
    if not rows:
        raise InputError("relative corruption error: the table has no rows")
    return pd.concat(rows, ignore_index=True)
