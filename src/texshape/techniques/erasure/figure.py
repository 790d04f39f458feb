"""Known is not used: decisions after a cue's subspace was erased from a stage's activations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import FAINT, GREY
from texshape.techniques.readout.figure import trained_last

ROWS = [  # cue whose subspace, what is erased, label
    ("shape", "nothing", "as it is"),
    ("shape", "cue", "shape erased"),
    ("shape", "groups", "groups of shapes"),
    ("shape", "random", "random, same size"),
    ("texture", "cue", "texture erased"),
    ("texture", "groups", "groups of textures"),
    ("texture", "random", "random, same size"),
]


def by_condition(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Share of decisions for either cue, as the network is and after erasure: a panel a network.

    Shown is the last stage that was erased, where the test is exact. Each marker is a seed with its
    interval (groupings and random subspaces: a draw), the upright bar the mean.
    """
    title = "Decisions after erasure"
    frame = style.trained_on_base(tables["erasure"], settings)
    if "epoch" in frame.columns and len(frame):
        frame = trained_last(frame)
    frame = frame[~frame["arm"].isin(["untrained", "baseline"])]
    if frame.empty:
        return style.empty(title)
    frame = frame[frame["stage"] == frame.groupby("model")["stage"].transform("last")]
    pairs = style.in_order(frame)
    # One architecture says enough: the others stand in the table.
    if settings.get("architecture"):
        main = style.main_architecture(frame, settings)
        pairs = [pair for pair in pairs if pair[0] == main]
    every, pairs = pairs, pairs[:6]
    columns = 2 if len(pairs) == 4 else min(3, len(pairs))
    lines = -(-len(pairs) // columns)
    figure = style.make(height=0.75 + 2.0 * lines)
    axes = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    handles: dict[str, Any] = {}
    for axis, (architecture, arm) in zip(axes.flat, pairs, strict=False):
        rows = frame[(frame["architecture"] == architecture) & (frame["arm"] == arm)]
        for place, (cue, erased, _) in enumerate(ROWS):
            chosen = rows[(rows["cue"] == cue) & (rows["erased"] == erased)]
            for shift, (name, (color, marker)) in zip((-0.16, 0.16), style.CUES.items(),
                                                      strict=True):  # fmt: skip
                handles[f"{name} decisions"] = _points(axis, chosen, name, place + shift, color,
                                                       marker)  # fmt: skip
        for edge in (0.5, 3.5):
            axis.axhline(edge, color=FAINT, linewidth=0.8, zorder=0)
        axis.set_title(style.network_label(architecture, arm, room=22), fontsize=8)
        style.percent_axis(axis, "x")
    axes[0, 0].set_yticks(range(len(ROWS)), [label for *_, label in ROWS])
    axes[0, 0].set_ylim(len(ROWS) - 0.5, -0.5)
    for axis in axes.flat[len(pairs) :]:
        axis.set_axis_off()
    for axis in axes.flat[max(len(pairs) - columns, 0) : len(pairs)]:  # the lowest of each column
        axis.set_xlabel("% of decisions")
        axis.tick_params(labelbottom=True)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2)
    count, seeds = style.counts(frame["n_images"]), style.seeds_of(frame)
    words.heading(
        figure,
        f"{title} at the last stage: n = {count} conflict images, {seeds}"
        f"{style.of_all(len(pairs), len(every))}",
    )
    return figure


def _points(axis: Any, rows: pd.DataFrame, cue: str, y: float, color: str, marker: str) -> Any:
    """Seeds (or draws) of one condition with intervals, and their mean."""
    values = style.percent(rows[f"{cue}_share"])
    for value, row in zip(values, rows.to_dict("records"), strict=True):
        style.interval(axis, 100 * row[f"{cue}_share_low"], 100 * row[f"{cue}_share_high"], y,
                       color)  # fmt: skip
        axis.plot(value, y, marker, color=color, markersize=3, alpha=0.7)
    if not np.isfinite(values).any():
        style.undefined(axis, y)
    axis.plot(style.mean(values), y, "|", color=color, markersize=9, markeredgewidth=1.6)
    return axis.plot([], [], marker, color=color if len(rows) else GREY)[0]
