"""The section ``sensitivity`` of the parameters."""

from __future__ import annotations

from pydantic import Field

from texshape.config.base import Section, Some
from texshape.config.evaluation import Aggregation, Interpolation, Preprocessing


class SensitivitySettings(Section):
    """The grid of choices behind a shape bias."""

    place = "sensitivity"

    aggregations: Some[Aggregation] = Field(
        description="Ways in which class probabilities become category scores."
    )
    preprocessings: Some[Preprocessing] = Field(
        description="Ways in which a stimulus is brought to the input size."
    )
    interpolations: Some[Interpolation] = Field(description="Interpolations where sizes differ.")
