"""What the columns of the table of erasure hold."""

from __future__ import annotations

from texshape.tables import REASON, Column, Table, interval
from texshape.trials.columns import BIAS

CUES = ("shape", "texture")


def _share(cue: str) -> tuple[Column, ...]:
    what = f"share of the conflict images that are decided for their {cue}"
    name = f"{cue}_share"
    return (Column(name, "number", what, "fraction"), *interval(name, name))


def _readout(cue: str) -> tuple[Column, ...]:
    what = f"share of images whose {cue} a new linear reader finds in what is left"
    name = f"readout_{cue}"
    return (Column(name, "number", what, "fraction"), *interval(name, name))


ERASURE = Table(
    "erasure",
    "a stage, a cue and what was erased",
    (
        Column("stage", "text", "stage whose activations are changed"),
        Column("cue", "text", "what the erased subspace codes: `shape` or `texture`"),
        Column(
            "erased",
            "text",
            "`nothing`, the `cue`, what tells meaningless `groups` apart, a `random` subspace, all that "
            "the decision layer reads (`head`) or all that it does not read (`null_space`)",
        ),
        Column("draw", "whole", "number of the random grouping or subspace; else 0"),
        Column("dimension", "whole", "dimensions that were erased"),
        Column("n_units", "whole", "units of the stage"),
        *_share("shape"),
        *_share("texture"),
        BIAS,
        *interval("shape_bias"),
        Column("cue_match_rate", "number", "share of the decisions for either cue", "fraction"),
        Column(
            "decisions_changed", "number", "share of the decisions that erasure changes", "fraction"
        ),
        Column("accuracy_plain", "number", "accuracy on images whose cues agree", "fraction"),
        Column("bias_change", "number", "`shape_bias` minus that with nothing erased", "fraction"),
        *interval("bias_change", "bias_change"),
        Column(
            "expected_share",
            "number",
            "chance: how often these decisions name the cue of another picture with the same class of "
            "the other cue",
            "fraction",
        ),
        Column(
            "taken",
            "number",
            "share of the decisions for the cue beyond chance that erasing takes",
            "fraction",
        ),
        *interval("taken", "taken"),
        Column("beyond", "number", "`taken` minus its mean over meaningless groups", "fraction"),
        *interval("beyond", "beyond"),
        *_readout("shape"),
        *_readout("texture"),
        Column("readout_chance", "number", "accuracy of guessing: 1 / classes", "fraction"),
        Column("n_images", "whole", "conflict images that are decided"),
        Column("n_plain", "whole", "images of `accuracy_plain`"),
        Column("n_readout", "whole", "images that the new reader is tested on"),
        REASON,
    ),
    keys=("stage", "cue", "erased", "draw"),
)
