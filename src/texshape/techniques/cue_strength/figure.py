"""The cue-strength curve: share of shape decisions against the strength of the texture cue."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import FAINT, GREY


def curves(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """A panel an architecture: curve of each arm, its balance point on the line at one half.

    Below each panel the share of trials that were decided for either cue: a share of few decisions
    says little.
    """
    title = "Cue strength"
    frame = style.trained_on_base(tables["cue_strength"], settings)
    if frame.empty:
        return style.empty(title)
    pairs = style.in_order(frame)
    names = list(dict.fromkeys(architecture for architecture, _ in pairs))
    columns = min(3 if len(names) <= 6 else 4, len(names))
    lines = -(-len(names) // columns)
    figure = style.make(height=0.8 + (2.4 if lines < 3 else 1.9) * lines)  # at most a page
    axes = figure.subplots(2 * lines, columns, squeeze=False, sharex=True,
                           height_ratios=[3, 1.2] * lines)  # fmt: skip
    handles: dict[str, Any] = {}
    for place, name in enumerate(names):
        top = axes[2 * (place // columns), place % columns]
        bottom = axes[2 * (place // columns) + 1, place % columns]
        top.axhline(50, color=FAINT, linewidth=1)
        for arm in [arm for architecture, arm in pairs if architecture == name]:
            color, marker = style.arm_look(arm, frame["arm"])
            rows = frame[(frame["architecture"] == name) & (frame["arm"] == arm)]
            means = rows.groupby("strength")[["shape_share", "cue_match_rate"]].mean()
            for _, one in rows.groupby("seed", dropna=False):
                top.plot(one["strength"], style.percent(one["shape_share"]), color=color,
                         linewidth=0.6, alpha=0.5)  # fmt: skip
            handles[style.arm_name(arm)] = top.plot(means.index, style.percent(means["shape_share"]),
                                    marker=marker, color=color)[0]  # fmt: skip
            balance = rows.drop_duplicates("seed")["balance_point"].to_numpy(float)
            balance = balance[np.isfinite(balance)]
            top.plot(balance, np.full(len(balance), 50), "|", color=color, markersize=9)
            bottom.plot(means.index, style.percent(means["cue_match_rate"]), color=color)
        if frame.loc[frame["architecture"] == name, "shape_share"].isna().all():
            style.undefined(top, 25, 0.5)
        top.set_title(style.network_label(name))
        labels = ("shape decisions, %", "cue match, %") if lines < 3 else ("shape, %", "match, %")
        for axis, label in zip((top, bottom), labels, strict=True):
            style.percent_axis(axis, "y", label if place % columns == 0 else "")
        bottom.set_yticks([0, 50, 100])
        bottom.set_xlabel("texture strength")
    for place in range(len(names), lines * columns):
        axes[2 * (place // columns), place % columns].set_axis_off()
        axes[2 * (place // columns) + 1, place % columns].set_axis_off()
    handles["balance point"] = axes[0, 0].plot([], [], "|", color=GREY, markersize=9)[0]
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5)
    counts, seeds = style.counts(frame["n_conflict"]), style.seeds_of(frame)
    words.heading(figure, f"{title}: n = {counts} conflict trials a strength, {seeds}")
    return figure
