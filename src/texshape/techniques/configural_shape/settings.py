"""The section ``configural_shape`` of the parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from texshape.config.base import Count, Distinct, Level, Section, Text

SHARES = (0.12, 0.25, 0.5, 0.75, 1.0)  # of the outline


class ConfiguralShapeSettings(Section):
    """Silhouettes without their configuration (Baker and Elder 2022), outlines in pieces."""

    place = "configural_shape"

    images: Annotated[int, Field(ge=12)] | None = Field(
        default=240, description="Most silhouettes, classes in equal shares; null for all."
    )
    shares: Distinct[Annotated[float, Field(gt=0, le=1)]] = Field(
        default=SHARES,
        description="Shares of the outline that are drawn, in segments and in dots; none leaves them out.",
    )
    animals: bool = Field(
        default=False,
        description="Whether networks of ImageNet's classes are shown the published silhouettes of nine "
        "animals, which are downloaded, in place of the set's; no pieces of outlines are made of these.",
    )
    exemplars: dict[Text, Distinct[Count]] | None = Field(
        default=None,
        description="Which of an animal's 40 silhouettes are shown, by animal; null for all of all nine.",
    )
    cache: Text = Field(
        default=".cache/texshape",
        description="Folder that keeps downloaded silhouettes between runs.",
    )
    resamples: Count = Field(default=10_000, description="Bootstrap resamples of exemplars.")
    level: Level = Field(default=0.95, description="Coverage of the intervals.")
