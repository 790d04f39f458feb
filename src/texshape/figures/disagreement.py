"""Where decision and knowledge part: how often, and on which images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from texshape.comparison.disagreement import DECISIONS, KINDS, diverse
from texshape.data.imageset import ImageSet
from texshape.errors import InputError, nearest
from texshape.figures import style
from texshape.figures.style import GREY, SHAPE, TEXTURE
from texshape.figures.words import fitted
from texshape.models.imagenet import class_name

# inches of the sheet: border, above the images, below them, last line; gap in image sides
_EDGE, _HEAD, _FOOT, _NOTE, _GAP = 0.06, 0.42, 0.16, 0.2, 0.14
_NAME = 6.0  # points, of a class
_LINE = 1.2 * _NAME / 72  # inches; the head has room for two
_COLOURS = {"shape": SHAPE, "texture": TEXTURE, "neither": GREY}


def by_network(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Decisions of each network, split by whether the cue could be read from its last stage.

    Left the read-out of shape, right that of texture. A bar is all conflict images: full colour
    where the reader was right, pale where it was wrong. The tick in a bar is where the full colour
    would end if reading and deciding were independent.
    """
    title = "Decided and known"
    frame = style.trained_on_base(tables["disagreement"], settings)
    if frame.empty:
        return style.empty(title)
    rows = style.in_order(frame)
    figure = style.make(height=1.0 + 0.24 * len(rows))
    axes = figure.subplots(1, 2, sharey=True)
    columns = ["share", "expected_share"]
    means = frame.groupby(["architecture", "arm", "cue", "decision", "readout"], sort=False)[
        columns
    ]
    means = means.mean()
    for axis, cue in zip(axes, ("shape", "texture"), strict=True):
        for y, (architecture, arm) in enumerate(rows):
            start = 0.0
            for decision in DECISIONS:
                cell = [
                    100 * _cell(means, (architecture, arm, cue, decision, readout))
                    for readout in ("right", "wrong")
                ]
                (right, expected), (wrong, _) = cell
                if not np.isfinite(right + wrong):
                    style.undefined(axis, y)
                    break
                colour = _COLOURS[decision]
                axis.barh(y, right, 0.72, left=start, color=colour)
                axis.barh(y, wrong, 0.72, left=start + right, color=colour, alpha=0.3)
                axis.plot([start + expected] * 2, [y - 0.36, y + 0.36], color="black", linewidth=1)
                start += right + wrong
        axis.set_yticks(range(len(rows)), [style.network_label(*row) for row in rows])
        axis.set_ylim(len(rows) - 0.4, -0.6)
        axis.grid(visible=False, axis="y")
        style.percent_axis(axis, "x", "conflict images (%)")
        axis.set_title(f"{cue.capitalize()} read, n = {style.counts(frame['n_images'])}")
    handles = [Patch(color=_COLOURS[name], label=f"decided for {name}") for name in DECISIONS]
    handles.append(Patch(color=GREY, alpha=0.3, label="pale: cue read wrongly"))
    handles.append(Line2D([], [], color="black", linewidth=1, label="full if independent"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _cell(means: pd.DataFrame, key: tuple) -> np.ndarray:
    if key in means.index:
        return means.loc[key].to_numpy(dtype=float)
    return np.full(2, np.nan)


def sheet(
    rows: pd.DataFrame,
    images: ImageSet,
    *,
    models: Sequence[str] | None = None,
    columns: int = 8,
    most: int = 4,
) -> Figure:
    """Images on which decision and read-out disagree in most trainings, a row a network and kind.

    Parameters
    ----------
    rows : DataFrame
        ``disagreement_images.csv``.
    images : ImageSet
        The cue-conflict set.
    models : sequence of str, optional
        Networks shown; by default the ones that disagree on most images, `most` rows in all.
    columns : int
        Images a row, of different classes as far as there are.
    most : int

    Raises
    ------
    InputError
        If a network or an image is unknown.
    """
    title = "Images on which decision and read-out disagree"
    known = list(dict.fromkeys(rows["model"]))
    for model in models or []:
        if model not in known:
            raise InputError(f"disagreement: no network '{model}' in the table"
                             f"{nearest(model, known)}")  # fmt: skip
    groups = {
        (model, kind): group
        for (model, kind), group in rows.groupby(["model", "kind"], sort=False)
        if models is None or model in models
    }
    if models is None:
        weight = {key: (len(g), g["n_disagree"].sum()) for key, g in groups.items()}
        keep = set(sorted(groups, key=lambda key: weight[key], reverse=True)[:most])
        groups = {key: group for key, group in groups.items() if key in keep}
    if not groups:
        return style.empty(title, "undefined: no network disagrees with its read-out")
    known_images = {name: number for number, name in enumerate(images.labels["imagename"])}
    side = (style.WIDTH - 2 * _EDGE) / (columns * (1 + _GAP) - _GAP)
    shown = {key: list(diverse(group, columns).itertuples()) for key, group in groups.items()}
    names = {
        row.Index: "\n".join(
            fitted(class_name(name), side * (1 + _GAP / 2), _NAME)
            for name in (row.shape, row.texture)
        )
        for rows_shown in shown.values()
        for row in rows_shown
    }
    head = _HEAD + _LINE * max(name.count("\n") - 1 for name in names.values())
    line = head + side + _FOOT
    height = len(groups) * line + _NOTE
    figure = style.make(height=height)
    figure.set_layout_engine("none")
    for number, (key, group) in enumerate(groups.items()):
        top = height - number * line
        first, kind = group.iloc[0], key[1]
        followed, read = KINDS[kind]
        figure.text(
            _EDGE / style.WIDTH, (top - 0.06) / height,
            f"{style.network_label(first['architecture'], first['arm'])}: decided for {followed}, "
            f"{read} read rightly", fontsize=7, fontweight="bold", va="top",
        )  # fmt: skip
        for place, row in enumerate(shown[key]):
            if row.imagename not in known_images:
                raise InputError(f"disagreement: image '{row.imagename}' is not in the image set")
            left = _EDGE + place * side * (1 + _GAP)
            axis = figure.add_axes(
                (left / style.WIDTH, (top - head - side) / height, side / style.WIDTH,
                 side / height)
            )  # fmt: skip
            axis.set_axis_off()
            axis.imshow(images.images[known_images[row.imagename]], interpolation="nearest")
            axis.set_title(
                names[row.Index], fontsize=_NAME, loc="center", pad=2, fontweight="normal"
            )
            axis.text(0.5, -0.04, f"{row.n_disagree} of {row.n_seeds}", fontsize=6, ha="center",
                      va="top", transform=axis.transAxes, color=GREY)  # fmt: skip
    figure.text(
        _EDGE / style.WIDTH, 0.04 / height,
        "Above an image: class of its shape, class of its texture; below: seeds that disagree.",
        fontsize=6, color=GREY,
    )  # fmt: skip
    return figure
