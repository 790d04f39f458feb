"""Dose-response of steering."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from texshape.comparison.rows import last_stage
from texshape.figures import moved
from texshape.figures.style import GREEN, GREY, PURPLE

LOOKS = {
    "cues": (PURPLE, "o", "-", "from texture to shape"),
    "others": (GREEN, "s", "--", "of other classes"),
    "random": (GREY, "x", ":", "random"),
}


def by_dose(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """A row a network, at its last stage that was steered: bias, cue matches and accuracy by dose."""
    frame = tables["steering"]
    return moved.panels(
        last_stage(frame) if len(frame) else frame, settings, title="Steering", kind="direction",
        looks=LOOKS, by="dose", label="dose, spreads",
    )  # fmt: skip
