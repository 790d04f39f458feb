"""Take a function of the user's that decides."""

from __future__ import annotations

from typing import Any

from torch import nn

from texshape.errors import InputError
from texshape.models import user_code
from texshape.models.asked import from_function, refuse
from texshape.models.families.base import ModelName
from texshape.models.network import Network


def load(name: ModelName, slug: str, *, weights: bool, class_map: Any) -> Network:
    """Load ``decide:MODULE:CALLABLE``.

    Raises
    ------
    InputError
        If it cannot be imported or called, a class map is given, or the untrained version is asked for.
    """
    refuse(name, weights=weights, class_map=class_map)
    function, _ = user_code.named(name.text, name.architecture)
    if isinstance(function, nn.Module):
        raise InputError(f"model '{name.text}': is a network; name it python:{name.architecture}")
    made = from_function(function, name=name.text, slug=slug)
    user_code.remember()
    return made
