"""The section ``receptive_field`` of the parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from texshape.config.base import Count, Section, Text, Values


class ReceptiveFieldSettings(Section):
    """Theoretical and effective receptive fields (Araujo et al. 2019, Luo et al. 2016)."""

    place = "receptive_field"

    images: Count = Field(description="Most images over which gradients are averaged.")
    mass: Annotated[float, Field(gt=0, le=1)] = Field(
        description="Share of the absolute gradient inside the square."
    )
    batch_size: Count = Field(description="Images at a time.")
    stages: Values[Text] | None = Field(description="Stages to measure; null for all.")
