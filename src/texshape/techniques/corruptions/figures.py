"""The figures of this measure, as they are declared."""

from __future__ import annotations

from texshape.techniques.base import Figure

FIGURES = (
    Figure(
        name="corruptions",
        tables=("corruptions",),
        draw="texshape.techniques.corruptions.figure:by_type",
        caption="Accuracy under common corruptions, by type and by severity, for each kind of "
        "training images. The top row is the same images uncorrupted.",
        chapter="5 Robustness",
    ),
    Figure(
        name="corruption_errors",
        tables=("corruption_errors",),
        draw="texshape.techniques.corruptions.figure:relative",
        caption="Error under each corruption divided by that of the plain-trained network of the same "
        "architecture and seed, with 95 % intervals over pictures. A ratio below one is more "
        "robust. Hollow markers rest on a baseline that hardly errs and are in no summary: "
        "the quotient of summed errors and the geometric mean of quotients.",
        chapter="5 Robustness",
    ),
)
