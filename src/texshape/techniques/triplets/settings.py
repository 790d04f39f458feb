"""The section ``triplets`` of the parameters."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from texshape.config.base import Count, Level, Section, SomeDistinct
from texshape.config.evaluation import Inputs

Match = Literal["class", "exemplar"]
MATCHES: tuple[Match, ...] = get_args(Match)


class TripletSettings(Section):
    """Choices by likeness, without classes (Tartaglini et al. 2022)."""

    place = "triplets"

    matches: SomeDistinct[Match] = Field(
        default=MATCHES,
        description="What stands for a cue: another exemplar of its class, or the very exemplar.",
    )
    inputs: Inputs = Field(
        default=("pooled", "cls", "pixels"), description="Kinds of features that are compared."
    )
    resamples: Count = Field(default=10_000, description="Bootstrap resamples of exemplars.")
    level: Level = Field(default=0.95, description="Coverage of the intervals.")
