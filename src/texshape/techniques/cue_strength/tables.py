"""What the columns of the table of cue strengths hold."""

from __future__ import annotations

from texshape.tables import Column, Table, interval
from texshape.trials.columns import CONFLICT, SHAPE, TEXTURE

STRENGTH = "texture strength"

CUE_STRENGTH = Table(
    "cue_strength",
    "a strength of the texture; what is said of the curve is the same in all rows of a network",
    (
        Column("strength", "number", "of the texture: 1 is the set as it is, 0 none", STRENGTH),
        Column(
            "shape_share",
            "number",
            "decisions for the shape among those for either cue",
            "fraction",
        ),
        *interval("shape_share"),
        Column("cue_match_rate", "number", "share of decisions for either cue", "fraction"),
        *interval("cue_match_rate", "match"),
        Column("verdict", "text", "name of the bias at this strength"),
        SHAPE,
        TEXTURE,
        CONFLICT,
        Column(
            "balance_point",
            "number",
            "strength at which a logistic curve through all decisions passes one half",
            STRENGTH,
        ),
        *interval("balance_point", "balance", unit=STRENGTH),
        Column("slope", "number", "slope of that curve's logit", "1 / texture strength"),
        Column("fitted_share", "number", "what the curve says at this strength", "fraction"),
        Column(
            "deviance",
            "number",
            "how far it lies from the shares: twice the log likelihood that it lacks of them",
            "nats",
        ),
        Column("reason", "text", "why the share or the balance point is undefined"),
        Column(
            "crossing",
            "number",
            "strength at which shares that may only fall pass one half, without a model",
            STRENGTH,
        ),
        *interval("crossing", "crossing", unit=STRENGTH),
        Column("crossing_reason", "text", "why there is no crossing"),
    ),
    keys=("strength",),
)
