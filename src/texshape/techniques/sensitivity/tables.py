"""What the columns of the table of sensitivity hold."""

from __future__ import annotations

from texshape.tables import Column, Table, interval
from texshape.trials.columns import BIAS, CONFLICT

SENSITIVITY = Table(
    "sensitivity",
    "a way to show the pictures and to read the outputs",
    (
        Column(
            "aggregation",
            "text",
            "how the outputs of a category become one; `none` where each class is one output",
        ),
        Column(
            "preprocessing",
            "text",
            "how pictures are resized and cropped; `own` is what the network was trained with",
        ),
        Column("interpolation", "text", "how pixels are resampled"),
        BIAS,
        *interval("shape_bias"),
        Column("cue_match_rate", "number", "share of decisions for either cue", "fraction"),
        CONFLICT,
        Column("verdict", "text", "name of the bias"),
        Column(
            "same_as",
            "text",
            "`PREPROCESSING, INTERPOLATION` of the row above that shows these pictures in the very same "
            "way, so that this one is no further evidence; empty where none does",
        ),
    ),
    keys=("aggregation", "preprocessing", "interpolation"),
)
