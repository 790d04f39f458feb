"""What the columns of the table of what could not be measured hold."""

from __future__ import annotations

from texshape.tables import Column, Table

#: in place of a technique's name, which has no space
EVERY = "every technique"

LEFT_OUT = Table(
    "left_out",
    "a technique that could not measure a network",
    (
        Column(
            "technique",
            "text",
            "the technique; `every technique` of a network whose weights cannot be had",
        ),
        Column("tables", "text", "tables in which the network is missing, with a space between"),
        Column("reason", "text", "why it could not be measured"),
    ),
    keys=("technique",),
)
