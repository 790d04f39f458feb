"""Networks of ONNX files, as torch computes them (onnx2torch): ``onnx:FILE``.

A graph has one input of pictures and one output of logits. What the file says of itself is read too: the
side of its input, and the entries ``mean``, ``std``, ``input_size`` and ``classes`` (also ``labels`` or
``names``) of its metadata. onnx2torch knows the operators as opset 17 has them; where a newer opset only writes
them otherwise, they are written back, and `Gelu`, which came later, is written out. What it lacks is named.
"""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from texshape.errors import InputError, first_line
from texshape.models import graph_stages
from texshape.notices import note

OPSET = 17  # the newest of which onnx2torch 1.5 has the operators
_METADATA_CLASSES = ("classes", "labels", "names", "class_names", "id2label")
_REDUCTIONS = {
    f"Reduce{kind}"
    for kind in ("Max", "Min", "Mean", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare")
}
# Attributes that came after opset 17, and the value with which they change nothing.
_LATER: dict[str, dict[str, Callable[[Any], bool]]] = {
    "Cast": {"saturate": lambda value: True, "round_mode": lambda value: True},  # of 8 and 4 bits
    "AveragePool": {"dilations": lambda value: set(value) <= {1}},
    "Resize": {
        "antialias": lambda value: value == 0,
        "keep_aspect_ratio_policy": lambda value: value in (b"stretch", "stretch"),
    },
    "Split": {"num_outputs": lambda value: True},  # as many as it has outputs, in equal parts
    "Range": {"stash_type": lambda value: True},
}


@dataclass(frozen=True)
class OnnxNetwork:
    """A converted file.

    Attributes
    ----------
    module : nn.Module
        Pictures (B, 3, S, S) to what the graph gives; with an attribute ``stages`` where some were found.
    size : int or None
        Side of the input, where the file fixes it.
    mean, std, classes : object
        As the metadata has them; None where it says nothing.
    """

    module: nn.Module
    size: int | None = None
    mean: Any = None
    std: Any = None
    classes: Any = None


def read(path: Path, name: str, side: int, *, weights: bool = True) -> OnnxNetwork:
    """Read a file and convert it.

    Parameters
    ----------
    path : Path
    name : str
        Of the network, for messages.
    side : int
        Side of the pictures that it is tried with where the file fixes none, px.
    weights : bool
        False: the graph with random weights, see `redraw`.

    Raises
    ------
    InputError
        If it cannot be read, has not one input of pictures, takes no batch of any size, or has operators that
        cannot be converted.
    """
    import onnx

    content = _content(path, name)
    start = f"model '{name}': {path}"
    shape = _input_shape(content, start)
    last = shape[1] != 3 and shape[3] == 3  # of TensorFlow
    if not last and shape[1] not in (3, None):
        raise InputError(
            f"{start} takes {shape[1]} channels (input of shape {_shown(shape)}); expected 3"
        )
    sides = {value for value in (shape[1:3] if last else shape[2:]) if value is not None}
    if len(sides) > 1:
        raise InputError(
            f"{start} takes pictures of {_shown(shape)}; expected a square, (batch, 3, S, S)"
        )
    said = {entry.key: entry.value for entry in content.metadata_props}
    size = next(iter(sides), None)
    if size is None:
        size = _metadata(said, "input_size", start)
    module = _converted(onnx, content, start)
    kinds = _kinds(content)
    if not weights:
        redraw(module, kinds)
    if last:
        module.register_forward_pre_hook(ChannelsLast())
    _without_softmax(module, name)
    tried = side if not isinstance(size, int) else size
    _try(module, tried, shape[0], start)
    module.stages = graph_stages.find(module, kinds, tried)
    classes = next((key for key in _METADATA_CLASSES if key in said), "")
    return OnnxNetwork(
        module,
        size,
        _metadata(said, "mean", start),
        _metadata(said, "std", start),
        _metadata(said, classes, start),
    )


class ChannelsLast:
    """The hook in front of a graph that wants its channels last: pictures (B, 3, S, S) to (B, S, S, 3)."""

    def __call__(self, _: nn.Module, shown: tuple[Tensor, ...]) -> tuple[Tensor]:
        return (shown[0].permute(0, 2, 3, 1),)


# --- reading -------------------------------------------------------------------------------------


def _content(path: Path, name: str) -> Any:
    import onnx
    from google.protobuf.message import DecodeError

    problem = f"model '{name}': {path} is no ONNX file, or a damaged one"
    try:
        content = onnx.load(path)  # with weights that lie beside it
        onnx.checker.check_model(content)
    except DecodeError:
        raise InputError(f"{problem} (it cannot be decoded)") from None
    except FileNotFoundError as error:
        raise InputError(
            f"model '{name}': {path} lacks its weights ({first_line(error)})"
        ) from None
    except MemoryError:
        raise
    except Exception as error:  # the checker's own, and those of files beside it
        text = first_line(error)
        if "external" in text.lower() or ".data" in text:
            raise InputError(
                f"model '{name}': {path} keeps its weights in a file beside it that cannot be read ({text})"
            ) from None
        raise InputError(f"{problem} ({text})") from None
    return content


def _input_shape(content: Any, start: str) -> list[int | None]:
    """Batch and the three sides of the one input; None where the file leaves them open."""
    weights = {one.name for one in content.graph.initializer}
    inputs = [one for one in content.graph.input if one.name not in weights]
    if len(inputs) != 1:
        listed = ", ".join(one.name for one in inputs) or "none"
        raise InputError(f"{start} has {len(inputs)} inputs ({listed}); expected one, of pictures")
    kind = inputs[0].type.tensor_type
    import onnx

    if kind.elem_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
        found = onnx.TensorProto.DataType.Name(kind.elem_type).lower()
        raise InputError(
            f"{start} takes pictures as {found}; expected floating point, normalised pixels"
        )
    shape = [one.dim_value or None for one in kind.shape.dim]
    if len(shape) != 4:
        raise InputError(
            f"{start} takes an input of shape {_shown(shape)}; expected pictures, (batch, 3, S, S)"
        )
    return shape


def _shown(shape: list[int | None]) -> str:
    return f"({', '.join('any' if value is None else str(value) for value in shape)})"


def _metadata(said: Mapping[str, str], key: str, start: str) -> Any:
    if key not in said:
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(said[key])
        except (ValueError, SyntaxError):
            continue
    if key in _METADATA_CLASSES and "," in said[key]:
        return [part.strip() for part in said[key].split(",")]
    raise InputError(
        f"{start}: its metadata has {key} = '{said[key][:60]}', expected a number or a list, written as JSON"
    )


# --- converting ----------------------------------------------------------------------------------


def _converted(onnx: Any, content: Any, start: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import onnx2torch

        _write_back(onnx, content)
        lacking = _lacking(content)
        if lacking:
            raise InputError(
                f"{start} has operators that onnx2torch does not convert: {', '.join(lacking)}; export it "
                "from torch without them (torch.onnx.export, opset_version=17), or name the network of torch "
                "itself, python:MODULE:CALLABLE"
            )
        try:
            return _mended(onnx2torch.convert(content).eval())
        except MemoryError:
            raise
        except Exception as error:  # whatever a converter does not know
            raise InputError(
                f"{start} cannot be converted by onnx2torch ({type(error).__name__}: {first_line(error)}); "
                "export it from torch (torch.onnx.export, opset_version=17), or name the network of torch "
                "itself, python:MODULE:CALLABLE"
            ) from None


def _kinds(content: Any) -> dict[str, str]:
    """Submodule of the converted graph to the ONNX operator that it is."""
    from onnx2torch.onnx_graph import OnnxGraph

    return {name: node.operation_type for name, node in OnnxGraph(content.graph).nodes.items()}


def _mended(module: nn.Module) -> nn.Module:
    """Without what onnx2torch 1.5.15 gets wrong.

    It cuts slices by a list of slices, which torch takes for the numbers of elements, and takes a size that it
    does not know for 0 in a layer normalisation.
    """
    for name, part in list(module.named_children()):
        if type(part).__name__ == "OnnxSlice":
            setattr(module, name, Slice())
        elif isinstance(part, nn.LayerNorm) and part.normalized_shape != tuple(part.weight.shape):
            part.normalized_shape = tuple(part.weight.shape)
            if part.bias is not None and part.bias.shape != part.weight.shape:
                part.bias = nn.Parameter(torch.zeros_like(part.weight))
    return module


class Slice(nn.Module):
    """ONNX's `Slice` of opset 10 and later."""

    def forward(
        self,
        x: Tensor,
        starts: Tensor,
        ends: Tensor,
        axes: Tensor | None = None,
        steps: Tensor | None = None,
    ) -> Tensor:  # x of any shape
        count = len(starts)
        named = range(count) if axes is None else axes.tolist()
        strides = [1] * count if steps is None else steps.tolist()
        for axis, start, end, step in zip(
            named, starts.tolist(), ends.tolist(), strides, strict=True
        ):
            if step > 0:
                x = x[(slice(None),) * (axis % x.ndim) + (slice(start, end, step),)]
            else:  # which torch has no slice for; a number far below zero means "to the very first"
                cut = slice(start, None if end < -(2**31) + 1 else end, step)
                places = list(range(x.shape[axis])[cut])
                x = x.index_select(axis, torch.tensor(places, dtype=torch.long, device=x.device))
        return x


def _lacking(content: Any) -> list[str]:
    """Operators of a graph for which onnx2torch has no converter."""
    from onnx2torch.node_converters.registry import get_converter

    versions = {one.domain: one.version for one in content.opset_import}
    found = set()
    for node in content.graph.node:
        try:
            get_converter(node.op_type, versions.get(node.domain, 0), node.domain)
        except NotImplementedError:
            found.add(f"{node.domain}.{node.op_type}" if node.domain else node.op_type)
    return sorted(found)


def _write_back(onnx: Any, content: Any) -> None:
    """Write a graph with the operators of opset 17, as far as that changes nothing."""
    graph = content.graph
    _drop_identities(graph)
    opset = next((one for one in content.opset_import if one.domain in ("", "ai.onnx")), None)
    if opset is None or opset.version <= OPSET:
        return
    constants = {one.name: one for one in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            constants[node.output[0]] = node.attribute[0].t
    nodes: list[Any] = []
    for node in graph.node:
        if node.domain == "" and not _writes_back(onnx, node, constants):
            return  # its operators are named by their own opset
        nodes += (
            _gelu(onnx, node, len(nodes))
            if node.op_type == "Gelu" and node.domain == ""
            else [node]
        )
    kept = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)
    opset.version = OPSET


def _drop_identities(graph: Any) -> None:
    """Take out nodes that pass a value on: onnx2torch finds no weights behind one."""
    outputs = {one.name for one in graph.output}
    renamed: dict[str, str] = {}
    kept = []
    for node in graph.node:
        for place, value in enumerate(node.input):
            node.input[place] = renamed.get(value, value)
        if node.op_type == "Identity" and node.domain == "" and node.output[0] not in outputs:
            renamed[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    if renamed:
        copies = [type(node).FromString(node.SerializeToString()) for node in kept]
        del graph.node[:]
        graph.node.extend(copies)


def _writes_back(onnx: Any, node: Any, constants: Mapping[str, Any]) -> bool:
    """Write one node as opset 17 does; False where it does what that opset cannot say."""
    later = _LATER.get(node.op_type, {})
    for attribute in list(node.attribute):
        if attribute.name in later:
            if not later[attribute.name](onnx.helper.get_attribute_value(attribute)):
                return False
            node.attribute.remove(attribute)
    if node.op_type == "Resize" and any(one.name == "axes" for one in node.attribute):
        return False
    if node.op_type == "Pad" and len(node.input) > 3 and node.input[3]:
        return False
    if node.op_type not in _REDUCTIONS:
        return True
    empty = next((one for one in node.attribute if one.name == "noop_with_empty_axes"), None)
    if empty is not None:
        node.attribute.remove(empty)
    if len(node.input) < 2 or not node.input[1]:
        del node.input[1:]
        return empty is None or not empty.i
    if node.input[1] not in constants:
        return False
    axes = onnx.numpy_helper.to_array(constants[node.input[1]]).reshape(-1).tolist()
    del node.input[1:]
    node.attribute.append(onnx.helper.make_attribute("axes", axes))
    return True


def _gelu(onnx: Any, node: Any, number: int) -> list[Any]:
    """`Gelu` in words of older operators: x times the normal distribution function, or its tanh form."""
    approximate = next(
        (onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == "approximate"),
        b"none",
    )
    base, x = node.name or f"Gelu_{number}", node.input[0]
    nodes: list[Any] = []

    def constant(value: float) -> str:
        name = f"{base}/constant{len(nodes)}"
        tensor = onnx.numpy_helper.from_array(np.array(value, np.float32))
        nodes.append(onnx.helper.make_node("Constant", [], [name], name=name, value=tensor))
        return name

    def apply(kind: str, *inputs: str) -> str:
        name = f"{base}/{kind}{len(nodes)}"
        nodes.append(onnx.helper.make_node(kind, list(inputs), [name], name=name))
        return name

    if approximate in (b"tanh", "tanh"):
        cube = apply("Mul", apply("Mul", x, x), x)
        inner = apply("Add", x, apply("Mul", cube, constant(0.044715)))
        gate = apply("Tanh", apply("Mul", inner, constant((2 / np.pi) ** 0.5)))
    else:
        gate = apply("Erf", apply("Mul", x, constant(0.5**0.5)))
    half = apply("Mul", x, constant(0.5))
    last = onnx.helper.make_node(
        "Mul", [half, apply("Add", gate, constant(1.0))], list(node.output), name=base
    )
    return [*nodes, last]


# --- the converted graph -------------------------------------------------------------------------


def redraw(module: Any, kinds: Mapping[str, str]) -> None:
    """Draw the weights anew, for an untrained baseline: a file does not say how training began.

    Convolutions and matrix products get normal weights whose variance is 2 over the number of inputs (He et al.
    2015, arXiv 1502.01852), for a batch normalisation is mostly folded into them, and no bias;
    normalisations keep what comes as it is. Positions, class tokens and other constants stay.

    Parameters
    ----------
    module : GraphModule
        A converted graph; changed in place.
    kinds : mapping of str to str
        Submodule to ONNX's word for the operator.
    """
    for part in module.modules():
        if isinstance(part, nn.modules.conv._ConvNd | nn.Linear):
            _draw(part.weight, part.weight[0].numel())
            if part.bias is not None:
                part.bias.data.zero_()
        elif isinstance(part, nn.modules.batchnorm._BatchNorm | nn.LayerNorm | nn.GroupNorm):
            part.reset_parameters()
    for node in module.graph.nodes:
        if kinds.get(str(node.target)) in ("MatMul", "Gemm", "Conv"):
            for given in node.all_input_nodes:
                if given.op == "get_attr":
                    weights = module.initializers.get_buffer(str(given.target).rpartition(".")[2])
                    if weights.is_floating_point() and weights.ndim > 1:
                        last = kinds[str(node.target)] != "Conv"
                        _draw(weights, weights.shape[-2] if last else weights[0].numel())


def _draw(weights: Tensor, inputs: int) -> None:
    weights.data.normal_(0, (2 / inputs) ** 0.5)


def _without_softmax(module: Any, name: str) -> None:
    """Take out a softmax at the very end: what comes before it are the logits."""
    graph = module.graph
    end = next(node for node in graph.nodes if node.op == "output")
    last = end.args[0]
    if not isinstance(last, torch.fx.Node) or last.op != "call_module":
        return
    if type(module.get_submodule(str(last.target))).__name__ not in ("Softmax", "OnnxSoftmaxV1V11"):
        return
    end.args = (last.args[0],)
    graph.erase_node(last)
    module.delete_submodule(str(last.target))
    module.recompile()
    note(name, "ends in a softmax, which is taken out: its input are the logits")


def _try(module: nn.Module, side: int, batch: int | None, start: str) -> None:
    """Show it one picture and two."""
    for count in (1, 2):
        try:
            with torch.no_grad():
                result = module(
                    torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))
                )
        except MemoryError:
            raise
        except Exception as error:  # whatever torch says of shapes that do not fit
            why = f"{type(error).__name__}: {first_line(error)}"
        else:
            tensors = result if isinstance(result, list | tuple) else [result]
            if all(isinstance(one, Tensor) and one.ndim and len(one) == count for one in tensors):
                continue
            why = f"{count} pictures give {', '.join(str(tuple(one.shape)) for one in tensors)}"
        if batch is not None or count == 2:
            fixed = f" of {batch}" if batch is not None else ""
            raise InputError(
                f"{start} has a fixed batch{fixed} ({why}); export it with a batch of any size "
                "(torch.onnx.export, dynamic_axes={'input': {0: 'batch'}})"
            )
        raise InputError(f"{start} takes no picture of {side} px ({why})")
