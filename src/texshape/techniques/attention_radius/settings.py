"""The section ``attention_radius`` of the parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from texshape.config.base import Count, Level, NotNegative, Section, SomeDistinct


class AttentionRadiusSettings(Section):
    """Attention between patches that are near each other alone."""

    place = "attention_radius"

    radii: SomeDistinct[NotNegative] = Field(
        default=(0.0, 1.0, 2.0, 4.0, 8.0),
        description="Largest distances that a patch attends over, in patches between centres; 0 leaves it to "
        "itself.",
    )
    relay: bool = Field(
        default=True,
        description="Whether patches still read the class token and registers, which hold what all patches "
        "told them.",
    )
    draws: Count = Field(
        default=1, description="Random masks that leave each patch as many: the control."
    )
    images: Annotated[int, Field(ge=12)] | None = Field(
        default=240,
        description="Most conflict images, and most images whose cues agree; null for all.",
    )
    resamples: Count = Field(default=2000, description="Bootstrap resamples of exemplars.")
    level: Level = Field(default=0.95, description="Coverage of the intervals.")
