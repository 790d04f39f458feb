"""The figures of this measure, as they are declared."""

from __future__ import annotations

from texshape.techniques.base import Figure

FIGURES = (
    Figure(
        name="benchmark",
        tables=("benchmark",),
        draw="texshape.techniques.human_consistency.figure:with_humans",
        caption="Consistency of networks with humans, image by image, after Geirhos et al. (2021), "
        "beside the consistency of humans with each other.",
        chapter="2 What decides",
    ),
)
