"""Measures against each other, a point a network: what shape bias leaves open."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from texshape.comparison.measures import MEASURES, network_means, networks_only
from texshape.figures import style
from texshape.figures.style import GREY, INK
from texshape.figures.words import SMALLEST, broken
from texshape.trials.names import HUMANS

#: pairs of measures (x, y), a panel each, where both were measured
PANELS = [
    ("shape_bias", "readout_shape"),
    ("shape_bias", "information_shape"),
    ("shape_bias", "used_shape"),
    ("shape_bias", "cue_match_rate"),
    ("shape_bias", "silhouette_accuracy"),
    ("shape_bias", "response_entropy"),
]
COLUMNS = 2
HEIGHT = 2.3  # inches of a panel
LABELLED = 14  # with more networks the names would cover the points
_NAME = SMALLEST  # font size of the names
_COVERED = 0.04  # of a name: what may lie on others; with more the name is left out
_LINE = 48  # letters above a panel
_ROOM = (146.0, 104.0)  # points inside a panel, about: where names fit


def scatter(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """A panel a pair of measures; large points are means over seeds, small ones seeds.

    A panel shows seeds in which both measures are defined, as the correlation takes them.
    Lines are the range of the seeds, or the bootstrap interval where there is one seed alone. Above
    a panel stands the rank correlation of ``correlations.csv``, or why there is none.
    """
    title = "Measure against measure"
    frame = networks_only(style.trained_on_base(tables["comparison"], settings))
    present = set(frame["measure"])
    panels = [pair for pair in settings.get("panels", PANELS) if present.issuperset(pair)]
    if not panels:
        return style.empty(title)
    lines = -(-len(panels) // COLUMNS)
    figure = style.make(height=0.6 + HEIGHT * lines)
    axes = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
    handles: dict[str, Any] = {}
    for axis, (x, y) in zip(axes, panels, strict=False):
        count = _panel(axis, frame, x, y, handles)
        _coefficient(axis, tables["correlations"], x, y, count)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    return figure


def _panel(axis: Axes, frame: pd.DataFrame, x: str, y: str, handles: dict[str, Any]) -> int:
    """Draw the points; how many networks there are."""
    both = _in_both(frame, x, y)
    ends = {name: _ends(both[both["measure"] == name], name) for name in (x, y)}
    joined = ends[x].merge(ends[y], on=["model", "architecture", "arm"], suffixes=("_x", "_y"))
    shown = joined.dropna(subset=["mean_x", "mean_y"])
    _scale(axis, "x", x)
    _scale(axis, "y", y)
    networks = shown[shown["architecture"] != HUMANS]
    axis.set_title(f"{_short(y)}, n = {len(networks)}", fontsize=7.5, pad=18)
    if shown.empty:
        axis.text(0.5, 0.5, "undefined", color=GREY, style="italic", ha="center", va="center",
                  transform=axis.transAxes, gid="undefined")  # fmt: skip
        return 0
    for _, architecture, arm in _ordered(shown):
        row = shown[(shown["architecture"] == architecture) & (shown["arm"] == arm)]
        color, marker = (INK, "o") if architecture == HUMANS else style.arm_look(arm, frame["arm"])
        for one in row.itertuples():
            style.interval(axis, one.low_x, one.high_x, one.mean_y, color, width=0.9)
            style.interval(axis, one.low_y, one.high_y, one.mean_x, color, width=0.9, vertical=True)
        (handle,) = axis.plot(row["mean_x"], row["mean_y"], marker, color=color, zorder=3)
        handles.setdefault(HUMANS if architecture == HUMANS else style.arm_name(arm), handle)
        seeds = _seeds(frame, x, y, architecture, arm)
        if len(seeds) > 1:
            axis.plot(seeds[:, 0], seeds[:, 1], marker, color=color, markersize=2, alpha=0.5)
    few = shown if len(networks) <= LABELLED else shown[shown["architecture"] == HUMANS]
    names = [style.network_label(name) for name in few["architecture"]]
    _name_points(axis, few[["mean_x", "mean_y"]].to_numpy(float), names)
    return len(networks)


def _name_points(axis: Axes, points: np.ndarray, names: list[str]) -> None:
    """Write each name near its point where it covers no other name and no point; without room none.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        In the units of the axes.
    names : list of n str
    """
    if not len(points):
        return
    axis.autoscale_view()
    low = np.array([axis.get_xlim()[0], axis.get_ylim()[0]])
    high = np.array([axis.get_xlim()[1], axis.get_ylim()[1]])
    axis.set_xlim(low[0], high[0])
    axis.set_ylim(low[1], high[1])
    at = (points - low) / (high - low) * _ROOM
    taken = [(x - 2.5, y - 2.5, x + 2.5, y + 2.5) for x, y in at]
    angles = np.arange(16) * np.pi / 8
    offsets = [
        (radius * np.cos(a), radius * np.sin(a))
        for radius in (5, 10, 16, 24, 34, 46)
        for a in angles
    ]
    for (x, y), point, name in zip(at, points, names, strict=True):
        width, height = 0.6 * _NAME * len(name), 1.1 * _NAME

        def box(offset: tuple[float, float], x=x, y=y, width=width, height=height) -> tuple:
            left = x + offset[0] - (width if offset[0] < 0 else 0)
            return (left, y + offset[1] - height / 2, left + width, y + offset[1] + height / 2)

        best = min(
            offsets, key=lambda offset: 0.6 * _covered(box(offset), taken) + np.hypot(*offset)
        )
        if _covered(box(best), taken) > _COVERED * width * height:
            continue
        taken.append(box(best))
        side = "right" if best[0] < 0 else "left"
        line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.3, "shrinkA": 0, "shrinkB": 0,
                "relpos": (float(side == "right"), 0.5)}  # fmt: skip
        axis.annotate(
            name, tuple(point), xytext=best, textcoords="offset points", fontsize=_NAME, color=INK,
            ha=side, va="center", zorder=6, arrowprops=line if np.hypot(*best) > 8 else None,
        ).set_in_layout(False)  # fmt: skip


def _covered(box: tuple, taken: list[tuple]) -> float:
    """Area of a box that others cover, and three times what lies outside the panel."""
    left, bottom, right, top = box
    inside = max(0.0, min(right, _ROOM[0]) - max(left, 0)) * max(
        0.0, min(top, _ROOM[1]) - max(bottom, 0)
    )
    area = 3 * ((right - left) * (top - bottom) - inside)
    for other in taken:
        area += max(0.0, min(right, other[2]) - max(left, other[0])) * max(
            0.0, min(top, other[3]) - max(bottom, other[1])
        )
    return round(area, 6)


def _in_both(frame: pd.DataFrame, x: str, y: str) -> pd.DataFrame:
    """Rows of two measures in the seeds in which both are defined."""
    rows = frame[frame["measure"].isin([x, y])].dropna(subset=["value"])
    found = rows.assign(seed=rows["seed"].fillna(-1)).groupby(["model", "seed"])["measure"]
    return rows[found.transform("nunique") == len({x, y})]


def _ends(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Mean and ends of a network's line in the units of the axis."""
    found = network_means(rows)
    alone = rows.dropna(subset=["value"]).drop_duplicates(["model", "architecture", "arm"])
    found = found.merge(alone[["model", "ci_low", "ci_high"]], on="model", how="left")
    single = found["n_seeds"] == 1
    found["low"] = found["low"].where(~single, found["ci_low"])
    found["high"] = found["high"].where(~single, found["ci_high"])
    scale = 100 if _percent(measure) else 1
    found[["mean", "low", "high"]] = scale * found[["mean", "low", "high"]].astype(float)
    return found[["model", "architecture", "arm", "mean", "low", "high"]]


