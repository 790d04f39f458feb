"""Tables of error consistency with its uncertainty."""

from __future__ import annotations

from texshape.tables import DIFFERENCE, REASON, Column, Table, interval

_ERRORS = (
    Column("standard_error", "number", "its standard error, trials and observers drawn anew"),
    Column("standard_error_trials", "number", "its standard error with the observers held fixed: "
           "what more trials would lessen"),
)  # fmt: skip

_DATASETS = Column("datasets", "text", "the data sets: `all-17`, or their names joined by `+`")

CONSISTENCY_POWER = Table(
    name="consistency_power",
    about="a network beside the human observers, or the observers beside one another",
    columns=(
        _DATASETS,
        Column("subject", "text", "the network; `humans`: each observer in its place"),
        Column("error_consistency", "number", "kappa of being right, mean over conditions, observers and "
               "data sets"),
        *interval("error_consistency", unit="", how="trials and observers drawn anew"),
        *_ERRORS,
        Column("smallest_difference", "number", "smallest difference from another network of the same "
               "uncertainty that would be found with a power of 0.8, were nothing of their luck shared"),
        Column("n_trials", "whole", "images that it and an observer saw, over conditions and data sets"),
        Column("n_observers", "whole", "human observers, over data sets"),
        Column("n_datasets", "whole", "data sets"),
        REASON,
    ),
    keys=("datasets", "subject"),
    front=(),
)  # fmt: skip

CONSISTENCY_DIFFERENCES = Table(
    name="consistency_differences",
    about="two subjects on the data sets that both saw",
    columns=(
        _DATASETS,
        Column("subject_a", "text", "the first"),
        Column("subject_b", "text", "the second"),
        Column("difference", "number", "error consistency of the first minus that of the second"),
        *interval("difference", unit="", how="the same trials and observers drawn for both"),
        *_ERRORS,
        Column("p", "number", "two-sided p-value of the difference over its standard error"),
        Column("p_holm", "number", "the same, adjusted for all pairs by Holm"),
        Column("smallest_difference", "number", "smallest difference of these two that these trials and "
               "observers show with a power of 0.8"),
        Column("times_trials", "number", "how many times as many trials the observed difference needs for a "
               "power of 0.8, the observers being as many; 1 or less: these are enough"),
        Column("n_datasets", "whole", "data sets in common"),
        REASON,
    ),
    keys=("datasets", "subject_a", "subject_b"),
    front=(),
    logged=DIFFERENCE,
)  # fmt: skip
