"""The experiment in brief: which networks it has, and each measure's mean over seeds for `dvc metrics`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from texshape.experiment.runs import model_parts


def list_models(trained: Mapping[str, Mapping[str, Any]], named: Mapping[str, str]) -> pd.DataFrame:
    """One row a network: its slug, full name, architecture, arm or weights, and seeds.

    Parameters
    ----------
    trained : mapping
        Slug to ``architecture``, ``arm`` and ``seeds`` of each network that the experiment trains.
    named : mapping
        Slug to full name of each network that is measured as it is.
    """
    rows = [
        {"model": slug, "name": slug, "architecture": entry["architecture"], "arm": entry["arm"],
         "seeds": " ".join(map(str, entry["seeds"]))}
        for slug, entry in trained.items()
    ]  # fmt: skip
    for slug, name in named.items():
        architecture, weights = model_parts(slug)
        rows.append({"model": slug, "name": name, "architecture": architecture, "arm": weights,
                     "seeds": "0"})  # fmt: skip
    columns = ["model", "name", "architecture", "arm", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def summarize(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Means over seeds by measure and network, nested for ``dvc metrics show``.

    Parameters
    ----------
    tables : mapping
        Tables by name; ``shape_bias`` and ``accuracy`` are used, each with ``model`` and ``seed``, and
        ``shape_bias_by_set`` where there is one.

    Returns
    -------
    dict
        ``{"shape_bias": {model: value or None}, "cue_match_rate": ..., "accuracy": {set: {model: ...}}}``,
        rounded to six digits; further conflict sets as ``{"other_conflicts": {set: {"shape_bias": ...}}}``.
    """
    summary: dict[str, Any] = {}
    bias = tables["shape_bias"]
    for measure in ("shape_bias", "cue_match_rate"):
        summary[measure] = _means(bias, measure)
    accuracy = tables["accuracy"]
    for (name, cue), rows in accuracy.groupby(["set", "cue"], sort=True):
        summary.setdefault("accuracy", {})[f"{name} ({cue})"] = _means(rows, "accuracy")
    by_set = tables.get("shape_bias_by_set")
    for name, rows in [] if by_set is None else by_set.groupby("set", sort=True):
        if name != "cue-conflict":
            summary.setdefault("other_conflicts", {})[name] = {
                measure: _means(rows, measure) for measure in ("shape_bias", "cue_match_rate")
            }
    return summary


def _means(frame: pd.DataFrame, column: str) -> dict[str, float | None]:
    means = frame.groupby("model", sort=True)[column].mean()
    return {
        model: None if pd.isna(mean) else round(float(mean), 6) for model, mean in means.items()
    }
