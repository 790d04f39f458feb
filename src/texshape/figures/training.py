"""Training curves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from texshape.figures import style


def curves(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Accuracy on validation images by epoch, one panel an architecture, a thin line a seed.

    The validation images are of the kind that the network is trained on; where the table has
    several sets for a network they are averaged.
    """
    title = "Training"
    frame = style.trained_on_base(tables["training"], settings)
    if frame.empty:
        return style.empty(title)
    pairs = style.in_order(frame)
    names = list(dict.fromkeys(architecture for architecture, _ in pairs))
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure = style.make(height=0.8 + 1.55 * lines)
    axes = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    handles: dict[str, Any] = {}
    for axis, name in zip(axes.flat, names, strict=False):
        number = 0
        for arm in [arm for architecture, arm in pairs if architecture == name]:
            rows = frame[(frame["architecture"] == name) & (frame["arm"] == arm)]
            color, marker = style.arm_look(arm, frame["arm"])
            by_seed = rows.pivot_table(index="epoch", columns="seed", values="validation_accuracy")
            number = max(number, rows["seed"].nunique())
            if by_seed.empty or not np.isfinite(by_seed.to_numpy(dtype=float)).any():
                style.undefined(axis, 50, float(frame["epoch"].max()) / 2)
                axis.set_xlim(0, float(frame["epoch"].max()))
                continue
            axis.plot(by_seed.index, 100 * by_seed, color=color, linewidth=0.6, alpha=0.6)
            (line,) = axis.plot(by_seed.index, 100 * by_seed.mean(axis=1), color=color,
                                marker=marker, markersize=3)  # fmt: skip
            handles.setdefault(style.arm_name(arm), line)
        axis.set_title(f"{style.network_label(name)}, {style.seeds(number)}")
    for axis in axes.flat[len(names) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        style.percent_axis(axis, "y", "validation accuracy (%)" if lines == 1 else "accuracy (%)")
    for axis in axes[-1]:
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside lower center",
                      ncols=min(4, len(handles)), title="trained on, thick: mean")  # fmt: skip
    return figure
