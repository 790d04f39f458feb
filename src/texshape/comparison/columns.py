"""What the columns of the tables hold that put techniques side by side."""

from __future__ import annotations

from texshape.tables import REASON, Column, Logged, Table, interval

BY_MEASURE = "that of the measure"
HERE = "here"  # measured by this experiment
REFERENCE = "shape_bias"  # the measure, and the family of its pairs

COMPARISON = Table(
    "comparison",
    "a network and a measure",
    (
        Column("measure", "text", "name of the measure"),
        Column("value", "number", "its value", BY_MEASURE),
        *interval("value", unit=BY_MEASURE),
        Column("n", "whole", "images (or pairs, or data sets) that it rests on"),
        Column("unit", "text", "unit of the value"),
        Column("source", "text", "table, rows and rule that it is taken by"),
        Column("reason", "text", "why it is undefined; empty where it is not"),
    ),
    keys=("measure",),
)
COMPARISON_WIDE = Table(
    "comparison_wide",
    "a network; a column a measure",
    (
        Column(
            "n_seeds",
            "whole",
            "trainings in which all measures of the network were made, over which all means are "
            "(all trainings where there is none such); 0 for what was not trained here",
        ),
        Column("n_least", "whole", "trainings behind the mean that is undefined in most of them"),
    ),
    front=("model", "architecture", "arm"),
    more=Column(
        "MEASURE", "number", "mean over those of these trainings in which it is defined", BY_MEASURE
    ),
)
CORRELATIONS = Table(
    "correlations",
    "a pair of measures",
    (
        Column("measure_x", "text", "first measure"),
        Column("measure_y", "text", "second measure"),
        Column("rho", "number", "Spearman's rank correlation over networks", "correlation"),
        *interval("rho", unit="correlation", how="networks and their seeds resampled"),
        Column("p_value", "number", "two-sided, from permutations of the networks", "probability"),
        Column("p_holm", "number", "`p_value` adjusted for all tests made (Holm)", "probability"),
        Column("n_tests", "whole", "tests made"),
        Column("n_networks", "whole", "networks that have both measures"),
        Column("n_seeds", "whole", "their trainings"),
        Column("covariate", "text", "measure that the partial correlation holds constant"),
        Column("partial_rho", "number", "partial rank correlation", "correlation"),
        *interval("partial_rho", "partial", unit="correlation"),
        Column("n_networks_partial", "whole", "networks that have the covariate too"),
        Column("within_rho", "number", "rank correlation among networks of one arm", "correlation"),
        Column("within_p", "number", "its p, from permutations within arms", "probability"),
        Column("within_holm", "number", "`within_p` adjusted for all tests made", "probability"),
        Column("n_within", "whole", "networks whose arm has another one"),
        Column(
            "architecture_rho",
            "number",
            "rank correlation among networks of one architecture",
            "correlation",
        ),
        Column(
            "architecture_p",
            "number",
            "its p, from permutations within architectures",
            "probability",
        ),
        Column(
            "architecture_holm",
            "number",
            "`architecture_p` adjusted for all tests made",
            "probability",
        ),
        Column("n_architecture", "whole", "networks whose architecture has another one"),
        Column("coupled", "text", "what ties the two measures by definition"),
        Column("reason", "text", "why a coefficient is undefined; empty where none is"),
    ),
    keys=("measure_x", "measure_y"),
    front=(),
)

PUBLISHED_MEASURES = Table(
    "published_measures",
    "a network that others measured, and a measure",
    (
        Column("measured_by", "text", "whose public table it is; none of these was measured here"),
        Column("network", "text", "the network, as they call it"),
        Column("measure", "text", "name of the measure"),
        Column("label", "text", "its name in words"),
        Column("unit", "text", "unit of the value"),
        Column("cue", "text", "what a larger value means more of: `shape`, `texture`, or neither"),
        Column("value", "number", "its value", BY_MEASURE),
        Column("source", "text", "repository, file and column, or how it was estimated"),
        REASON,
    ),
    keys=("measured_by", "network", "measure"),
    front=(),
    logged=Logged(),  # the same numbers in every experiment
)

TURNED = "each turned so that more means more shape"


