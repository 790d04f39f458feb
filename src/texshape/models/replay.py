"""Continue a network from a stage: what comes before it is computed once and then played back.

A network is code, and no list of its layers says how they are joined. But nothing that it does
before a stage depends on what the stage passes on. So one pass keeps the outputs of its submodules
up to the stage, and in the passes that follow these submodules give what they gave: residual sums
and concatenations between them are computed anew, convolutions and blocks are not. From the stage
on everything runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

_Key = tuple[int, int]  # a submodule's place, and the number of its call


class Replay:
    """Submodules that stand before a stage give again what they gave in the recorded pass.

    Used as a context: at its end the network is as it was. Whoever uses it must compare one played
    pass with the recorded one: code that counts its calls, or writes over an output that another
    variable holds too, is not played back rightly.

    Parameters
    ----------
    module : nn.Module
        The whole network, in evaluation mode; gradients must be off.
    path : str
        Submodule whose output is the stage's activation.

    Notes
    -----
    Kept are the outputs of the largest submodules that do not hold the stage, call by call, until
    the stage returns for the first time. They are handed out as they are kept, but for those that
    the network writes over: these are found by their version in the first played pass, which gets
    copies of all, and are copied from then on.
    """

    def __init__(self, module: nn.Module, path: str) -> None:
        self._module = module
        names = path.split(".")
        holders = [module.get_submodule(".".join(names[:depth])) for depth in range(len(names))]
        self._stage = module.get_submodule(path)
        if isinstance(self._stage, torch.jit.ScriptModule):
            holders = []  # one would not see when it returns
        found = {id(child): child for holder in holders for child in holder.children()}
        self._children = [
            child
            for child in found.values()
            if all(child is not holder for holder in holders)
            and not isinstance(child, torch.jit.ScriptModule)  # cannot be wrapped: it runs
        ]
        self._before: list[tuple[nn.Module, Any]] = []
        self._kept: dict[_Key, Any] = {}
        self._given: dict[_Key, tuple[Any, list[int]]] = {}  # in this pass, with their versions
        self._overwritten: set[_Key] | None = None  # not known before a pass was played
        self._mode = ""  # record, play, or nothing
        self._calls: list[int] = []
        self._reached = self._inside = False  # the stage has returned; a child's call is running

    def __enter__(self) -> Replay:
        for place, child in enumerate(self._children):
            self._before.append((child, vars(child).get("forward")))
            child.forward = partial(self._call, place, child.forward)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the network as it was, and forget what was kept."""
        for child, own in self._before:
            if own is None:
                del child.forward  # that of its class again
            else:
                child.forward = own
        self._before.clear()
        self._kept.clear()

    def record(self, inputs: Tensor) -> Any:
        """Run the network and keep what it computes up to the stage."""
        self._kept.clear()
        return self._run("record", inputs)

    def play(self, inputs: Tensor) -> Any:
        """Run the network on the recorded inputs, from the stage on."""
        result = self._run("play", inputs)
        changed = {key for key, (value, seen) in self._given.items() if _versions(value) != seen}
        self._given.clear()
        for key in changed & self._handed_out:
            del self._kept[key]  # is spoilt: the submodule runs
        self._overwritten = (self._overwritten or set()) | changed
        return result

    @property
    def _handed_out(self) -> set[_Key]:
        """What is given as it is kept, not as a copy."""
        return set() if self._overwritten is None else set(self._kept) - self._overwritten

    def _run(self, mode: str, inputs: Tensor) -> Any:
        self._calls = [0] * len(self._children)
        self._reached = self._inside = False
        self._given.clear()
        self._mode = mode
        try:
            return self._module(inputs)
        finally:
            self._mode = ""

    def _call(self, place: int, forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """One call of a child, in place of its ``forward``."""
        stage = self._children[place] is self._stage
        if not self._mode or self._reached or self._inside:
            result = forward(*args, **kwargs)
            self._reached |= stage  # a layer that another child uses too
            return result
        key = (place, self._calls[place])
        self._calls[place] += 1
        if self._mode == "play" and key in self._kept:
            result = self._kept[key]
            if key not in self._handed_out:
                result = _copy(result)
            self._given[key] = (result, _versions(result))
        else:
            self._inside = True
            try:
                result = forward(*args, **kwargs)
            finally:
                self._inside = False
            if self._mode == "record" and not self._reached and _is_plain(result):
                self._kept[key] = _copy(result)
        self._reached |= stage
        return result


def _is_plain(value: Any) -> bool:
    """Whether a copy of the tensors is a copy of the value."""
    if type(value) in (tuple, list):
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(map(_is_plain, value.values()))
    return value is None or isinstance(value, Tensor | bool | int | float | str)


def _copy(value: Any) -> Any:
    if type(value) in (tuple, list):
        return type(value)(map(_copy, value))
    if type(value) is dict:
        return {key: _copy(entry) for key, entry in value.items()}
    return value.clone() if isinstance(value, Tensor) else value


def _versions(value: Any) -> list[int]:
    """How often each tensor was written over."""
    if type(value) in (tuple, list):
        return [version for entry in value for version in _versions(entry)]
    if type(value) is dict:
        return _versions(list(value.values()))
    return [value._version] if isinstance(value, Tensor) else []
