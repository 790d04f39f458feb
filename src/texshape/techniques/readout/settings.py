"""The section ``readout`` of the parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from texshape.config.base import Level, Positive, Section, Some, Whole
from texshape.config.evaluation import Inputs

Folds = Annotated[int, Field(ge=2)]


class ReadoutSettings(Section):
    """Linear read-out of shape and of texture (Hermann et al. 2020)."""

    place = "readout"

    folds: Folds = Field(
        description="Exemplars of a class are merged into at most this many folds; whole exemplars are held "
        "out."
    )
    inner_folds: Folds = Field(
        description="Folds of the training exemplars in which the penalty is chosen."
    )
    penalties: Some[Positive] = Field(
        description="L2 penalties on the weights to choose from; the loss is the mean over images."
    )
    permutations: Whole = Field(
        description="Baselines with labels permuted between exemplars, at the last stage of the trained "
        "network; 0 leaves them out."
    )
    fold_draws: Whole = Field(
        description="Further draws of the folds at that stage, to see how much the draw matters."
    )
    resamples: Whole = Field(description="Bootstrap resamples of exemplars; 0 gives no interval.")
    level: Level = Field(description="Coverage of the intervals.")
    inputs: Inputs = Field(description="Kinds of features that are read.")

    @field_validator("penalties")
    @classmethod
    def _strongest_first(cls, penalties: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted(penalties, reverse=True))
