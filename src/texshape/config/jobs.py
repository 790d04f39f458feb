"""The section ``jobs`` of the parameters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from texshape.config.base import Section

Grain = Literal["technique", "network"]


class JobSettings(Section):
    """How an experiment is cut into jobs. No number depends on it."""

    place = "jobs"

    grain: Grain = Field(
        description="What one job measures: a network by one technique, or by all of them, one after "
        "another. The latter starts Python and imports torch once a network, and is one job a network for "
        "a cluster; whatever changes for one technique then reruns them all."
    )
