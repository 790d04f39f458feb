"""The section ``top_k`` of the parameters."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from texshape.config.base import Count, Distinct, Level, Section, SomeDistinct, Text

Across = Literal["channel", "position"]


class TopKSettings(Section):
    """The largest activations of a stage alone (Li et al. 2023)."""

    place = "top_k"

    stages: Distinct[Text] = Field(
        default=(),
        description="Stages that are thinned, one at a time; an empty list stands for the middle one of those "
        "that have a map or patches.",
    )
    across: SomeDistinct[Across] = Field(
        default=get_args(Across),
        description="What the largest are chosen of: the positions of each channel, or the channels at each "
        "position.",
    )
    shares: SomeDistinct[Annotated[float, Field(gt=0, le=1)]] = Field(
        default=(0.5, 0.2, 0.1, 0.05), description="Shares that are left, at least one activation."
    )
    draws: Count = Field(default=1, description="Random masks that leave as many: the control.")
    images: Annotated[int, Field(ge=12)] | None = Field(
        default=240,
        description="Most conflict images, and most images whose cues agree; null for all.",
    )
    resamples: Count = Field(default=2000, description="Bootstrap resamples of exemplars.")
    level: Level = Field(default=0.95, description="Coverage of the intervals.")
