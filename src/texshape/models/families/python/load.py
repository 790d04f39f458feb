"""Load what a callable of the user's returns."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn

from texshape.errors import InputError
from texshape.models import user_code
from texshape.models.families.base import ModelName
from texshape.models.families.loaded import Loaded, said_by
from texshape.models.modules import duplicate, unwrapped
from texshape.models.weight_files import load_into


def load(name: ModelName, weights: bool) -> Loaded:
    """See `texshape.models.families.loaded.loader`."""
    function, attribute = user_code.named(name.text, name.architecture)
    pretrained = weights and name.weights is None
    if isinstance(function, nn.Module):  # the network itself, made where its module was imported
        if not weights:
            raise InputError(
                f"model '{name.text}': {attribute} is a network and no function with an argument "
                "'pretrained', so its untrained version cannot be had"
            )
        module, accepted = duplicate(unwrapped(function), name.text), {}
    else:
        accepted = _arguments(name, function, attribute)
        if "pretrained" not in accepted and not weights:
            raise InputError(
                f"model '{name.text}': {attribute} takes no argument 'pretrained', so its untrained "
                "version cannot be had"
            )
        given = {"pretrained": pretrained} if "pretrained" in accepted else {}
        module = _called(name, function, attribute, given)
    if not isinstance(module, nn.Module):
        raise InputError(
            f"model '{name.text}': {attribute} returned {type(module).__name__}, "
            "expected an nn.Module"
        )
    module = unwrapped(module)
    if weights and name.weights is not None:

        def rebuild(count: int) -> nn.Module:
            untrained = {"pretrained": False} if "pretrained" in accepted else {}
            made = _called(name, function, attribute, {**untrained, "num_classes": count})
            return unwrapped(made)

        module = load_into(
            module,
            name.weights,
            name.text,
            rebuild=rebuild if "num_classes" in accepted else None,
        )
    return said_by(name.text, module)


def _arguments(name: ModelName, function: Any, attribute: str) -> Mapping[str, Any]:
    """Arguments that a function takes; none that has to be given may be among them."""
    try:
        accepted = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some functions of C tell nothing
        return {}
    needed = [
        key
        for key, argument in accepted.items()
        if argument.default is argument.empty
        and argument.kind not in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD)
        and key != "pretrained"
    ]
    if needed:
        raise InputError(
            f"model '{name.text}': {attribute} needs the arguments {', '.join(needed)}; it is called "
            "with none but 'pretrained': name a function that gives the others"
        )
    return accepted


def _called(name: ModelName, function: Any, attribute: str, given: Mapping[str, Any]) -> Any:
    try:
        return function(**given)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # whatever the user's function raises
        raise InputError(
            f"model '{name.text}': {attribute} fails ({user_code.raised(error)})"
        ) from None
