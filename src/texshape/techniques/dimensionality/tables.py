"""What the columns of the table of dimensionality hold."""

from __future__ import annotations

from texshape.tables import FRONT, REASON, Column, Table, interval

BY_ESTIMATOR = "nats a unit, score or fraction"

DIMENSIONALITY = Table(
    "dimensionality",
    "a stage, estimator and factor",
    (
        Column("stage", "text", "stage of the network; a class token stands as `STAGE.cls`"),
        Column(
            "estimator",
            "text",
            "`mutual_information` (nats a unit above the null), `islam2021` (share of the units given "
            "to the factor) or `islam2021_score` (the score behind that share)",
        ),
        Column("factor", "text", "`shape`, `texture` or `residual`"),
        Column("value", "number", "the estimate, in the unit of its estimator", BY_ESTIMATOR),
        *interval("value", unit=BY_ESTIMATOR),
        Column(
            "null",
            "number",
            "what pairs that share neither cue give by chance; already taken off the `value` of "
            "`mutual_information`",
            BY_ESTIMATOR,
        ),
        Column("n_units", "whole", "units of the stage"),
        Column("n_significant", "whole", "units whose information exceeds the null"),
        Column("n_constant", "whole", "units that never change; they count as without information"),
        Column("n_pairs", "whole", "pairs of images that were drawn"),
        Column("n_available", "whole", "pairs that there are"),
        REASON,
    ),
    keys=("stage", "estimator", "factor"),
    front=(*FRONT, "epoch"),
)
