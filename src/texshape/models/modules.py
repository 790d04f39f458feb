"""Modules as other libraries leave them: out of their wrappers, copied, frozen."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from texshape.errors import InputError, first_line

# What holds parameters, buffers and submodules; a copy makes these anew.
_HOLDERS = ("_parameters", "_buffers", "_modules")


def unwrapped(module: nn.Module) -> nn.Module:
    """The network inside ``torch.compile``, ``DataParallel`` and averages of weights.

    These compute what the network inside computes; the outputs of its submodules can be looked at.
    """
    while True:
        if isinstance(inner := getattr(module, "_orig_mod", None), nn.Module):  # torch.compile
            module = inner
        elif isinstance(
            module,
            nn.DataParallel
            | nn.parallel.DistributedDataParallel
            | torch.optim.swa_utils.AveragedModel,
        ):
            module = module.module
        else:
            return module


def duplicate(module: nn.Module, name: str) -> nn.Module:
    """A copy that shares no weight with the module.

    An attribute that cannot be copied (a lock, an open file) is shared, and a tensor that is the
    result of a computation, which torch does not copy, is taken as numbers: weight normalisation of
    ``torch.nn.utils.weight_norm`` keeps such a tensor and makes it anew at each pass.

    Parameters
    ----------
    module : nn.Module
    name : str
        Of the network, for the error.

    Raises
    ------
    InputError
        If it cannot be copied at all.
    """
    try:
        return copy.deepcopy(module)
    except Exception:
        pass  # one attribute after the other, below
    memo: dict[int, Any] = {}
    for part in module.modules():
        for key, value in vars(part).items():
            if key in _HOLDERS:
                continue
            if isinstance(value, Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
            elif not isinstance(value, nn.Module):
                try:
                    copy.deepcopy(value, dict(memo))
                except Exception:  # whatever the attribute's own class raises
                    memo[id(value)] = value
    try:
        return copy.deepcopy(module, memo)
    except Exception as error:
        raise InputError(
            f"{name}: cannot be copied ({type(error).__name__}: {first_line(error)}), and a network "
            "that is given is left as it was; name a function that makes it, python:MODULE:CALLABLE"
        ) from None


def frozen(module: nn.Module, name: str) -> nn.Module:
    """The module itself on the CPU, in evaluation mode, with float32 weights that ask for no gradient.

    Parameters
    ----------
    module : nn.Module
    name : str
        Of the network, for the error.

    Raises
    ------
    InputError
        If a layer has no weights yet (lazy modules, the meta device).
    """
    for key, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if is_lazy(tensor):
            raise InputError(
                f"{name}: '{key}' has no values yet: lazy layers get theirs from a first image; "
                "show it one, then load its weights"
            )
        if tensor.is_meta:
            raise InputError(f"{name}: '{key}' has no values (device meta); load its weights first")
    # a program of torch.export has one mode, in which it was exported
    with contextlib.suppress(NotImplementedError):
        module.eval()
    module.cpu()
    kinds = {p.dtype for p in module.parameters() if p.is_floating_point()}
    if kinds in ({torch.float16}, {torch.bfloat16}, {torch.float64}):
        module.float()
    for parameter in module.parameters():  # a script has no method for all of them
        # those of a script's copy are results of copying
        parameter.detach_().requires_grad_(False)
    return module
