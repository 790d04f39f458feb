"""Both estimators on one stage, as tidy rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from texshape.features.stored import stored
from texshape.techniques.dimensionality.islam2021 import islam2021, softmax_shares
from texshape.techniques.dimensionality.mutual_information import mutual_information, scores_of
from texshape.techniques.dimensionality.pairs import FACTORS, Design, design
from texshape.techniques.dimensionality.tables import DIMENSIONALITY
from texshape.techniques.readout.linear import check_features

if TYPE_CHECKING:
    import pandas as pd

UNIT_COLUMNS = [
    "stage", "factor", "unit", "rho", "information", "null_information", "p_value", "significant",
]  # fmt: skip
CONVERGENCE_COLUMNS = ["stage", "estimator", "factor", "n_pairs", "repeat", "value"]


def rows(
    features: np.ndarray, plan: Design, *, units: bool = False
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Rows of one stage.

    Estimators: ``mutual_information`` (mean nats a unit above the null), ``islam2021`` (share of
    the units given to the factor) and ``islam2021_score`` (the score behind that share).

    Parameters
    ----------
    features : ndarray of shape (n, units)
    plan : Design
    units : bool
        Return the distributions over units too.

    Returns
    -------
    tuple of list
        Rows of `DIMENSIONALITY` without the stage; rows with `UNIT_COLUMNS` without the stage.
    """
    features = check_features(features)
    scores = scores_of(features, plan)
    available = {factor: plan.pairs[factor].available for factor in FACTORS}
    table: list[dict[str, object]] = []
    unit_rows: list[dict[str, object]] = []
    for factor in FACTORS:
        found = mutual_information(features, plan, factor, scores=scores)
        table.append(
            {
                "estimator": "mutual_information",
                "factor": factor,
                "value": found.value,
                "ci_low": found.ci_low,
                "ci_high": found.ci_high,
                "null": found.null,
                "n_units": found.n_units,
                "n_significant": int(found.significant.sum()),
                "n_constant": found.n_constant,
                "n_pairs": found.n_pairs,
                "n_available": available[factor],
                "reason": found.reason,
            }
        )
        if units and len(found.null_information):
            null = found.null_information.mean(0)
            unit_rows += [
                {
                    "factor": factor,
                    "unit": unit,
                    "rho": found.rho[unit],
                    "information": found.information[unit],
                    "null_information": null[unit],
                    "p_value": found.p_value[unit],
                    "significant": int(found.significant[unit]),
                }
                for unit in range(len(found.rho))
            ]
    shares = islam2021(features, plan)
    null_shares = softmax_shares(
        np.float64(shares.null_scores["shape"]), np.float64(shares.null_scores["texture"])
    )
    constant = int((np.ptp(features, axis=0) == 0).sum())
    for number, factor in enumerate((*FACTORS, "residual")):
        common = {
            "factor": factor,
            "n_units": shares.n_units,
            "n_constant": constant,
            "n_pairs": shares.n_pairs.get(factor),
            "n_available": available.get(factor),
            "reason": shares.reason,
        }
        low, high = shares.share_interval[factor]
        table.append(
            {"estimator": "islam2021", "value": shares.share(factor), "ci_low": low,
             "ci_high": high, "null": float(null_shares[number]), **common}
        )  # fmt: skip
        if factor in FACTORS:
            low, high = shares.score_interval[factor]
            table.append(
                {"estimator": "islam2021_score", "value": shares.scores[factor], "ci_low": low,
                 "ci_high": high, "null": shares.null_scores[factor], **common}
            )  # fmt: skip
    return table, unit_rows


def convergence_plans(labels: pd.DataFrame, plan: Design, *, seed: int = 0) -> list[Design]:
    """Designs with fewer pairs, several of each size; sizes beyond what there is are left out."""
    settings = plan.settings
    most = max(plan.pairs[factor].available for factor in FACTORS)
    plans = []
    for size in settings.convergence:
        if size > most:
            continue
        fewer = settings.replace(max_pairs=size, resamples=0)
        plans += [
            design(labels, settings=fewer, seed=seed * 1000 + repeat)
            for repeat in range(settings.repeats)
        ]
    return plans


def convergence(
    features: np.ndarray, plans: Sequence[Design], repeats: int
) -> list[dict[str, object]]:
    """Estimates of one stage from subsamples of its pairs.

    Parameters
    ----------
    features : ndarray of shape (n, units)
    plans : sequence of Design
        From `convergence_plans`.
    repeats : int
        How many of them belong to each size.

    Returns
    -------
    list of dict
        Rows with `CONVERGENCE_COLUMNS` without the stage.
    """
    if not plans:
        return []
    features = check_features(features)
    scores = scores_of(features, plans[0])
    table: list[dict[str, object]] = []
    for number, plan in enumerate(plans):
        shares = islam2021(features, plan, intervals=False)
        for factor in FACTORS:
            found = mutual_information(features, plan, factor, scores=scores, intervals=False)
            common = {"factor": factor, "n_pairs": found.n_pairs, "repeat": number % repeats}
            table += [
                {"estimator": "mutual_information", "value": found.value, **common},
                {"estimator": "islam2021_score", "value": shares.scores[factor], **common},
            ]
    return table


def of_features(
    folder: str | Path, plan: Design, *, fewer: Sequence[Design] = (), units: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Both estimators on every stage of a folder of features.

    Parameters
    ----------
    folder : path
        See `texshape.features.stored`.
    plan : Design
        Of the images.
    fewer : sequence of Design
        From `convergence_plans`.
    units : bool
        Return the distributions over units too.

    Returns
    -------
    tuple of DataFrame
        Of `DIMENSIONALITY`, then with `UNIT_COLUMNS` and `CONVERGENCE_COLUMNS`; the latter two are empty unless
        asked for.

    Raises
    ------
    InputError
        If the features are missing, damaged, or not those of so many images.
    """
    import pandas as pd

    found, by_unit, converging = [], [], []
    for part in stored(folder, plan.settings.inputs, plan.n_images):
        # A class token is a population of its own: it stands as a stage of its own.
        where = {"stage": part.name}
        own, distribution = rows(part.array, plan, units=units)
        found += [{**row, **where} for row in own]
        by_unit += [{**row, **where} for row in distribution]
        repeated = convergence(part.array, fewer, plan.settings.repeats)
        converging += [{**row, **where} for row in repeated]
    table = DIMENSIONALITY.frame(found)
    counts = [column for column in table.columns if column.startswith("n_")]
    return (
        table.astype(dict.fromkeys(counts, "Int64")),
        pd.DataFrame(by_unit, columns=UNIT_COLUMNS),
        pd.DataFrame(converging, columns=CONVERGENCE_COLUMNS),
    )
