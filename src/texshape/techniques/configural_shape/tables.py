"""Table of configural shape."""

from __future__ import annotations

from texshape.tables import Column, Table, interval

CONFIGURAL = Table(
    name="configural_shape",
    about="one condition of the silhouettes",
    columns=(
        Column("set", "text", "the pictures: `silhouettes`, or `baker2022`, the published animals"),
        Column("condition", "text", "whole, joined (a part mirrored), apart, segments-S, dots-S"),
        Column("share", "number", "share of the outline that is drawn", "fraction"),
        Column("accuracy", "number", "mean over categories of the share recognised", "fraction"),
        *interval("accuracy", how="over exemplars"),
        Column("compared_with", "text", "the condition that `difference` is to"),
        Column("difference", "number", "lost against the whole; of segments, gained over dots", "fraction"),
        *interval("difference", "difference", how="over exemplars, paired"),
        Column("chance", "number", "accuracy of guessing", "fraction"),
        Column("n", "whole", "pictures of this condition"),
        Column("n_exemplars", "whole", "silhouettes that they show"),
        Column("reason", "text", "why there is no difference"),
    ),
    keys=("condition",),
)  # fmt: skip