def _seeds(frame: pd.DataFrame, x: str, y: str, architecture: str, arm: str) -> np.ndarray:
    rows = frame[(frame["architecture"] == architecture) & (frame["arm"] == arm)]
    rows = _in_both(rows, x, y)
    rows = rows.assign(seed=rows["seed"].fillna(-1))
    wide = rows.pivot_table(index=["model", "seed"], columns="measure", values="value")
    wide = wide.reindex(columns=[x, y]).dropna().to_numpy(float)
    return wide * [100 if _percent(name) else 1 for name in (x, y)]


def _coefficient(axis: Axes, table: pd.DataFrame, x: str, y: str, shown: int) -> None:
    """Print the coefficient, or that there is none; nothing where none was asked for.

    Networks that were tested on other images are shown and not correlated: where the coefficient
    rests on fewer than are `shown`, it says so.
    """
    rows = table[
        ((table["measure_x"] == x) & (table["measure_y"] == y))
        | ((table["measure_x"] == y) & (table["measure_y"] == x))
    ]
    if rows.empty:
        return
    row = rows.iloc[0]
    if np.isfinite(float(row["rho"])):
        text = (
            f"ρ = {row['rho']:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}],\n"
            f"p {_p(row['p_holm'])} (Holm of {int(row['n_tests'])})"
        )
        if int(row["n_networks"]) != shown:
            text += f", n = {int(row['n_networks'])}"
        text = text.replace("-", "−")
    else:
        reason = str(row["reason"]).split(";")[0].replace("_", " ")
        text = broken(f"no ρ: {reason}", _LINE)
    written = axis.text(
        0, 1.02, text, transform=axis.transAxes, va="bottom", fontsize=SMALLEST, color=GREY
    )
    written.set_in_layout(False)  # a line longer than the panel shall not squeeze it


def _p(value: float) -> str:
    return f"= {value:.3f}" if value >= 0.001 else "< 0.001"


def _ordered(rows: pd.DataFrame) -> list[tuple[str, str, str]]:
    return [("", architecture, arm) for architecture, arm in style.in_order(rows)]


def _percent(measure: str) -> bool:
    return MEASURES[measure].unit == "fraction"


def _short(measure: str) -> str:
    """The label without its stage, as a title."""
    label = MEASURES[measure].label.split(", last stage")[0]
    return label[0].upper() + label[1:]


def _scale(axis: Axes, which: str, measure: str) -> None:
    unit = MEASURES[measure].unit
    label = MEASURES[measure].label.replace(", last stage", "")
    signed = measure.startswith("used_")  # a difference of shares may be negative
    if _percent(measure) and not signed:
        style.percent_axis(axis, which, f"{label} (%)")
        return
    name = f"{label} (percentage points)" if signed else f"{label} ({unit})"
    (axis.set_xlabel if which == "x" else axis.set_ylabel)(name)
    if signed:
        (axis.axvline if which == "x" else axis.axhline)(0, color=GREY, linewidth=0.8, zorder=1)
