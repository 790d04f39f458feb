"""Contact sheet of a stylization: content, style and result, one column an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from texshape.errors import InputError
from texshape.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 7.0  # inches
_LABELS, _RIGHT, _GAP = 0.62, 0.06, 0.05  # inches beside the images; of an image's side
ROWS = ("content", "style", "result")


def stylization_sheet(
    contents: Sequence[np.ndarray],
    styles: Sequence[np.ndarray],
    results: Sequence[np.ndarray],
    *,
    others: Mapping[str, Sequence[np.ndarray]] | None = None,
    names: Sequence[str] = (),
    columns: int = 12,
    title: str = "",
) -> Figure:
    """Show what was made of what.

    Parameters
    ----------
    contents, styles, results : sequence of ndarray of shape (H, W, 3), uint8
        Of one length; sizes may differ.
    others : mapping of str to sequence of ndarray, optional
        Further rows by their name, such as the same picture made another way.
    names : sequence of str
        Written above the columns.
    columns : int
        Images side by side; more are put in further bands of three rows.
    title : str

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no image, or the lengths differ.
    """
    count = len(contents)
    shown_rows = dict(zip(ROWS, (contents, styles, results), strict=True)) | dict(others or {})
    if not count or any(len(images) != count for images in shown_rows.values()) or columns < 1:
        raise InputError(
            f"stylization sheet: {count} contents, {len(styles)} styles, {len(results)} results, "
            f"{columns} columns; expected as many of each, and at least one"
        )
    columns = min(columns, count)
    bands = -(-count // columns)
    side = (WIDTH - _LABELS - _RIGHT) / (columns * (1 + _GAP) - _GAP)
    head, between = (0.3 if title else 0.06), (0.2 if len(names) else 0.08)
    band = between + len(shown_rows) * side * (1 + _GAP)
    height = head + bands * band + 0.04
    with style.style():
        figure = style.make(WIDTH, height)
        figure.set_layout_engine("none")
        if title:
            figure.text(0.01, 1 - 0.08 / height, title, ha="left", va="top", fontsize=8.5,
                        weight="bold")  # fmt: skip
        for row, (name, images) in enumerate(list(shown_rows.items()) * bands):
            number, line = divmod(row, len(shown_rows))
            shown = range(number * columns, min((number + 1) * columns, count))
            top = head + number * band + between + line * side * (1 + _GAP)
            across = len(shown) * side * (1 + _GAP) - _GAP * side
            axis = figure.add_axes(
                (_LABELS / WIDTH, (height - top - side) / height, across / WIDTH, side / height)
            )
            for place, index in enumerate(shown):
                left = place * (1 + _GAP)
                axis.imshow(images[index], extent=(left, left + 1, 0, 1), interpolation="none")
                if line == 0 and len(names):
                    axis.text(left + 0.5, 1.06, names[index], ha="center", va="bottom", fontsize=6)
            axis.set_xlim(0, len(shown) * (1 + _GAP) - _GAP)
            axis.set_ylim(0, 1)
            axis.set_axis_off()
            axis.text(-0.06 / side, 0.5, name, ha="right", va="center", fontsize=7)
    return figure
