"""The figures of this measure, as they are declared."""

from __future__ import annotations

from texshape.techniques.base import Figure

FIGURES = (
    Figure(
        name="consistency_power",
        tables=("consistency_power", "consistency_differences"),
        draw="texshape.techniques.consistency_power.figure:neighbours",
        caption="Error consistency with humans and its uncertainty (Klein et al. 2025): which steps "
        "of the ranking these trials and observers can show.",
        chapter="2 What decides",
    ),
)
