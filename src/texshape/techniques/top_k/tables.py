"""Table of top-k: what is decided by a stage's largest activations."""

from __future__ import annotations

from texshape.tables import REASON, Column, Table
from texshape.trials.columns import MOVED

TOP_K = Table(
    name="top_k",
    about="a stage and a share of its activations that is left",
    columns=(
        Column("stage", "text", "stage whose activations are thinned"),
        Column("across", "text", "what they are chosen of: the positions of each `channel`, or the channels at "
               "each `position`; `none`: as it is"),
        Column("kept", "text", "which are left: the `largest`, or as many at `random`; `all`: as it is"),
        Column("draw", "whole", "number of the draw; 0 where nothing is drawn"),
        Column("share", "number", "share that is left", "fraction"),
        Column("k", "whole", "activations that are left of `of`"),
        Column("of", "whole", "positions, or channels"),
        Column("strongest", "flag", "whether no smaller share was asked for"),
        *MOVED,
        REASON,
    ),
    keys=("stage", "across", "kept", "draw", "share"),
)  # fmt: skip
