"""Maps of influence: which pixels the central unit of each stage listens to."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from texshape.figures import style
from texshape.files import read_npz

KINDS = {"untrained": "before training", "trained": "after training"}


def draw(path: str | Path, mass: float) -> Figure:
    """Draw the maps of one network, stages left to right.

    Parameters
    ----------
    path : path
        ``influence.npz`` of the technique `receptive_field`.
    mass : float
        Share of a map that the square holds, `receptive_field.mass`.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    from texshape.techniques.receptive_field.square import square_side

    title = "What the central unit of each stage listens to"
    arrays = read_npz(path)
    stages = list(dict.fromkeys(k.split("/")[1] for k in arrays if not k.endswith("/centre")))
    kinds = [kind for kind in KINDS if any(key.startswith(f"{kind}/") for key in arrays)]
    if not stages:
        return style.empty(title, "undefined: no stage of this network gives a spatial map")
    figure = style.make(height=0.55 + len(kinds) * 5.1 / max(len(stages), 3.4))
    axes = figure.subplots(len(kinds), len(stages), squeeze=False)
    for row, kind in zip(axes, kinds, strict=True):
        for axis, stage in zip(row, stages, strict=True):
            axis.grid(visible=False)
            axis.set_xticks([])
            axis.set_yticks([])
            influence = arrays.get(f"{kind}/{stage}")
            if influence is None:
                axis.set_axis_off()
                axis.text(0.5, 0.5, "undefined", transform=axis.transAxes, ha="center",
                          color=style.GREY, style="italic", gid="undefined")  # fmt: skip
                continue
            centre = tuple(float(value) for value in arrays[f"{kind}/{stage}/centre"])
            # The fourth root shows the faint rim; the square is computed from the values
            # themselves.
            axis.imshow((influence / influence.max()) ** 0.25, cmap="Greys", vmin=0, vmax=1)
            side = square_side(influence.astype(float), centre, mass)
            corner = (centre[1] - side / 2, centre[0] - side / 2)
            axis.add_patch(
                Rectangle(corner, side, side, fill=False, edgecolor=style.GREEN, linewidth=1.2)
            )
            axis.set_xlabel(f"{side} of {influence.shape[0]} px", fontsize=7)
            if kind == kinds[0]:
                axis.set_title(stage, fontsize=8)
        row[0].set_ylabel(KINDS[kind])
    return figure
