"""The stages of any network: which submodules' outputs are its activations, from early to late.

In order of preference: what the network says itself (an attribute ``stages``, as ours have it;
timm's ``feature_info``), else a grey image is traced. A convolutional network gets a stage for each
scale, the last block before the map shrinks; a transformer gets one for each block.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from texshape.errors import InputError, nearest

# A map that is at least this share of the last one is at the same scale: without padding, every
# convolution takes a few pixels off.
_SAME_SCALE = 0.75


@dataclass(frozen=True)
class Layout:
    """How a stage's output is laid out.

    Attributes
    ----------
    kind : str
        ``map`` (B, C, H, W), ``map_last`` (B, H, W, C), ``tokens`` (B, T, D) or ``vector`` (B, D).
    units : int
        Channels, or the width of a token.
    height, width : int or None
        Of the map or of the grid of patch tokens; None where there is none.
    prefix : int
        Tokens before the patches (class, distillation, registers).
    class_token : bool
        Whether the first of them is a class token.
    """

    kind: str
    units: int
    height: int | None = None
    width: int | None = None
    prefix: int = 0
    class_token: bool = False

    @property
    def spatial(self) -> bool:
        """Whether there is a map."""
        return self.height is not None


@dataclass(frozen=True)
class _Call:
    """One call of a submodule during the trace."""

    name: str
    shape: tuple[int, ...]


def find_stages(module: nn.Module, input_size: int) -> dict[str, str]:
    """Find the stages of a network.

    Parameters
    ----------
    module : nn.Module
        Network in evaluation mode.
    input_size : int
        Side of its input, px.

    Returns
    -------
    dict of str to str
        Stage (``stem``, ``stage1``, ... or ``block01``, ...) to submodule, in order of depth. Empty
        where nothing could be found: stages must then be named.
    """
    own = getattr(module, "stages", None)
    if isinstance(own, Mapping) and own and all(isinstance(v, str) for v in own.values()):
        return dict(own)
    with torch.random.fork_rng(devices=[]):  # stochastic depth may draw even when it drops none
        calls = _trace(module, input_size)
    shapes = {call.name: call.shape for call in calls}
    told = [name for name in _told_by_timm(module) if len(shapes.get(name, ())) in (3, 4)]
    if len(told) >= 2:
        return _numbered(told, shapes, module)
    scales = _Scales(module, calls).find()
    if len(scales) < 3 and (pyramid := _pyramid(calls)):
        return {f"stage{place}": name for place, name in enumerate(pyramid, start=1)}
    if len(scales) < 3 and len(blocks := _blocks(calls)) >= 2:
        return _numbered(blocks, shapes, module)
    return _numbered(scales, shapes, module)


def resolve(module: nn.Module, stages: Mapping[str, str], wanted: Sequence[str]) -> dict[str, str]:
    """Stages that a user named: names of stages, or of submodules.

    Raises
    ------
    InputError
        If there is no such stage or submodule; the right names are listed.
    """
    modules = dict(module.named_modules())
    found = {}
    for name in wanted:
        if name in stages:
            found[name] = stages[name]
        elif name and name in modules:
            found[name] = name
        else:
            hint = nearest(name, [*stages, *filter(None, modules)])
            if not hint.endswith("?"):
                hint = ""  # the stages are listed anyway
            listed = f"its stages are {', '.join(stages)}" if stages else "it has no known stages"
            raise InputError(f"stage '{name}' does not exist ({listed}){hint}")
    return found


def layout(module: nn.Module, name: str, shape: Sequence[int]) -> Layout:
    """Layout of a submodule's output.

    Parameters
    ----------
    module : nn.Module
        The whole network: it knows about its tokens.
    name : str
        The submodule.
    shape : sequence of int
        Of its output, batch first.

    Raises
    ------
    InputError
        If the output is neither a map, nor tokens, nor a vector.
    """
    if len(shape) == 2:
        return Layout("vector", shape[1])
    if len(shape) == 4:
        _, a, b, c = shape
        if _channels_last(module, (a, b, c)):
            return Layout("map_last", c, a, b)
        return Layout("map", a, b, c)
    if len(shape) == 3:
        _, tokens, width = shape
        prefix = getattr(module, "num_prefix_tokens", None)
        if prefix is None:
            side = math.isqrt(tokens)
            prefix = tokens - side**2 if tokens - side**2 <= 8 else 0
            has_class = prefix > 0
        elif math.isqrt(tokens) ** 2 == tokens:
            prefix, has_class = 0, False  # the class token joins in a later block
        else:
            has_class = prefix > 0 and getattr(module, "cls_token", True) is not None
        side = math.isqrt(tokens - prefix)
        square = side**2 == tokens - prefix
        return Layout(
            "tokens", width, side if square else None, side if square else None, prefix, has_class
        )
    raise InputError(
        f"stage '{name}': its output has shape {tuple(shape)}; expected a map (B, C, H, W), "
        "tokens (B, T, D) or a vector (B, D)"
    )


@contextmanager
def captured(
    module: nn.Module,
    names: Mapping[str, str],
    transform: Callable[[str, Tensor], Any] | None = None,
) -> Iterator[dict[str, Any]]:
    """Collect the outputs of submodules in a dictionary, stage to tensor, at every forward pass.

    Parameters
    ----------
    module : nn.Module
        The network.
    names : mapping of str to str
        Stage to submodule.
    transform : callable, optional
        Stage and output to what is kept. It runs at once: a later layer may overwrite the output in
        place, and a large map need not live until the end of the pass.
    """
    outputs: dict[str, Any] = {}

    def keep(stage: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            tensor = _tensor(output)
            if tensor is None:
                raise InputError(
                    f"stage '{stage}': submodule '{names[stage]}' returns "
                    f"{type(output).__name__}, expected a tensor"
                )
            outputs[stage] = tensor if transform is None else transform(stage, tensor)

        return hook

    handles = [
        module.get_submodule(path).register_forward_hook(keep(stage))
        for stage, path in names.items()
    ]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


# --- the trace -----------------------------------------------------------------------------------


def _trace(module: nn.Module, input_size: int) -> list[_Call]:
    """Calls of all submodules in the order in which they return, for one grey image."""
    calls: list[_Call] = []

    def keep(name: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            tensor = _tensor(output)
            if tensor is not None:
                calls.append(_Call(name, tuple(tensor.shape)))

        return hook

    handles = [
        child.register_forward_hook(keep(name))
        for name, child in module.named_modules()
        if name and not isinstance(child, torch.jit.ScriptModule)  # which takes no hooks
    ]
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    try:
        with torch.no_grad():
            # two images: a shape that starts with 2 has the batch first
            module(torch.zeros(2, 3, input_size, input_size, device=device))
    finally:
        for handle in handles:
            handle.remove()
    counts: dict[str, int] = {}
    for call in calls:
        counts[call.name] = counts.get(call.name, 0) + 1
    # an activation function that serves several places has no output of its own
    return [call for call in calls if counts[call.name] == 1 and call.shape[:1] == (2,)]


def _tensor(output: Any) -> Tensor | None:
    if isinstance(output, Tensor):
        return output
    if isinstance(output, (tuple, list)) and output and isinstance(output[0], Tensor):
        return output[0]
    return None


def _told_by_timm(module: nn.Module) -> list[str]:
    info = getattr(module, "feature_info", None)
    info = getattr(info, "info", info)
    if not isinstance(info, (list, tuple)):
        return []
    return [str(entry.get("module", "")) for entry in info if isinstance(entry, Mapping)]


def _channels_last(module: nn.Module, sizes: tuple[int, int, int]) -> bool:
    if str(getattr(module, "output_fmt", "")).upper() == "NHWC":
        return True
    a, b, c = sizes
    return a == b != c  # square images: height equals width


def _side(module: nn.Module, call: _Call) -> int | None:
    if len(call.shape) != 4:
        return None
    sizes = call.shape[1:]
    return sizes[0] if _channels_last(module, sizes) else sizes[2]


class _Scales:
    """Finds the last block at each scale in a trace."""

    def __init__(self, module: nn.Module, calls: list[_Call]) -> None:
        # a layer that two blocks share stands below both of its names
        self.modules = dict(module.named_modules(remove_duplicate=False))
        # adaptive pooling belongs to the head
        self.calls = [c for c in calls if "Adaptive" not in type(self.modules[c.name]).__name__]
        self.order = {call.name: place for place, call in enumerate(self.calls)}
        self.sides = {call.name: _side(module, call) for call in self.calls}

    def find(self) -> list[str]:
        groups: list[list[str]] = []
        first = 0  # side at which the current scale began
        for name in self.sequence(""):
            side = self.sides[name]
            if side is None:
                continue
            if side == 1 and first > 2:
                break  # global pooling: what follows is the head
            if not groups or side < _SAME_SCALE * first:
                groups.append([])
                first = side
            groups[-1].append(name)
        return [([n for n in group if self.composite(n)] or group)[-1] for group in groups]

    def composite(self, name: str) -> bool:
        return _composite(self.modules[name])

    def sequence(self, prefix: str) -> list[str]:
        """Submodules at the coarsest level that shows the scales, in order of their return.

        A container is opened if three scales or more pass inside it, a list always; where one
        submodule is all there is (a wrapper around a backbone), that is opened.
        """
        found: list[str] = []
        for name, child in self.modules[prefix.removesuffix(".")].named_children():
            path = f"{prefix}{name}"
            listed = isinstance(child, nn.Sequential | nn.ModuleList | nn.ModuleDict)
            if path not in self.order or (listed and self.scales(self.inside(path, 1)) >= 3):
                found += self.sequence(path + ".")
            else:
                found.append(path)
        found.sort(key=self.order.__getitem__)
        if found and self.scales(found) < 2:
            backbone = max(found, key=lambda name: len(self.inside(name)))
            if opened := self.sequence(backbone + "."):
                place = found.index(backbone)
                return found[:place] + opened + found[place + 1 :]
        return found

    def inside(self, path: str, depth: int | None = None) -> list[str]:
        """Calls below a submodule, at most so many levels down."""
        dots = path.count(".")
        return [
            name
            for name in self.order
            if name.startswith(path + ".") and (depth is None or name.count(".") <= dots + depth)
        ]

    def scales(self, names: Sequence[str]) -> int:
        """Number of distinct scales, global pooling left out."""
        count, first = 0, math.inf
        for side in (self.sides[name] for name in names):
            if side is not None and side > 1 and side < _SAME_SCALE * first:
                count, first = count + 1, side
        return count


def _composite(module: nn.Module) -> bool:
    """Whether a module is more than one layer with its padding or activation."""
    return any(True for child in module.children() for _ in child.parameters())


def _blocks(calls: list[_Call]) -> list[str]:
    """The longest row of siblings that pass on tokens of the same shape."""
    tokens = [call for call in calls if len(call.shape) == 3]

    def family(call: _Call) -> tuple[str, tuple[int, ...]]:
        # siblings in a list are told apart by their number alone
        return re.sub(r"\d+$", "", call.name), call.shape

    numbered = [call for call in tokens if re.search(r"\d$", call.name)]
    rows = [
        [call.name for call in row] for _, row in groupby(sorted(numbered, key=family), key=family)
    ]
    longest = max(rows, key=lambda row: (len(row), -row[0].count(".")), default=[])
    return sorted(longest, key=[call.name for call in calls].index)


def _pyramid(calls: list[_Call]) -> list[str]:
    """The outermost row of siblings that pass on fewer and fewer tokens, three numbers of them at least."""
    rows: dict[str, list[_Call]] = {}
    for call in calls:
        if len(call.shape) == 3 and re.search(r"\d$", call.name):
            rows.setdefault(re.sub(r"\d+$", "", call.name), []).append(call)
    found = []
    for family, row in rows.items():
        counts = [call.shape[1] for call in row]
        if counts == sorted(counts, reverse=True) and len(set(counts)) >= 3:
            found.append((family.count("."), [call.name for call in row]))
    return min(found, default=(0, []))[1]


def _numbered(
    names: list[str], shapes: Mapping[str, tuple[int, ...]], module: nn.Module
) -> dict[str, str]:
    if {len(shapes[name]) for name in names} == {3} and len({shapes[name] for name in names}) == 1:
        return {f"block{place:02d}": name for place, name in enumerate(names, start=1)}
    stages: dict[str, str] = {}
    modules = dict(module.named_modules())
    for place, name in enumerate(names):
        if place == 0 and ("stem" in name or not _composite(modules[name])):
            stages["stem"] = name
        else:
            stages[f"stage{place if 'stem' in stages else place + 1}"] = name
    return stages
