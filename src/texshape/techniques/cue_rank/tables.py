"""Tables of the rank of each cue."""

from __future__ import annotations

from texshape.tables import Column, Table, interval

CUE_RANK = Table(
    name="cue_rank",
    about="a cue shown alone, and a class of it (`all`: the classes together)",
    columns=(
        Column("set", "text", "name of the images"),
        Column("cue", "text", "the cue that the images show: `shape` or `texture`"),
        Column("class", "text", "class of the images; `all` for all of them together"),
        Column("score", "number", "mean over images of 1 / rank of the true class among all outputs, the best "
               "rank where several outputs mean it; 1 is the best"),
        *interval("score", unit="", how="over exemplars"),
        Column("chance", "number", "`score` of outputs in random order"),
        Column("top1", "number", "share of images whose true class has the first rank", "fraction"),
        *interval("top1", "top1", how="over exemplars"),
        Column("top1_chance", "number", "`top1` of outputs in random order", "fraction"),
        Column("median_rank", "number", "median over images of the true class's rank"),
        Column("n_outputs", "whole", "outputs that are ranked"),
        Column("n_exemplars", "whole", "exemplars of the cue, the units of resampling"),
        Column("n_images", "whole", "images"),
        Column("reason", "text", "why a value is empty, or counts as 0"),
    ),
    keys=("set", "cue", "class"),
)  # fmt: skip
