"""Linear read-out of shape and of texture, by stage (Hermann et al. 2020)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import GREY

COLUMNS = 3  # of panels that show both cues
#: levels that a read-out is held against: what it is called, its column, its line
LEVELS = (("chance", "chance", ":"), ("permuted labels", "permuted", "-."))


def trained_last(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of each network's last checkpoint."""
    last = frame.groupby(["architecture", "arm", "seed"], dropna=False)["epoch"].transform("max")
    return frame[(frame["epoch"] == last) | frame["epoch"].isna()]


def untrained(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of networks before any training: an arm of that name, else the checkpoint of epoch 0."""
    named = frame[frame["arm"] == "untrained"]
    trained = frame[frame["arm"] != "untrained"]
    last = trained.groupby(["architecture", "arm", "seed"], dropna=False)["epoch"].transform("max")
    return named if len(named) else trained[(trained["epoch"] == 0) & (last > 0)]


def by_stage(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Accuracy of the read-outs against stage: a panel a cue and architecture, a line an arm.

    Baselines stand in each panel: chance, permuted labels, the untrained network, raw pixels.
    """
    title = "Linear read-out"
    frame = style.trained_on_base(tables["readout"], settings)
    pixels = frame[frame["input"] == "pixels"]
    frame = frame[frame["input"] == settings.get("input", "pooled")]
    if frame.empty:
        return style.empty(title)
    pairs = [pair for pair in style.in_order(frame) if pair[1] != "untrained"]
    names = list(dict.fromkeys(architecture for architecture, _ in pairs))
    if len(names) == len(pairs) > COLUMNS:
        return _by_network(frame, pixels, names)
    # All architectures on one page.
    figure = style.make(height=0.9 + min(1.75 * len(names), 6.6))
    axes = figure.subplots(len(names), 2, squeeze=False, sharey=True)
    handles: dict[str, Any] = {}
    for line, name in zip(axes, names, strict=True):
        rows = frame[frame["architecture"] == name]
        stages = list(dict.fromkeys(rows["stage"]))
        for axis, cue in zip(line, ("shape", "texture"), strict=True):
            here = rows[rows["cue"] == cue]
            final = trained_last(here[here["arm"] != "untrained"])
            for arm in [arm for architecture, arm in pairs if architecture == name]:
                look = style.arm_look(arm, frame["arm"])
                handle = _line(axis, final[final["arm"] == arm], stages, *look)
                handles.setdefault(style.arm_name(arm), handle)
            before = untrained(here)
            if len(before):
                handles["untrained"] = _line(axis, before, stages, GREY, "x", "--")
            handles |= _levels(axis, here)
            level = style.mean(style.percent(pixels[pixels["cue"] == cue]["accuracy"]))
            if np.isfinite(level):
                handles["pixels"] = axis.axhline(level, color=style.PURPLE, linewidth=1,
                                                 linestyle=(0, (4, 2)))  # fmt: skip
            axis.set_xticks(range(len(stages)), stages, fontsize=6.5 if len(stages) > 5 else 7.5)
            about = f"{cue}, n = {style.counts(here['n_images'])}"
            axis.set_title(style.panel_title(style.network_label(name), about, ": ", room=32))
        style.percent_axis(line[0], "y", "read-out (%)")
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    return figure


def _by_network(frame: pd.DataFrame, pixels: pd.DataFrame, names: list[str]) -> Figure:
    """A panel a network that was measured as it is, with both cues; broken lines are without training."""
    lines = -(-len(names) // COLUMNS)
    figure = style.make(height=0.8 + 1.55 * lines)
    axes = figure.subplots(lines, COLUMNS, squeeze=False, sharey=True)
    handles: dict[str, Any] = {}
    for axis, name in zip(axes.flat, names, strict=False):
        rows = frame[frame["architecture"] == name]
        stages = list(dict.fromkeys(rows["stage"]))
        for cue, (color, marker) in style.CUES.items():
            here = rows[rows["cue"] == cue]
            final = trained_last(here[here["arm"] != "untrained"])
            handles[cue] = _line(axis, final, stages, color, marker)
            before = untrained(here)
            if len(before):
                handles[f"{cue}, untrained"] = _line(axis, before, stages, color, "", "--")
            level = style.mean(style.percent(pixels[pixels["cue"] == cue]["accuracy"]))
            if np.isfinite(level):
                handles[f"{cue}, pixels"] = axis.axhline(
                    level, color=color, linewidth=0.8, linestyle=(0, (1, 2))
                )
        handles |= _levels(axis, rows)
        axis.set_xticks(range(len(stages)), stages, fontsize=6.5, rotation=30, ha="right")
        axis.set_title(style.network_label(name), fontsize=7.5)
    for axis in axes.flat[len(names) :]:
        axis.set_axis_off()
    for line in axes:
        style.percent_axis(line[0], "y", "read-out (%)")
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    words.heading(figure, f"Linear read-out: n = {style.counts(frame['n_images'])} images")
    return figure


def _levels(axis: Any, rows: pd.DataFrame) -> dict[str, Any]:
    """Lines of the levels that a read-out is held against, and what each is called."""
    handles = {}
    for label, column, line_style in LEVELS:
        level = style.mean(style.percent(rows[column]))
        if np.isfinite(level):
            handles[label] = axis.axhline(level, color=GREY, linestyle=line_style, linewidth=1)
    return handles


def _line(axis: Any, rows: pd.DataFrame, stages: list[str], color: str, marker: str,
          style_of_line: str = "-") -> Any:  # fmt: skip
    """Mean over seeds by stage, each seed's interval behind it."""
    values = (100 * rows.groupby("stage")["accuracy"].mean()).reindex(stages)
    for place, stage in enumerate(stages):
        for row in rows[rows["stage"] == stage].itertuples():
            style.interval(axis, 100 * row.ci_low, 100 * row.ci_high, place, color, width=2.5,
                           vertical=True)  # fmt: skip
            axis.plot(place, 100 * row.accuracy, marker, color=color, markersize=2.5, alpha=0.6)
    if not np.isfinite(values.to_numpy(dtype=float)).any():
        style.undefined(axis, 50, (len(stages) - 1) / 2)
    (handle,) = axis.plot(range(len(stages)), values, style_of_line, marker=marker, color=color)
    return handle
