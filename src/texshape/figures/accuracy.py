"""Accuracy on every set, by what the network was trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import INK

SETS = ["test-plain", "test-stylized", "silhouettes", "textures", "edges", "cue-conflict"]


def by_set(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Mean accuracy over seeds as a table of shades: networks in rows, sets in columns.

    Training and validation images are left out. The number is printed in each cell, with the range
    over seeds below it.
    """
    title = "Accuracy on every set"
    frame = style.without_observers(style.trained_on_base(tables["accuracy"], settings))
    frame = frame[~frame["set"].astype(str).str.startswith(("train", "validation"))]
    if frame.empty:
        return style.empty(title)
    columns = sorted({(str(s), str(c)) for s, c in zip(frame["set"], frame["cue"], strict=True)},
                     key=lambda pair: (style.position(pair[0], SETS), pair[1]))  # fmt: skip
    # A published network may have trials in two repositories: these are averaged like seeds.
    rows = style.in_order(frame)
    values = np.full((len(rows), len(columns)), np.nan)
    spans: dict[tuple[int, int], tuple[float, float]] = {}
    for i, (architecture, arm) in enumerate(rows):
        for j, (set_name, cue) in enumerate(columns):
            chosen = (frame["architecture"] == architecture) & (frame["arm"] == arm)
            chosen &= (frame["set"] == set_name) & (frame["cue"] == cue)
            cell = style.percent(frame[chosen]["accuracy"])
            values[i, j] = style.mean(cell)
            if np.isfinite(cell).any():
                spans[i, j] = float(np.nanmin(cell)), float(np.nanmax(cell))
    names = [style.network_label(*row, room=26) for row in rows]
    labels = [_column(frame, *pair, upright=False) for pair in columns]
    room = style.WIDTH - max(words.inches(name, 7.5) for name in names) - 1.0
    # Names of sets beside each other would overlap.
    many = sum(words.inches(label, words.SMALLEST) + 0.06 for label in labels) > room
    if many:
        labels = [_column(frame, *pair, upright=True) for pair in columns]
    step = words.row_step(names, 7.5, 0.3)
    figure = style.make(height=(1.5 if many else 1.0) + step * len(rows))
    axis = figure.add_subplot()
    image = axis.imshow(values, vmin=0, vmax=100, cmap="Blues", aspect="auto")
    for (i, j), value in np.ndenumerate(values):
        if not np.isfinite(value):
            style.undefined(axis, i, j)
            continue
        ink = "white" if value > 60 else INK
        low, high = spans[i, j]
        several = high > low
        axis.text(j, i, f"{value:.1f}", color=ink, ha="center", fontsize=7,
                  va="bottom" if several else "center")  # fmt: skip
        if several:
            span = f"{low:.0f} to {high:.0f}" if many else f"{low:.1f} to {high:.1f}"
            axis.text(j, i, span, color=ink, ha="center", va="top", fontsize=words.SMALLEST)
    axis.set_yticks(range(len(rows)), names)
    axis.xaxis.tick_top()
    axis.set_xticks(range(len(columns)), labels, fontsize=6.5 if many else words.SMALLEST,
                    rotation=90 if many else 0)  # fmt: skip
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    if many:  # the numbers say what a bar of shades would
        figure.supxlabel("accuracy (%)", fontsize=8)
        return figure
    bar = figure.colorbar(image, ax=axis, shrink=0.7, pad=0.02)
    bar.set_label("accuracy (%)")
    bar.outline.set_visible(False)
    return figure


def _column(frame: pd.DataFrame, set_name: str, cue: str, *, upright: bool) -> str:
    number = style.counts(frame[(frame["set"] == set_name) & (frame["cue"] == cue)]["n"])
    name = set_name.removeprefix("test-")
    if upright:
        return f"{name}\n{cue} right, n = {number}"
    number = number.replace(" to ", "\nto ")
    return f"{name}\n{cue} right\nn = {number}"
