"""The section ``comparison``: every network by every measure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from texshape.config.base import Count, Level, Name, Pair, Section, Some, SomeDistinct, Whole, fault
from texshape.config.evaluation import Input


class ComparisonSettings(Section):
    """Every network by every measure (tables/comparison.csv)."""

    place = "comparison"

    input: Input = Field(description="Kind of features whose linear read-out counts.")
    head: Literal["conv1", "conv3"] = Field(description="Segmentation head that counts.")
    shuffling_patches: Annotated[int, Field(ge=2)] = Field(
        description="k of the shuffling ratio, accuracy on k x k shuffled patches by that on whole images; one "
        "of probes.patches."
    )
    correlations: Some[Pair[Name]] = Field(
        description="Pairs of measures whose rank correlation is asked for; all of them are the tests to "
        "correct for."
    )
    # Three is the least number at which two rankings can disagree in more than sign.
    least_networks: Annotated[int, Field(ge=3)] = Field(
        description="Fewer networks get no rank correlation."
    )
    covariate: Name = Field(description="Measure that is held constant in the partial correlation.")
    permutations: Count = Field(description="Permutations of networks for p-values.")
    resamples: Count = Field(description="Bootstrap resamples.")
    level: Level = Field(description="Coverage of the intervals.")
    margin: Level = Field(
        description="Largest difference of shape bias between equivalent networks."
    )
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        description="Level of the equivalence test; its interval is the one of level 1 - 2 alpha."
    )
    choose_seeds: SomeDistinct[Whole] = Field(
        description="Seeds on which the equivalent pair is chosen; all others confirm."
    )
    least_confirming: Count = Field(description="A network with fewer other seeds enters no pair.")
    least_cue_match: Level = Field(
        description="A bias on a smaller share of decisions enters no pair."
    )
    information: Some[Name] = Field(
        description="Measures of shape information in which a pair may differ, a pair each."
    )
    top_images: Whole = Field(
        description="Images a network and kind of disagreement that are listed."
    )

    @field_validator("correlations")
    @classmethod
    def _pairs(cls, pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        for number, pair in enumerate(pairs):
            if pair[0] == pair[1]:
                raise fault("", f"expected pairs of two measures, found {list(pair)}")
            if set(pair) in [set(other) for other in pairs[:number]]:
                raise fault("", f"a pair of measures is named twice, {pair[0]} and {pair[1]}")
        return pairs
