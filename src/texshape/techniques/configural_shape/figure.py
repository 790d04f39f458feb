"""What networks lose with the configuration of a shape, and what direction adds to its pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import FAINT, GREEN, GREY, INK, PURPLE
from texshape.techniques.configural_shape.fragments import DOTS, SEGMENTS
from texshape.techniques.configural_shape.mirrored import APART, JOINED, WHOLE

MOST = 6  # networks in the figure; the table has all
MOVED = {
    WHOLE: (INK, "|", "whole"),
    JOINED: (PURPLE, "s", "a part mirrored, joined"),
    APART: (GREEN, "^", "a part mirrored, apart"),
}
PIECES = {SEGMENTS: (INK, "-", "segments"), DOTS: (GREY, ":", "dots of the same ink")}


def by_condition(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Left, accuracy on moved parts, a line a network; right, accuracy by share of the outline.

    Markers are seeds with their intervals over exemplars.
    """
    title = "Configural shape"
    frame = style.trained_on_base(tables["configural_shape"], settings)
    every = style.in_order(frame)
    pairs = every[:MOST]
    if not pairs:
        return style.empty(title)
    kinds = frame["condition"].astype(str).str.partition("-")[0]
    has_pieces = kinds.isin(PIECES).any()
    lines = -(-len(pairs) // 2) if has_pieces else 1
    figure = style.make(height=1.1 + (1.45 * lines if has_pieces else 0.32 * len(pairs)))
    grid = figure.add_gridspec(
        lines, 3 if has_pieces else 1, width_ratios=[1.3, 1, 1][: 3 if has_pieces else 1]
    )
    moved = figure.add_subplot(grid[:, 0])
    handles = _moved(moved, frame, pairs)
    if has_pieces:
        first = None
        for number, (architecture, arm) in enumerate(pairs):
            axis = figure.add_subplot(grid[number // 2, 1 + number % 2], sharex=first, sharey=first)
            first = first or axis
            handles |= _pieces(axis, _of(frame, architecture, arm), kinds)
            axis.set_title(style.network_label(architecture, arm, room=16), fontsize=7)
            if number // 2 == lines - 1 or number + 2 >= len(pairs):
                axis.set_xlabel("% of the outline", fontsize=7)
            axis.tick_params(labelsize=6.5)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, fontsize=7)
    count = style.counts(frame["n_exemplars"])
    words.heading(
        figure,
        f"{title}: n = {count} silhouettes, {style.seeds_of(frame)}"
        f"{style.of_all(len(pairs), len(every))}",
    )
    return figure


def _of(frame: pd.DataFrame, architecture: str, arm: str) -> pd.DataFrame:
    return frame[(frame["architecture"] == architecture) & (frame["arm"] == arm)]


def _moved(axis: Any, frame: pd.DataFrame, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Accuracies on wholes and on moved parts, a line a network."""
    handles: dict[str, Any] = {}
    labels = []
    for line, (architecture, arm) in enumerate(pairs):
        rows = _of(frame, architecture, arm)
        labels.append(style.network_label(architecture, arm, room=16))
        for shift, (condition, (color, marker, label)) in zip(
            (-0.22, 0, 0.22), MOVED.items(), strict=True
        ):
            for row in rows[rows["condition"] == condition].to_dict("records"):
                style.interval(axis, 100 * row["ci_low"], 100 * row["ci_high"], line + shift, color)
                axis.plot(100 * row["accuracy"], line + shift, marker, color=color, markersize=4)
            handles[label] = axis.plot([], [], marker, color=color, markersize=4)[0]
        undefined = rows[rows["condition"].isin([JOINED, APART])]["difference"].isna()
        if len(undefined) and undefined.all():
            style.undefined(axis, line + 0.42, text="whole not seen")
    chance = style.mean(frame["chance"])
    handles["chance"] = axis.axvline(100 * chance, color=FAINT, linewidth=1, zorder=0)
    axis.set_yticks(range(len(pairs)), labels, fontsize=7)
    axis.set_ylim(len(pairs) - 0.5, -0.5)
    style.percent_axis(axis, "x", "accuracy, %")
    return handles


def _pieces(axis: Any, rows: pd.DataFrame, kinds: pd.Series) -> dict[str, Any]:
    """Accuracy by share of the outline, for segments and for dots; the mean over seeds as a line."""
    handles: dict[str, Any] = {}
    for kind, (color, dashes, label) in PIECES.items():
        own = rows[kinds.loc[rows.index] == kind]
        for row in own.to_dict("records"):
            style.interval(axis, 100 * row["ci_low"], 100 * row["ci_high"], 100 * row["share"],
                           color, vertical=True)  # fmt: skip
        means = own.groupby("share")["accuracy"].mean()
        (handles[label],) = axis.plot(
            100 * means.index, style.percent(means), dashes, color=color, linewidth=1.2
        )
    if len(rows):
        axis.axhline(100 * rows["chance"].iloc[0], color=FAINT, linewidth=1, zorder=0)
    style.percent_axis(axis, "y")
    axis.set_xticks(np.arange(0, 101, 25))
    return handles
