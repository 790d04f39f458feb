"""The section ``frequency_channel`` of the parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from texshape.config.base import DISTINCT, Count, Level, NotNegative, Section, Text, Values, fault

BANDS = 7
NOISES = (0.0, 0.02, 0.04, 0.08, 0.16)  # standard deviation, where black is 0 and white 1
CONTRAST = 0.2


class FrequencyChannelSettings(Section):
    """Noise of one octave, and the channel that it shows (Subramanian et al. 2023)."""

    place = "frequency_channel"

    noises: Annotated[Values[NotNegative], Field(min_length=2), DISTINCT] = Field(
        default=NOISES,
        description="Standard deviations of the noise, black being 0 and white 1; 0 among them.",
    )
    bands: Annotated[int, Field(ge=3)] = Field(
        default=BANDS,
        description="Most octaves, from 1.75 cycles an image up; those that pictures are too small for are "
        "left out.",
    )
    contrast: Annotated[float, Field(gt=0, le=1)] = Field(
        default=CONTRAST, description="Contrast that is left to the grey pictures."
    )
    images: Annotated[int, Field(ge=12)] | None = Field(
        default=None,
        description="Most pictures, of each class (of the photographs: band and noise) alike; null for all.",
    )
    photographs: bool = Field(
        default=False,
        description="Whether the published photographs under noise, which are downloaded, are shown in place "
        "of plain pictures, with the noises that they have.",
    )
    cache: Text = Field(
        default=".cache/texshape",
        description="Folder that keeps downloaded photographs between runs.",
    )
    resamples: Count = Field(default=1000, description="Bootstrap resamples of pictures.")
    level: Level = Field(default=0.95, description="Coverage of the intervals.")

    @field_validator("noises")
    @classmethod
    def _none_among_them(cls, noises: tuple[float, ...]) -> tuple[float, ...]:
        if 0 not in noises:
            raise fault("", "expected 0, no noise, among the values")
        return noises
