"""Information about shape and texture in the units of each stage (Islam et al. 2021)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style
from texshape.figures.style import GREY
from texshape.techniques.readout.figure import trained_last, untrained

ESTIMATORS = {
    "mutual_information": ("information above null (nats a unit)", 1.0, ["shape", "texture"]),
    "islam2021_score": ("score before the softmax", 1.0, ["shape", "texture"]),
    "islam2021": ("share of dimensions (%)", 100.0, ["shape", "texture", "residual"]),
}
FACTORS = {**style.CUES, "residual": (GREY, "^")}


def by_stage(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Both estimators by stage: a row a measure, a panel an arm of one architecture.

    The dashed lines are the untrained network, the dotted ones the null.
    """
    title = "Dimensionality"
    frame = style.trained_on_base(tables["dimensionality"], settings)
    name = style.main_architecture(frame, settings)
    frame = frame[frame["architecture"] == name]
    estimators = [key for key in ESTIMATORS if key in set(frame["estimator"])]
    arms = [arm for _, arm in style.in_order(frame) if arm != "untrained"]
    if not estimators or not arms:
        return style.empty(title)
    figure = style.make(height=0.8 + 1.75 * len(estimators))
    axes = figure.subplots(len(estimators), len(arms), squeeze=False, sharey="row", sharex=True)
    stages = list(dict.fromkeys(frame["stage"]))
    handles: dict[str, Any] = {}
    for line, estimator in zip(axes, estimators, strict=True):
        label, scale, factors = ESTIMATORS[estimator]
        rows = frame[frame["estimator"] == estimator]
        for axis, arm in zip(line, arms, strict=True):
            for factor in factors:
                here = rows[rows["factor"] == factor]
                color, marker = FACTORS[factor]
                final = trained_last(here[here["arm"] == arm])
                handles[factor] = _line(axis, final, stages, scale, color, marker)
                before = untrained(here)
                before = before[before["arm"].isin([arm, "untrained"])]
                if len(before):
                    means = (scale * before.groupby("stage")["value"].mean()).reindex(stages)
                    (handle,) = axis.plot(range(len(stages)), means, "--", color=color, linewidth=1)
                    handles[f"{factor}, untrained"] = handle
                # The information has its null subtracted already.
                null = (scale * final.groupby("stage")["null"].mean()).reindex(stages)
                null = 0 * null if estimator == "mutual_information" else null
                if null.notna().any():
                    (handles["null pairs"],) = axis.plot(range(len(stages)), null, ":", color=GREY)
            if estimator == estimators[0]:  # once for the panels below each other
                axis.set_title(style.network_label(name, arm, room=20), fontsize=7.5)
            axis.set_xticks(range(len(stages)), stages, fontsize=6.5, rotation=45, ha="right")
        line[0].set_ylabel(label, fontsize=7)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    return figure


def _line(axis: Any, rows: pd.DataFrame, stages: list[str], scale: float, color: str,
          marker: str) -> Any:  # fmt: skip
    means = (scale * rows.groupby("stage")["value"].mean()).reindex(stages)
    for place, stage in enumerate(stages):
        for row in rows[rows["stage"] == stage].itertuples():
            style.interval(axis, scale * row.ci_low, scale * row.ci_high, place, color, width=2.5,
                           vertical=True)  # fmt: skip
            axis.plot(place, scale * row.value, marker, color=color, markersize=2.5, alpha=0.6)
    if len(rows) and not np.isfinite(means.to_numpy(dtype=float)).any():
        axis.text(0.5, 0.5, "undefined", color=GREY, style="italic", ha="center", gid="undefined",
                  transform=axis.transAxes)  # fmt: skip
    (handle,) = axis.plot(range(len(stages)), means, marker=marker, color=color)
    return handle
