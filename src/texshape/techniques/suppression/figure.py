"""Accuracy kept when a cue is suppressed in degrees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from texshape.figures import style, words
from texshape.figures.style import GREY
from texshape.techniques.suppression.estimate import INTACT
from texshape.techniques.suppression.filters import SUPPRESSIONS
from texshape.techniques.suppression.technique import LACKING

CONTROL = Line2D([], [], color=GREY, linestyle="--", linewidth=0.8)
TITLES = {
    "patch-shuffle": "patches shuffled",
    "patch-rotation": "patches turned",
    "bilateral": "bilateral filter",
    "gaussian-blur": "Gaussian blur",
    "non-local-means": "non-local means",
    "grey": "towards grey",
    "channels": "channels permuted",
    "patch-shuffle+grey": "shuffled, grey",
    "bilateral+patch-shuffle": "filtered, shuffled",
    "bilateral+grey": "filtered, grey",
}


def by_degree(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """A panel a suppression of one architecture, a line an arm: accuracy kept against the degree.

    Dashed, the same networks on pictures that lack the cue: what is lost there is lost to the suppression.
    """
    title = "Accuracy kept when a cue is suppressed"
    every = style.trained_on_base(tables["suppression"], settings)
    frame = every[(every["shows"] == "both") & (every["suppression"] != INTACT)]
    if frame.empty:
        return style.empty(title)
    frame = frame[frame["set"] == frame["set"].iloc[0]]
    name = style.main_architecture(frame, settings)
    frame = frame[frame["architecture"] == name]
    controls = every[(every["architecture"] == name) & (every["shows"] != "both")]
    strongest = frame.groupby("suppression")["degree"].max()
    kinds = [kind for kind in SUPPRESSIONS if strongest.get(kind, 0) > 1]
    # A single degree makes no line: it stands in the table, unless there is nothing else.
    kinds = kinds or [kind for kind in SUPPRESSIONS if kind in strongest]
    columns = min(3, len(kinds))
    lines = -(-len(kinds) // columns)
    figure = style.make(height=0.9 + 1.5 * lines)
    axes = figure.subplots(lines, columns, squeeze=False, sharey=True)
    handles: dict[str, Any] = {}
    arms = [arm for _, arm in style.in_order(frame)]
    for axis, kind in zip(axes.flat, kinds, strict=False):
        own = frame[frame["suppression"] == kind]
        for arm in arms:
            color, marker = style.arm_look(arm, frame["arm"])
            rows = own[own["arm"] == arm]
            if rows["kept"].notna().any():
                means = rows.groupby("degree")["kept"].mean()
                handles[style.arm_name(arm)] = axis.plot(means.index, style.percent(means), marker=marker,
                                         color=color, markersize=3)[0]  # fmt: skip
            for row in rows.itertuples():
                style.interval(axis, 100 * row.kept_low, 100 * row.kept_high, row.degree, color,
                               vertical=True, width=0.7)  # fmt: skip
            lacking = _lacking(controls, kind, arm).groupby("degree")["kept"].mean()
            if lacking.notna().any():
                axis.plot(
                    lacking.index,
                    style.percent(lacking),
                    color=color,
                    linestyle="--",
                    linewidth=0.8,
                )
                handles["pictures without the cue"] = CONTROL
        chance = style.mean(style.percent(own["kept_by_chance"]))
        if np.isfinite(chance):
            handles["guessing"] = axis.axhline(chance, color=GREY, linestyle=":", linewidth=1)
        else:
            style.undefined(axis, 50, float(own["degree"].mean()))
        cues = SUPPRESSIONS[kind].cues
        axis.set_title(TITLES[kind] + (f" ({cues[0]})" if len(cues) == 1 else ""), fontsize=7.5)
        axis.set_xticks(sorted(own["degree"].unique()))
    for axis in axes[:, 0]:
        axis.set_ylabel("accuracy kept, %", fontsize=7.5)
    for axis in axes.flat[len(kinds) :]:
        axis.set_axis_off()
    for axis in axes.flat[max(len(kinds) - columns, 0) : len(kinds)]:
        axis.set_xlabel("degree")
    axes[0, 0].set_ylim(-3, max(108.0, 103 * float(np.nanmax([1.0, *frame["kept"]]))))
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    counts, seeds = style.counts(frame["n_images"]), style.seeds_of(frame)
    words.heading(figure, f"{title}: {style.network_label(name)}, n = {counts} images, {seeds}")
    return figure


def _lacking(controls: pd.DataFrame, kind: str, arm: str) -> pd.DataFrame:
    """Rows of one arm on pictures that lack the one cue that a suppression takes; none of two cues at once."""
    cues = SUPPRESSIONS[kind].cues
    chosen = (controls["suppression"] == kind) & (controls["arm"] == arm)
    return controls[chosen & (controls["shows"] == LACKING.get(cues[0] if len(cues) == 1 else ""))]
