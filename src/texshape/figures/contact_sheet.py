"""Contact sheet: a row of images for each set; one image a class, several where classes are few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from texshape.data.imageset import ImageSet
from texshape.data.outlines import CLASSES
from texshape.data.textures import TEXTURES
from texshape.errors import InputError
from texshape.figures import style
from texshape.figures.words import inches
from texshape.models.imagenet import class_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 7.0  # inches; wider than the text block, so that twelve columns stay readable when scaled
_LABELS, _RIGHT = 1.15, 0.06  # inches beside the images
_GAP = 0.06  # of an image's side
_NAME = 6.4  # points, of a class


def choose(images: ImageSet, classes: list[str], each: int = 1) -> list[int | None]:
    """Pick images of each class, of as many different textures as the set has.

    Parameters
    ----------
    images : ImageSet
        Chosen by shape class, or by texture class where the set has no shapes.
    classes : list of str
    each : int
        Images of a class.

    Returns
    -------
    list of int or None
        Indices into the set, class by class; None where it has no more images of a class.
    """
    shapes, textures = images.labels["shape"].to_numpy(), images.labels["texture"].to_numpy()
    column = textures if (shapes == "na").all() else shapes
    conflict = set(textures) & set(classes) and (shapes != textures).mean() > 0.5
    chosen: list[int | None] = []
    used: set[str] = set()
    for number, name in enumerate(classes):
        candidates = np.flatnonzero(column == name)
        if column is shapes and conflict:
            candidates = candidates[textures[candidates] != name]
        # Each class starts elsewhere in its images, so that exemplars differ along the row.
        left = np.roll(candidates, -(number * len(candidates) // len(classes))).tolist()
        for _ in range(each):
            if not left:
                chosen.append(None)
                continue
            index = next((index for index in left if textures[index] not in used), left[0])
            left.remove(index)
            chosen.append(index)
            used.add(textures[index])
    return chosen


def contact_sheet(sets: Mapping[str, ImageSet], *, columns: int = 12) -> Figure:
    """Draw a row for each set, and a column for each class or several of one width.

    Parameters
    ----------
    sets : mapping of str to ImageSet
        Rows from top to bottom.
    columns : int
        Images in a row at most, as many of each class: the procedural classes in their order, others in
        alphabetical order.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        If there is no set, or no column.
    """
    if not sets or columns < 1:
        raise InputError(f"contact sheet: {len(sets)} sets, {columns} columns; expected at least 1")
    found = {name for images in sets.values() for name in _classes(images)}
    order = [name for name in CLASSES if name in found] + sorted(found - set(CLASSES))
    classes = order[:columns]
    each = max(1, columns // len(classes))
    across = WIDTH - _LABELS - _RIGHT
    side = across / (len(classes) * each * (1 + _GAP) - _GAP)
    longest = max(inches(class_name(name), _NAME, bold=True) for name in classes)
    upright = longest > each * side  # beside each other they would run into one
    head = longest + 0.12 if upright else 0.36
    height = head + len(sets) * side * (1 + 2 * _GAP) + 0.04
    with style.style():
        figure = style.make(WIDTH, height)
        figure.set_layout_engine("none")
        for row, (name, images) in enumerate(sets.items()):
            bottom = height - head - (row + 1) * side * (1 + 2 * _GAP)
            axis = figure.add_axes(
                (_LABELS / WIDTH, bottom / height, across / WIDTH, side / height)
            )
            _row(axis, images, choose(images, classes, each), each)
            title = name.replace("/", "\n").replace("-strength-", "\nstrength ")
            label = f"{title}\nn = {len(images):,}"
            axis.text(-0.012, 0.5, label, transform=axis.transAxes, ha="right", va="center",
                      fontsize=7)  # fmt: skip
            if row == 0:
                _heads(axis, classes, each, upright=upright)
    return figure


def _classes(images: ImageSet) -> set[str]:
    shapes = set(images.labels["shape"]) - {"na"}
    return shapes or set(images.labels["texture"]) - {"na"}


def _row(axis, images: ImageSet, chosen: list[int | None], each: int) -> None:
    """Show the chosen images side by side; axis units are image sides."""
    for number, index in enumerate(chosen):
        left = number * (1 + _GAP)
        if index is None:
            if number % each == 0:  # no image of the class at all
                axis.text(left + 0.5, 0.5, "none", ha="center", va="center", fontsize=6,
                          color=style.GREY)  # fmt: skip
            continue
        axis.imshow(
            images.images[index],
            extent=(left, left + 1, 0, 1),
            interpolation="none",  # vector formats keep the pixels as they are
        )
        axis.add_patch(_frame(left))
    axis.set_xlim(0, len(chosen) * (1 + _GAP) - _GAP)
    axis.set_ylim(0, 1)
    axis.set_axis_off()


def _frame(left: float):
    from matplotlib.patches import Rectangle

    return Rectangle((left, 0), 1, 1, fill=False, edgecolor=style.GREY, linewidth=0.4)


def _heads(axis, classes: list[str], each: int, *, upright: bool) -> None:
    """Name the columns of each class: the class, and what its texture looks like where the program draws it."""
    drawn = any(name in TEXTURES for name in classes)
    for number, name in enumerate(classes):
        centre = (number * each + (each - 1) / 2) * (1 + _GAP) + 0.5
        # In points above the images, whatever their size.
        place = {"textcoords": "offset points", "ha": "center", "va": "bottom"}
        axis.annotate(class_name(name), (centre, 1), (0, 11 if drawn else 3), fontsize=_NAME, weight="bold",
                      rotation=90 if upright else 0, **place)  # fmt: skip
        if name in TEXTURES:
            axis.annotate(TEXTURES[name][0], (centre, 1), (0, 2.6), fontsize=6, **place)
