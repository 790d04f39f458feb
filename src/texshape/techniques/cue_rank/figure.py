"""Rank of each cue: how well shape and texture are seen, each shown alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from texshape.figures import style, words
from texshape.figures.style import GREY
from texshape.techniques.cue_rank.estimate import ALL

# Column, label, columns of its interval, column of its chance, on a logarithmic axis.
PANELS = (
    ("score", "mean of 1 / rank", ("ci_low", "ci_high"), "chance", False),
    ("top1", "first rank, share", ("top1_low", "top1_high"), "top1_chance", False),
    ("median_rank", "median rank", None, None, True),
)
TICKS = (1, 10, 100, 1000)


def by_network(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """A line a network; its shape and its texture score, first ranks and median rank."""
    title = "Rank of each cue"
    frame = style.trained_on_base(tables["cue_rank"], settings)
    frame = frame[frame["class"] == ALL]
    if frame.empty:
        return style.empty(title)
    name = frame["set"].iloc[0]
    frame = frame[frame["set"] == name]
    pairs = style.in_order(frame)
    labels = [style.network_label(*pair, room=24) for pair in pairs]
    figure = style.make(height=1.1 + words.row_step(labels, 7, 0.24) * len(pairs))
    axes = figure.subplots(1, len(PANELS), sharey=True, width_ratios=[1.4, 1.3, 1.2])
    handles: dict[str, Any] = {}
    for axis, (column, label, limits, chance, logarithmic) in zip(axes, PANELS, strict=True):
        for y, (architecture, arm) in enumerate(pairs):
            own = frame[(frame["architecture"] == architecture) & (frame["arm"] == arm)]
            for shift, (cue, (color, marker)) in zip((-0.17, 0.17), style.CUES.items(),
                                                     strict=True):  # fmt: skip
                for row in own[own["cue"] == cue].to_dict("records"):
                    if not np.isfinite(row[column]):
                        if column == "score":
                            style.undefined(axis, y + shift, 0.5)
                        continue
                    if limits:
                        style.interval(axis, row[limits[0]], row[limits[1]], y + shift, color)
                    handles[cue] = axis.plot(row[column], y + shift, marker, color=color,
                                             markersize=3.5)[0]  # fmt: skip
                    if chance:
                        handles["chance"] = axis.plot(row[chance], y + shift, "|", color=GREY,
                                                      markersize=6)[0]  # fmt: skip
        axis.set_title(label, fontsize=8)
        if logarithmic:
            axis.set_xscale("log")
            axis.set_xlabel("log scale", fontsize=7)
            most = max(2.0, float(frame["n_outputs"].max()))
            axis.set_xlim(0.8, 1.3 * most)
            axis.set_xticks([tick for tick in TICKS if tick <= 1.3 * most], minor=False)
            axis.xaxis.set_major_formatter("{x:g}")
            axis.xaxis.set_minor_locator(NullLocator())
        else:
            axis.set_xlim(-0.03, 1.03)
    axes[0].set_yticks(range(len(pairs)), labels, fontsize=7)
    axes[0].set_ylim(len(pairs) - 0.5, -0.5)
    names = [name for name in (*style.CUES, "chance") if name in handles]
    figure.legend([handles[name] for name in names], names, loc="outside lower center", ncols=3)
    images, outputs = style.counts(frame["n_images"]), style.counts(frame["n_outputs"])
    words.heading(
        figure, f"{title}: n = {images} images a cue, {outputs} outputs, {style.seeds_of(frame)}"
    )
    return figure
