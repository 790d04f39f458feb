"""Accuracy on images whose patches are shuffled: how local the cues are that a network uses."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import GREY


def by_patches(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """A panel an architecture, a line an arm and set: accuracy against the number of patches a side.

    Networks trained on other pictures than plain ones are shown those too, dashed and hollow: on
    plain ones alone, which they never saw, a low curve speaks of the kind of picture as well.
    """
    title = "Shuffled patches"
    frame = style.trained_on_base(tables["shuffling"], settings)
    sets = sorted(set(frame["set"]), key=lambda name: style.position(name, ["test-plain"]))
    if frame.empty:
        return style.empty(title)
    pairs = style.in_order(frame)
    names = list(dict.fromkeys(architecture for architecture, _ in pairs))
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure = style.make(height=0.8 + 1.7 * lines)
    axes = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    ks = sorted(set(frame["k"]))
    handles: dict[str, Any] = {}
    for place, name in enumerate(names):
        axis = axes[place // columns, place % columns]
        for arm in [arm for architecture, arm in pairs if architecture == name]:
            color, marker = style.arm_look(arm, frame["arm"])
            rows = frame[(frame["architecture"] == name) & (frame["arm"] == arm)]
            for shown in [name for name in sets if name in set(rows["set"])]:
                common = shown == sets[0]
                means = rows[rows["set"] == shown].groupby("k")["accuracy"].mean()
                label = (
                    style.arm_name(arm)
                    if len(sets) == 1
                    else f"{arm} on {shown.removeprefix('test-')}"
                )
                (handles[label],) = axis.plot(
                    [ks.index(k) for k in means.index], style.percent(means), marker=marker,
                    color=color, linestyle="-" if common else "--",
                    markerfacecolor=color if common else "white",
                )  # fmt: skip
            for row in rows.itertuples():
                style.interval(axis, 100 * row.ci_low, 100 * row.ci_high, ks.index(row.k), color,
                               vertical=True, width=0.7)  # fmt: skip
        if frame.loc[frame["architecture"] == name, "accuracy"].isna().all():
            style.undefined(axis, 50, (len(ks) - 1) / 2)
        chance = style.mean(style.percent(frame["chance"]))
        handles["chance"] = axis.axhline(chance, color=GREY, linestyle=":", linewidth=1)
        axis.set_title(style.network_label(name))
        axis.set_xticks(range(len(ks)), [f"{k} x {k}" for k in ks], rotation=45, ha="right")
        style.percent_axis(axis, "y", "accuracy, %" if place % columns == 0 else "")
    for place in range(len(names), lines * columns):
        axes[place // columns, place % columns].set_axis_off()
    columns = 5 if len(sets) == 1 else 3  # longer names
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns)
    counts, seeds = style.counts(frame["n"]), style.seeds_of(frame)
    words.heading(figure, f"{title}: n = {counts} images, {seeds}")
    return figure
