"""The section ``corruptions`` of the parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from texshape.config.base import Count, Level, Name, Section, Share, SomeDistinct, Text, Values


class CorruptedImages(Section):
    """What the step that corrupts and asks networks reads of the section."""

    place = "corruptions"

    types: Values[Text] | None = Field(
        description="Types of corruption; null for the 15. defocus_blur_published has the published kernel, "
        "which brightens."
    )
    severities: SomeDistinct[Annotated[int, Field(ge=1, le=5)]] = Field(
        description="Severities from 1 to 5."
    )
    images: Annotated[int, Field(ge=12)] | None = Field(description="Most images; null for all.")
    constants: Text | None = Field(
        description="Table of constants by name; null chooses by image size."
    )


class CorruptionErrors(Section):
    """What the step that divides errors by a baseline's reads of the section."""

    place = "corruptions"

    baseline_arm: Name = Field(description="Arm whose error divides, by architecture and seed.")
    least_error: Share = Field(
        description="Types with a baseline error below this are marked and left out of summaries."
    )
    resamples: Count = Field(description="Bootstrap resamples of pictures.")
    level: Level = Field(description="Coverage of the intervals.")


class CorruptionSettings(CorruptedImages, CorruptionErrors):
    """Accuracy on corrupted images (Hendrycks and Dietterich 2019)."""

    own_pictures: bool = Field(
        description="Whether networks of the main architecture trained on stylized images alone are shown "
        "those corrupted, too."
    )
