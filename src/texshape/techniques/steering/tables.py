"""Tables of steering: what each dose moves, and the slope over doses."""

from __future__ import annotations

from texshape.tables import REASON, Column, Table, interval
from texshape.trials.columns import MOVED

STAGE = Column("stage", "text", "stage whose activations are moved")
DIRECTION = Column(
    "direction", "text", "`none`: as it is; `cues`: from the picture's texture class towards its shape "
    "class; `others`: the same of two other classes; `random`: of random class directions",
)  # fmt: skip

STEERING = Table(
    name="steering",
    about="a stage, a direction and a dose",
    columns=(
        STAGE,
        DIRECTION,
        Column("draw", "whole", "number of the draw; 0 where nothing is drawn"),
        Column("dose", "number", "length of what is added, in spreads of the stage's activations", "spread"),
        Column("length", "number", "the same in units of the activations (of a class token, if there is one)"),
        *MOVED,
        REASON,
    ),
    keys=("stage", "direction", "draw", "dose"),
)  # fmt: skip

STEERING_SLOPES = Table(
    name="steering_slopes",
    about="a stage and a direction, over all doses",
    columns=(
        STAGE,
        DIRECTION,
        Column("bias_slope", "number", "slope of the shape bias over the doses, mean over draws", "fraction"),
        *interval("bias_slope", how="over exemplars"),
        Column("beyond_random", "number", "`bias_slope` minus that of random directions", "fraction"),
        *interval("beyond_random", "beyond_random", how="the same exemplars drawn for both"),
        Column("match_slope", "number", "slope of the cue-match rate over the doses without their sign",
               "fraction"),
        *interval("match_slope", "match_slope", how="over exemplars"),
        Column("accuracy_slope", "number", "the like of the accuracy on images whose cues agree", "fraction"),
        *interval("accuracy_slope", "accuracy_slope", how="over exemplars"),
        Column("n_conflict", "whole", "conflict images"),
        Column("n_agreeing", "whole", "images whose cues agree"),
        REASON,
    ),
    keys=("stage", "direction"),
)  # fmt: skip
