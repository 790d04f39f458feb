"""What the columns of a training's history hold."""

from __future__ import annotations

from texshape.tables import Column, Table

TRAINING = Table(
    "training",
    "an epoch and a validation set",
    (
        Column("epoch", "whole", "epochs trained"),
        Column("step", "whole", "batches trained"),
        Column("learning_rate", "number", "learning rate at the end of the epoch"),
        Column("train_loss", "number", "mean cross-entropy over the epoch", "nats"),
        Column("train_accuracy", "number", "share decided rightly over the epoch", "fraction"),
        Column("validation_set", "text", "validation set"),
        Column("validation_loss", "number", "mean cross-entropy on it after the epoch", "nats"),
        Column("validation_accuracy", "number", "share decided rightly on it", "fraction"),
    ),
    keys=("epoch", "validation_set"),
)
