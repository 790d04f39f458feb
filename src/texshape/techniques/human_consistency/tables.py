"""What the columns of the tables of consistency with humans hold."""

from __future__ import annotations

from dataclasses import replace

from texshape.tables import REASON, Column, Table, interval
from texshape.trials.columns import DECIDES_BY, EVIDENCE, SCORE, VERDICT

#: measure -> (unit, meaning), in the order of the columns
MEASURES = {
    "accuracy_difference": (
        "squared fraction",
        "squared difference of the accuracies of network and human",
    ),
    "observed_consistency": (
        "fraction",
        "share of images on which both are right or both are wrong",
    ),
    "error_consistency": (
        "kappa",
        "the same beyond what their accuracies give by chance: 1 is alike, 0 is chance",
    ),
    "ood_accuracy": ("fraction", "accuracy on these images, unlike those of training"),
}
BENCHMARK = Table(
    "benchmark",
    "a network, or `humans`, and a group of data sets",
    (
        Column(
            "datasets",
            "text",
            "`all-17`, or `cue-conflict+edge+silhouette`: those whose images our networks can be shown",
        ),
        *(Column(name, "number", what, unit) for name, (unit, what) in MEASURES.items()),
        Column("n_datasets", "whole", "data sets"),
        *(
            end
            for name, (unit, _) in MEASURES.items()
            for end in interval(name, name, unit, "images and observers are resampled")
        ),
    ),
    keys=("datasets",),
)
BENCHMARK_BY_DATASET = replace(
    BENCHMARK,
    name="benchmark_by_dataset",
    about="a network, or `humans`, and a data set",
    columns=(Column("datasets", "text", "name of the data set"), *BENCHMARK.columns[1:]),
)
ACCURACY_BY_CONDITION = Table(
    "accuracy_by_condition",
    "a network that was shown the pictures, or the mean of human observers, and a condition of a data set",
    (
        Column("datasets", "text", "name of the data set"),
        Column("condition", "text", "as the published trials call it; `all` where a set has none"),
        Column("counts", "flag", "whether the benchmark counts the condition"),
        Column("accuracy", "number", "share of right answers", "fraction"),
        *interval("accuracy"),
        Column("n", "whole", "trials, of all observers together for `humans`"),
    ),
    keys=("datasets", "condition"),
)
#: of one data set, the cue-conflict pictures; `humans.benchmark`
CONSISTENCY = tuple(
    column
    for name, (unit, what) in MEASURES.items()
    for column in (
        Column(name, "number", what, unit),
        *interval(name, name, unit, "images and observers are resampled"),
    )
)
PUBLISHED_ANSWERS = Table(
    "published_answers",
    "a subject whose answers to the cue-conflict pictures others published, or `humans` on the same ones",
    (
        Column("subject", "text", "repository and file of the answers, or `humans`"),
        Column("name", "text", "its name as people write it"),
        DECIDES_BY,
        Column(
            "wording",
            "text",
            "how it was asked: `published neutral` (multiple choice in the words of those who asked), or the "
            "prompt of a CLIP-like model as its file calls it, `CLS` for the class",
        ),
        Column("date", "text", "when it was asked, YYYY-MM-DD; empty where that is not published"),
        *SCORE,
        *EVIDENCE,
        VERDICT,
        Column("n_unnamed", "whole", "answers that name no class, which are for neither cue"),
        *CONSISTENCY,
        Column("n_shared", "whole", "pictures that humans saw too: all of the row is of these"),
        Column("source", "text", "repository and file"),
        REASON,
    ),
    keys=("subject",),
    front=(),
)
