"""The section ``vlm`` of the parameters: how a model behind an address is asked."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from texshape.config.base import Count, Section

Positive = Annotated[float, Field(gt=0, strict=False)]
NotNegative = Annotated[float, Field(ge=0, strict=False)]


class VlmSettings(Section):
    """Vision-language models behind an OpenAI-compatible address (vlm:MODEL)."""

    place = "vlm"

    max_requests: Count | None = Field(
        default=None,
        description="Most requests of one command, repeated ones too; null for no limit.",
    )
    at_once: Count = Field(default=4, description="Requests under way at a time.")
    timeout: Positive = Field(default=120.0, description="Seconds until a request counts as lost.")
    attempts: Count = Field(
        default=6, description="Tries for one picture, with growing pauses, before the run stops."
    )
    max_tokens: Count = Field(
        default=64, description="Longest answer; models that think aloud need more."
    )
    temperature: NotNegative | None = Field(
        default=0.0, description="Of the answers; null leaves it to the address."
    )
    price_input: NotNegative | None = Field(
        default=None,
        description="Price of a million tokens of input, for the estimate of the cost.",
    )
    price_output: NotNegative | None = Field(
        default=None, description="Price of a million tokens of output."
    )
