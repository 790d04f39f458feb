"""Measures by measures: which order networks alike, which contrary, and where nothing was decided."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from texshape.comparison.agreement import HERE, REFERENCE, TIED, UNDECIDED, in_words
from texshape.figures import style
from texshape.figures.style import BLUE, FAINT, GREY, INK, VERMILION, WIDTH

SMALLEST = 6.0  # points: no name is set smaller
_EDGE, _TITLE = 0.06, 0.3  # inches round a panel, and above it
_KEY = (1.75, 1.3)  # inches that the key takes in the empty corner
_LARGEST = 0.3  # inches of a cell
_CELL_FOR_NUMBERS = 0.26  # inches that a coefficient needs
_POINT = 1 / 72
_LETTER = 0.52  # of a letter's height: its width
#: side of a square in its cell: decided, not after the correction, not at all
_SIDES = (0.9, 0.58, 0.26)


def matrix(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """A square a pair of measures, in the colour of its rank correlation; a panel for each hand that measured.

    A full square was decided; of a middle one the interval does not hold zero but the correction for the number
    of tests took it; of a small one the interval holds zero. An outline is a pair that is tied by what the two
    are. Measures stand in the order of their agreement with
    shape bias, each with its name at the end of its row and the top of its column; measures without any
    coefficient are counted below the title.
    """
    frame = tables["agreement"]
    title = "Do the measures agree?"
    if not frame["rho"].notna().any():
        reasons = [reason for reason in frame["reason"].dropna().unique() if reason]
        return style.empty(
            title, "undefined: " + (reasons[0] if reasons else "no pair of measures")
        )
    panels = [rows for _, rows in frame.groupby("measured_by", sort=False)
              if rows["rho"].notna().any()]  # fmt: skip
    sizes = [_size(rows) for rows in panels]
    height = sum(high for _, high in sizes)
    figure = style.make(height=height)
    figure.set_layout_engine("none")
    top = height
    for number, (rows, (cell, high)) in enumerate(zip(panels, sizes, strict=True)):
        inside = high - _TITLE - _EDGE
        axis = figure.add_axes(
            (_EDGE / WIDTH, (top - high + _EDGE) / height, 1 - 2 * _EDGE / WIDTH, inside / height)
        )
        axis.set_xlim(0, (WIDTH - 2 * _EDGE) / cell)
        axis.set_ylim(inside / cell, 0)
        axis.set_axis_off()
        names = in_order(rows)
        _panel(axis, rows, names, cell)
        _head(axis, rows, names, cell)
        if not number:
            _key(axis, cell)
        top -= high
    return figure


def in_order(rows: pd.DataFrame) -> list[str]:
    """Measures that have a coefficient, from those that agree with shape bias to those contrary to it."""
    made = rows[rows["rho"].notna()]
    names = list(dict.fromkeys([*made["measure_x"], *made["measure_y"]]))
    with_bias = made[made["measure_x"] == REFERENCE].set_index("measure_y")["rho"].to_dict()
    place = {REFERENCE: np.inf, **with_bias}
    return sorted(names, key=lambda name: -place.get(name, -np.inf))


def colours() -> Colormap:
    """Contrary, nothing, agreement: told apart with any colour vision, and pale in the middle."""
    return LinearSegmentedColormap.from_list("agreement", [VERMILION, "#f4f4f4", BLUE])


def _labels(rows: pd.DataFrame) -> dict[str, str]:
    """Names as they stand in the figure; what was turned round says so."""
    found = {}
    for end in ("x", "y"):
        columns = (rows[f"{name}_{end}"] for name in ("measure", "label", "cue"))
        for measure, label, cue in zip(*columns, strict=True):
            short = in_words(str(label))
            found[measure] = f"less: {short}" if cue == "texture" else short
    return found


def _size(rows: pd.DataFrame) -> tuple[float, float]:
    """Side of a cell and height of the panel, in inches."""
    names, labels = in_order(rows), _labels(rows)
    letter = _LETTER * SMALLEST * _POINT
    cell = min(
        (WIDTH - 2 * _EDGE - letter * len(labels[name])) / (i + 0.3) for i, name in enumerate(names)
    )
    cell = min(cell, _LARGEST)
    inside = max(cell * len(names), _KEY[1])
    return cell, inside + _TITLE + _EDGE


def _panel(axis: Axes, rows: pd.DataFrame, names: list[str], cell: float) -> None:
    place = {name: i for i, name in enumerate(names)}
    labels, colour = _labels(rows), colours()
    for row in rows.itertuples():
        if row.measure_x not in place or row.measure_y not in place:
            continue
        column, line = sorted((place[row.measure_x], place[row.measure_y]))
        _cell(axis, column, line, row, colour, cell)
    for name, i in place.items():
        axis.text(i + 0.1, i + 0.5, labels[name], fontsize=SMALLEST,
                  va="center", ha="left", color=INK,
                  weight="bold" if name == REFERENCE else "normal")  # fmt: skip


def _cell(axis: Axes, column: int, line: int, row: Any, colour: Colormap, cell: float) -> None:
    middle = (column + 0.5, line + 0.5)
    if not np.isfinite(row.rho):
        axis.plot(*middle, marker="_", color=FAINT, markersize=3, linestyle="none")
        return
    holds_zero = row.ci_low <= 0 <= row.ci_high
    side = _SIDES[(1 + holds_zero) if row.verdict == UNDECIDED else 0]
    face = colour((row.rho + 1) / 2)
    corner = (middle[0] - side / 2, middle[1] - side / 2)
    look = {"facecolor": face, "edgecolor": "none"}
    if row.verdict == TIED:
        look = {"facecolor": "none", "edgecolor": face, "linewidth": 1.0}
    # A smaller square stands on a pale ground, so that the grid of cells is seen.
    if row.verdict == UNDECIDED:
        axis.add_patch(Rectangle((column + 0.05, line + 0.05), 0.9, 0.9, facecolor="#f7f7f7"))
    axis.add_patch(Rectangle(corner, side, side, **look))
    axis.plot(*middle, linestyle="none")  # a point for what asks whether there is anything
    if cell >= _CELL_FOR_NUMBERS and row.verdict != UNDECIDED:
        dark = row.verdict != TIED and abs(row.rho) > 0.5
        axis.text(*middle, f"{row.rho:.1f}".replace("-", "−"), fontsize=SMALLEST, ha="center",
                  va="center", color="white" if dark else INK)  # fmt: skip


def _head(axis: Axes, rows: pd.DataFrame, names: list[str], cell: float) -> None:
    made = rows[rows["rho"].notna()]
    every = set(rows["measure_x"]) | set(rows["measure_y"])
    who = "Measured here" if made["measured_by"].iloc[0] == HERE else (
        f"Measured by others ({made['measured_by'].iloc[0]})")  # fmt: skip
    left = len(every) - len(names)
    text = f"{who}, n = {style.counts(made['n_networks'])} networks"
    if left:
        text += f"; {left} of {len(every)} measures without a coefficient"
    axis.set_title(text, fontsize=8, pad=4)


def _key(axis: Axes, cell: float) -> None:
    """What colours and squares mean, in the corner that the matrix leaves empty."""
    right = axis.get_xlim()[1]
    unit = 0.125 / cell  # a line
    left, top = right - _KEY[0] / cell, 0.2 * unit
    colour = colours()
    width = 0.9 / cell
    steps = 40
    for step in range(steps):
        axis.add_patch(Rectangle((left + width * step / steps, top), width / steps, 0.7 * unit,
                                 facecolor=colour((step + 0.5) / steps), edgecolor="none",
                                 antialiased=False))  # fmt: skip
    words = {"fontsize": SMALLEST, "va": "center", "color": INK}
    for at, text, align in ((0, "−1", "left"), (0.5, "0", "center"), (1, "1", "right")):
        axis.text(left + at * width, top + 1.2 * unit, text, ha=align, **words)
    axis.text(left + width + 0.4 * unit, top + 0.35 * unit, "Spearman’s ρ", ha="left", **words)
    axis.text(left, top + 2.2 * unit, "contrary", ha="left", **{**words, "color": VERMILION})
    axis.text(left + width, top + 2.2 * unit, "alike", ha="right", **{**words, "color": BLUE})
    lines = (
        (_SIDES[0], {"facecolor": BLUE}, "decided"),
        (_SIDES[1], {"facecolor": BLUE}, "not after correction"),
        (_SIDES[2], {"facecolor": BLUE}, "interval holds zero"),
        (
            _SIDES[0],
            {"facecolor": "none", "edgecolor": BLUE, "linewidth": 1.0},
            "tied by what they are",
        ),
    )
    for number, (side, look, text) in enumerate(lines):
        y = top + (3.6 + 1.15 * number) * unit
        x = left + 0.5 * unit
        axis.add_patch(Rectangle((x - side * unit / 2, y - side * unit / 2), side * unit,
                                 side * unit, **look))  # fmt: skip
        axis.text(left + 1.4 * unit, y, text, ha="left", **words)
    axis.text(left, top + 8.2 * unit, "less: more of it is more texture", ha="left",
              **{**words, "color": GREY})  # fmt: skip
