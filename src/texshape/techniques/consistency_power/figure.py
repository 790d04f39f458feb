"""Which steps of a ranking by error consistency the trials can show."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.errors import InputError
from texshape.experiment.runs import RunId
from texshape.figures import style, words
from texshape.figures.style import GREEN, GREY, INK
from texshape.trials.names import HUMANS


def neighbours(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Error consistency with intervals, and each step to the next subject beside what can be shown."""
    title = "Error consistency and its uncertainty"
    frame = tables["consistency_power"]
    frame = frame[frame["error_consistency"].notna()]
    if frame.empty:
        return style.empty(title)
    # The data sets on which the most subjects can be compared.
    group = frame["datasets"].value_counts().index[0]
    frame = frame[frame["datasets"] == group]
    pairs = tables["consistency_differences"]
    pairs = pairs[pairs["datasets"] == group]
    frame = frame.sort_values(["error_consistency", "subject"], ascending=[False, True])
    labels = [_label(name) for name in frame["subject"]]
    step = words.row_step(labels, 7, 0.22 if len(frame) <= 30 else 0.14)
    figure = style.make(height=1.2 + step * len(frame))
    axes = figure.subplots(1, 2, sharey=True)
    for y, row in enumerate(frame.to_dict("records")):
        color = INK if row["subject"] == HUMANS else GREEN
        style.interval(axes[0], row["ci_low"], row["ci_high"], y, color)
        axes[0].plot(row["error_consistency"], y, "o", color=color, markersize=4)
    axes[0].set_title("Error consistency (kappa)", fontsize=8)
    handles: dict[str, Any] = {}
    subjects = list(frame["subject"])
    for y, pair in enumerate(pairwise(subjects)):
        row = _between(pairs, *pair)
        if row is None or not np.isfinite(row["difference"]):
            style.undefined(axes[1], y + 0.5, 0.0)
            continue
        style.interval(axes[1], row["ci_low"], row["ci_high"], y + 0.5, GREEN)
        handles["step to the next"] = axes[1].plot(row["difference"], y + 0.5, "D", color=GREEN,
                                                   markersize=3.5)[0]  # fmt: skip
        handles["smallest step shown with power 0.8"] = axes[1].plot(
            row["smallest_difference"], y + 0.5, "|", color=GREY, markersize=9, markeredgewidth=1.6
        )[0]
    axes[1].axvline(0, color=GREY, linewidth=0.8)
    axes[1].set_title("Difference of neighbours", fontsize=8)
    axes[0].set_yticks(range(len(subjects)), labels, fontsize=7)
    axes[0].set_ylim(len(subjects) - 0.5, -0.5)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2)
    sets = style.counts(frame["n_datasets"])
    words.heading(
        figure,
        f"{title}: n = {style.counts(frame['n_trials'])} trials, {sets} data sets, "
        f"{style.counts(frame['n_observers'])} observers",
    )
    return figure


def _label(subject: str) -> str:
    """Name of a subject: a network measured here is called as its folder is."""
    try:
        run = RunId.parse(subject)
    except InputError:
        return style.network_label(subject)
    return style.network_label(run.architecture, run.arm, room=26) + (
        f" · {run.seed}" if run.seed else ""
    )


def _between(pairs: pd.DataFrame, first: str, second: str) -> dict[str, float] | None:
    """The row of two subjects as the first minus the second, whichever stands first in it."""
    for sign, (a, b) in ((1, (first, second)), (-1, (second, first))):
        rows = pairs[(pairs["subject_a"] == a) & (pairs["subject_b"] == b)]
        if len(rows):
            row = rows.iloc[0]
            low, high = sorted((sign * row["ci_low"], sign * row["ci_high"]))
            return {
                "difference": sign * row["difference"],
                "ci_low": low,
                "ci_high": high,
                "smallest_difference": row["smallest_difference"],
            }
    return None
