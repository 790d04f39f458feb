"""Receptive field against accuracy: the table of Araujo et al. (2019), and our networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style
from texshape.files import read_csv
from texshape.techniques.receptive_field.figure import field_of


def draw(
    table: str | Path,
    *,
    receptive_field: str | Path | None = None,
    accuracy: str | Path | None = None,
) -> Figure:
    """Draw both panels.

    Parameters
    ----------
    table : path
        What `texshape run architectures` wrote.
    receptive_field, accuracy : path, optional
        Tables of our networks; the second panel needs both. The tasks differ, so the accuracies
        share no axis.
    """
    frame = read_csv(table, ["architecture", "library", "year", "receptive_field", "top1",
                             "multiply_adds", "texshape", "reason"])  # fmt: skip
    ours = receptive_field is not None and accuracy is not None
    figure = style.make(height=3.6)
    axes = figure.subplots(1, 2 if ours else 1, squeeze=False, width_ratios=[3, 1] if ours else [1])
    axis = axes[0, 0]
    points: list[tuple[float, float, str, str]] = []
    looks = {
        "tf-slim": (style.GREY, "^", "as published"),
        "torchvision": (style.GREEN, "o", "our tracer"),
    }
    for library, (color, marker, label) in looks.items():
        rows = frame[frame["library"] == library]
        sizes = rows["receptive_field"].fillna(rows["texshape"])
        rows = rows.assign(size=sizes).dropna(subset=["size", "top1", "multiply_adds"])
        area = 8 + 12 * rows["multiply_adds"]
        hollow = rows["reason"].fillna("") != ""
        faces = [("white" if empty else color) for empty in hollow]
        axis.scatter(rows["size"], 100 * rows["top1"], s=area, marker=marker, facecolors=faces,
                     edgecolors=color, alpha=0.75, label=label, zorder=3)  # fmt: skip
        points += [
            (row["size"], 100 * row["top1"], f"{row['architecture']} {int(row['year'])}", color)
            for _, row in rows.iterrows()
        ]
    axis.set_xscale("log")
    axis.set_xticks([200, 500, 1000, 3000], ["200", "500", "1,000", "3,000"])
    axis.minorticks_off()
    axis.margins(x=0.12)
    axis.set_xlabel("theoretical receptive field (px)")
    axis.set_ylabel("ImageNet, top-1 accuracy (%)")
    axis.set_title("Published networks, by year")
    figure.draw_without_rendering()  # fixes the layout, so that labels know where the points are
    _label(axis, points)
    axis.legend(
        loc="lower right", title="area: multiply-adds\nhollow: gates left out", title_fontsize=6
    )
    if ours:
        _ours(axes[0, 1], read_csv(receptive_field), read_csv(accuracy))
    return figure


def _label(axis: Any, points: list[tuple[float, float, str, str]], size: float = 6.0) -> None:
    """Write a name at each point, at the nearest place where it covers no other name or point."""
    scale = 72 / axis.figure.dpi  # display units to printed points
    spots = [axis.transData.transform(point[:2]) * scale for point in points]
    taken = [(x - 3, y - 3, x + 3, y + 3) for x, y in spots]
    frame = axis.bbox.extents * scale
    for (x, y), (at, top1, text, color) in sorted(
        zip(spots, points, strict=True), key=lambda pair: pair[0][0]
    ):
        width, height = 0.6 * size * len(text), 1.15 * size

        def cost(offset: tuple[float, float], x: float = x, y: float = y, w: float = width,
                 h: float = height) -> tuple[float, float]:  # fmt: skip
            left, low = x + offset[0] - w / 2, y + offset[1] - h / 2
            box = (left, low, left + w, low + h)
            covered = sum(
                max(0, min(box[2], b[2]) - max(box[0], b[0]))
                * max(0, min(box[3], b[3]) - max(box[1], b[1]))
                for b in taken
            )
            outside = max(0, frame[0] - left, left + w - frame[2])
            outside += max(0, frame[1] - low, low + h - frame[3])
            return covered + 10 * outside, abs(offset[0]) + abs(offset[1])

        places = [
            (dx * (width / 2 + 5), dy * height)
            for dx in (0, 0.5, -0.5, 1, -1)
            for dy in (1, -1, 0, 2, -2, 3, -3)
            if dx in (1, -1) or dy
        ]
        dx, dy = min(places, key=cost)
        box = (x + dx - width / 2, y + dy - height / 2, x + dx + width / 2, y + dy + height / 2)
        taken.append(box)
        far = abs(dy) > 1.5 * height
        line = {"arrowstyle": "-", "color": color, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 0}
        axis.annotate(text, (at, top1), xytext=(dx, dy), textcoords="offset points", va="center",
                      ha="center", fontsize=size, color=color,
                      arrowprops=line if far else None)  # fmt: skip


def _ours(axis: Any, fields: pd.DataFrame, accuracy: pd.DataFrame) -> None:
    axis.set_title("Ours")
    axis.set_xlabel("receptive field (px)")
    rows = accuracy[(accuracy["cue"] == "shape") & (accuracy["set"] == "test-stylized")]
    sizes = field_of(fields)
    rows = rows[(rows["arm"] == "stylized") & rows["architecture"].isin(sizes)]
    style.percent_axis(axis, "y", "stylized to stylized (%)")
    means = rows.groupby("architecture")["accuracy"].mean()
    if not np.isfinite(means).any():
        style.undefined(axis, 50, 0.5)
        return
    for architecture, value in means.items():
        face = "white" if architecture.endswith("-wide") else style.ARMS["stylized"][0]
        axis.plot(
            sizes[architecture],
            100 * value,
            "s",
            color=style.ARMS["stylized"][0],
            markerfacecolor=face,
        )
        axis.annotate(
            style.network_label(architecture),
            (sizes[architecture], 100 * value),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=6,
        )
    axis.margins(x=0.25)
