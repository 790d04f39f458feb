"""Accuracy, and error against a baseline's, under common corruptions (Hendrycks and Dietterich 2019)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from texshape.figures import style, words
from texshape.figures.style import GREY

_SUMMARIES = {"sum": "all (sums)", "log_mean": "all (mean of logs)"}


def by_type(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Accuracy by type, and against severity over all types; one architecture, a colour an arm."""
    title = "Corruptions"
    frame = style.trained_on_base(tables["corruptions"], settings)
    architecture = style.main_architecture(frame, settings)
    frame = frame[frame["architecture"] == architecture]
    if frame.empty:
        return style.empty(title)
    arms = [arm for _, arm in style.in_order(frame)]
    types = [name for name in dict.fromkeys(frame["corruption"]) if name != "none"]
    figure = style.make(height=max(2.4, 0.9 + 0.19 * (len(types) + 1)))
    left, right = figure.subplots(1, 2, width_ratios=[1.7, 1])
    handles = {}
    for step, arm in enumerate(arms):
        rows = frame[frame["arm"] == arm]
        color, marker = style.arm_look(arm, arms)
        shift = 0.5 * (step - (len(arms) - 1) / 2) / max(len(arms), 1)
        for place, name in enumerate(["none", *types]):
            by_seed = rows[rows["corruption"] == name].groupby("seed", dropna=False)["accuracy"]
            values = style.percent(by_seed.mean())
            left.plot(values, [place + shift] * len(values), marker, color=color, markersize=2.5,
                      alpha=0.5)  # fmt: skip
            handles[style.arm_name(arm)] = left.plot(
                style.mean(values), place + shift, marker, color=color
            )[0]
        severities = sorted(set(rows["severity"]))
        by_severity = rows.groupby("severity")["accuracy"].mean()
        right.plot(severities, style.percent(by_severity[severities]), marker=marker, color=color)
    if frame["accuracy"].isna().all():
        style.undefined(left, len(types) / 2)
    labels = ["uncorrupted", *(name.replace("_", " ") for name in types)]
    left.set_yticks(range(len(labels)), labels)
    left.invert_yaxis()
    style.percent_axis(left, "x", "accuracy, mean over severities, %")
    style.percent_axis(right, "y", "accuracy over types, %")
    right.set_xlabel("severity (0: uncorrupted)")
    right.set_xticks(sorted(set(frame["severity"])))
    chance = settings.get("chance")
    if chance is not None:
        right.axhline(100 * chance, color=GREY, linestyle=":", linewidth=1)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5)
    count, seeds = style.counts(frame["n"]), style.seeds_of(frame)
    name = style.network_label(architecture)
    words.heading(figure, f"{title}: {name}, n = {count} images a cell, {seeds}")
    return figure


def relative(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Error divided by the plain-trained network's, by type; below 1 is more robust.

    Types that rest on a baseline with almost no errors are drawn hollow. Lines reach over the seeds
    and, where pictures were resampled, over their intervals.
    """
    title = "Error divided by the plain-trained network's"
    frame = style.trained_on_base(tables["corruption_errors"], settings)
    baseline_arm = settings.get("baseline_arm", "plain")
    frame = frame[(frame["arm"] != baseline_arm) & frame["error_ratio"].notna()]
    frame = frame[frame["set"] == frame["baseline_set"]]  # the same pictures for both
    architecture = style.main_architecture(frame, settings)
    frame = frame[frame["architecture"] == architecture]
    if frame.empty:
        return style.empty(title)
    arms = [arm for _, arm in style.in_order(frame)]
    # a type may lack its quotient in the first network, and so come after the summaries
    types = sorted(dict.fromkeys(frame["corruption"]), key=lambda name: name in _SUMMARIES)
    figure = style.make(height=0.8 + 0.19 * len(types))
    axis = figure.add_subplot()
    axis.axvline(1, color=GREY, linewidth=1)
    handles = {}
    for step, arm in enumerate(arms):
        rows = frame[frame["arm"] == arm]
        color, marker = style.arm_look(arm, arms)
        shift = 0.5 * (step - (len(arms) - 1) / 2) / max(len(arms), 1)
        for place, name in enumerate(types):
            here = rows[rows["corruption"] == name]
            marked = here["marked"].astype(str).str.lower().eq("true").any()
            value = style.mean(here["error_ratio"])
            handle = axis.plot(value, place + shift, marker, color=color,
                               markerfacecolor="white" if marked else color)[0]  # fmt: skip
            if not marked:
                handles[style.arm_name(arm)] = handle
            spread = here[["error_ratio", "ci_low", "ci_high"]].to_numpy(float)
            spread = spread[np.isfinite(spread) & (spread > 0)]  # the axis is logarithmic
            if not len(spread):
                continue
            style.interval(axis, spread.min(), spread.max(), place + shift, color)
    axis.set_xscale("log")
    low, high = axis.get_xlim()
    if high < 4 * low:  # powers of ten would leave it without ticks
        axis.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.xaxis.set_minor_formatter(NullFormatter())
    labels = [_SUMMARIES.get(name, name.replace("_", " ")) for name in types]
    axis.set_yticks(range(len(types)), labels)
    axis.invert_yaxis()
    seeds = style.seeds_of(frame)
    axis.set_xlabel("error / error of the plain-trained network (log scale)")
    axis.set_title(f"{style.network_label(architecture)}, {seeds}")
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    return figure
