"""The section ``segmentation`` of the parameters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from texshape.config.base import (
    Count,
    Distinct,
    Level,
    NotNegative,
    Pair,
    Positive,
    Section,
    Share,
    SomeDistinct,
    Text,
    Values,
    Whole,
)

Target = Literal["binary", "shape", "texture", "semantic"]
Images = Annotated[int, Field(ge=12)] | None


class ReadoutTraining(Section):
    """How a read-out of masks is trained."""

    place = "segmentation"

    epochs: Count = Field(
        description="Passes over the training images, or the most passes where the epoch is chosen."
    )
    conv3_epochs: Count | None = Field(
        description="Passes of the head of three convolutions, which learns more slowly; null takes epochs."
    )
    epoch_from: Literal["fixed", "validation"] = Field(
        description="The last epoch, or that of the highest mIoU on a part of the training images that is "
        "not trained on (never the test images)."
    )
    validation_share: Share = Field(
        description="Share of the training images on which the epoch is chosen."
    )
    batch_size: Count = Field(description="Images a step.")
    pixel_step: Count = Field(
        description="A training step looks at every so-manieth row and column of the masks, at a random "
        "offset: an unbiased estimate of the loss at a fraction of the cost. Tests look at all pixels."
    )
    optimizer: Literal["adamw", "sgd"] = Field(
        description="AdamW with a cosine schedule, or SGD with momentum 0.9 and the polynomial schedule "
        "(power 0.9) of the authors' code."
    )
    learning_rate: Positive = Field(description="Highest rate of the read-out.")
    weight_decay: NotNegative = Field(description="Weight decay of the read-out.")
    backbone_rate: Positive = Field(
        description="Rate of the network where it is trained end to end."
    )
    conv3_widths: Pair[Count] = Field(
        description="Channels of the hidden layers of the head of three convolutions (256 and 128 published)."
    )


class SegmentationSettings(ReadoutTraining):
    """Segmentation read-out (Islam et al. 2021)."""

    targets: SomeDistinct[Target] = Field(
        description="Masks that are read out; object or not, its shape class, its texture class, the class of "
        "each pixel (VOC)."
    )
    heads: SomeDistinct[Literal["conv1", "conv3"]] = Field(
        description="One 3x3 convolution, or three convolutions."
    )
    stages: Values[Text] | None = Field(description="Stages to read from; null for all.")
    end_to_end: Distinct[Target] = Field(
        description="Targets for which the whole network is trained too, with the first head on the last "
        "stage."
    )
    train_share: Share = Field(
        description="Share of the exemplars of each class that is trained on."
    )
    train_images: Images = Field(description="Most training images; null for all.")
    test_images: Images = Field(description="Most test images; null for all.")
    end_to_end_epochs: Count = Field(description="Passes where it is trained end to end.")
    resamples: Count = Field(description="Bootstrap resamples of test images.")
    level: Level = Field(description="Coverage of the intervals.")
    pictures: Whole = Field(description="Test images whose predictions are kept.")


def sparing(settings: SegmentationSettings) -> SegmentationSettings:
    """The settings with one head, and without the networks that are trained end to end."""
    return settings.replace(end_to_end=[], heads=settings.heads[:1])
