"""Subjects whose answers to the cue-conflict pictures others published, beside humans."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from texshape.data.published_answers import SHOWN
from texshape.figures import style
from texshape.figures.style import GREEN, GREY, INK, ORANGE, PURPLE
from texshape.trials.deciding import ASKED, CLASSES, WORDS, ZERO_SHOT
from texshape.trials.names import HUMANS

LOOKS = {"": (INK, "o"), ASKED: (PURPLE, "s"), ZERO_SHOT: (GREEN, "D"), CLASSES: (ORANGE, "^")}


def by_subject(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Shape bias in order, cue matches and consistency with humans; of several prompts one is drawn."""
    frame = tables["published_answers"]
    frame = frame[frame["wording"].fillna("").isin(SHOWN) & (frame["reason"].fillna("") == "")]
    if frame.empty:
        return style.empty("Answers that others published")
    frame = frame.sort_values(["shape_bias", "name"], ascending=[False, True], na_position="last")
    figure = style.make(height=1.2 + 0.145 * len(frame))
    bias, match, kappa = figure.subplots(1, 3, sharey=True, width_ratios=[2, 0.8, 1.2])
    for y, row in enumerate(frame.fillna({"decides_by": ""}).itertuples()):
        color, marker = LOOKS[row.decides_by]
        if pd.notna(row.shape_bias):
            style.interval(bias, 100 * row.ci_low, 100 * row.ci_high, y, color, width=2)
            bias.plot(100 * row.shape_bias, y, marker, color=color, markersize=4, zorder=3)
        else:
            style.undefined(bias, y)
        match.plot(100 * row.cue_match_rate, y, marker, color=color, markersize=3.5)
        low, high = row.error_consistency_low, row.error_consistency_high
        style.interval(kappa, low, high, y, color, width=2)
        kappa.plot(row.error_consistency, y, marker, color=color, markersize=4, zorder=3)
    names = [
        name if not isinstance(date, str) or not date else f"{name}, {date}"
        for name, date in zip(frame["name"], frame["date"], strict=True)
    ]
    bias.set_yticks(range(len(frame)), names, fontsize=6.5)
    bias.set_ylim(len(frame) - 0.4, -0.6)
    bias.axvline(50, color=GREY, linewidth=0.8, zorder=1)
    classes = style.counts(frame["n_classes"])
    if classes.isdecimal():  # the same pictures for all
        match.axvline(200 / int(classes), color=GREY, linestyle=":", linewidth=1)
    kappa.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    style.percent_axis(bias, label="shape (% of cue matches)")
    style.percent_axis(match, label="% of decisions")
    match.set_xticks([0, 50, 100])
    kappa.set_xlabel("kappa")
    own = frame[frame["subject"] != HUMANS]
    titles = (f"Shape bias, n = {style.counts(own['n_conflict'])}", "Matches", "With humans")
    for axis, title in zip((bias, match, kappa), titles, strict=True):
        axis.set_title(title, fontsize=7.5)
        axis.xaxis.label.set_fontsize(7)
    for decides, (color, marker) in LOOKS.items():
        if (frame["decides_by"].fillna("") == decides).any():
            bias.plot([], [], marker, color=color, label=WORDS.get(decides, "humans"))
    match.plot([], [], color=GREY, linestyle=":", linewidth=1, label="chance")
    handles = [axis.get_legend_handles_labels() for axis in (bias, match)]
    figure.legend(handles[0][0] + handles[1][0], handles[0][1] + handles[1][1],
                  loc="outside lower right", ncols=5)  # fmt: skip
    return figure
