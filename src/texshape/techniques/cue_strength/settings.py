"""What the cue-strength curve reads of the section ``probes`` of the parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from texshape.config.base import DISTINCT, Count, Level, Section, Share, Values


class CueStrengthSettings(Section):
    """Decisions along the cue-strength curve."""

    place = "probes"

    strengths: Annotated[Values[Share], Field(min_length=2), DISTINCT] = Field(
        description="Strengths of the texture cue; 1 is the stimulus as it is."
    )
    strength_images: Annotated[int, Field(ge=12)] | None = Field(
        description="Most images at each strength; null for all."
    )
    resamples: Count = Field(description="Bootstrap resamples of exemplars.")
    level: Level = Field(description="Coverage of the intervals.")