def _measure(end: str, which: str) -> tuple[Column, ...]:
    return (
        Column(f"measure_{end}", "text", f"{which} measure"),
        Column(f"label_{end}", "text", "its name in words"),
        Column(
            f"cue_{end}",
            "text",
            "what a larger value means more of: `shape`, `texture` (turned round), or neither",
        ),
        Column(f"table_{end}", "text", "table that it is taken from"),
    )


AGREEMENT = Table(
    "agreement",
    "a pair of measures, of networks that one hand measured",
    (
        Column("measured_by", "text", "`here`, or whose published table holds both measures"),
        *_measure("x", "first"),
        *_measure("y", "second"),
        Column("rho", "number", f"Spearman's rank correlation, {TURNED}", "correlation"),
        *interval("rho", unit="correlation", how="networks and their seeds resampled"),
        Column("p_value", "number", "two-sided, from permutations of the networks", "probability"),
        Column("p_holm", "number", "`p_value` adjusted for the tests of the family", "probability"),
        Column(
            "family", "text", "tests corrected together: `shape_bias` (pairs with it), `others`"
        ),
        Column("n_tests", "whole", "tests of the family that were made"),
        Column("n_networks", "whole", "networks that have both measures"),
        Column("n_seeds", "whole", "their trainings"),
        Column(
            "within_rho",
            "number",
            "rank correlation among networks of one arm; pairs with shape bias alone",
            "correlation",
        ),
        Column("within_p", "number", "its p, from permutations within arms", "probability"),
        Column("within_holm", "number", "`within_p` adjusted for the family", "probability"),
        Column("n_within", "whole", "networks whose arm has another one"),
        Column("tied", "text", "what ties the two measures by what they are"),
        Column("verdict", "text", "`agree`, `contrary`, `undecided`, or `tied`"),
        Column("reason", "text", "why nothing was decided; empty where something was"),
    ),
    keys=("measured_by", "measure_x", "measure_y"),
    front=(),
    # How measures stand to the bias; all other pairs are more than a thousand, and in the figure.
    logged=Logged(
        ("rho", "ci_low", "ci_high", "p_holm", "within_rho"),
        rows=(("measured_by", HERE), ("family", REFERENCE)),
    ),
)

LEVEL = "level 1 - 2 `alpha`, 90 %"
INFORMATION = "that of `information`"


def _compared(what: str, name: str, unit: str, how: str, prefix: str) -> tuple[Column, ...]:
    """Values of a pair, their difference and its interval, on one part of seeds and exemplars."""
    difference = f"{prefix}_{name}_difference"
    return (
        Column(f"{prefix}_{name}_a", "number", f"{what} of the first network", unit),
        Column(f"{prefix}_{name}_b", "number", f"{what} of the second network", unit),
        Column(difference, "number", "the first minus the second", unit),
        *interval(difference, f"{prefix}_{name}", unit, how),
    )


def _part(prefix: str) -> tuple[Column, ...]:
    where = "where the pair was chosen" if prefix == "choose" else "where it was confirmed"
    return (
        *_compared(f"shape bias, {where},", "bias", "fraction", LEVEL, prefix),
        *_compared(f"cue match rate, {where},", "cue_match", "fraction", LEVEL, prefix),
        *_compared(f"information, {where},", "information", INFORMATION, "", prefix),
    )


