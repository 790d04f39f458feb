"""Fitness of stylizations: networks that train and test on them, full against limited."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import GREEN, GREY, PURPLE

_LOOKS = {"full": (GREEN, "o"), "limited": (PURPLE, "s")}


def by_set(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Accuracy on new images of each set of the networks that were trained on it; a row a set.

    A set that leaves nothing but shape has the full network far to the right of the limited one.
    """
    title = "Fitness of the training images"
    frame = tables["stylization_fitness"]
    frame = frame[frame["role"].isin(_LOOKS)]
    if frame.empty:
        return style.empty(title)
    sets = list(dict.fromkeys(frame["set"]))
    figure = style.make(height=1.3 + 0.36 * len(sets))
    axis = figure.add_subplot()
    for y, name in enumerate(sets):
        own = frame[frame["set"] == name]
        for role, (color, marker) in _LOOKS.items():
            group = own[own["role"] == role].sort_values(["architecture", "seed"])
            offsets = np.linspace(-0.2, 0.2, len(group)) if len(group) > 1 else [0.0]
            limits = style.percent(group[["ci_low", "ci_high"]])
            values = style.percent(group["accuracy"])
            if not np.isfinite(values).any():
                style.undefined(axis, y)
            for offset, value, (low, high) in zip(offsets, values, limits, strict=True):
                style.interval(axis, low, high, y + offset, color)
                axis.plot(value, y + offset, marker, color=color, markersize=4)
    engines = [str(frame[frame["set"] == name]["engine"].iloc[0]) for name in sets]
    labels = [
        f"{name.removeprefix('test-').removeprefix('validation-')}\n({engine})"
        for name, engine in zip(sets, engines, strict=True)
    ]
    axis.set_yticks(range(len(sets)), labels)
    axis.set_ylim(len(sets) - 0.4, -0.6)
    chance = style.mean(style.percent(frame["chance"]))
    if np.isfinite(chance):
        axis.axvline(chance, color=GREY, linestyle=":", linewidth=1)
    style.percent_axis(axis, label="accuracy on new images of the kind it was trained on (%)")
    for role, (color, marker) in _LOOKS.items():
        names = dict.fromkeys(frame[frame["role"] == role]["architecture"])
        if names:
            label = ", ".join(style.network_label(name) for name in names)
            axis.plot([], [], marker, color=color, label=f"{role}: {label}")
    axis.plot([], [], color=GREY, linestyle=":", linewidth=1, label="chance")
    axis.set_title(f"{title} (n = {style.counts(frame['n'])})")
    handles, names = axis.get_legend_handles_labels()
    columns = words.legend_columns(figure, names, most=3)
    figure.legend(handles, names, loc="outside lower center", ncols=columns)
    return figure
