"""Shape bias on cue-conflict images: by training arm, and by category."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import GREY, INK, SHAPE, TEXTURE
from texshape.trials.names import HUMANS


def by_arm(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Bias of each trained network with what a bias must not be read without.

    Three panels share their rows: the bias with each seed's bootstrap interval, the share of
    decisions that match either cue, and the accuracy on images that hold one cue alone.
    """
    title = "Shape bias"
    frame = style.trained_on_base(tables["shape_bias"], settings)
    frame = frame[frame["arm"] != "published"]
    if frame.empty:
        return style.empty(title)
    rows = style.in_order(frame)
    names = [style.network_label(*row, room=26) for row in rows]
    classes = tables["shape_bias_by_class"]["class"].nunique()
    single = tables["accuracy"]
    # Photographs have no masks, and so no silhouettes.
    shapes = "silhouettes" if (single["set"] == "silhouettes").any() else "edges"

    measured = set()
    figure = style.make(height=1.15 + words.row_step(names, 7.5, 0.16) * len(rows))
    bias, match, cues = figure.subplots(1, 3, sharey=True, width_ratios=[1.9, 1, 1])
    for y, (architecture, arm) in enumerate(rows):
        chosen = (frame["architecture"] == architecture) & (frame["arm"] == arm)
        group = frame[chosen].sort_values("seed")
        color, marker = style.arm_look(arm, frame["arm"])
        _seeds(bias, group, y, color, marker)
        rates = style.percent(group["cue_match_rate"])
        match.plot(rates, np.full(len(rates), y), marker, color=color, markersize=3, alpha=0.5)
        match.plot([style.mean(rates)] * 2, [y - 0.3, y + 0.3], color=color, linewidth=1.8)
        for set_name, cue in ((shapes, "shape"), ("textures", "texture")):
            here = (single["architecture"] == architecture) & (single["arm"] == arm)
            here &= (single["set"] == set_name) & (single["cue"] == cue)
            value = style.mean(style.percent(single[here]["accuracy"]))
            if np.isfinite(value):
                measured.add(cue)
            tint, form = style.CUES[cue]
            cues.plot(value, y, form, color=tint, markersize=4)
    if classes:
        match.axvline(200 / classes, color=GREY, linestyle=":", linewidth=1)
        cues.axvline(100 / classes, color=GREY, linestyle=":", linewidth=1)
    bias.axvline(50, color=GREY, linewidth=0.8, zorder=1)
    bias.set_yticks(range(len(rows)), names)
    bias.set_ylim(len(rows) - 0.4, -0.6)
    style.percent_axis(
        bias, label=f"shape, % of cue matches\nn = {style.counts(frame['n_conflict'])}"
    )
    for axis, name in ((match, "% of decisions"), (cues, "accuracy (%)")):
        style.percent_axis(axis, label=name)
        axis.set_xticks([0, 50, 100])
    for axis in (bias, match, cues):
        axis.xaxis.label.set_fontsize(7)
        axis.title.set_fontsize(7.5)
    bias.set_title("Shape bias")
    match.set_title("Cue matches")
    cues.set_title("Single cue")
    for cue, (tint, form) in style.CUES.items():
        if cue in measured:
            cues.plot([], [], form, color=tint, label=cue)
    cues.plot([], [], color=GREY, linestyle=":", linewidth=1, label="chance")
    figure.legend(*cues.get_legend_handles_labels(), loc="outside lower right", ncols=3)
    return figure


def _seeds(axis: Any, group: pd.DataFrame, y: float, color: str, marker: str) -> None:
    values = style.percent(group["shape_bias"])
    if not np.isfinite(values).any():
        style.undefined(axis, y)
        return
    offsets = np.linspace(-0.24, 0.24, len(group)) if len(group) > 1 else [0.0]
    limits = style.percent(group[["ci_low", "ci_high"]])
    for offset, value, (low, high) in zip(offsets, values, limits, strict=True):
        style.interval(axis, low, high, y + offset, color)
        axis.plot(value, y + offset, marker, color=color, markersize=3)
    axis.plot([style.mean(values)] * 2, [y - 0.36, y + 0.36], color=color, linewidth=1.8, zorder=4)


