"""Measures by measures: which order networks alike, which contrary, and where nothing was decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from texshape.comparison.agreement import HERE, REFERENCE, TIED, UNDECIDED, in_words
from texshape.figures import style
from texshape.figures.style import FAINT, GREEN, GREY, INK, PURPLE, WIDTH
from texshape.figures.words import SMALLEST, fitted, inches

_EDGE, _GAP = 0.06, 0.08  # inches round the figure, and between panels beside each other
_TITLE, _LINE = 0.16, 0.135  # inches above a panel, and for each line of its title
_KEY = (1.75, 1.3)  # inches that the key takes in the empty corner
_FEW = 8  # measures whose cells have room for a coefficient
_CELL, _CELL_OF_MANY = 0.18, 0.115  # inches: as a coefficient needs, as a name needs
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
    lines = _side_by_side([_Panel.of(rows, first=not number) for number, rows in enumerate(panels)])
    heights = [max(panel.head for panel in line) + max(panel.high for panel in line) + _EDGE
               for line in lines]  # fmt: skip
    height = sum(heights)
    figure = style.make(height=height)
    figure.set_layout_engine("none")
    top = height
    for line, taken in zip(lines, heights, strict=True):
        left = _EDGE
        head = max(panel.head for panel in line)
        for panel in line:
            bottom = top - head - panel.high
            axis = figure.add_axes((left / WIDTH, bottom / height, panel.wide / WIDTH,
                                    panel.high / height))  # fmt: skip
            axis.set_xlim(0, panel.wide / panel.cell)
            axis.set_ylim(panel.high / panel.cell, 0)
            axis.set_axis_off()
            _draw(axis, panel)
            axis.set_title(panel.title, fontsize=8, pad=4)
            if panel is lines[0][0]:
                _key(axis, panel.cell)
            left += panel.wide + _GAP
        top -= taken
    return figure


@dataclass(frozen=True)
class _Panel:
    """The measures of one hand, in inches: side of a cell, width, height below the title, height of that."""

    rows: pd.DataFrame
    names: list[str]
    labels: dict[str, str]
    title: str
    cell: float
    wide: float
    high: float
    head: float

    @classmethod
    def of(cls, rows: pd.DataFrame, *, first: bool) -> _Panel:
        """The panel as large as it has to be; the first one is as wide as the figure, and has the key."""
        names, labels = in_order(rows), _labels(rows)
        ends = {name: inches(labels[name], SMALLEST) for name in names}
        whole = WIDTH - 2 * _EDGE
        cell = _CELL if len(names) <= _FEW else _CELL_OF_MANY
        cell = min(cell, *((whole - ends[name]) / (i + 0.3) for i, name in enumerate(names)))
        wide = max((i + 0.3) * cell + ends[name] for i, name in enumerate(names))
        wide = whole if first else min(wide, whole)
        title = fitted(_title(rows, names), wide, 8, bold=True)
        high = max(cell * len(names), _KEY[1] if first else 0)
        return cls(
            rows, names, labels, title, cell, wide, high, _TITLE + _LINE * len(title.split("\n"))
        )


def _side_by_side(panels: list[_Panel]) -> list[list[_Panel]]:
    """Panels in their order, beside each other as far as the figure is wide."""
    lines: list[list[_Panel]] = [[]]
    left = 0.0
    for panel in panels:
        if lines[-1] and left + panel.wide > WIDTH - 2 * _EDGE:
            lines.append([])
            left = 0.0
        lines[-1].append(panel)
        left += panel.wide + _GAP
    return lines


def in_order(rows: pd.DataFrame) -> list[str]:
    """Measures that have a coefficient, from those that agree with shape bias to those contrary to it."""
    made = rows[rows["rho"].notna()]
    names = list(dict.fromkeys([*made["measure_x"], *made["measure_y"]]))
    with_bias = made[made["measure_x"] == REFERENCE].set_index("measure_y")["rho"].to_dict()
    place = {REFERENCE: np.inf, **with_bias}
    return sorted(names, key=lambda name: -place.get(name, -np.inf))


def colours() -> Colormap:
    """Contrary, nothing, agreement: told apart with any colour vision, and pale in the middle."""
    return LinearSegmentedColormap.from_list("agreement", [PURPLE, "#f4f4f4", GREEN])


def _labels(rows: pd.DataFrame) -> dict[str, str]:
    """Names as they stand in the figure; what was turned round says so."""
    found = {}
    for end in ("x", "y"):
        columns = (rows[f"{name}_{end}"] for name in ("measure", "label", "cue"))
        for measure, label, cue in zip(*columns, strict=True):
            short = in_words(str(label))
            found[measure] = f"less: {short}" if cue == "texture" else short
    return found


def _draw(axis: Axes, panel: _Panel) -> None:
    place = {name: i for i, name in enumerate(panel.names)}
    colour = colours()
    numbers = len(panel.names) <= _FEW
    for row in panel.rows.itertuples():
        if row.measure_x not in place or row.measure_y not in place:
            continue
        column, line = sorted((place[row.measure_x], place[row.measure_y]))
        _cell(axis, column, line, row, colour, numbers=numbers)
    for name, i in place.items():
        axis.text(i + 0.1, i + 0.5, panel.labels[name], fontsize=SMALLEST,
                  va="center", ha="left", color=INK,
                  weight="bold" if name == REFERENCE else "normal")  # fmt: skip


def _cell(axis: Axes, column: int, line: int, row: Any, colour: Colormap, *, numbers: bool) -> None:
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
    if numbers and row.verdict != UNDECIDED:
        dark = row.verdict != TIED and abs(row.rho) > 0.5
        axis.text(*middle, f"{row.rho:.1f}".replace("-", "−"), fontsize=SMALLEST, ha="center",
                  va="center", color="white" if dark else INK)  # fmt: skip


def _title(rows: pd.DataFrame, names: list[str]) -> str:
    made = rows[rows["rho"].notna()]
    every = set(rows["measure_x"]) | set(rows["measure_y"])
    who = "Measured here" if made["measured_by"].iloc[0] == HERE else (
        f"Measured by others ({made['measured_by'].iloc[0]})")  # fmt: skip
    left = len(every) - len(names)
    text = f"{who}, n = {style.counts(made['n_networks'])} networks"
    return f"{text}; {left} of {len(every)} measures without a coefficient" if left else text


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
    axis.text(left, top + 2.2 * unit, "contrary", ha="left", **{**words, "color": PURPLE})
    axis.text(left + width, top + 2.2 * unit, "alike", ha="right", **{**words, "color": GREEN})
    lines = (
        (_SIDES[0], {"facecolor": GREEN}, "decided"),
        (_SIDES[1], {"facecolor": GREEN}, "not after correction"),
        (_SIDES[2], {"facecolor": GREEN}, "interval holds zero"),
        (
            _SIDES[0],
            {"facecolor": "none", "edgecolor": GREEN, "linewidth": 1.0},
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
