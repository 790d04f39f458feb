"""A device that does not exist but computes, for machines without a GPU.

Its tensors hold ordinary ones. As on a GPU, an operation on tensors of two devices fails, and so does
NumPy on a tensor that was not fetched. So code that gives the same numbers here as on the CPU moves all
that has to be moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "standin"
aten = torch.ops.aten
# What moves between devices, and what takes an index from the CPU on a GPU too.
_ACROSS = {aten._to_copy.default, aten.copy_.default, aten.index.Tensor, aten.index_put_.default}


@cache
def device() -> torch.device:
    """The device; made known to torch at the first call, for the whole process."""
    _setup_privateuseone_for_python_backend(NAME)
    return torch.device(NAME, 0)


@contextmanager
def stand_in() -> Iterator[torch.device]:
    """The device, usable inside the block."""
    found = device()
    # torch.tensor(..., device=...) then moves by an operation that the mode sees.
    before = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        with _Mode(), patch.multiple(torch.inference_mode, **_NO_GRADIENTS):
            yield found
    finally:
        torch._C._set_only_lift_cpu_tensors(before)


def _enter(mode: torch.inference_mode) -> None:
    mode.without = torch.no_grad()
    mode.without.__enter__()


def _leave(mode: torch.inference_mode, *error: object) -> None:
    mode.without.__exit__(*error)


# Tensors that hold others know no inference mode; what it computes is the same.
_NO_GRADIENTS = {"__enter__": _enter, "__exit__": _leave}


class _Held(Tensor):
    """A tensor on the device; `inner` is what it computes with."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> _Held:
        return Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=device(),
        )

    def __init__(self, inner: Tensor) -> None:
        self.inner = inner

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _compute(operation, args, kwargs or {})


class _Mode(TorchDispatchMode):
    """Sees what makes tensors on the device out of nothing, or of a tensor of the CPU."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return _compute(operation, args, kwargs or {})


def _compute(operation: Any, args: tuple, kwargs: dict) -> Any:
    tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, Tensor)]
    held = {id(value.inner): value for value in tensors if isinstance(value, _Held)}
    target = kwargs.get("device")
    if held and operation not in _ACROSS:
        for value in tensors:
            if not isinstance(value, _Held) and value.ndim > 0:
                raise RuntimeError(f"{operation}: expected all tensors on {NAME}, found one on cpu")
    on_device = bool(held)
    if target is not None:
        on_device = torch.device(target).type == NAME
        kwargs = {**kwargs, "device": torch.device("cpu"), "pin_memory": None}
        if "pin_memory" not in {a.name for a in operation._schema.arguments}:
            del kwargs["pin_memory"]
    if operation in (aten.copy_.default, aten.index.Tensor, aten.index_put_.default):
        on_device = isinstance(args[0], _Held)

    def inner(value: Any) -> Any:
        return value.inner if isinstance(value, _Held) else value

    result = operation(*tree_map(inner, args), **tree_map(inner, kwargs))

    def outer(value: Any) -> Any:
        if not isinstance(value, Tensor) or not on_device:
            return value
        return held.get(id(value)) if id(value) in held else _Held(value)

    return tree_map(outer, result)
