"""The section ``erasure`` of the parameters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from texshape.config.base import Count, Level, Positive, Section, Text, Values, Whole


class ErasureSettings(Section):
    """Erasing the subspace from which a cue can be read (LEACE, Belrose et al. 2023)."""

    place = "erasure"

    stages: Values[Text] = Field(
        description="Stages to erase from, one at a time; an empty list stands for the last one."
    )
    fit: Literal["pooled", "spatial"] = Field(
        description="Activations on which the eraser is fitted: averaged over positions, or of sampled "
        "positions."
    )
    positions: Count = Field(description="Positions an image that are sampled for a spatial fit.")
    random_draws: Count = Field(description="Random subspaces of the same dimension, the control.")
    groupings: Count = Field(
        description="Meaningless groupings of the same exemplars, erased as a control."
    )
    penalty: Positive = Field(description="L2 penalty of the read-outs before and after erasure.")
    resamples: Whole = Field(description="Bootstrap resamples of exemplars; 0 gives no interval.")
    level: Level = Field(description="Coverage of the intervals.")
    batch_size: Count = Field(description="Images at a time.")
