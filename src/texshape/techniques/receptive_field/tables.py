"""What the columns of the tables of receptive fields hold."""

from __future__ import annotations

from texshape.tables import REASON, Column, Table

RECEPTIVE_FIELD = Table(
    "receptive_field",
    "a stage",
    (
        Column("stage", "text", "stage, from input to output"),
        Column(
            "theoretical",
            "text",
            "side of the square that can reach a unit, in px; `global` where all pixels can, empty "
            "where it cannot be traced",
        ),
        Column(
            "theoretical_local",
            "whole",
            "side through local paths alone, where a gate makes the field global",
            "px",
        ),
        Column(
            "effective_untrained",
            "whole",
            "side of the square that holds most of the influence (95 %), before training",
            "px",
        ),
        Column("effective_trained", "whole", "the same after training", "px"),
        Column("image_size", "whole", "side of the images", "px"),
        Column("n_images", "whole", "images over which influence is averaged"),
        REASON,
    ),
    keys=("stage",),
)
ARCHITECTURES = Table(
    "architectures",
    "a published architecture",
    (
        Column("architecture", "text", "name in its library"),
        Column("library", "text", "`tf-slim` or `torchvision`"),
        Column("year", "whole", "year of the paper"),
        Column("receptive_field", "whole", "side as published", "px"),
        Column("top1", "number", "accuracy on ImageNet, one crop, as published", "fraction"),
        Column("multiply_adds", "number", "multiplications with addition, as published", "10^9"),
        Column("texshape", "whole", "side that our tracer finds, through local paths", "px"),
        Column("reason", "text", "why our tracer finds none, or what it leaves out"),
        Column("source", "text", "where the facts come from"),
    ),
    keys=("architecture", "library"),
    front=(),
)
