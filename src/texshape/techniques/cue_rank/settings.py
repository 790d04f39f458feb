"""The section ``cue_rank`` of the parameters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from texshape.config.base import Distinct, Level, Section, Text, Whole


class CueRankSettings(Section):
    """Rank of the class of each cue, shown alone (Kim et al. 2026)."""

    place = "cue_rank"

    refined_bias: bool = Field(
        default=False,
        description="Whether ImageNet networks are shown the 6,000 images of REFINED-BIAS too, which are "
        "downloaded.",
    )
    exemplars: dict[Literal["shape", "texture"], Distinct[Whole]] | None = Field(
        default=None,
        description="Which of the 300 images of a class of REFINED-BIAS are shown, numbered from 0, by cue; "
        "null for all of both.",
    )
    cache: Text = Field(
        default=".cache/texshape", description="Folder that keeps downloaded images between runs."
    )
    resamples: Whole = Field(
        default=10_000, description="Bootstrap resamples of exemplars; 0 gives no interval."
    )
    level: Level = Field(default=0.95, description="Coverage of the intervals.")
