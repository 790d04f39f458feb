"""How image files are read and written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from texshape.config.base import Count, Positive, Section

Side = Annotated[int, Field(ge=8, le=4096)]


class ImageSettings(Section):
    """How image files are read and written; the values of Stylized-ImageNet unless given."""

    place = "stylize.images"

    resize: Side = Field(256, description="Length of the shorter side in pixels.")
    crop: Side = Field(224, description="Side of the central square in pixels.")
    format: Literal["png", "jpeg"] = Field(
        "png",
        description="Of the files in a tar; png is without loss, as in the authors' final code.",
    )
    quality: Annotated[int, Field(ge=1, le=100)] = Field(95, description="Of JPEG.")
    min_side: Count = Field(8, description="Images with a shorter side in pixels are unusable.")
    max_megapixels: Positive = Field(100.0, description="Larger images are unusable.")
