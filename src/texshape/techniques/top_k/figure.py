"""What moves while a stage is thinned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from texshape.comparison.rows import last_stage
from texshape.figures import moved
from texshape.figures.style import GREEN, GREY, PURPLE

LOOKS = {
    "channel, largest": (PURPLE, "o", "-", "largest of a channel"),
    "position, largest": (GREEN, "s", "-", "largest at a position"),
    "channel, random": (PURPLE, "", ":", "random of a channel"),
    "position, random": (GREY, "", ":", "random at a position"),
}


def by_share(tables: dict[str, pd.DataFrame], settings: dict[str, Any]) -> Figure:
    """A row a network, at the last of the stages that were thinned: bias, cue matches and accuracy by share."""
    frame = tables["top_k"]
    frame = last_stage(frame) if len(frame) else frame
    frame = frame.assign(
        change=frame["across"].astype(str) + ", " + frame["kept"].astype(str),
        thinner=-np.log10(frame["share"].astype(float)),
    )
    shares = sorted(frame["share"].dropna().unique(), reverse=True)
    return moved.panels(
        frame, settings, title="The largest activations alone", kind="change", looks=LOOKS,
        by="thinner", label="left, %", ticks=[-np.log10(share) for share in shares],
        names=[f"{100 * share:g}" for share in shares],
    )  # fmt: skip
