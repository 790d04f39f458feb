"""Receptive fields: their size by stage, and what a network can do with a small one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style
from texshape.figures.style import GREY, INK

TRAINED_AND_TESTED = [  # arm, test set, label
    ("plain", "test-plain", "plain → plain"),
    ("plain", "test-stylized", "plain → stylized"),
    ("stylized", "test-stylized", "stylized → stylized"),
]
PLAIN, STYLIZED = (style.ARMS[arm][0] for arm in ("plain", "stylized"))
LOOKS = [(PLAIN, "o", "-"), (style.ORANGE, "v", ":"), (STYLIZED, "s", "-")]


SHORT = 8  # letters: longer names below neighbouring fields would overlap


def field_of(frame: pd.DataFrame) -> dict[str, float]:
    """Theoretical receptive field of each architecture's last stage, pixels."""
    sizes = frame.assign(theoretical=pd.to_numeric(frame["theoretical"], errors="coerce"))
    return sizes.groupby("architecture")["theoretical"].max().dropna().to_dict()


def accuracy_by_field(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Accuracy against receptive field, trained and tested on plain or on stylized images.

    Networks of the same field but another width (the control) stand as hollow markers.
    """
    title = "How far local patches get"
    accuracy = style.trained_on_base(tables["accuracy"], settings)
    accuracy = accuracy[accuracy["cue"] == "shape"]
    fields = field_of(tables["receptive_field"])
    wanted = {(arm, name) for arm, name, _ in TRAINED_AND_TESTED}
    keep = [pair in wanted for pair in zip(accuracy["arm"], accuracy["set"], strict=True)]
    accuracy = accuracy[np.array(keep, dtype=bool) & accuracy["architecture"].isin(fields)]
    if accuracy.empty:
        return style.empty(title, "undefined: no network has accuracy and receptive field")
    figure = style.make(height=3.0)
    axis = figure.add_subplot()
    for (arm, set_name, label), (color, marker, line) in zip(
        TRAINED_AND_TESTED, LOOKS, strict=True
    ):
        rows = accuracy[(accuracy["arm"] == arm) & (accuracy["set"] == set_name)]
        control = rows["architecture"].str.endswith("-wide")
        _series(axis, rows[~control], fields, (color, marker, line), label)
        _series(axis, rows[control], fields, (color, marker, ""), "")
    axis.plot([], [], "o", color=GREY, markerfacecolor="white", label="same field, wider")
    names = {fields[a]: style.network_label(a) for a in sorted(accuracy["architecture"].unique())
             if not a.endswith("-wide")}  # fmt: skip
    ticks = sorted({fields[a] for a in accuracy["architecture"].unique()})
    upright = max(map(len, names.values()), default=0) <= SHORT
    if upright:
        axis.set_xticks(ticks, [f"{x:g}\n{names.get(x, '')}" for x in ticks])
    else:
        labels = [f"{names.get(x, '')} {x:g}" for x in ticks]
        axis.set_xticks(ticks, labels, fontsize=6.5, rotation=25, ha="right")
    axis.set_xlabel("theoretical receptive field of the last stage (px)")
    style.percent_axis(axis, "y", "accuracy, shape class (%)")
    count = style.counts(accuracy["n"])
    axis.set_title(f"{title}: n = {count} images, points are seeds")
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=4,
                  title="trained on → tested on", title_fontsize=7.5)  # fmt: skip
    return figure


def _series(axis: Any, rows: pd.DataFrame, fields: dict[str, float], look: tuple[str, str, str],
            label: str) -> None:  # fmt: skip
    color, marker, line = look
    points = rows.assign(field=rows["architecture"].map(fields), value=100 * rows["accuracy"])
    hollow = {"markerfacecolor": "white"} if not line else {}
    axis.plot(points["field"], points["value"], marker, color=color, markersize=3.5 if line else 6,
              alpha=0.7, zorder=3 if line else 1, **hollow)  # fmt: skip
    if line:
        averages = points.groupby("field")["value"].mean().dropna()
        axis.plot(averages.index, averages, line, marker=marker, color=color, label=label)
    if len(rows) and not np.isfinite(points["value"]).any():
        for x in points["field"].unique():
            style.undefined(axis, 50, x)


def by_stage(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Theoretical and effective field by stage, a panel an architecture, means over seeds."""
    frame = tables["receptive_field"]
    if "arm" in frame:
        frame = style.trained_on_base(frame, settings)
    if frame.empty:
        return style.empty("Receptive field by stage")
    names = sorted(frame["architecture"].unique(),
                   key=lambda name: style.position(name, style.ARCHITECTURES))  # fmt: skip
    columns = min(len(names), 3)
    lines = -(-len(names) // columns)
    figure = style.make(height=0.9 + 1.7 * lines)
    axes = figure.subplots(lines, columns, squeeze=False, sharey=True)
    handles: dict[str, Any] = {}
    for axis, name in zip(axes.flat, names, strict=False):
        rows = frame[frame["architecture"] == name]
        stages = list(dict.fromkeys(rows["stage"]))
        for label, part, column, (color, marker), line in _measures(rows):
            values = pd.to_numeric(part[column], errors="coerce")
            means = values.groupby(part["stage"]).mean().reindex(stages)
            (handle,) = axis.plot(range(len(stages)), means, line, marker=marker, color=color)
            handles.setdefault(label, handle)
            if column == "theoretical":
                words = part.groupby("stage")[column].first().reindex(stages)
                for x in np.flatnonzero(means.isna()):
                    word = "global" if words.iloc[x] == "global" else "undefined"
                    style.undefined(axis, 1, x, word)
        size = pd.to_numeric(rows["image_size"], errors="coerce").max()
        if np.isfinite(size):
            handles.setdefault(
                f"image, {size:g} px",
                axis.axhline(size, color=GREY, linestyle="--", linewidth=0.8, zorder=0),
            )
        axis.set_xticks(range(len(stages)), stages, rotation=30, ha="right")
        axis.set_title(style.network_label(name))
        axis.set_ylim(bottom=0)
    for axis in axes.flat[len(names) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel("side (px)")
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)
    return figure


def _measures(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame, str, tuple[str, str], str]]:
    """Label, rows, column, look and line of each curve; the trained field has one an arm."""
    curves = [("theoretical", rows, "theoretical", (INK, "s"), "-"),
              ("effective, untrained", rows, "effective_untrained", (GREY, "x"), ":")]  # fmt: skip
    if "arm" not in rows:
        return [*curves, ("effective, trained", rows, "effective_trained", (style.GREEN, "o"), "-")]
    for arm in sorted(rows["arm"].unique(), key=lambda arm: style.position(arm, style.ARMS)):
        look = style.arm_look(arm, rows["arm"])
        curves.append(
            (
                f"effective, {style.arm_name(arm)}",
                rows[rows["arm"] == arm],
                "effective_trained",
                look,
                "-",
            )
        )
    return curves
