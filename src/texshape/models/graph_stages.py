"""Stages of a network that is a flat graph of single operators, as one converted from ONNX is.

Its operators are no blocks with names, so the graph itself is asked. Where all that a picture becomes passes
one operator (no skip connection leads around it), there a block may have ended. Of these places a convolutional
network gets one at each scale, the end of its last residual block or, where there is none, the last; a
transformer those after which the next attention begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, fx

# As in `texshape.models.stages`: convolutions without padding take a few pixels off.
SAME_SCALE = 0.75
_WEIGHTED = {"Conv", "MatMul", "Gemm"}
_JOINS = {"Add", "Sum", "Concat"}
_ACTIVATIONS = {
    "Relu",
    "Clip",
    "LeakyRelu",
    "PRelu",
    "HardSwish",
    "Elu",
    "Selu",
    "Celu",
    "Softplus",
}
PICTURES = 2


@dataclass(frozen=True)
class Cut:
    """An operator that all paths from the input to the output pass.

    Attributes
    ----------
    name : str
        The submodule.
    kind : str
        ONNX's word for the operator.
    shape : tuple of int
        Of its output, for two pictures.
    joins : bool
        Whether it brings two paths together, as the end of a residual branch does.
    attention : bool
        Whether a softmax stands between the cut before it and this one.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    joins: bool
    attention: bool


def find(module: fx.GraphModule, kinds: Mapping[str, str], side: int) -> dict[str, str]:
    """Find the stages of a graph.

    Parameters
    ----------
    module : GraphModule
        In evaluation mode; its operators are submodules.
    kinds : mapping of str to str
        Submodule to ONNX's word for the operator.
    side : int
        Of its input, px.

    Returns
    -------
    dict of str to str
        ``stem``, ``stage1``, ... or ``block01``, ... to submodules, in order of depth; empty where nothing was
        found.
    """
    every = cuts(module, kinds, side)
    scales = _scales(every)
    if len(scales) < 3 and len(blocks := _blocks(every)) >= 2:
        return {f"block{place:02d}": name for place, name in enumerate(blocks, start=1)}
    joining = {cut.name for cut in every if cut.joins}
    first = 1 if scales and scales[0] in joining else 0  # a block's end is no stem
    return {f"stage{place}" if place else "stem": name for place, name in enumerate(scales, first)}


def cuts(module: fx.GraphModule, kinds: Mapping[str, str], side: int) -> list[Cut]:
    """All operators through which everything passes, in order.

    Parameters
    ----------
    module, kinds, side
        As in `find`.
    """
    values = _Shapes(module)
    values.garbage_collect_values = True
    # One place through which `ChannelsLast` and the like go too, before the graph.
    shown: Any = (torch.zeros(PICTURES, 3, side, side),)
    for hook in module._forward_pre_hooks.values():
        shown = hook(module, shown) or shown
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        values.run(*shown)
    nodes = [node for node in module.graph.nodes if node.op != "output"]
    # What a picture becomes: shapes, which are whole numbers, and constants go around every block.
    carrying: set[fx.Node] = set()
    for node in nodes:
        if node in values.shapes and (
            node.op == "placeholder" or any(one in carrying for one in node.all_input_nodes)
        ):
            carrying.add(node)
    end = next(node for node in module.graph.nodes if node.op == "output")
    used = _before(end, carrying)
    order = [node for node in nodes if node in used]
    places = {node: place for place, node in enumerate(order)}
    last_use = {
        node: max((places[user] for user in node.users if user in places), default=len(order))
        for node in order
    }
    found: list[Cut] = []
    furthest, softmax = -1, False
    begun = False  # before the first weights lies what is done to the pixels
    for place, node in enumerate(order):
        name = str(node.target)
        kind = kinds.get(name, "")
        softmax |= kind == "Softmax"
        begun |= kind in _WEIGHTED
        if begun and kind and furthest <= place and values.shapes[node][:1] == (PICTURES,):
            brought = {one for one in node.all_input_nodes if one in used}
            joins = kind in _JOINS and len(brought) > 1
            found.append(Cut(name, kind, values.shapes[node], joins, softmax))
            softmax = False
        furthest = max(furthest, last_use[node])
    return found


class _Shapes(fx.Interpreter):
    """Runs a graph and keeps the shape of each tensor of real numbers."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.shapes: dict[fx.Node, tuple[int, ...]] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        first = result[0] if isinstance(result, list | tuple) and result else result
        if isinstance(first, Tensor) and first.is_floating_point():
            self.shapes[n] = tuple(first.shape)
        return result


def _before(end: fx.Node, carrying: set[fx.Node]) -> set[fx.Node]:
    """The carrying nodes from which the output can be reached."""
    found: set[fx.Node] = set()
    waiting = [node for node in end.all_input_nodes if node in carrying]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += [one for one in node.all_input_nodes if one in carrying]
    return found


def _scales(every: list[Cut]) -> list[str]:
    """One place at each scale."""
    groups: list[list[Cut]] = []
    first = 0
    for cut in every:
        side = _side(cut.shape)
        if side is None:
            continue
        if cut.kind.startswith("Global") or (side == 1 and first > 2):
            break  # global pooling: what follows is the head
        if not groups or side < SAME_SCALE * first:
            groups.append([])
            first = side
        groups[-1].append(cut)
    return [_end(group) for group in groups[:-1]] + [group[-1].name for group in groups[-1:]]


def _end(group: list[Cut]) -> str:
    """The end of the last residual block at a scale.

    Its activation belongs to it; what widens or shrinks the map for the next block does not.
    """
    place = max((place for place, cut in enumerate(group) if cut.joins), default=len(group) - 1)
    following = group[place + 1 : place + 2]
    if following and following[0].kind in _ACTIVATIONS:
        place += 1
    return group[place].name


def _side(shape: tuple[int, ...]) -> int | None:
    """Of a map, (B, C, H, W) or (B, H, W, C); pictures are square."""
    if len(shape) != 4:
        return None
    _, a, b, c = shape
    return a if a == b != c else c


def _blocks(every: list[Cut]) -> list[str]:
    """Of the joints of a row of tokens those after which the next attention begins."""
    joints: list[Cut] = []
    attention = False
    for cut in every:
        attention |= cut.attention
        if cut.joins and len(cut.shape) == 3:
            joints.append(replace(cut, attention=attention))
            attention = False
    shapes = [cut.shape for cut in joints]
    common = max(set(shapes), key=shapes.count) if shapes else ()
    joints = [cut for cut in joints if cut.shape == common]
    if not any(cut.attention for cut in joints):
        return [cut.name for cut in joints]
    return [
        cut.name
        for cut, following in zip(joints, [*joints[1:], None], strict=True)
        if following is None or following.attention
    ]