EQUIVALENT_PAIR = Table(
    "equivalent_pair",
    "a measure of what is known of shape",
    (
        Column("information", "text", "the measure in which the pair differs"),
        Column("model_a", "text", "first network of the pair; empty where there is none"),
        Column("model_b", "text", "second network"),
        Column("margin", "number", "biases that differ by less are equivalent", "fraction"),
        Column("choose_seeds", "text", "trainings that the pair was chosen by"),
        Column("confirm_seeds", "text", "trainings that it was confirmed by"),
        *_part("choose"),
        *_part("confirm"),
        Column("equivalence_p", "number", "larger p of the two one-sided tests", "probability"),
        Column("same_sign", "flag", "whether all trainings of one lie on one side of the other's"),
        Column("confirmed", "flag", "whether the pair was confirmed; empty where there is none"),
        Column("n_networks", "whole", "networks that decided about the same conflict images"),
        Column("n_searched", "whole", "networks of these among which a pair was looked for"),
        Column(
            "n_few_seeds",
            "whole",
            "networks left out: too few of their trainings have the measure with an interval",
        ),
        Column("n_few_matches", "whole", "networks left out: too few decisions match a cue"),
        Column("n_pairs", "whole", "pairs that were compared"),
        Column("n_away", "whole", "pairs whose biases lie further from 0 and 1 than the margin"),
        Column("n_equivalent", "whole", "pairs of these that are equivalent in bias"),
        Column("choose_n_images", "whole", "conflict images that the pair was chosen by"),
        Column("confirm_n_images", "whole", "conflict images that it was confirmed by"),
        Column("reason", "text", "why there is no pair, or why it was not confirmed"),
    ),
    keys=("information",),
    front=(),
)
DISAGREEMENT = Table(
    "disagreement",
    "a cue, a decision and a reading: [comparison](../explanation/comparison.md)",
    (
        Column("cue", "text", "what is read: `shape` or `texture`"),
        Column("decision", "text", "what the network decides for: `shape`, `texture`, `neither`"),
        Column("readout", "text", "whether a linear reader finds the cue: `right` or `wrong`"),
        Column("n", "whole", "conflict images of this kind"),
        Column("share", "number", "their share of all conflict images", "fraction"),
        *interval("share"),
        Column(
            "expected_share",
            "number",
            "the share if knowing had nothing to do with deciding",
            "fraction",
        ),
        Column("excess", "number", "`share` minus `expected_share`", "fraction"),
        *interval("excess", "excess"),
        Column(
            "read_difference",
            "number",
            "how much more often the cue is read in shape decisions than in texture decisions; the "
            "same in all rows of a cue",
            "fraction",
        ),
        *interval("read_difference", "read"),
        Column("n_images", "whole", "all conflict images"),
        Column("stage", "text", "stage that is read: the last"),
        REASON,
    ),
    keys=("cue", "decision", "readout"),
)
DISAGREEMENT_IMAGES = Table(
    "disagreement_images",
    "a kind of disagreement, a network and a picture",
    (
        Column("kind", "text", "what is decided and what is known"),
        Column("model", "text", "the network"),
        Column("architecture", "text", "its architecture"),
        Column("arm", "text", "what it was trained on"),
        Column("rank", "whole", "1 is the picture on which most trainings disagree"),
        Column("imagename", "text", "name of the picture"),
        Column("shape", "text", "class of its shape"),
        Column("texture", "text", "class of its texture"),
        Column("decision", "text", "commonest decision of the trainings that disagree"),
        Column("n_disagree", "whole", "trainings of the network that disagree"),
        Column("n_seeds", "whole", "its trainings"),
        Column("n_disagree_all", "whole", "trainings of all networks that disagree"),
        Column("n_all", "whole", "trainings of all networks"),
    ),
    keys=("kind", "model", "rank"),
    front=(),
)
REPLICATION = Table(
    "replication",
    "a published value: `texshape.comparison.replication`",
    (
        Column("name", "text", "name of the value"),
        Column("quantity", "text", "what was measured"),
        Column("subject", "text", "of whom"),
        Column("published", "number", "what was published", "that of `unit`"),
        Column("digits", "whole", "decimals that were published"),
        Column("unit", "text", "unit of all numbers of the row; empty where they have none"),
        Column("value", "number", "ours; empty where it was not measured", "that of `unit`"),
        *interval("value", unit="that of `unit`"),
        Column("n", "whole", "what ours rests on: conflict images, or data sets"),
        Column(
            "verdict",
            "text",
            "`replicated` (ours rounds to it), `within the interval` (ours holds it), `not replicated`, "
            "`not comparable`, `not measured`",
        ),
        Column("source", "text", "key of the work in the bibliography"),
        Column("place", "text", "where in it"),
        Column("table", "text", "table that ours stands in"),
        Column("row", "text", "row of that table"),
        Column("reason", "text", "why the two are not compared; empty where they are"),
    ),
    keys=("name",),
    front=(),
    logged=Logged(),
)
