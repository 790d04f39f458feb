"""The section ``suppression`` of the parameters."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from texshape.config.base import Level, Section, SomeDistinct, Whole

#: those of `texshape.techniques.suppression.filters.SUPPRESSIONS`, in its order
Kind = Literal[
    "patch-shuffle", "patch-rotation", "bilateral", "gaussian-blur", "non-local-means", "grey",
    "channels", "patch-shuffle+grey", "bilateral+patch-shuffle", "bilateral+grey",
]  # fmt: skip


#: one a cue. All ten at 480 images would take minutes of one core for each small network.
ONE_A_CUE: tuple[Kind, ...] = ("patch-shuffle", "bilateral", "grey")


class SuppressionSettings(Section):
    """Accuracy kept when shape, texture or colour is suppressed in degrees (Burgert et al. 2025)."""

    place = "suppression"

    suppressions: SomeDistinct[Kind] = Field(
        default=ONE_A_CUE,
        description=f"Ways to suppress a cue, of {', '.join(get_args(Kind))}.",
    )
    images: Annotated[int, Field(ge=12)] | None = Field(
        default=120, description="Most images of a set; null for all."
    )
    scale: bool = Field(
        default=True,
        description="Whether lengths, which are for images of 224 px, are scaled with the image's side.",
    )
    resamples: Whole = Field(
        default=10_000, description="Bootstrap resamples of exemplars; 0 gives no interval."
    )
    level: Level = Field(default=0.95, description="Coverage of the intervals.")
