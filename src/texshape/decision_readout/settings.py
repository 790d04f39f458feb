"""The section ``decision_readout`` of the parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from texshape.config.base import Count, Level, Positive, Section, SomeDistinct, Text

#: the grey photographs of Subramanian et al. 2023, which are downloaded
GREY = "grey"
Folds = Annotated[int, Field(ge=2)]


class DecisionReadoutSettings(Section):
    """Decisions by a linear read-out of photographs, of networks that are named readout:NAME."""

    place = "decision_readout"

    photographs: Text = Field(
        default=GREY,
        description="Labelled photographs that the read-out is fitted on: grey for the 1,050 of Subramanian et "
        "al. (2023), which are downloaded, or a folder with a folder of pictures for each category.",
    )
    folds: Folds = Field(
        default=5,
        description="Parts of the photographs that are held out in turn, for the accuracy that is told.",
    )
    inner_folds: Folds = Field(
        default=3, description="Parts of the others in which the penalty is chosen."
    )
    penalties: SomeDistinct[Positive] = Field(
        default=(10.0, 1.0, 0.1, 0.01, 0.001),
        description="L2 penalties on the weights to choose from; the loss is the mean over photographs.",
    )
    batch_size: Count = Field(default=32, description="Photographs at a time.")
    level: Level = Field(default=0.95, description="Coverage of the interval of that accuracy.")

    @field_validator("penalties")
    @classmethod
    def _strongest_first(cls, penalties: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted(penalties, reverse=True))
