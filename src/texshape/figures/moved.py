"""Bias, cue matches and accuracy while something inside a network is changed: what a move costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import FAINT

#: column of a rate -> its interval, the title of its panels
RATES = {
    "shape_bias": ("ci_low", "ci_high", "shape bias"),
    "cue_match_rate": ("match_low", "match_high", "cue matches"),
    "accuracy": ("accuracy_low", "accuracy_high", "accuracy, agreeing"),
}
MOST = 4  # networks that panels are drawn of; the table has all
#: value of the column that tells changes apart -> colour, marker, line, label
Looks = Mapping[str, tuple[str, str, str, str]]


def panels(
    frame: pd.DataFrame,
    settings: dict[str, Any],
    *,
    title: str,
    kind: str,
    looks: Looks,
    by: str,
    label: str,
    ticks: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
) -> Figure:
    """A row of three panels a network: each rate by the strength of the change, a line a kind of change.

    Lines are means over seeds and draws, vertical lines the interval of each.

    Parameters
    ----------
    frame : DataFrame
        With `texshape.trials.columns.MOVED`; rows of the network as it is have a kind that is none of
        `looks`, and belong to every line.
    settings : dict
    title : str
    kind, by : str
        Column that tells changes apart, and column of their strength.
    looks : mapping
    label : str
        Of the strength.
    ticks, names : sequence, optional
        Where the axis of strengths is marked, and how.
    """
    frame = style.trained_on_base(frame, settings)
    every = style.in_order(frame)
    pairs = every[:MOST]
    if not pairs:
        return style.empty(title)
    figure = style.make(height=1.0 + 1.15 * len(pairs))
    axes = figure.subplots(len(pairs), len(RATES), squeeze=False, sharex=True, sharey=True)
    handles: dict[str, Any] = {}
    style.percent_axis(axes[0, 0], "y")  # of all, which share it
    for line, (architecture, arm) in zip(axes, pairs, strict=True):
        own = frame[(frame["architecture"] == architecture) & (frame["arm"] == arm)]
        for axis, (rate, (low, high, _)) in zip(line, RATES.items(), strict=True):
            as_it_is = own[~own[kind].isin(looks)]
            axis.axhline(100 * style.mean(as_it_is[rate]), color=FAINT, linewidth=1, zorder=0)
            for value, (color, marker, dashes, name) in looks.items():
                rows = pd.concat([as_it_is, own[own[kind] == value]])
                if not (rows[kind] == value).any():
                    continue
                means = rows.groupby(by)[rate].mean()
                (handles[name],) = axis.plot(means.index, style.percent(means), dashes, color=color,
                                             marker=marker, markersize=3, linewidth=1.2)  # fmt: skip
                for row in rows.to_dict("records"):  # of each seed, and of each draw
                    style.interval(axis, 100 * row[low], 100 * row[high], row[by], color,
                                   vertical=True, width=0.7)  # fmt: skip
            if own[rate].isna().all():
                middle = float(np.mean([own[by].min(), own[by].max()]))
                style.undefined(axis, 50, middle)
        line[0].set_ylabel(style.network_label(architecture, arm, room=18), fontsize=6.5)
    for axis, (_, _, heading) in zip(axes[0], RATES.values(), strict=True):
        axis.set_title(f"{heading}, %", fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel(label, fontsize=7)
        if ticks is not None:
            axis.set_xticks(ticks, names, fontsize=6.5)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center",
                  ncols=3 if len(handles) < 4 else 2, fontsize=7)  # fmt: skip
    count, seeds = style.counts(frame["n_conflict"]), style.seeds_of(frame)
    part = style.of_all(len(pairs), len(every))
    words.heading(figure, f"{title}: n = {count} conflict images, {seeds}{part}")
    return figure
