"""Sensitivity to noise of each octave, and the channel that it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import GREY, INK
from texshape.techniques.frequency_channel.channel import BELOW, NOT_REACHED

MOST = 6  # networks that panels are drawn of; the table has all


def by_band(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """A panel a network: sensitivity of each octave with its interval, and the fitted channel.

    Seeds stand beside each other. Open triangles mark bands whose sensitivity lies somewhere
    below or above the noises shown.
    """
    title = "Spatial-frequency channel"
    bands = style.trained_on_base(tables["frequency_bands"], settings)
    channels = style.trained_on_base(tables["frequency_channel"], settings)
    every = style.in_order(channels)
    pairs = every[:MOST]
    if not pairs:
        return style.empty(title)
    columns = min(3, len(pairs))
    lines = -(-len(pairs) // columns)
    figure = style.make(height=0.9 + 1.75 * lines)
    axes = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    handles: dict[str, Any] = {}
    for axis, (architecture, arm) in zip(axes.flat, pairs, strict=False):
        color, _ = style.arm_look(arm, channels["arm"])
        rows = _of(bands, architecture, arm)
        for row in _of(channels, architecture, arm).to_dict("records"):
            mine = rows[rows["seed"].isna() | (rows["seed"] == row["seed"])]
            _seed(axis, mine, row, color, handles)
        axis.set_xscale("log", base=2)
        axis.set_yscale("log", base=2)
        axis.set_title(
            f"{style.network_label(architecture, arm, room=22)}\n"
            f"{_width(_of(channels, architecture, arm))}",
            fontsize=7.5,
        )
    ticks = np.unique(bands["frequency"].to_numpy(float))
    for axis in axes.flat[: len(pairs)]:
        axis.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks], fontsize=6.5)
        axis.minorticks_off()
    for axis in axes.flat[len(pairs) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel("1 / threshold", fontsize=7)
    for axis in axes.flat[max(len(pairs) - columns, 0) : len(pairs)]:
        axis.set_xlabel("cycles an image", fontsize=7)
        axis.tick_params(labelbottom=True)
    values = bands[["sensitivity", "fitted_sensitivity"]].to_numpy(float)
    values = values[np.isfinite(values)]
    if len(values):
        floor = np.nanmin(bands["sensitivity"]) if bands["sensitivity"].notna().any() else 4
        axes[0, 0].set_ylim(floor / 2, 2 * values.max())
        shown = 2.0 ** np.arange(np.floor(np.log2(floor)), np.log2(2 * values.max()))
        axes[0, 0].set_yticks(shown, [f"{tick:g}" for tick in shown])
    else:  # a logarithmic axis of nothing has no ticks, and fails where it looks for some
        axes[0, 0].set_ylim(1, 2)
        axes[0, 0].set_yticks([])
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, fontsize=7)
    count, seeds = style.counts(channels["n"]), style.seeds_of(channels)
    part = style.of_all(len(pairs), len(every))
    words.heading(figure, f"{title}: n = {count} pictures, {seeds}{part}")
    return figure


def _of(frame: pd.DataFrame, architecture: str, arm: str) -> pd.DataFrame:
    return frame[(frame["architecture"] == architecture) & (frame["arm"] == arm)]


def _width(rows: pd.DataFrame) -> str:
    """The bandwidth in words, mean over seeds; the reason where there is none."""
    mean = style.mean(rows["bandwidth"])
    if np.isfinite(mean):
        text = f"{mean:.1f} octaves"
        if len(rows) == 1:
            text += f" [{rows['bandwidth_low'].iloc[0]:.1f}, {rows['bandwidth_high'].iloc[0]:.1f}]"
        return text
    return "bandwidth undefined"


def _seed(axis: Any, rows: pd.DataFrame, channel: dict[str, Any], color: str,
          handles: dict[str, Any]) -> None:  # fmt: skip
    """Sensitivities of one seed with intervals, what is not masked, and the fitted curve."""
    for row in rows.to_dict("records"):
        style.interval(axis, row["sensitivity_low"], row["sensitivity_high"], row["frequency"],
                       color, vertical=True)  # fmt: skip
    axis.plot(rows["frequency"], rows["sensitivity"], "o", color=color, markersize=4)
    handles["sensitivity"] = axis.plot([], [], "o", color=GREY, markersize=4)[0]
    lowest, highest = rows["sensitivity"].min(), rows["sensitivity"].max()
    beyond = {
        "strongest noise does not mask": (NOT_REACHED, "v", lowest / 1.6),
        "weakest noise masks": (BELOW, "^", highest * 1.6),
    }
    for label, (reason, marker, place) in beyond.items():
        outside = rows[rows["reason"] == reason]
        if len(outside) and np.isfinite(place):
            axis.plot(outside["frequency"], np.full(len(outside), place), marker, color=color,
                      markersize=4, markerfacecolor="none")  # fmt: skip
            handles[label] = axis.plot([], [], marker, color=GREY, markersize=4,
                                       markerfacecolor="none")[0]  # fmt: skip
    if rows["fitted_sensitivity"].isna().all():
        style.undefined(axis, 0.5, 0.5)
        axis.texts[-1].set_transform(axis.transAxes)
        return
    # A Gaussian's logarithm is a parabola: three of its points say all of it.
    octave = np.log2(rows["frequency"].to_numpy(float))
    curve = np.polyfit(octave, np.log2(rows["fitted_sensitivity"].to_numpy(float)), 2)
    fine = np.linspace(octave[0], octave[-1], 100)
    axis.plot(2.0**fine, 2.0 ** np.polyval(curve, fine), color=color, linewidth=1)
    handles["fitted channel"] = axis.plot([], [], color=GREY, linewidth=1)[0]
    if np.isfinite(channel["bandwidth"]):
        middle = np.log2(channel["centre"])
        ends = 2.0 ** (middle + np.array([-0.5, 0.5]) * channel["bandwidth"])
        axis.plot(ends, [channel["peak_sensitivity"] / 2] * 2, ":", color=INK, linewidth=1)
        handles["bandwidth"] = axis.plot([], [], ":", color=INK, linewidth=1)[0]
