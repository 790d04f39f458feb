"""Shape bias by how the conflict is made: the same networks on several sets of conflict images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style
from texshape.figures.style import GREY, INK

_FORMS = ["o", "D", "s", "^"]


def by_set(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Bias and cue matches of each network on each set; a thin line joins the sets of one seed.

    The networks of `shape_bias` in the order of that figure; a marker is one seed with its interval,
    filled on ``cue-conflict`` and open on the others.
    """
    title = "Shape bias by how the conflict is made"
    frame = style.trained_on_base(tables["shape_bias_by_set"], settings)
    if frame.empty:
        return style.empty(title)
    rows, sets = style.in_order(frame), list(dict.fromkeys(sorted(frame["set"])))
    figure = style.make(height=1.25 + 0.28 * len(rows))
    bias, match = figure.subplots(1, 2, sharey=True, width_ratios=[1.7, 1])
    for y, (architecture, arm) in enumerate(rows):
        chosen = (frame["architecture"] == architecture) & (frame["arm"] == arm)
        color, _ = style.arm_look(arm, frame["arm"])
        seeds = sorted(frame[chosen]["seed"].unique())
        for place, seed in enumerate(seeds):
            own = frame[chosen & (frame["seed"] == seed)].set_index("set").reindex(sets)
            middle = y + (place - (len(seeds) - 1) / 2) * 0.5 / max(len(seeds), 1)
            values = style.percent(own["shape_bias"])
            bias.plot(values, np.full(len(sets), middle), color=color, linewidth=0.5, alpha=0.5)
            limits = style.percent(own[["ci_low", "ci_high"]])
            if not np.isfinite(values).any():
                style.undefined(bias, middle)
            rates = style.percent(own["cue_match_rate"])
            match.plot(rates, np.full(len(sets), middle), color=color, linewidth=0.5, alpha=0.5)
            for i, (value, (low, high)) in enumerate(zip(values, limits, strict=True)):
                look = {"marker": _FORMS[i % len(_FORMS)], "markersize": 3.5, "color": color,
                        "markerfacecolor": "white" if i else color}  # fmt: skip
                if np.isfinite(value):
                    style.interval(bias, low, high, middle, color)
                    bias.plot(value, middle, zorder=4, **look)
                match.plot(rates[i], middle, zorder=4, **look)
    classes = tables["shape_bias_by_class"]["class"].nunique()
    if classes:
        match.axvline(200 / classes, color=GREY, linestyle=":", linewidth=1)
    bias.axvline(50, color=GREY, linewidth=0.8, zorder=1)
    bias.set_yticks(range(len(rows)), [style.network_label(*row) for row in rows])
    bias.set_ylim(len(rows) - 0.4, -0.6)
    style.percent_axis(bias, label="shape (% of cue matches)")
    style.percent_axis(match, label="% of decisions")
    bias.set_title("Shape bias")
    match.set_title("Cue matches")
    for i, name in enumerate(sets):
        number = style.counts(frame[frame["set"] == name]["n_conflict"])
        bias.plot([], [], _FORMS[i % len(_FORMS)], color=INK, label=f"{name} (n = {number})",
                  markerfacecolor="white" if i else INK)  # fmt: skip
    bias.plot([], [], color=GREY, linestyle=":", linewidth=1, label="chance of a match")
    figure.legend(*bias.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
