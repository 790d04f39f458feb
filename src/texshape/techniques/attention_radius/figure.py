"""What moves while attention is kept within a radius."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.figures import moved
from texshape.figures.style import GREY, PURPLE

LOOKS = {
    "near": (PURPLE, "o", "-", "within the radius"),
    "random": (GREY, "x", ":", "as many at random"),
}


def by_radius(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """A row a network that has attention: bias, cue matches and accuracy by radius."""
    frame = tables["attention_radius"]
    frame = frame[frame["n_modules"].astype(float) > 0]
    radii = sorted(frame["radius"].dropna().unique())
    places = {radius: place for place, radius in enumerate(radii)}
    whole = frame["kept"] == "all"
    frame = frame.assign(place=frame["radius"].map(places).where(~whole, float(len(radii))))
    return moved.panels(
        frame, settings, title="Attention within a radius", kind="kept", looks=LOOKS, by="place",
        label="radius, patches", ticks=np.arange(len(radii) + 1),
        names=[*(f"{radius:g}" for radius in radii), "all"],
    )  # fmt: skip
