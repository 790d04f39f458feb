"""What the columns of the tables hold that are made of trial files."""

from __future__ import annotations

from texshape.tables import DIFFERENCE, Column, Logged, Table, interval

BIAS = Column(
    "shape_bias", "number", "decisions for the shape among those for either cue", "fraction"
)
MATCH = Column(
    "cue_match_rate",
    "number",
    "share of the decisions on conflict images that are for either cue",
    "fraction",
)
CONFLICT = Column("n_conflict", "whole", "conflict images")
SHAPE = Column("n_shape", "whole", "decisions for the shape")
TEXTURE = Column("n_texture", "whole", "decisions for the texture")
VERDICT = Column(
    "verdict",
    "text",
    "name of the bias, or why it has none: [rule](../explanation/shape-bias.md)",
)
DECIDES_BY = Column(
    "decides_by",
    "text",
    "how its decisions come about: `classes` (its own outputs), `zero-shot` (the nearest text of a class), "
    "`readout` (a linear read-out fitted on photographs), `asked` (multiple choice, or a function); empty for "
    "humans and where there are none",
)
MODEL_A = Column("model_a", "text", "first network")
MODEL_B = Column("model_b", "text", "second network")
#: of `texshape.trials.score.score`
SCORE = (
    BIAS,
    *interval("shape_bias"),
    MATCH,
    Column("n_trials", "whole", "all decisions"),
    CONFLICT,
    SHAPE,
    TEXTURE,
)
#: of `texshape.trials.naming.evidence`: what the name rests on
EVIDENCE = (
    *interval("cue_match_rate", "match"),
    Column("congruent_accuracy", "number", "accuracy on images whose cues agree", "fraction"),
    *interval("congruent_accuracy", "congruent", how="Wilson's where all or none are right"),
    Column("n_congruent", "whole", "images whose cues agree"),
    Column(
        "response_entropy",
        "number",
        "entropy of the decisions on conflict images: how many different answers are given",
        "bits",
    ),
    Column(
        "label_entropy",
        "number",
        "entropy of the labels of these images; the smaller one of shape and texture",
        "bits",
    ),
    Column("n_classes", "whole", "classes that the images show or that it answers"),
)
#: of `texshape.stats.seeds.welch`: over trainings
SEEDS = (
    Column("seeds_a", "whole", "trainings of the first network"),
    Column("seeds_b", "whole", "trainings of the second network"),
    Column("seed_difference", "number", "mean of the first minus mean of the second", "fraction"),
    *interval("seed_difference", "seed", how="over trainings, Welch's"),
    Column("seed_p", "number", "two-sided p of Welch's test", "probability"),
)
#: of `texshape.trials.moved.moves`: what a change inside a network does, and what it costs
MOVED = (
    BIAS,
    *interval("shape_bias"),
    Column("bias_change", "number", "`shape_bias` minus that of the network as it is", "fraction"),
    *interval("bias_change", "bias_change", how="the same exemplars drawn for both"),
    MATCH,
    *interval("cue_match_rate", "match"),
    Column("match_change", "number", "`cue_match_rate` minus that of the network as it is", "fraction"),
    *interval("match_change", "match_change", how="the same exemplars drawn for both"),
    Column("accuracy", "number", "accuracy on images whose cues agree", "fraction"),
    *interval("accuracy", "accuracy"),
    Column("accuracy_change", "number", "`accuracy` minus that of the network as it is", "fraction"),
    *interval("accuracy_change", "accuracy_change", how="the same exemplars drawn for both"),
    Column("decisions_changed", "number", "share of the decisions on conflict images that differ from those "
           "of the network as it is", "fraction"),
    CONFLICT,
    Column("n_agreeing", "whole", "images whose cues agree"),
)  # fmt: skip

SHAPE_BIAS = Table(
    "shape_bias", "a network, an observer, or all `humans`", (*SCORE, *EVIDENCE, VERDICT)
)
SHAPE_BIAS_BY_CLASS = Table(
    "shape_bias_by_class",
    "a network, an observer, or all `humans`, and a class",
    (Column("class", "text", "class of the shape"), BIAS, MATCH, CONFLICT, SHAPE, TEXTURE),
    keys=("class",),
)
SHAPE_BIAS_BY_SET = Table(
    "shape_bias_by_set",
    "a network and a set of conflict images",
    (
        Column("set", "text", "set of conflict images"),
        *SCORE,
        *EVIDENCE,
        VERDICT,
        Column(
            "difference",
            "number",
            "bias on this set minus that on `cue-conflict`, on the images in common",
            "fraction",
        ),
        *interval("difference", "difference"),
        Column("n_common", "whole", "conflict images in common"),
    ),
    keys=("set",),
)
SHAPE_BIAS_DIFFERENCES = Table(
    "shape_bias_differences",
    "a pair of networks",
    (
        MODEL_A,
        MODEL_B,
        Column(
            "difference",
            "number",
            "bias of the first minus that of the second, each over all its seeds",
            "fraction",
        ),
        *interval("difference", how="exemplars resampled alike for both"),
        Column("n", "whole", "images that both saw"),
        *SEEDS,
    ),
    keys=("model_a", "model_b"),
    front=(),
    logged=DIFFERENCE,
)
ACCURACY = Table(
    "accuracy",
    "a network, an observer, or all `humans`, a set of images, and the cue whose label counts as right",
    (
        Column("set", "text", "set of images"),
        Column("cue", "text", "whose label counts as right: `shape` or `texture`"),
        Column("accuracy", "number", "share of images decided rightly", "fraction"),
        *interval(
            "accuracy",
            how="exemplars resampled within their classes, as images share them; without width where "
            "all or none are right",
        ),
        Column("n", "whole", "images; on a set with conflict those in conflict"),
        Column("response_entropy", "number", "entropy of the decisions on these images", "bits"),
    ),
    keys=("set", "cue"),
)
ACCURACY_DIFFERENCES = Table(
    "accuracy_differences",
    "a set, a cue and a pair of networks of the same architecture or arm",
    (
        MODEL_A,
        MODEL_B,
        Column("set", "text", "set of images"),
        Column("cue", "text", "whose label counts as right: `shape` or `texture`"),
        *SEEDS,
    ),
    keys=("model_a", "model_b", "set", "cue"),
    front=(),
    logged=Logged(("seed_difference", "seed_low", "seed_high")),
)
CONTROLS = Table(
    "controls",
    "a variant of the pictures and an effect: [controls](../explanation/controls.md)",
    (
        Column("variant", "text", "variant of the data"),
        Column("effect", "text", "what differs between the two cells: training, pictures or both"),
        Column("trained_a", "text", "variant that the first cell is trained on"),
        Column("tested_a", "text", "variant that it is tested on"),
        Column("trained_b", "text", "variant that the second cell is trained on"),
        Column("tested_b", "text", "variant that it is tested on"),
        Column("bias_a", "number", "shape bias of the first cell, over its seeds", "fraction"),
        Column("bias_b", "number", "shape bias of the second cell", "fraction"),
        Column("difference", "number", "`bias_a` minus `bias_b`", "fraction"),
        *interval("difference", how="exemplars and trainings resampled"),
        Column("n", "whole", "conflict images"),
        Column("seeds_a", "whole", "trainings of the first cell"),
        Column("seeds_b", "whole", "trainings of the second cell"),
    ),
    keys=("variant", "effect"),
    front=(),
)
