"""What each stage knows at each checkpoint: heat maps of the read-outs and the information."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import FAINT, GREY, INK, SHAPE, TEXTURE

# inches: beside the first panel, between two of them, between the numbers of neighbouring cells
_LABELS, _BETWEEN, _APART = 0.9, 0.1, 0.02


def heat_maps(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """A row a measure and cue, a panel an arm of one architecture: stage against epoch.

    Means over seeds, printed in each cell; the colours of a row share one scale, that of a measure
    is the same for both cues. A grey cell was not measured or is undefined.
    """
    title = "Stage by epoch"
    readout = style.trained_on_base(tables["readout"], settings)
    readout = readout[readout["input"] == settings.get("input", "pooled")]
    information = style.trained_on_base(tables["dimensionality"], settings)
    information = information[information["estimator"] == "mutual_information"]
    rows = [
        ("read-out, %", cue, readout[readout["cue"] == cue], "accuracy", 100.0)
        for cue in ("shape", "texture")
    ] + [
        ("nats a unit", cue, information[information["factor"] == cue], "value", 1.0)
        for cue in ("shape", "texture")
    ]
    everything = pd.concat([frame[["architecture", "arm", "stage", "epoch", "seed"]]
                            for _, _, frame, _, _ in rows])  # fmt: skip
    everything = everything.dropna(subset=["epoch"])
    everything = everything[~everything["arm"].isin(["untrained", "baseline"])]
    pairs = style.in_order(everything)
    name = style.main_architecture(everything, settings)
    arms = [arm for architecture, arm in pairs if architecture == name]
    everything = everything[everything["architecture"] == name]
    if not arms or everything.empty:
        return style.empty(title)
    stages = list(dict.fromkeys(everything["stage"]))
    stages = [stage for stage in stages if not str(stage).endswith(".cls")]
    epochs = sorted(set(everything["epoch"].astype(int)))

    grids = [
        [scale * _grid(frame[(frame["architecture"] == name) & (frame["arm"] == arm)], column, stages, epochs)
         for arm in arms]
        for _, _, frame, column, scale in rows
    ]  # fmt: skip
    # In narrower cells the colour alone has to say it.
    cell = (style.WIDTH - _LABELS - _BETWEEN * len(arms)) / (len(arms) * len(epochs))
    by_unit: dict[str, list[np.ndarray]] = {}
    for (unit, *_), of_row in zip(rows, grids, strict=True):
        by_unit.setdefault(unit, []).extend(of_row)
    printed = {
        _number(value, unit)
        for unit, own in by_unit.items()
        for value in np.concatenate(own).ravel()
        if np.isfinite(value)
    }
    widest = max((words.inches(text, words.SMALLEST) for text in printed), default=0.0)
    numbers = cell > widest + _APART
    label = words.fitted(style.network_label(name), (style.WIDTH - _LABELS) / len(arms), 6.5)
    figure = style.make(height=0.87 + 4 * (0.22 + 0.19 * len(stages)))
    axes = figure.subplots(len(rows), len(arms), squeeze=False, sharex=True, sharey=True)
    tops = {unit: _top(unit, own) for unit, own in by_unit.items()}
    for line, (unit, cue, *_), of_row in zip(axes, rows, grids, strict=True):
        ends = ["#ffffff", SHAPE if cue == "shape" else TEXTURE]
        colours = LinearSegmentedColormap.from_list(cue, ends).with_extremes(bad=FAINT)
        for axis, arm, grid in zip(line, arms, of_row, strict=True):
            _draw(axis, grid, colours, tops[unit], unit, numbers)
            axis.set_xticks(np.arange(len(epochs)) + 0.5, epochs)
            axis.set_yticks(np.arange(len(stages)) + 0.5, stages, fontsize=6.5)
            if axis in axes[0]:
                axis.set_title(f"{label}\n{style.arm_name(arm)}", fontsize=6.5)
            if axis in axes[-1]:
                axis.set_xlabel("epoch")
        line[0].set_ylabel(f"{cue}\n{unit}", fontsize=7)
    seeds = style.seeds_of(everything)
    n = style.counts(readout[readout["architecture"] == name]["n_images"])
    words.heading(figure, f"{title}: read-out and information, n = {n} images, {seeds}")
    return figure


def _grid(rows: pd.DataFrame, column: str, stages: list[str], epochs: list[int]) -> np.ndarray:
    """Mean over seeds, shape (stages, epochs); NaN where nothing is defined."""
    rows = rows.dropna(subset=["epoch"])
    wide = rows.assign(epoch=rows["epoch"].astype(int)).pivot_table(
        index="stage", columns="epoch", values=column, aggfunc="mean"
    )
    return wide.reindex(index=stages, columns=epochs).to_numpy(dtype=float)


def _top(unit: str, grids: list[np.ndarray]) -> float:
    """End of the colour scale: 100 for shares, else the largest cell of either cue."""
    if unit.endswith("%"):
        return 100.0
    values = np.concatenate([grid.ravel() for grid in grids])
    values = values[np.isfinite(values)]
    return float(values.max()) if len(values) and values.max() > 0 else 1.0


def _draw(axis: Any, grid: np.ndarray, colours: Any, top: float, unit: str, numbers: bool) -> None:
    axis.grid(visible=False)
    axis.pcolormesh(np.ma.masked_invalid(grid), cmap=colours, vmin=0, vmax=top,
                    edgecolors="white", linewidth=0.6)  # fmt: skip
    axis.set_facecolor(FAINT)
    axis.set_xlim(0, grid.shape[1])
    axis.set_ylim(grid.shape[0], 0)
    axis.tick_params(length=0)
    if not np.isfinite(grid).any():
        axis.text(grid.shape[1] / 2, grid.shape[0] / 2, "undefined", color=GREY, fontsize=6.5,
                  style="italic", ha="center", va="center", gid="undefined")  # fmt: skip
        return
    if not numbers:
        return
    for (row, column), value in np.ndenumerate(grid):
        if np.isfinite(value):
            axis.text(column + 0.5, row + 0.5, _number(value, unit), ha="center", va="center",
                      fontsize=words.SMALLEST, color="white" if value > 0.6 * top else INK)  # fmt: skip


def _number(value: float, unit: str) -> str:
    """Two digits behind the point with nothing before it, so that neighbours stay apart: ``.07``."""
    if unit.endswith("%"):
        return f"{value:.0f}"
    text = re.sub(r"^(-?)0\.", r"\1.", f"{value:.2f}")
    return ".00" if text == "-.00" else text
