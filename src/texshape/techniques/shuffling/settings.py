"""What patch shuffling reads of the section ``probes`` of the parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from texshape.config.base import Count, Level, Section, Values


class ShufflingSettings(Section):
    """Decisions on images whose patches are shuffled."""

    place = "probes"

    patches: Annotated[Values[Count], Field(min_length=2)] = Field(
        description="Patches a side into which images are cut; 1 leaves them whole."
    )
    shuffling_images: Annotated[int, Field(ge=12)] | None = Field(
        description="Most images to shuffle; null for all."
    )
    level: Level = Field(description="Coverage of the intervals.")
