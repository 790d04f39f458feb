"""The sections ``training``, ``arms`` and ``trained``: recipes, and which networks are trained by them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from texshape.config.base import (
    DISTINCT,
    Count,
    Distinct,
    Name,
    NotNegative,
    Positive,
    Section,
    SomeDistinct,
    Text,
    Values,
    Whole,
    changes,
    fault,
)

FASTEST = "fastest"


class TrainingSettings(Section):
    """The recipe that every arm shares."""

    place = "training"

    epochs: Count = Field(
        description="Passes over one training set; every arm takes the same number of steps."
    )
    batch_size: Annotated[int, Field(ge=2)] = Field(
        description="Images a step; a mixed arm takes half of them from either set. A set with fewer images "
        "than a batch is one batch."
    )
    learning_rate: Positive = Field(
        description="Peak of the one-cycle schedule, start of the steps."
    )
    weight_decay: NotNegative = Field(
        description="Decoupled in AdamW; added to the gradient in SGD."
    )
    horizontal_flip: bool = Field(description="Whether images are mirrored at random.")
    random_crop: Annotated[float, Field(gt=0, le=1)] | None = Field(
        description="Smallest share of the area that a random resized crop keeps; null for none."
    )
    checkpoint_epochs: Distinct[Whole] = Field(
        description="Epochs that are measured between the start (0) and the end, which always are; those "
        "beyond the end are left out."
    )
    precision: Literal["float32", "bfloat16", "fastest"] = Field(
        description="Arithmetic of the forward and backward pass; fastest is bfloat16 where the device "
        "computes in it, float32 elsewhere."
    )
    compile: bool = Field(description="Whether torch.compile is used.")
    channels_last: bool = Field(description="Whether tensors lie in memory with the channels last.")
    passes: Annotated[float, Field(gt=0, le=1000)] = Field(
        description="Passes over one set that make an epoch. An epoch over the images of two sets, of which "
        "each batch takes half from either, has 2."
    )
    optimizer: Literal["adamw", "sgd"] = Field(description="AdamW, or SGD with momentum.")
    momentum: Annotated[float, Field(ge=0, lt=1)] = Field(description="Of SGD.")
    schedule: Literal["one-cycle", "step"] = Field(
        description="One cycle, or steps that divide the learning rate by ten."
    )
    step_epochs: Count | None = Field(description="Epochs a step.")
    label: Literal["shape", "texture"] = Field(
        description="The class that is learned, that of the shape or of the texture."
    )
    initial: Text | None = Field(
        description="Start of the weights; null for random ones, arm:NAME for the same architecture and seed "
        "trained on that arm, else a network's name or checkpoint."
    )
    gpus_per_job: Count = Field(
        description="GPUs of one training, each with its share of every batch, which batch_size counts whole; "
        "without a GPU there is one process."
    )

    @field_validator("checkpoint_epochs")
    @classmethod
    def _within(cls, epochs: tuple[int, ...], others: ValidationInfo) -> tuple[int, ...]:
        last = others.data.get("epochs", 0)
        return tuple(sorted(epoch for epoch in epochs if epoch <= last))

    @model_validator(mode="after")
    def _schedule(self) -> TrainingSettings:
        if self.schedule == "step" and self.step_epochs is None:
            raise fault("step_epochs", "expected a whole number of at least 1, found null")
        return self


TrainingChanges = changes(TrainingSettings, "TrainingChanges")


class Arm(Section):
    """What a network is trained on."""

    sets: Annotated[Values[Name], Field(min_length=1, max_length=2), DISTINCT] = Field(
        description="One training set (plain, stylized, unpaired, or one of stylizations), or two of which "
        "each batch takes half from either."
    )
    variant: Name = Field("base", description="Data variant that the arm trains and is tested on.")
    trials_only: bool = Field(
        False, description="Whether its decisions alone are measured, and none of what costs more."
    )
    readout_only: bool = Field(
        False, description="Whether decisions and the linear read-out alone are measured."
    )
    training: TrainingChanges = Field(  # type: ignore[valid-type]
        default_factory=TrainingChanges, description="What the arm changes in the training recipe."
    )


class Trained(Section):
    """Networks that the experiment trains."""

    architecture: Name = Field(description="Name of a small network (texshape.models.small).")
    arms: SomeDistinct[Name] = Field(description="Arms to train it on.")
    seeds: SomeDistinct[Whole] = Field(
        description="Seeds of initialisation and of the order of the images, one training each."
    )
    trials_only: bool = Field(
        False,
        description="Whether the decisions of these seeds alone are measured (of those that no other entry "
        "names).",
    )
