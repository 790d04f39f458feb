"""Segmentation read-outs by stage, and predictions beside the truth (Islam, Kowal et al. 2021)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import GREY
from texshape.techniques.readout.figure import trained_last, untrained

TITLES = {
    "binary": "Object or ground",
    "shape": "Shape class",
    "texture": "Texture class",
    "semantic": "Class",
}
# One colour a class, ground first; classes beyond take them again.
PALETTE = [
    "#f4f4f4",
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#1a1a1a"),
    *("#882255", "#44AA99", "#999933", "#661100"),
]


def by_stage(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Mean intersection over union against stage: a panel a target, a line an arm.

    The mean mask is the level of a prediction that sees no image; triangles are networks trained
    end to end; dashed is the network before training.
    """
    title = "Segmentation read-out"
    frame = style.trained_on_base(tables["segmentation"], settings)
    frame = frame[frame["head"] == settings.get("head", "conv1")]
    before = untrained(frame).assign(arm="untrained")
    frame = pd.concat([trained_last(frame[frame["arm"] != "untrained"]), before])
    architecture = style.main_architecture(frame, settings)
    frame = frame[frame["architecture"] == architecture]
    readouts = frame[frame["bound"] == "readout"]
    if readouts.empty:
        return style.empty(title)
    targets = [name for name in TITLES if name in set(readouts["target"])]
    stages = list(dict.fromkeys(readouts["stage"]))
    arms = [arm for _, arm in style.in_order(readouts)]
    trained = readouts[readouts["arm"] != "untrained"]
    figure = style.make(height=2.7)
    axes = np.atleast_1d(figure.subplots(1, len(targets), sharey=True))
    handles: dict[str, Any] = {}
    for axis, target in zip(axes, targets, strict=True):
        here = readouts[readouts["target"] == target]
        for arm in arms:
            rows = here[here["arm"] == arm]
            color, marker = style.arm_look(arm, arms)
            for place, stage in enumerate(stages):
                values = style.percent(rows.loc[rows["stage"] == stage, "miou"])
                axis.plot([place] * len(values), values, marker, color=color, markersize=2.5,
                          alpha=0.5)  # fmt: skip
                if not np.isfinite(values).any():
                    style.undefined(axis, 50, place, "undefined:\nno map")
            means = [
                style.mean(style.percent(rows.loc[rows["stage"] == s, "miou"])) for s in stages
            ]
            line = "--" if arm == "untrained" else "-"
            handles[style.arm_name(arm)] = axis.plot(range(len(stages)), means, line, color=color,
                                     marker=marker)[0]  # fmt: skip
            bound = frame[
                (frame["bound"] == "end_to_end")
                & (frame["target"] == target)
                & (frame["arm"] == arm)
            ]
            upper = style.mean(style.percent(bound["miou"]))
            if np.isfinite(upper):
                handles["trained end to end"] = axis.plot(
                    len(stages) - 1, upper, "^", color=color, markerfacecolor="white"
                )[0]
        level = style.mean(style.percent(here["mean_mask_miou"]))
        handles["mean mask"] = axis.axhline(level, color=GREY, linestyle=":", linewidth=1)
        axis.set_title(TITLES[target])
        axis.set_xticks(range(len(stages)), stages, rotation=45, ha="right")
        axis.set_xlim(-0.3, len(stages) - 0.7)
        style.percent_axis(axis, "y")
    axes[0].set_ylabel("mIoU with ground, %")
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)
    count = style.counts(readouts["n_test"])
    seeds = style.seeds_of(trained)
    name = style.network_label(architecture)
    words.heading(figure, f"{title}: {name}, n = {count} test images, {seeds}")
    return figure


def predictions(
    pictures: Mapping[str, np.ndarray], *, target: str = "shape", most: int = 6
) -> Figure:
    """Test images, their true masks and what each stage's read-out predicts, row by row.

    Parameters
    ----------
    pictures : mapping of str to ndarray
        ``images`` (n, height, width, 3) and, class by pixel, ``TARGET/truth`` and ``TARGET/STAGE``,
        as `segmentation.npz` keeps them.
    target : str
    most : int
        Images shown.
    """
    from matplotlib.colors import ListedColormap

    names = [key.split("/", 1)[1] for key in pictures if key.startswith(f"{target}/")]
    images = pictures["images"][:most] if names else ()
    if not len(images):
        return style.empty("Segmentation read-out", f"undefined: no predictions of '{target}'")
    rows = ["image", *names]
    size = style.WIDTH / (len(images) + 0.8)
    figure = style.make(height=size * len(rows) + 0.3)
    axes = figure.subplots(len(rows), len(images), squeeze=False)
    colours = ListedColormap(PALETTE)
    for line, name in zip(axes, rows, strict=True):
        for axis, index in zip(line, range(len(images)), strict=True):
            axis.set(xticks=[], yticks=[])
            axis.grid(visible=False)
            axis.spines[:].set_visible(False)
            if name == "image":
                axis.imshow(images[index], interpolation="nearest")
                continue
            mask = pictures[f"{target}/{name}"][index].astype(int)
            wrapped = np.where(mask > 0, (mask - 1) % (len(PALETTE) - 1) + 1, 0)
            axis.imshow(
                np.ma.masked_where(mask == 255, wrapped),
                cmap=colours,
                vmin=-0.5,
                vmax=len(PALETTE) - 0.5,
                interpolation="nearest",
            )
        line[0].set_ylabel(name.replace("_", " "), rotation=0, ha="right", va="center")
    words.heading(figure, f"{TITLES.get(target, target)}: truth and read-out by stage")
    return figure
