"""Table of the attention radius: what is decided when patches attend to those nearby alone."""

from __future__ import annotations

from texshape.tables import REASON, Column, Table
from texshape.trials.columns import MOVED

ATTENTION_RADIUS = Table(
    name="attention_radius",
    about="a radius of attention",
    columns=(
        Column("kept", "text", "patches that a patch attends to: `all`, as it is; those `near` it; as many "
               "at `random`"),
        Column("draw", "whole", "number of the draw; 0 where nothing is drawn"),
        Column("radius", "number", "largest distance between centres; empty where there is none", "patches"),
        Column("pairs", "number", "share of the pairs of patches between which attention is left", "fraction"),
        Column("n_modules", "whole", "attention modules that are masked"),
        Column("side", "whole", "patches along the side of the grid"),
        Column("strongest", "flag", "whether no smaller radius was asked for"),
        *MOVED,
        REASON,
    ),
    keys=("kept", "draw", "radius"),
)  # fmt: skip
