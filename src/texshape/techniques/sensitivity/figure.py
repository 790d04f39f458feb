"""How much a network's shape bias moves with choices that have nothing to do with the network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.experiment.runs import model_parts
from texshape.figures import style
from texshape.figures.style import GREY

LOOKS = {"mean": (style.INK, "s"), "sum": (style.ORANGE, "o"), "max": (style.GREEN, "D"),
         "mean_logits": (style.PURPLE, "^")}  # fmt: skip


def grid(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Bias of each network under every preprocessing (rows) and aggregation (markers)."""
    title = "Sensitivity of the shape bias"
    frame = tables["sensitivity"]
    if frame.empty:
        return style.empty(title)
    names = sorted(frame["model"].unique())
    keys = [
        (str(p), str(i))
        for p, i in zip(frame["preprocessing"], frame["interpolation"], strict=True)
    ]
    frame = frame.assign(pipeline=[f"{p}, {i}" for p, i in keys])
    pipelines = list(dict.fromkeys(frame["pipeline"]))
    aggregations = list(dict.fromkeys(frame["aggregation"]))
    figure = style.make(height=0.9 + len(names) * (0.25 + 0.25 * len(pipelines)))
    axes = figure.subplots(len(names), 1, squeeze=False, sharex=True)[:, 0]
    offsets = np.linspace(-0.27, 0.27, len(aggregations)) if len(aggregations) > 1 else [0.0]
    for axis, name in zip(axes, names, strict=True):
        rows = frame[frame["model"] == name]
        for offset, aggregation in zip(offsets, aggregations, strict=True):
            color, marker = LOOKS.get(aggregation, (GREY, "x"))
            for y, pipeline in enumerate(pipelines):
                chosen = (rows["pipeline"] == pipeline) & (rows["aggregation"] == aggregation)
                for row in rows[chosen].itertuples():
                    if np.isfinite(row.shape_bias):
                        style.interval(axis, 100 * row.ci_low, 100 * row.ci_high, y + offset, color)
                        axis.plot(100 * row.shape_bias, y + offset, marker, color=color,
                                  markersize=3.5)  # fmt: skip
                    else:
                        style.undefined(axis, y + offset, 50 + 90 * offset)
        span = style.percent(rows["shape_bias"])
        known = span[np.isfinite(span)]
        spread = f", spread {np.ptp(known):.1f} points" if len(known) else ", undefined"
        label = style.network_label(*model_parts(name))
        axis.set_title(f"{label}{spread}, n = {style.counts(rows['n_conflict'])}")
        axis.set_yticks(range(len(pipelines)), pipelines)
        axis.set_ylim(len(pipelines) - 0.5, -0.5)
        _zoom(axis, style.percent(frame[["ci_low", "ci_high", "shape_bias"]]))
    axes[-1].set_xlabel("shape decisions (% of cue matches)")
    for aggregation in aggregations:
        color, marker = LOOKS.get(aggregation, (GREY, "x"))
        axes[0].plot([], [], marker, color=color, label=aggregation.replace("_", " of "))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center",
                  ncols=len(aggregations), title="outputs of a category combined by")  # fmt: skip
    return figure


def _zoom(axis: Any, values: np.ndarray) -> None:
    known = values[np.isfinite(values)]
    if not len(known):
        axis.set_xlim(0, 100)
    else:
        margin = 0.05 * max(np.ptp(known), 4.0)
        axis.set_xlim(max(known.min() - margin, -3), min(known.max() + margin, 103))
