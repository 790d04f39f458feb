"""What the columns of the table of cue strengths hold."""

from __future__ import annotations

from texshape.tables import Column, Table, interval
from texshape.trials.columns import CONFLICT, SHAPE, TEXTURE

STRENGTH = "texture strength"

# Why a number of the curve is undefined, in the words of `reason` and `crossing_reason`.
ALL_SHAPE = "all decisions for a cue are for the shape"
ALL_TEXTURE = "all decisions for a cue are for the texture"
NOT_FALLING = "shape decisions do not become fewer with texture strength"
GUESSED = "decisions match a cue no more often than guessing where the curve crosses one half"
ABOVE = "at least half of the decisions are for shape at every strength"
BELOW = "fewer than half of the decisions are for shape at every strength"
FITTED_ABOVE = "the falling curve does not pass one half, though a share lies below it"
FITTED_BELOW = "the falling curve does not reach one half, though a share lies above it"
OUTSIDE = "balance point outside the strengths shown"
NO_TEXTURE = "no texture"  # a verdict: at strength 0 there is none to prefer

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
