"""The section ``dimensionality`` of the parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from texshape.config.base import Count, Level, Section, Values, Whole
from texshape.config.evaluation import Inputs

AtLeastTwo = Annotated[int, Field(ge=2)]


class DimensionalitySettings(Section):
    """Information about shape and texture in activations (Islam et al. 2021)."""

    place = "dimensionality"

    max_pairs: AtLeastTwo = Field(
        description="Most unordered pairs of a kind, each used in both orders; more are subsampled."
    )
    min_pairs: AtLeastTwo = Field(description="With fewer pairs the estimate is undefined.")
    null_draws: AtLeastTwo = Field(
        description="Null pairings whose mean is subtracted and against which units are tested."
    )
    fdr: Level = Field(description="False discovery rate of the count of significant units.")
    resamples: Whole = Field(description="Bootstrap resamples of exemplars; 0 gives no interval.")
    level: Level = Field(description="Coverage of the intervals.")
    convergence: Values[AtLeastTwo] = Field(
        description="Numbers of pairs at which convergence is shown; an empty list leaves that table out."
    )
    repeats: Count = Field(description="Subsamples at each of these numbers.")
    inputs: Inputs = Field(description="Kinds of features that are measured.")