def by_class(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """One row a category; the horizontal place is the share of shape decisions.

    After Fig. 4 of Geirhos et al. (2019): shape at the left, texture at the right, a marker a
    network (mean over seeds), a vertical line at each network's bias. What was measured here is
    larger, has a dark edge and lies above published networks.
    """
    title = "Shape or texture, by category"
    frame = _of_2019(style.trained_on_base(tables["shape_bias_by_class"], settings))
    overall = _of_2019(style.trained_on_base(tables["shape_bias"], settings))
    shown = _subjects(overall, settings)
    frame = frame[frame["architecture"].isin({pair[0] for pair in shown})]
    if frame.empty:
        return style.empty(title)
    classes = sorted(frame["class"].unique())
    figure = style.make(height=1.5 + 0.19 * len(classes))
    axis = figure.add_subplot()
    published = any(arm == "published" for _, arm in shown)
    handles, several = [], len({pair[0] for pair in shown}) < len(shown)
    for index, (architecture, arm) in enumerate(shown):
        color, marker = _subject_look(architecture, arm, index)
        chosen = (frame["architecture"] == architecture) & (frame["arm"] == arm)
        shares = style.percent(frame[chosen].groupby("class")["shape_bias"].mean().reindex(classes))
        ours = arm != "published" and architecture != HUMANS and published
        size = 7.5 if ours else 5.5 if architecture == HUMANS else 4.5
        (points,) = axis.plot(
            shares, range(len(classes)), marker, color=color, markersize=size,
            alpha=1 if ours else 0.85, markeredgecolor=INK if ours else "white",
            markeredgewidth=0.7 if ours else 0.4, zorder=4 if ours else 3,
        )  # fmt: skip
        for y in np.flatnonzero(~np.isfinite(shares)) if len(shown) == 1 else ():
            style.undefined(axis, y)
        whole = (overall["architecture"] == architecture) & (overall["arm"] == arm)
        average = style.mean(style.percent(overall[whole]["shape_bias"]))
        label = style.network_label(architecture, arm if several else "")
        if np.isfinite(average):
            axis.axvline(average, color=color, linewidth=1.2, alpha=0.8, zorder=1)
            label += f" ({average:.0f} %)"
        else:
            label += " (undefined)"
        handles.append((points, label))
    axis.set_yticks(range(len(classes)), classes)
    axis.set_ylim(len(classes) - 0.4, -0.6)
    style.percent_axis(axis, label="shape decisions among cue matches (%)")
    axis.invert_xaxis()
    axis.text(0, 1.01, "← all shape", color=SHAPE, transform=axis.transAxes, va="bottom")
    axis.text(1, 1.01, "all texture →", color=TEXTURE, transform=axis.transAxes, va="bottom",
              ha="right")  # fmt: skip
    columns = words.legend_columns(figure, [label for _, label in handles], most=2)
    figure.set_figheight(0.65 + 0.19 * len(classes) - 0.155 * (-len(handles) // columns))
    figure.legend(*zip(*handles, strict=True), loc="outside lower center",
                  ncols=columns)  # fmt: skip
    return figure


PUBLISHED_2019 = [HUMANS, "alexnet", "googlenet", "vgg", "resnet50"]


def _of_2019(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows without the published networks that the 2019 paper does not draw."""
    published = frame["arm"] == "published"
    drawn = frame["architecture"].isin(PUBLISHED_2019)
    drawn &= ~frame["model"].astype(str).str.startswith("model-vs-human/")
    return frame[~published | drawn]


def _subjects(overall: pd.DataFrame, settings: dict[str, Any]) -> list[tuple[str, str]]:
    """Humans, the four networks of the 2019 paper and all that was measured here.

    Where nothing was published it is a trained experiment: the arms of its main architecture.
    """
    pairs = style.in_order(overall)
    published = [pair for pair in pairs if pair[1] == "published"]
    own = [pair for pair in pairs if pair[1] != "published"]
    if not published:
        main = style.main_architecture(overall, settings)
        return [pair for pair in own if pair[0] == main]
    return sorted(published, key=lambda pair: style.position(pair[0], PUBLISHED_2019)) + own


_LOOKS = [(style.PURPLE, "o"), (style.SKY, "s"), (style.ORANGE, "D"), (GREY, "^"),
          (style.GREEN, "P"), (style.PURPLE, "X"), (style.SKY, "v")]  # fmt: skip


def _subject_look(architecture: str, arm: str, index: int) -> tuple[str, str]:
    if architecture == HUMANS:
        return INK, "o"
    if arm in style.ARMS and arm not in ("published", "imagenet"):
        return style.ARMS[arm]
    return _LOOKS[(index - 1) % len(_LOOKS)]
