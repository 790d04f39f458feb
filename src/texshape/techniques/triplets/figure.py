"""Share of choices for shape by stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import GREEN, GREY, PURPLE
from texshape.techniques.readout.figure import trained_last

#: match and centring -> colour, marker, line, label
KINDS = {
    ("class", True): (PURPLE, "o", "-", "another exemplar, centred"),
    ("class", False): (PURPLE, "", ":", "another exemplar, raw"),
    ("exemplar", True): (GREEN, "s", "-", "the very exemplar, centred"),
    ("exemplar", False): (GREEN, "", ":", "the very exemplar, raw"),
}
MOST = 6  # networks that panels are drawn of; the table has all


def by_stage(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """A panel a network: share of choices for shape by stage, mean over seeds as a line.

    Markers are seeds with their intervals over exemplars, of centred features; raw ones are dotted.
    """
    title = "Choices by likeness"
    frame = style.trained_on_base(tables["triplets"], settings)
    if "epoch" in frame.columns and len(frame):
        frame = trained_last(frame)
    every = style.in_order(frame)
    pairs = every[:MOST]
    if not pairs:
        return style.empty(title)
    columns = min(3, len(pairs))
    lines = -(-len(pairs) // columns)
    figure = style.make(height=1.0 + 1.7 * lines)
    axes = figure.subplots(lines, columns, squeeze=False, sharey=True)
    handles: dict[str, Any] = {}
    for axis, (architecture, arm) in zip(axes.flat, pairs, strict=False):
        rows = frame[(frame["architecture"] == architecture) & (frame["arm"] == arm)]
        stages = list(dict.fromkeys(rows["stage"]))
        for (match, centred), (color, marker, dashes, label) in KINDS.items():
            own = rows[(rows["match"] == match) & (rows["centred"].astype(str) == str(centred))]
            if own["shape_share"].isna().all():
                continue
            for row in own.to_dict("records") if marker else []:
                place = stages.index(row["stage"])
                style.interval(axis, 100 * row["ci_low"], 100 * row["ci_high"], place, color,
                               vertical=True)  # fmt: skip
                axis.plot(place, 100 * row["shape_share"], marker, color=color, markersize=3)
            means = own.groupby("stage")["shape_share"].mean().reindex(stages)
            (handles[label],) = axis.plot(
                range(len(stages)), style.percent(means), dashes, color=color, linewidth=1.2
            )
        if rows["shape_share"].isna().all():
            style.undefined(axis, 50, (len(stages) - 1) / 2)
        handles["chance"] = axis.axhline(50, color=GREY, linewidth=0.8, zorder=0)
        axis.set_title(style.network_label(architecture, arm, room=22), fontsize=7.5)
        axis.set_xticks(range(len(stages)), stages, fontsize=6.5, rotation=45, ha="right")
        axis.set_xlim(-0.4, max(len(stages) - 0.6, 0.4))
    for axis in axes.flat[len(pairs) :]:
        axis.set_axis_off()
    values = frame[["shape_share", "ci_low", "ci_high"]].to_numpy(float)
    reach = np.nanmax(np.abs(values - 0.5)) if np.isfinite(values).any() else 0.5
    half = 100 * min(max(reach + 0.03, 0.1), 0.53)
    axes[0, 0].set_ylim(50 - half, 50 + half)
    for axis in axes[:, 0]:
        axis.set_ylabel("choices for shape, %", fontsize=7)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, fontsize=7)
    count, seeds = style.counts(frame["n_anchors"]), style.seeds_of(frame)
    part = style.of_all(len(pairs), len(every))
    words.heading(figure, f"{title}: n = {count} anchors, {seeds}{part}")
    return figure
