"""The section ``data``: where the images come from, and what the renderer draws."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from texshape.config.base import (
    DISTINCT,
    Count,
    Name,
    Pair,
    Positive,
    Section,
    Share,
    Text,
    Values,
    Whole,
    changes,
    fault,
)
from texshape.config.images import ImageSettings, Side
from texshape.errors import InputError, nearest
from texshape.parameters import overlay

#: largest amplitude of the warp at which no outline crosses itself (`texshape.data.outlines`)
WARP_LIMIT = 0.1
#: classes that the renderer draws
CLASS_COUNT = 12

Images = Annotated[int, Field(ge=CLASS_COUNT, multiple_of=CLASS_COUNT)]
Drawn = Annotated[int, Field(ge=32, le=512)]
Exemplars = Annotated[int, Field(ge=2)]
Angle = Annotated[float, Field(ge=0, le=3.1416)]
Unit = Annotated[float, Field(ge=0, le=0.5)]


def _in_order(pair: tuple[float, float], key: str) -> None:
    if pair[0] > pair[1]:
        raise fault(key, f"expected [smallest, largest], found {list(pair)}")


class Outline(Section):
    """Ranges of a silhouette's pose."""

    half_size: Pair[Annotated[float, Field(ge=0.1, le=0.5)]] = Field(
        description="Smallest and largest half of the longer side of the silhouette's bounding box, as a "
        "share of the image side."
    )
    rotation: Angle = Field(description="Largest rotation either way, in radian.")
    log_aspect: Share = Field(description="Largest absolute logarithm of the aspect ratio.")
    warp: Annotated[float, Field(ge=0, le=WARP_LIMIT)] = Field(
        description="Amplitude of the sinusoidal warp of the outline, as a share of the image side."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Outline:
        _in_order(self.half_size, "half_size")
        return self


class Texture(Section):
    """Ranges of a class texture."""

    period: Pair[Annotated[float, Field(ge=3)]] = Field(
        description="Smallest and largest period of the pattern, in pixels of the final image; at most "
        "half its side."
    )
    orientation: Angle = Field(
        description="Largest rotation of the pattern either way, in radian; pi makes it free."
    )

    @model_validator(mode="after")
    def _ordered(self) -> Texture:
        _in_order(self.period, "period")
        return self


class Colour(Section):
    """Grey levels and colours, all in [0, 1]."""

    contrast: Annotated[float, Field(ge=0.1, le=0.7)] = Field(
        description="Least distance of the two grey levels of a texture; the ground keeps a quarter of it "
        "from both."
    )
    tint: Share = Field(
        description="Largest shift of each colour channel either way, drawn separately for both texture "
        "colours and the ground."
    )
    noise: Unit = Field(
        description="Largest standard deviation of the pixel noise; each image draws its own."
    )
    ground: Unit = Field(description="Standard deviation of the smooth variation of the ground.")


class Varied(Section):
    """What variants of the drawn images differ in."""

    outline: Outline = Field(description="Ranges of a silhouette's pose.")
    texture: Texture = Field(description="Ranges of a class texture.")
    colour: Colour = Field(description="Grey levels and colours, all in [0, 1].")


Variant = changes(Varied, "Variant")


class DrawnSettings(Varied):
    """What the renderer reads of the section ``data``."""

    place = "data"

    image_size: Drawn = Field(description="Side of an image in pixels.")
    supersampling: Annotated[int, Field(ge=1, le=4)] = Field(
        description="Images are drawn this many times larger and averaged down."
    )
    flat_fill_share: Share = Field(
        description="Share of the stylized images whose object has one colour and no texture."
    )
    train: Images = Field(description="Images in each training set.")
    validation: Images = Field(description="Images in each validation set.")
    test: Images = Field(description="Images in each test set.")
    shape_exemplars: Exemplars = Field(
        description="Shape exemplars a class in the cue-conflict set."
    )
    texture_exemplars: Exemplars = Field(
        description="Texture exemplars a class in the cue-conflict set; of drawn images a divisor of the shape "
        "exemplars' number."
    )
    variants: dict[Name, Variant] = Field(  # type: ignore[valid-type]
        default_factory=dict,
        description="Names of data variants and what each changes in outline, texture and colour; base "
        "changes nothing.",
    )

    @model_validator(mode="after")
    def _drawable(self) -> DrawnSettings:
        if self.shape_exemplars % self.texture_exemplars:
            raise fault(
                "texture_exemplars",
                f"{self.texture_exemplars} does not divide data.shape_exemplars, {self.shape_exemplars}; "
                "expected a divisor, so that every exemplar is paired equally often",
            )
        if self.texture.period[1] > self.image_size / 2:
            raise fault(
                "texture.period",
                f"expected at most half of data.image_size, {self.image_size / 2:g}, found "
                f"{list(self.texture.period)}",
            )
        return self

    def variant(self, name: str) -> DrawnSettings:
        """The section with what a variant changes in it; itself for ``base`` where that has no entry.

        Raises
        ------
        InputError
            If there is no such variant, or one of its values does not fit the others.
        """
        if name != "base" and name not in self.variants:
            raise InputError(f"data.variants: no variant '{name}'{nearest(name, self.variants)}")
        change = self.variants[name].dump() if name in self.variants else {}
        return self.parse(overlay(self.dump(), change), f"data.variants.{name}" if change else None)

    def for_set(self, variant: str, name: str) -> DrawnSettings:
        """What one set of a variant depends on: other variants are left out, other sizes at their least.

        Parameters
        ----------
        variant, name : str
            Of the set, ``test-plain`` or ``cue-conflict-strength-0.5``.
        """
        first = name.split("-")[0]
        kept = first if first in ("train", "validation") else "test"
        if name.startswith(("cue-conflict", "styles")):
            kept = ""
        sizes = {split: CLASS_COUNT for split in ("train", "validation", "test") if split != kept}
        if not name.startswith("cue-conflict"):
            sizes |= {"shape_exemplars": 2, "texture_exemplars": 2}
        return self.replace(**sizes, variants={variant: self.variants[variant].dump()})


class FolderFiles(Section):
    """What decides which files of the class folders are read, and how."""

    place = "data.folder"

    source: Text | None = Field(
        description="A folder of class folders, or the name of a data set (cifar10, tiny-imagenet)."
    )
    test_source: Text | None = Field(
        description="Another folder of the same class folders, from which all test images come; null takes "
        "them from source."
    )
    classes: Annotated[Values[Text], Field(min_length=2), DISTINCT] | None = Field(
        description="Class folders to take; null for all."
    )
    train: Count | None = Field(
        description="Training images of each class; null for all that are left."
    )
    validation: Count = Field(description="Validation images of each class.")
    test: Count | None = Field(
        description="Test images of each class; null for all of test_source."
    )
    resize: Annotated[int, Field(ge=8)] | None = Field(
        description="Length of the shorter side in pixels before the central square of image_size is taken; "
        "null takes the largest square."
    )
    whole: Side | None = Field(
        description="Side in pixels of whole photographs, squeezed into squares, of which random crops "
        "(training.random_crop) are taken; null takes them of the central squares."
    )
    min_side: Count = Field(description="Images with a shorter side in pixels are unusable.")
    max_megapixels: Positive = Field(description="Larger images are unusable.")
    tolerated: Whole = Field(
        description="Unusable files at which the step still succeeds; each is named."
    )


class FolderSettings(FolderFiles):
    """Photographs in class folders (ImageFolder layout), of the kinds folder and folder-published."""

    workers: Count = Field(description="Processes that decode; the result does not depend on it.")


class PhotographSettings(FolderFiles):
    """What the step that reads class folders is given: what decides on files, and the images' size."""

    image_size: Side = Field(description="Side of an image in pixels.")

    @model_validator(mode="after")
    def _readable(self) -> PhotographSettings:
        if self.source is None:
            raise fault("source", "missing; expected a folder of class folders")
        if self.test is None and self.test_source is None:
            raise fault(
                "test", "expected a whole number of at least 1 without test_source, found null"
            )
        if self.resize is not None and self.resize < self.image_size:
            raise fault(
                "resize", f"{self.resize}; expected at least data.image_size, {self.image_size}"
            )
        return self

    @property
    def images(self) -> ImageSettings:
        """How each file is read."""
        return ImageSettings(
            resize=self.resize or self.image_size,
            crop=self.image_size,
            min_side=self.min_side,
            max_megapixels=self.max_megapixels,
        )


class DataSettings(DrawnSettings):
    """The images."""

    image_size: Side = Field(
        description="Side of an image in pixels; the renderer draws from 32 to 512."
    )
    kind: Literal["procedural", "folder", "folder-published", "published"] = Field(
        description="Where the images come from."
    )
    folder: FolderSettings = Field(
        description="Photographs in class folders (ImageFolder layout), of the kinds folder and "
        "folder-published."
    )
    voc: Text | None = Field(
        description="Folder that holds VOCdevkit/VOC2012, whose masks are read out where the experiment's own "
        "images have none."
    )

    @model_validator(mode="after")
    def _drawable(
        self,
    ) -> DataSettings:  # what is drawn is checked where something is: `check_kind`
        if "base" not in self.variants:
            raise fault("variants", "expected the variant base, which changes nothing")
        return self

    def check_kind(self) -> None:
        """Check what only this kind of data needs.

        Raises
        ------
        InputError
            Names the key.
        """
        if self.kind == "procedural":
            drawn = self.part(DrawnSettings)
            for name in self.variants:
                drawn.variant(name)
        elif self.kind.startswith("folder"):
            self.photographs()

    def photographs(self) -> PhotographSettings:
        """What the step that reads class folders is given."""
        files = self.folder.part(FolderFiles).dump()
        return PhotographSettings.parse({**files, "image_size": self.image_size})
