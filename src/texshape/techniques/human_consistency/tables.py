"""What the columns of the tables of consistency with humans hold."""

from __future__ import annotations

from dataclasses import replace

from texshape.tables import Column, Table, interval

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
