"""Draw the README's picture from the results of the embedded experiment.

    python scripts/draw_picture.py results/procedural docs/picture.png

Left, four of its images in which shape and texture disagree; right, for each training, what networks decide by
and what a linear read-out of their last stage knows (means over seeds).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from texshape.data import imageset
from texshape.figures import style
from texshape.files import atomic_path, read_csv

ARMS = {"plain": "plain images", "mixed": "plain and stylized", "stylized": "stylized images"}
SHOWN = (
    ("heart", "ring"),
    ("star", "square"),
    ("arrow", "gear"),
    ("plus", "disc"),
)  # shape, texture


def main(results: Path, output: Path) -> None:
    images = imageset.read(results / "data" / "base" / "cue-conflict")
    with style.style():
        figure = style.make(width=7.2, height=2.5)
        left, right = figure.subfigures(1, 2, width_ratios=[1, 1.75])
        left.suptitle("Shape and texture disagree", fontsize=8.5, fontweight="bold")
        for axis, (shape, texture) in zip(left.subplots(2, 2).flat, SHOWN, strict=True):
            wanted = (images.labels["shape"] == shape) & (images.labels["texture"] == texture)
            axis.imshow(images.images[np.flatnonzero(wanted)[0]], interpolation="nearest")
            axis.set_title(
                f"{shape}, {texture}'s texture", fontsize=7, fontweight="normal", loc="center"
            )
            axis.set_axis_off()
        bias = read_csv(results / "tables" / "shape_bias.csv")
        readout = read_csv(results / "tables" / "readout.csv")
        axes = right.subplots(1, 3, sharey=True)
        right.suptitle("CNN trained on ...", fontsize=8.5, fontweight="bold")
        for axis, (arm, name) in zip(axes, ARMS.items(), strict=True):
            own = bias[(bias["architecture"] == "cnn") & (bias["arm"] == arm)]
            read = readout[(readout["architecture"] == "cnn") & (readout["arm"] == arm)]
            read = read[(read["input"] == "pooled") & (read["epoch"] == read["epoch"].max())]
            read = read[read["stage"] == read["stage"].iloc[-1]]
            values = [
                own["shape_bias"].mean(),
                read[read["cue"] == "shape"]["accuracy"].mean(),
                read[read["cue"] == "texture"]["accuracy"].mean(),
            ]
            axis.barh(range(3), [100 * v for v in values],
                      color=[style.INK, style.SHAPE, style.TEXTURE], height=0.62)  # fmt: skip
            for y, value in enumerate(values):
                axis.text(100 * value + 3, y, f"{100 * value:.0f} %", va="center", fontsize=7)
            axis.set_title(name, loc="center", fontweight="normal")
            axis.set_xlim(0, 125)
            axis.set_xticks([])
            axis.grid(visible=False)
            axis.spines["bottom"].set_visible(False)
        axes[0].set_yticks(range(3), ["decides by shape\n(shape bias)", "knows shape\n(read-out)",
                                      "knows texture\n(read-out)"])  # fmt: skip
        axes[0].set_ylim(2.6, -0.6)
        with atomic_path(output) as temporary:
            figure.savefig(temporary, format="png", dpi=200, metadata={"Software": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("output", type=Path)
    given = parser.parse_args()
    main(given.results, given.output)
