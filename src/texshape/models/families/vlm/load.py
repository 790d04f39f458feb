"""Take a vision-language model behind an address."""

from __future__ import annotations

from typing import Any

from texshape.models.asked import Asked, network, refuse
from texshape.models.families.base import ModelName
from texshape.models.network import Network
from texshape.vlm import questions
from texshape.vlm.interview import Interview


def load(name: ModelName, slug: str, *, weights: bool, class_map: Any) -> Network:
    """Load ``vlm:MODEL`` or ``vlm:MODEL@WORDING``; nothing is asked yet.

    Raises
    ------
    InputError
        If the environment names no address, a class map is given, or the untrained version is asked for.
    """
    refuse(name, weights=weights, class_map=class_map)
    interview = Interview(name.text, name.architecture, name.tag or questions.NEUTRAL)
    return network(Asked(name.text, interview), slug)
