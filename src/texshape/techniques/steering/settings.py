"""The section ``steering`` of the parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from texshape.config.base import Count, Distinct, Level, Section, SomeDistinct, Text, fault


class SteeringSettings(Section):
    """A stage's activations moved from texture towards shape, in doses."""

    place = "steering"

    stages: Distinct[Text] = Field(
        default=(),
        description="Stages that are steered, one at a time; an empty list stands for the last one.",
    )
    doses: SomeDistinct[float] = Field(
        default=(-1.0, -0.5, 0.5, 1.0),
        description="Lengths of what is added, in spreads of the stage's activations; below 0 towards texture.",
    )
    draws: Count = Field(
        default=2, description="Random directions, and directions of other classes: the controls."
    )
    images: Annotated[int, Field(ge=12)] | None = Field(
        default=480,
        description="Most conflict images, and most images whose cues agree; null for all.",
    )
    resamples: Count = Field(default=2000, description="Bootstrap resamples of exemplars.")
    level: Level = Field(default=0.95, description="Coverage of the intervals.")

    @field_validator("doses")
    @classmethod
    def _some_change(cls, doses: tuple[float, ...]) -> tuple[float, ...]:
        if 0 in doses:
            raise fault("", "expected doses other than 0, which is there anyway")
        return doses
