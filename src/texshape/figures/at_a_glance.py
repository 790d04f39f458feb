"""What each network decides by, what it knows and what it uses, side by side: the article's first figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import style, words
from texshape.figures.style import GREY, INK
from texshape.trials.names import HUMANS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KNOWN = {"shape": "readout_shape", "texture": "readout_texture"}
USED = {"shape": "used_shape", "texture": "used_texture"}
BESIDE = {"shape": -0.18, "texture": 0.18}  # of a row, above and below its middle


def decides_knows_uses(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """A row a network; shape bias, read-out of each cue from the last stage, and what erasing each costs.

    Networks without a read-out are left to the figures of the decisions. Where nothing was erased the third
    panel is not there.

    Parameters
    ----------
    tables : dict of str to DataFrame
        ``comparison`` and ``readout``.
    settings : dict
        Sections of the parameters.

    Returns
    -------
    Figure
    """
    compared = style.trained_on_base(tables["comparison"], settings)
    decided = compared[compared["measure"] == "shape_bias"]
    known = compared[compared["measure"].isin(KNOWN.values())]
    used = compared[compared["measure"].isin(USED.values())]
    rows = style.in_order(known[known["value"].notna()])
    if not rows:
        return style.empty("Decided, known, used", "undefined: no network has a read-out")
    panels = 2 if used["value"].isna().all() else 3
    several = len({architecture for architecture, _ in rows}) < len(rows)
    if not several:  # networks that were measured as they are
        rows = _by_bias(rows, decided)
    labels = [style.network_label(name, arm if several else "", room=24) for name, arm in rows]
    step = words.row_step(labels, 7, 0.16)
    figure = style.make(height=0.95 + step * len(rows))
    axes = figure.subplots(1, panels, sharey=True)
    for y, (architecture, arm) in enumerate(rows):
        _points(axes[0], _of(decided, architecture, arm), y, INK, "D")  # a mixture of both cues
        for axis, values, measures in zip(axes[1:], (known, used), (KNOWN, USED), strict=False):
            for cue, measure in measures.items():
                chosen = _of(values[values["measure"] == measure], architecture, arm)
                _points(axis, chosen, y + BESIDE[cue], *style.CUES[cue])
        for cue, value in _untrained(tables["readout"], architecture).items():
            axes[1].plot(100 * value, y + BESIDE[cue], "|",
                         color=style.CUES[cue][0], markersize=5, markeredgewidth=1.2)  # fmt: skip
    humans = style.mean(decided[decided["architecture"] == HUMANS]["value"])
    if np.isfinite(humans):
        axes[0].axvline(100 * humans, color=INK, linewidth=1, linestyle="--", zorder=1)
        axes[0].text(100 * humans - 2, len(rows) - 0.6, "humans", rotation=90, ha="right",
                     va="bottom", fontsize=6.5)  # fmt: skip
    axes[0].axvline(50, color=GREY, linewidth=0.8, zorder=1)
    axes[0].set_yticks(range(len(rows)), labels, fontsize=7)
    axes[0].set_ylim(len(rows) - 0.4, -0.6)
    for axis, (title, label), shown in zip(axes, WORDS, (decided, known, used), strict=False):
        axis.set_title(title)
        here = shown[shown["model"].isin(known["model"]) & shown["value"].notna()]
        style.percent_axis(axis, label=f"{label}\nn = {style.counts(here['n'])} pictures")
        axis.xaxis.label.set_fontsize(6.5)
        axis.set_xticks([0, 50, 100])
    if panels == 3:
        _widen(axes[2], used)
        axes[2].axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for cue, (color, marker) in style.CUES.items():
        axes[1].plot([], [], marker, color=color, markersize=4, label=cue)
    axes[1].plot([], [], "|", color=GREY, markersize=6, markeredgewidth=1.2, label="untrained")
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower right", ncols=3)
    return figure


WORDS = (
    ("Decides by", "shape, % of cue matches"),
    ("Knows", "read from last stage (%)"),
    ("Uses", "lost beyond groupings (%)"),
)


def _by_bias(rows: list[tuple[str, str]], decided: pd.DataFrame) -> list[tuple[str, str]]:
    """Networks by their shape bias, the largest first; those without one last."""
    bias = {row: style.mean(_of(decided, *row)["value"]) for row in rows}
    return sorted(rows, key=lambda row: np.nan_to_num(bias[row], nan=-1), reverse=True)


def _of(frame: pd.DataFrame, architecture: str, arm: str) -> pd.DataFrame:
    return frame[(frame["architecture"] == architecture) & (frame["arm"] == arm)]


def _points(axis: Axes, chosen: pd.DataFrame, y: float, color: str, marker: str) -> None:
    """The mean over seeds, a small point for each seed, and how far the seeds' intervals reach."""
    values = style.percent(chosen["value"])
    if not np.isfinite(values).any():
        return
    lows, highs = style.percent(chosen["ci_low"]), style.percent(chosen["ci_high"])
    if np.isfinite(lows).any() and np.isfinite(highs).any():
        style.interval(axis, np.nanmin(lows), np.nanmax(highs), y, color)
    if len(values) > 1:
        axis.plot(values, np.full(len(values), y), marker, color=color, markersize=1.8, alpha=0.6)
    axis.plot(style.mean(values), y, marker, color=color, markersize=4, zorder=3)


def _untrained(readout: pd.DataFrame, architecture: str) -> dict[str, float]:
    """Accuracy of the read-out of each cue from the last stage before training, mean over seeds."""
    of_it = readout[(readout["architecture"] == architecture) & (readout["input"] == "pooled")]
    named = of_it[of_it["arm"] == "untrained"]
    before = named if len(named) else of_it[of_it["epoch"].astype(float) == 0]
    if before.empty:
        return {}
    last = before[before["stage"] == before["stage"].iloc[-1]]
    return {cue: style.mean(last[last["cue"] == cue]["accuracy"]) for cue in KNOWN}


def _widen(axis: Axes, used: pd.DataFrame) -> None:
    """Room for means outside 0 to 100 %: a cut can cost less than the groupings do, or more than all."""
    low = np.nanmin(style.percent(used["value"]), initial=0.0)
    high = np.nanmax(style.percent(used["value"]), initial=100.0)
    axis.set_xlim(low - 5, high + 3)
