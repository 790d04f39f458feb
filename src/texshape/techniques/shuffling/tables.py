"""What the columns of the table of shuffled patches hold."""

from __future__ import annotations

from texshape.tables import Column, Table, interval

SHUFFLING = Table(
    "shuffling",
    "a number of patches and a set of images",
    (
        Column("k", "whole", "patches a side; 1 is the image as it is"),
        Column("set", "text", "set of images"),
        Column(
            "accuracy",
            "number",
            "share of images decided rightly; of at most `probes.shuffling_images` images",
            "fraction",
        ),
        *interval(
            "accuracy",
            how="Wilson's, which has a width where all or none are right too, as among a few hundred "
            "images; that of `accuracy.csv` resamples exemplars",
        ),
        Column("n", "whole", "images"),
        Column("chance", "number", "accuracy of guessing: 1 / classes", "fraction"),
    ),
    keys=("k", "set"),
)
