"""Images that excite channels, stages from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from texshape.errors import InputError
from texshape.experiment.runs import RunId
from texshape.figures import style
from texshape.files import read_npz


def draw(paths: Sequence[str | Path]) -> Figure:
    """Draw the images of one network or of several, one below the other.

    Parameters
    ----------
    paths : sequence of path
        Files that `texshape run feature-visualization` wrote.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    networks = {path: found for path in paths if (found := _read(path))}
    if not networks:
        return style.empty("Images that excite one channel", "undefined: no images")
    columns = max(len(dict.fromkeys(each["stage"].tolist())) for each in networks.values())
    rows = [max(np.unique(each["stage"], return_counts=True)[1]) for each in networks.values()]
    per_row = [2] * len(networks)  # images side by side within a stage
    lines = [-(-int(count) // width) for count, width in zip(rows, per_row, strict=True)]
    side = style.WIDTH / (2 * columns + 0.4)
    figure = style.make(height=0.35 + sum(lines) * side + 0.35 * len(networks))
    blocks = figure.subfigures(
        len(networks), 1, squeeze=False, height_ratios=[count + 0.7 for count in lines]
    )
    for block, (path, each), count in zip(blocks[:, 0], networks.items(), lines, strict=True):
        stages = list(dict.fromkeys(each["stage"].tolist()))
        if len(networks) > 1:
            block.suptitle(_label(str(each["model"]), path), fontsize=8, x=0.01, ha="left")
        parts = block.subfigures(1, len(stages), squeeze=False)
        for part, stage in zip(parts[0], stages, strict=True):
            chosen = np.flatnonzero(each["stage"] == stage)
            axes = part.subplots(count, 2, squeeze=False, gridspec_kw={"hspace": 0, "wspace": 0})
            part.suptitle(stage, fontsize=8)
            for axis in axes.flat:
                axis.set_axis_off()
            for axis, index in zip(axes.flat, chosen, strict=False):
                axis.imshow(each["images"][index], interpolation="nearest")
                silent = " silent" if each["after"][index] == 0 else ""
                title = f"{each['channel'][index]}{silent}"
                axis.set_title(title, fontsize=6, pad=1.5, loc="center", fontweight="normal")
    return figure


def _label(model: str, path: str | Path) -> str:
    """The network by the folder that its file, or its checkpoint, lies in; by its name where that is none."""
    for place in (path, model):
        try:
            own = RunId.of_path(place)
        except InputError:
            continue
        return f"{own.architecture} · {own.arm}"
    return model


def _read(path: str | Path) -> dict[str, np.ndarray]:
    arrays = read_npz(path)
    if not arrays:  # of a network that could not be measured
        return {}
    for key in ("images", "stage", "channel", "after", "model"):
        if key not in arrays:
            raise InputError(f"{path}: array '{key}' is missing; found {', '.join(arrays)}")
    return arrays
