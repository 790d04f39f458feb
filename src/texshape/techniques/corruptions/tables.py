"""What the columns of the tables of corruptions hold."""

from __future__ import annotations

from texshape.tables import REASON, Column, Table, interval

CORRUPTIONS = Table(
    "corruptions",
    "a type of corruption and its severity",
    (
        Column("set", "text", "set of images"),
        Column("corruption", "text", "type; `none` is the images as they are"),
        Column("severity", "whole", "1 to 5 as published; 0 is the images as they are"),
        Column("accuracy", "number", "share of images decided rightly", "fraction"),
        Column("n", "whole", "images"),
    ),
    keys=("set", "corruption", "severity"),
)
CORRUPTION_ERRORS = Table(
    "corruption_errors",
    "a set and type of corruption, then the summaries `sum` and `log_mean` over types",
    (
        Column("set", "text", "set of images that the network sees"),
        Column("baseline", "text", "network whose errors divide: trained on plain images"),
        Column("baseline_set", "text", "set of images that the baseline sees"),
        Column("measure", "text", "name of the quotient; `mCE` where the baseline is AlexNet"),
        Column(
            "corruption",
            "text",
            "type, or a summary: `sum` is the quotient of summed errors, `log_mean` the mean of "
            "logarithms",
        ),
        Column("error", "number", "error of the network, mean over severities", "fraction"),
        Column("clean_error", "number", "its error on the images as they are", "fraction"),
        Column("baseline_error", "number", "error of the baseline", "fraction"),
        Column("baseline_clean_error", "number", "its error on the images as they are", "fraction"),
        Column("error_ratio", "number", "`error` / `baseline_error`", "ratio"),
        *interval("error_ratio", unit="ratio"),
        Column("relative_error_ratio", "number", "the same with clean errors taken off", "ratio"),
        *interval("relative_error_ratio", "relative", unit="ratio"),
        Column(
            "marked",
            "flag",
            "whether the baseline makes so few errors that the quotient says little; such a type is in "
            "no summary",
        ),
        Column("n_types", "whole", "types in a summary"),
        Column("n", "whole", "images"),
        REASON,
    ),
    keys=("set", "baseline", "baseline_set", "measure", "corruption"),
)
