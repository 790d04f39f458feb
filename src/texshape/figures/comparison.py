"""Our networks beside humans and the networks whose trials were published."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style
from texshape.figures.style import GREEN, GREY, INK
from texshape.trials.names import HUMANS


def with_published(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Shape bias of all subjects in order, with intervals, and their cue match rates beside it."""
    title = "Shape bias on the published stimuli"
    frame = style.trained_on_base(tables["shape_bias"], settings)
    frame = style.without_observers(frame)
    if frame.empty:
        return style.empty(title)
    frame = frame.sort_values(["shape_bias", "model"], ascending=[False, True], na_position="last")
    classes = tables["shape_bias_by_class"]["class"].nunique()
    step = 0.19 if len(frame) <= 24 else 0.135
    size = 7.5 if len(frame) <= 24 else 6
    figure = style.make(height=1.1 + step * len(frame))
    bias, match = figure.subplots(1, 2, sharey=True, width_ratios=[2.6, 1])
    labels = []
    for y, row in enumerate(frame.itertuples()):
        kind = kind_of(row.architecture, row.arm)
        color, marker = LOOKS[kind]
        value = 100 * float(row.shape_bias)
        if np.isfinite(value):
            style.interval(bias, 100 * row.ci_low, 100 * row.ci_high, y, color, width=2)
            bias.plot(value, y, marker, color=color, markersize=4.5, zorder=3)
        else:
            style.undefined(bias, y)
        match.plot(100 * float(row.cue_match_rate), y, marker, color=color, markersize=4)
        labels.append(_label(row, frame))
    bias.set_yticks(range(len(frame)), labels, fontsize=size)
    for label, row in zip(bias.get_yticklabels(), frame.itertuples(), strict=True):
        if kind_of(row.architecture, row.arm) != "published network":
            label.set_fontweight("bold")
    bias.set_ylim(len(frame) - 0.4, -0.6)
    bias.axvline(50, color=GREY, linewidth=0.8, zorder=1)
    if classes:
        match.axvline(200 / classes, color=GREY, linestyle=":", linewidth=1)
    style.percent_axis(bias, label="shape (% of cue matches)")
    style.percent_axis(match, label="% of decisions")
    match.set_xticks([0, 50, 100])
    networks = frame[frame["architecture"] != HUMANS]["n_conflict"]
    bias.set_title(f"Shape bias, n = {style.counts(networks)} a network")
    match.set_title("Cue matches")
    for kind, (color, marker) in LOOKS.items():
        if any(kind_of(row.architecture, row.arm) == kind for row in frame.itertuples()):
            bias.plot([], [], marker, color=color, label=kind)
    match.plot([], [], color=GREY, linestyle=":", linewidth=1, label="chance")
    handles = [axis.get_legend_handles_labels() for axis in (bias, match)]
    figure.legend(handles[0][0] + handles[1][0], handles[0][1] + handles[1][1],
                  loc="outside lower right", ncols=4)  # fmt: skip
    return figure


LOOKS = {"humans": (INK, "o"), "published network": (GREY, "^"), "measured here": (GREEN, "s")}


def kind_of(architecture: str, arm: str) -> str:
    if architecture == HUMANS:
        return "humans"
    return "published network" if arm == "published" else "measured here"


SOURCES = {"texture-vs-shape": "trials of 2019", "model-vs-human": "trials of 2021"}


def _label(row: Any, frame: pd.DataFrame) -> str:
    """Architecture; more of the name only where it is not alone with it."""
    name = style.network_label(row.architecture)
    same = frame[frame["architecture"] == row.architecture]
    if len(same) == 1:
        return name
    if row.arm == "published":
        source = str(row.model).split("/")[0]
        return f"{name} ({SOURCES.get(source, source)})"
    name += f" · {row.arm}" if len(set(same["arm"])) > 1 else ""
    return name + (f" · seed {row.seed:.0f}" if (same["arm"] == row.arm).sum() > 1 else "")
