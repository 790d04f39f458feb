"""Consistency with humans, picture by picture (Geirhos et al. 2020, 2021)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.comparison import LOOKS, kind_of

MEASURES = {
    "error_consistency": "Error\nconsistency",
    "observed_consistency": "Observed\nconsistency",
    "accuracy_difference": "Accuracy diff.,\nsquared",
    "ood_accuracy": "Accuracy\n(%)",
}
SCALE = {"ood_accuracy": 100.0}


def with_humans(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """All subjects on the same data sets, by error consistency, with intervals; a panel a measure.

    The data sets are those that the networks measured here have seen, or all of the benchmark where
    there is no such network.
    """
    title = "Consistency with humans"
    frame = tables["benchmark"]
    if frame.empty:
        return style.empty(title)
    own = frame[frame["arm"] != "published"]
    group = (own if len(own) else frame)["datasets"].iloc[0]
    frame = frame[frame["datasets"] == group]
    frame = frame.sort_values(["error_consistency", "model"], ascending=[False, True],
                              na_position="last")  # fmt: skip
    step, size = (0.17, 7) if len(frame) <= 30 else (0.125, 6)
    figure = style.make(height=1.0 + step * len(frame))
    axes = figure.subplots(1, len(MEASURES), sharey=True, width_ratios=[1.6, 1, 1, 1])
    for axis, (measure, label) in zip(axes, MEASURES.items(), strict=True):
        for y, row in enumerate(frame.to_dict("records")):
            color, marker = LOOKS[kind_of(row["architecture"], row["arm"])]
            scale = SCALE.get(measure, 1.0)
            value = scale * float(row[measure])
            if not np.isfinite(value):
                continue
            low, high = row.get(f"{measure}_low", np.nan), row.get(f"{measure}_high", np.nan)
            style.interval(axis, scale * low, scale * high, y, color, width=1.6)
            axis.plot(value, y, marker, color=color, markersize=3.5, zorder=3)
        if measure == "error_consistency":
            for y in np.flatnonzero(~np.isfinite(frame[measure].to_numpy(float))):
                style.undefined(axis, y, 0.0)
        axis.set_title(label, fontsize=7.5)
        axis.tick_params(axis="x", labelsize=6.5)
        axis.locator_params(axis="x", nbins=4)
    several = frame["model"].duplicated(keep=False)
    labels = [
        style.network_label(row["architecture"]) + (f" · seed {row['seed']:.0f}" if more else "")
        for row, more in zip(frame.to_dict("records"), several, strict=True)
    ]
    axes[0].set_yticks(range(len(frame)), labels, fontsize=size)
    for label, row in zip(axes[0].get_yticklabels(), frame.to_dict("records"), strict=True):
        if kind_of(row["architecture"], row["arm"]) != "published network":
            label.set_fontweight("bold")
    axes[0].set_ylim(len(frame) - 0.4, -0.6)
    present = {kind_of(row["architecture"], row["arm"]) for row in frame.to_dict("records")}
    handles = [axes[0].plot([], [], marker, color=color, label=name)[0]
               for name, (color, marker) in LOOKS.items() if name in present]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    count = style.counts(frame["n_datasets"])
    sets = "data set" if count == "1" else "data sets"
    words.heading(figure, f"{title}: n = {count} {sets} ({str(group).replace('+', ', ')})")
    return figure
