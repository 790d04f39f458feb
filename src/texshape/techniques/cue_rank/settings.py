"""The section ``cue_rank`` of the parameters."""

from __future__ import annotations

from pydantic import Field

from texshape.config.base import Level, Section, Text, Whole


class CueRankSettings(Section):
    """Rank of the class of each cue, shown alone (Kim et al. 2026)."""

    place = "cue_rank"

    refined_bias: bool = Field(
        default=False,
        description="Whether ImageNet networks are shown the 6,000 images of REFINED-BIAS too, which are "
        "downloaded.",
    )
    cache: Text = Field(
        default=".cache/texshape", description="Folder that keeps downloaded images between runs."
    )
    resamples: Whole = Field(
        default=10_000, description="Bootstrap resamples of exemplars; 0 gives no interval."
    )
    level: Level = Field(default=0.95, description="Coverage of the intervals.")
