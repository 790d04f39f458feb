"""The sections ``stylize``, ``stylizations``, ``conflicts`` and ``fitness``: neural style transfer.

What is left out of the section ``stylize`` has the value of the papers: Huang and Belongie (2017) for AdaIN,
Gatys et al. (2016) for the optimisation of pixels, Geirhos et al. (2019) for the images.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from texshape.config.base import (
    Count,
    Distinct,
    Name,
    Section,
    Share,
    SomeDistinct,
    Text,
    Whole,
    changes,
    fault,
)
from texshape.config.images import ImageSettings, Side

Weight = Annotated[float, Field(ge=0, le=1e12)]
Rate = Annotated[float, Field(ge=1e-9, le=1e3)]
Layers = SomeDistinct[str]
Enlargement = Annotated[int, Field(ge=1, le=8)]
_VGG_STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")


class RandomFilters(Section):
    """Size of a random pyramid."""

    filters: Count = Field(16, description="Filters a level.")
    size: Annotated[int, Field(ge=3)] = Field(7, description="Side of a filter in pixels, odd.")
    levels: Count = Field(3, description="Levels of the pyramid.")
    seed: Whole = Field(0, description="Seed of the filters.")

    @field_validator("size")
    @classmethod
    def _odd(cls, size: int) -> int:
        if size % 2 == 0:
            raise fault("", f"expected an odd number of at least 3, found {size}")
        return size


class EncoderSettings(Section):
    """The network whose features are compared or exchanged."""

    name: Text = Field(
        "vgg19",
        description="vgg19, efficientnet-lite0, random-pyramid, a network trained here (SLUG/seed-S), or the "
        "name or checkpoint of a network.",
    )
    weights: str | None = Field(
        None, description="Local file of VGG-19's weights; null takes torchvision's."
    )
    sha256: str | None = Field(None, description="Check sum of that file.")
    layers: dict[str, str] | None = Field(
        None,
        description="Layer to submodule of a network, from shallow to deep; null takes its stages.",
    )
    random: RandomFilters = Field(RandomFilters(), description="Size of a random pyramid.")


class Preparation(Section):
    """What AdaIN does to a content image before it encodes it; nothing, in the paper."""

    low_pass: Annotated[float, Field(ge=0, le=100)] = Field(
        0.0, description="Deviation of a Gaussian, in pixels; 0 for none."
    )
    noise: Share = Field(
        0.0, description="Deviation of white noise on the brightness, pixels being in [0, 1]."
    )


class DecoderSettings(Section):
    """The layer that AdaIN exchanges, and how a decoder for it is trained."""

    layer: Text = Field(
        "relu4_1",
        description="Layer that is exchanged and decoded; also that of the content loss.",
    )
    style_layers: Layers = Field(_VGG_STYLE, description="Layers of the style loss.")
    style_weight: Weight = Field(
        10.0, description="Of the style loss, the content loss having 1; 10 in the authors' code."
    )
    reconstruction_weight: Weight = Field(
        0.0, description="Of the mean squared error of reconstructed pixels; 0 in the paper."
    )
    width: Annotated[int, Field(ge=3, le=4096)] = Field(
        256, description="Channels of the first convolution."
    )
    steps: Count = Field(160_000, description="Batches.")
    batch_size: Annotated[int, Field(ge=1, le=1024)] = Field(8, description="Images a batch.")
    learning_rate: Rate = Field(1e-4, description="Of Adam, falling to zero by half a cosine.")
    images: Count = Field(
        4096, description="Contents taken at most from a folder, at even distances."
    )


class OptimisationSettings(Section):
    """How pixels are optimised."""

    content_layers: Layers = Field(("relu4_2",), description="Layers of the content loss.")
    style_layers: Layers = Field(
        (*_VGG_STYLE, "relu5_1"), description="Layers whose Gram matrices are the style."
    )
    content_weight: Weight = Field(1.0, description="Of the content loss, a mean over layers.")
    style_weight: Weight = Field(
        1000.0, description="Of the style loss; the paper's ratio is 1 to 1000."
    )
    optimizer: Literal["lbfgs", "adam"] = Field("lbfgs", description="L-BFGS or Adam.")
    steps: Annotated[int, Field(ge=1, le=10**6)] = Field(
        500, description="Evaluations of the losses."
    )
    learning_rate: Rate = Field(
        1.0, description="Adam's in units of pixels in [0, 1]; 1 for L-BFGS."
    )
    start: Literal["noise", "content"] = Field(
        "noise", description="Noise as in the paper or the content."
    )
    noise: Share = Field(
        0.0,
        description="Deviation of white noise on a content to start from; where it is flat, no gradient "
        "would say in which place of a texture it is.",
    )


class StyleSplit(Section):
    """Shares of train, validation and test, which share no painting."""

    train: Share = Field(description="Of the training styles.")
    validation: Share = Field(description="Of the validation styles.")
    test: Share = Field(description="Of the test styles.")

    @model_validator(mode="after")
    def _whole(self) -> StyleSplit:
        shares = self.train, self.validation, self.test
        if not math.isclose(sum(shares), 1, abs_tol=1e-6):
            raise fault(
                "",
                f"expected shares of train, validation and test that add up to 1, found {list(shares)}",
            )
        return self


class StyleSettings(Section):
    """Style images."""

    size: Side = Field(224, description="Side in pixels: the largest central square, resized.")
    count: Count | None = Field(
        None,
        description="Images drawn by the renderer or at most taken from a folder; null takes all of a folder.",
    )
    split: StyleSplit = Field(
        StyleSplit(train=0.7, validation=0.15, test=0.15),
        description="Shares of train, validation and test, which share no painting.",
    )
    group: Text = Field(
        r"[ _-]*crop(ped)?[ _-]*\d*$",
        description="Regular expression removed from a file's stem; files of the same rest show the same "
        "painting and stay in one split.",
    )

    @field_validator("group")
    @classmethod
    def _expression(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            raise fault("", f"no regular expression ({error})") from None
        return text


# --- what each step reads of the section --------------------------------------------------------------


class StylePreparation(Section):
    """Of the step that reads or draws styles."""

    styles: StyleSettings = Field(StyleSettings(), description="Style images.")
    images: ImageSettings = Field(
        ImageSettings(), description="How image files are read and written."
    )
    tolerated: Whole = Field(0, description="Unusable images at which a run still succeeds.")


class _Encoded(Section):
    encoder: EncoderSettings = Field(
        EncoderSettings(), description="The network whose features are compared or exchanged."
    )
    enlarge: Enlargement = Field(
        1,
        description="Factor by which contents are enlarged for the transfer, and the results reduced again: an "
        "encoder's stride is then so many times smaller. Styles are not, they have styles.size.",
    )


class _Exchanged(_Encoded):
    content: Preparation = Field(
        Preparation(), description="What AdaIN does to a content image before it encodes it."
    )
    decoder: DecoderSettings = Field(
        DecoderSettings(),
        description="The layer that AdaIN exchanges, and how a decoder for it is trained.",
    )


class DecoderTraining(_Exchanged):
    """Of the step that trains a decoder."""


class _Stylized(_Encoded):
    engine: Literal["adain", "optimisation"] = Field(
        "adain",
        description="adain (Huang and Belongie 2017) or optimisation (Gatys et al. 2016).",
    )
    alpha: Share = Field(1.0, description="Strength of the style; 0 keeps the content.")
    styles_per_image: Annotated[int, Field(ge=1, le=10**6)] = Field(
        1, description="Versions of each content, in different styles."
    )
    batch_size: Annotated[int, Field(ge=1, le=4096)] = Field(32, description="Images at a time.")
    tolerated: Whole = Field(0, description="Unusable images at which a run still succeeds.")


class ByAdaIN(_Stylized, _Exchanged):
    """Of the step that stylizes by AdaIN."""

    decoder_sha256: str | None = Field(None, description="Check sum of a decoder's file.")


class ByOptimisation(_Stylized):
    """Of the step that stylizes by the optimisation of pixels."""

    optimisation: OptimisationSettings = Field(
        OptimisationSettings(), description="How pixels are optimised."
    )


class StylizeSettings(StylePreparation, DecoderTraining, ByAdaIN, ByOptimisation):
    """Neural style transfer. A key that is left out has the value of the papers."""

    place = "stylize"

    @model_validator(mode="after")
    def _crop(self) -> StylizeSettings:
        if self.images.crop > self.images.resize:
            raise fault(
                "images.crop",
                f"{self.images.crop}; expected at most images.resize, {self.images.resize}",
            )
        return self

    def of_engine(self) -> Section:
        """What the step that stylizes reads of it: with this engine."""
        return self.part(ByAdaIN if self.engine == "adain" else ByOptimisation)


StylizeChanges = changes(StylizeSettings, "StylizeChanges")

Shards = Annotated[int, Field(ge=1, le=99999)]


class _Made(Section):
    shards: Shards = Field(
        1, description="Jobs that a set is cut into; the result does not depend on it."
    )
    stylize: StylizeChanges = Field(  # type: ignore[valid-type]
        default_factory=StylizeChanges, description="What it changes in the section stylize."
    )


class Stylization(_Made):
    """An image set made by style transfer."""

    contents: Name = Field("plain", description="The sets SPLIT-CONTENTS are stylized.")
    styles: Text = Field(
        "renderer", description="renderer, paintings (twenty, fetched), or a folder of images."
    )
    decoder: Text = Field("train", description="Of AdaIN; train, or the file of a decoder.")


class Conflict(_Made):
    """A cue-conflict set made by style transfer."""

    contents: Name = Field(
        description="renderer (the outlines of its own conflict set, and nothing where it draws none), or the "
        "set of shape exemplars."
    )
    textures: Name = Field(description="renderer, or the set of texture exemplars.")
    shape_exemplars: Count | None = Field(
        None,
        description="How many of the renderer's shape exemplars a class are used; null takes all.",
    )
    fill: Literal["flat", "own"] = Field(
        "flat",
        description="What the renderer's contents are filled with; one colour or the texture of their class.",
    )
    decoder: str | None = Field(
        None,
        description="Of AdaIN; the stylization whose decoder is used, or the file of a decoder.",
    )


class FitnessSettings(Section):
    """Fitness of a stylization; full networks that train and test on it against limited ones."""

    place = "fitness"

    full: Distinct[Name] = Field((), description="Architectures.")
    limited: Distinct[Name] = Field((), description="Architectures of limited receptive field.")
    split: Literal["test", "validation"] = Field(
        "test",
        description="Images on which they are tested; a stylization is chosen on validation images, before any "
        "test image is stylized.",
    )
