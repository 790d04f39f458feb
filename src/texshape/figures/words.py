"""Words in figures that are longer than their room: parted onto lines, never set smaller than can be read.

Widths are those of the figures' font, and where a panel's title may be too long those that were laid out.
"""

from __future__ import annotations

import re

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Text

SMALLEST = 6.0  # points in a column 13 cm wide: no word is set smaller
HEADING = 8.5  # points
AIR = 0.04  # inches between the titles of neighbouring panels
HINTED = 1.02  # letters on a screen are a little wider than their outlines
FINE = 10  # times as fine as a point: no width is rounded to whole ones
_POINT = 1 / 72  # inches


def inches(text: str, size: float, *, bold: bool = False) -> float:
    """Width of the longest line of a text of `size` points, in the figures' font."""
    font = get_font(findfont(FontProperties(weight="bold" if bold else "normal")))
    font.set_size(size, 72 * FINE)
    widest = 0.0
    for line in text.splitlines():
        font.set_text(line)
        widest = max(widest, font.get_width_height()[0] / 64 / FINE)  # 64ths of a point
    return HINTED * widest * _POINT


def fitted(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """A text on so many lines that each is at most about `room` inches long."""
    own = inches(text, size, bold=bold)
    return text if own <= room else broken(text, max(map(len, text.splitlines())) * room / own)


def broken(text: str, room: float) -> str:
    """A text on as many lines as it needs, parted at spaces and behind underscores.

    Parameters
    ----------
    text : str
        A line break in it stays.
    room : float
        Letters of a line; a part that is longer by itself stays whole.
    """
    found = []
    for given in text.split("\n"):
        lines = [""]
        for part in re.split(r"(?<=[_ ])", given):
            if lines[-1] and len(lines[-1]) + len(part.rstrip()) > room:
                lines.append("")
            lines[-1] += part
        found += [line.rstrip(" ") for line in lines]
    return "\n".join(found)


def heading(figure: Figure, text: str) -> None:
    """A figure's title above all panels, on two lines where it is longer than the figure is wide."""
    figure.suptitle(fitted(text, figure.get_figwidth() - 0.1, HEADING), fontsize=HEADING)


def part_titles(figure: Figure) -> bool:
    """Part titles of panels that reach into the next panel or out of the figure, which has been laid out.

    Returns
    -------
    bool
        Whether there was any.
    """
    parted = False
    for axis in figure.axes:
        columns = grid.get_gridspec().ncols if (grid := axis.get_subplotspec()) else 1
        # A layout that found no room for the titles leaves panels without width.
        least = 0.25 * figure.bbox.width / columns
        for title in [child for child in axis.get_children() if isinstance(child, Text)]:
            text = title.get_text()
            if not text or title in axis.texts:
                continue
            box = title.get_window_extent()
            room = max(_end(axis, figure) - box.x0, least)
            if box.width > room:
                longest = max(map(len, text.split("\n")))
                title.set_text(broken(text, longest * room / box.width))
                parted = True
    return parted


def _end(axis: Axes, figure: Figure) -> float:
    """Where the next panel to the right begins, or the figure ends, in pixels."""
    own = axis.bbox
    right = [
        other.bbox.x0
        for other in figure.axes
        if other.bbox.x0 >= own.x1 and other.bbox.y0 < own.y1 and other.bbox.y1 > own.y0
    ]
    return min(right, default=figure.bbox.x1) - AIR * figure.dpi


def legend_columns(figure: Figure, labels: list[str], most: int, size: float = 7.5) -> int:
    """How many columns, at most so many, of a legend's entries the figure is wide enough for."""
    widest = max((inches(label, size) for label in labels), default=0.0) + 0.45  # with its marker
    return max(1, min(most, len(labels), int(figure.get_figwidth() / widest)))


def row_step(labels: list[str], size: float, least: float) -> float:
    """Inches from a row to the next whose labels have so many lines."""
    lines = max((label.count("\n") + 1 for label in labels), default=1)
    return max(least, (1.22 * size * lines + 1) * _POINT) if lines > 1 else least
