"""What each stage knows at each checkpoint: heat maps of the read-outs and the information."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import FAINT, GREY, INK, SHAPE, TEXTURE


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

    # In narrower cells the colour alone has to say it.
    numbers = (style.WIDTH - 0.9) / (len(arms) * len(epochs)) > words.inches("0.00", words.SMALLEST)
    label = words.fitted(style.network_label(name), (style.WIDTH - 0.9) / len(arms), 6.5)
    figure = style.make(height=0.87 + 4 * (0.22 + 0.19 * len(stages)))
    axes = figure.subplots(len(rows), len(arms), squeeze=False, sharex=True, sharey=True)
    for line, (unit, cue, frame, column, scale) in zip(axes, rows, strict=True):
        frame = frame[frame["architecture"] == name]
        grids = {arm: _grid(frame[frame["arm"] == arm], column, stages, epochs) for arm in arms}
        top = _top(unit, [
            _grid(other[(other["architecture"] == name) & (other["arm"] == arm)], c, stages, epochs)
            for label, _, other, c, _ in rows if label == unit for arm in arms
        ])  # fmt: skip
        ends = ["#ffffff", SHAPE if cue == "shape" else TEXTURE]
        colours = LinearSegmentedColormap.from_list(cue, ends).with_extremes(bad=FAINT)
        for axis, arm in zip(line, arms, strict=True):
            _draw(axis, scale * grids[arm], colours, scale * top, unit, numbers)
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
    """End of the colour scale: 1 for shares, else the largest cell of either cue."""
    if unit.endswith("%"):
        return 1.0
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
            text = f"{value:.0f}" if unit.endswith("%") else f"{value:.2f}"
            axis.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=words.SMALLEST,
                      color="white" if value > 0.6 * top else INK)  # fmt: skip
