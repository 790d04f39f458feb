"""What the table of read-outs that decide holds."""

from __future__ import annotations

from texshape.tables import Column, Table, interval

DECISION_READOUT = Table(
    "decision_readout",
    "a network that decides by a linear read-out of photographs",
    (
        Column("photographs", "text", "what it was fitted on: `grey`, or a folder"),
        Column("stage", "text", "the stage that is read, the last; empty where outputs are read"),
        Column(
            "input",
            "text",
            "what is read of it: `cls`, the class token, `pooled`, the mean over positions, or `outputs`",
        ),
        Column("units", "whole", "numbers that are read of each picture"),
        Column(
            "accuracy",
            "number",
            "share of the photographs named rightly by a read-out that never saw them, its penalty chosen "
            "without them",
            "fraction",
        ),
        *interval("accuracy", how="Wilson's, over photographs"),
        Column(
            "chance",
            "number",
            "share of the commonest class, which always naming it gives",
            "fraction",
        ),
        Column(
            "at_guessing",
            "flag",
            "whether the interval does not lie above `chance`: then the decisions rest on nothing",
        ),
        Column("n", "whole", "photographs"),
        Column("n_classes", "whole", "classes that it decides between"),
        Column("least", "number", "least accuracy of a class", "fraction"),
        Column("least_class", "text", "that class"),
        Column("penalty", "number", "L2 penalty that was chosen, on all photographs"),
    ),
)
