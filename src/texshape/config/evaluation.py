"""The sections ``evaluation``, ``features`` and ``bootstrap``: how networks are shown images, and intervals."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from texshape.config.base import Count, File, Level, Section, SomeDistinct

Aggregation = Literal["mean", "sum", "max", "mean_logits"]
Preprocessing = Literal["whole", "own", "crop-0.875"]
Interpolation = Literal["bicubic", "bilinear"]
Precision = Literal["float32", "bfloat16"]
#: kinds of stored features
Input = Literal["pooled", "cls", "spatial", "pixels"]
Inputs = SomeDistinct[Input]


class Presentation(Section):
    """How an image reaches a network: what of the section `evaluation` stored features depend on."""

    place = "evaluation"

    preprocessing: Preprocessing = Field(
        description="The whole stimulus at the input size, the pipeline of the network, or a centre crop."
    )
    interpolation: Interpolation = Field(
        description="How an image is resized where a network takes another size."
    )


class EvaluationSettings(Presentation):
    """How networks are shown images and how their outputs become decisions."""

    aggregation: Aggregation = Field(
        description="How the probabilities of the classes within a category become one score."
    )
    precision: Precision = Field(description="Arithmetic of the forward pass.")
    batch_size: Count | None = Field(
        description="Images at a time; null takes the fastest by a short trial."
    )
    channels_last: bool | None = Field(
        description="Memory layout of the forward pass; null tries both."
    )
    class_map: File | None = Field(
        None,
        description="YAML file that maps categories to output indices or labels of the networks.",
    )


class FeatureSettings(Section):
    """Stored activations of the cue-conflict images."""

    place = "features"

    batch_size: Count = Field(
        description="Images at a time; lower it where they do not fit into memory."
    )
    shards: Count = Field(
        description="Jobs that the images of one network are cut into, so that as many devices take a share "
        "of the time each; the results are the same."
    )


class BootstrapSettings(Section):
    """Cluster bootstrap over exemplars (Owen 2007)."""

    place = "bootstrap"

    resamples: Count = Field(description="Number of resamples.")
    level: Level = Field(description="Coverage of the intervals.")
