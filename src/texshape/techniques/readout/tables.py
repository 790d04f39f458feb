"""What the columns of the read-out's table hold."""

from __future__ import annotations

from texshape.tables import FRONT, REASON, Column, Table, interval

READOUT = Table(
    "readout",
    "a stage, cue and kind of features",
    (
        Column("stage", "text", "stage of the network; `pixels` and `mask` are baselines"),
        Column("cue", "text", "what is read: `shape` or `texture`"),
        Column(
            "input",
            "text",
            "kind of features: `pooled` over positions, class token (`cls`), all positions "
            "(`spatial`), the picture (`pixels`), four numbers of the mask (`scalars`), or `pooled` "
            "with these partialled out (`beyond-scalars`)",
        ),
        Column(
            "accuracy",
            "number",
            "share of the conflict images whose class a linear reader finds that never saw the exemplar",
            "fraction",
        ),
        *interval("accuracy"),
        Column("chance", "number", "accuracy of guessing: 1 / classes", "fraction"),
        Column(
            "permuted",
            "number",
            "mean accuracy with classes dealt out anew among exemplars; at the last stage alone",
            "fraction",
        ),
        Column("permuted_high", "number", "greatest of these accuracies", "fraction"),
        Column("n_permutations", "whole", "how many of them"),
        Column(
            "fold_low",
            "number",
            "least accuracy with the exemplars dealt to the folds in other orders",
            "fraction",
        ),
        Column("fold_high", "number", "greatest of these accuracies", "fraction"),
        Column("n_fold_draws", "whole", "how many of them, the one reported among them"),
        Column(
            "gain",
            "number",
            "accuracy minus that of the same network before training",
            "fraction",
        ),
        *interval("gain", "gain"),
        Column(
            "other_cue",
            "number",
            "the most that a reader of the other cue alone could reach",
            "fraction",
        ),
        Column("n_images", "whole", "conflict images"),
        Column("n_exemplars", "whole", "exemplars of the cue"),
        Column("n_folds", "whole", "folds; no exemplar is in two"),
        Column("n_units", "whole", "units that are read"),
        REASON,
    ),
    keys=("stage", "cue", "input"),
    front=(*FRONT, "epoch"),
)
