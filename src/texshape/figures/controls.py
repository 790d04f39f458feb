"""What a bias depends on: networks trained and tested on data whose cues are harder or easier to use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.errors import InputError
from texshape.figures import style
from texshape.figures.style import GREY

RANGES = {
    "orientation": ("texture", "texture orientation (± rad)", "More free texture orientation"),
    "tint": ("colour", "colour tint (± of full scale)", "More colour"),
}


def difficulty(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """Bias of the plain-trained network against each range that the controls vary."""
    title = "Bias against how hard the cues are"
    if not style.control_arms(settings):
        return style.empty(title, "no arm of this experiment varies the data")
    frame = tables["shape_bias"]
    places = ranges(settings)
    first = style.main_architecture(frame, settings)
    frame = frame[(frame["architecture"] == first) & frame["arm"].isin(places)]
    if frame.empty:
        return style.empty(title)
    classes = tables["shape_bias_by_class"]["class"].nunique()
    figure = style.make(height=2.7)
    axes = figure.subplots(1, len(RANGES), sharey=True)
    for axis, (name, (_, label, title)) in zip(axes, RANGES.items(), strict=True):
        arms = _moved_by(name, places)
        xs = sorted(places[arm][name] for arm in arms)
        _panel(axis, frame, arms, {arm: xs.index(places[arm][name]) for arm in arms})
        axis.set_xticks(range(len(xs)), [_number(x) for x in xs])
        axis.set_xlim(-0.4, max(len(xs) - 0.6, 0.4))
        axis.set_xlabel(label)
        axis.set_title(title)
        axis.axhline(50, color=GREY, linewidth=0.8, zorder=1)
        axis.grid(axis="x", visible=False)
        if classes:
            axis.axhline(200 / classes, color=GREY, linestyle=":", linewidth=1)
    style.percent_axis(axes[0], "y", "% of decisions")
    axes[0].plot([], [], "o-", color=style.INK, label="shape bias by seed")
    axes[0].plot([], [], "--", color=GREY, label="decisions for either cue")
    axes[0].plot([], [], ":", color=GREY, label="chance of that")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    number = style.counts(frame["n_conflict"])
    figure.suptitle(f"{style.network_label(first)} trained on plain images, n = {number} a point",
                    fontsize=8, x=0.01, ha="left")  # fmt: skip
    return figure


def _panel(axis: Any, frame: pd.DataFrame, arms: list[str], place: Mapping[str, int]) -> None:
    means, rates, xs = [], [], []
    for arm in sorted(arms, key=place.__getitem__):
        group = frame[frame["arm"] == arm].sort_values("seed")
        if group.empty:
            continue
        values = style.percent(group["shape_bias"])
        offsets = np.linspace(-0.12, 0.12, len(group)) if len(group) > 1 else [0.0]
        limits = style.percent(group[["ci_low", "ci_high"]])
        for offset, value, (low, high) in zip(offsets, values, limits, strict=True):
            style.interval(axis, low, high, place[arm] + offset, style.INK, vertical=True)
            axis.plot(place[arm] + offset, value, "o", color=style.INK, markersize=3.5)
        if not np.isfinite(values).any():
            style.undefined(axis, 50, place[arm])
        xs.append(place[arm])
        means.append(style.mean(values))
        rates.append(style.mean(style.percent(group["cue_match_rate"])))
    axis.plot(xs, means, color=style.INK, zorder=2)
    axis.plot(xs, rates, "--", color=GREY, linewidth=1.1, zorder=1)


def _moved_by(name: str, places: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Arms that differ from the base in this range only, and the base itself."""
    base = places["plain"]
    others = [other for other in RANGES if other != name]
    return [arm for arm, at in places.items() if all(at[other] == base[other] for other in others)]


def ranges(settings: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Ranges of the plain arm and of the arms that vary nothing but its data.

    Parameters
    ----------
    settings : mapping
        The sections ``data`` and ``arms`` of the parameters.

    Raises
    ------
    InputError
        If a section is missing or an arm names an unknown variant.
    """
    data, arms = settings.get("data") or {}, settings.get("arms") or {}
    try:
        base = {name: float(data[section][name]) for name, (section, *_) in RANGES.items()}
        variants = data.get("variants") or {}
        plain = arms["plain"]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"figure 'controls': settings need data.texture.orientation, data.colour.tint and "
            f"arms.plain; {error} is missing"
        ) from None
    found = {"plain": base}
    for name, arm in arms.items():
        variant = (arm or {}).get("variant")
        if not variant or arm.get("sets") != plain.get("sets") or arm.get("training"):
            continue
        if variant not in variants:
            raise InputError(f"figure 'controls': arm '{name}': variant '{variant}' is not in data")
        changed = variants[variant] or {}
        found[name] = {
            key: float((changed.get(section) or {}).get(key, base[key]))
            for key, (section, *_) in RANGES.items()
        }
    return found


def _number(value: float) -> str:
    return "free (π)" if abs(value - np.pi) < 0.01 else f"{value:g}"
