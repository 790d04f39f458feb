"""Theoretical receptive field of any convolutional network, from the operations that it executes.

The network runs once on a blank image, where its weights are (with weights on PyTorch's meta device
nothing is computed), while every operation is watched. Each intermediate tensor carries the interval
of input pixels that its positions see, along height and width; a convolution or pooling widens it,
r_l = r_(l-1) + (k_l - 1) j_(l-1), and where paths meet it is the union of the paths' intervals.
Watching the operations rather than the modules needs no cooperation from the network: functional
calls, reshapes and control flow are all seen.

What looks at the whole image is named, never guessed: pooling over space, attention, flattening. A
factor that depends on the whole image (squeeze-and-excitation, statistics over space, be they of a
group, an instance or the batch) makes the field global, but the paths without it are reported as
well. What cannot be followed (positions that change places, regions drawn at random, values written
into a part of a tensor) leaves the field undefined, with the operation as the reason.

A field is that of a unit inside the map, the largest over the phases of a period: what padding does
at the border is left out, circular padding said in the reason. Channels count as mixed: positions
that were moved into channels and back again without a layer between them keep the wider field.

    from texshape.techniques.receptive_field.theoretical import trace
    trace(torchvision.models.resnet18(), {"stage4": "layer4"}, image_size=224).stages["stage4"].size
    # 435

References
----------
Araujo, Norris and Sim (2019), Computing receptive fields of convolutional neural networks, Distill.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from texshape.errors import InputError, first_line
from texshape.techniques.receptive_field.interval import Interval


@dataclass(frozen=True)
class ReceptiveField:
    """Receptive field of the units of one feature map.

    Attributes
    ----------
    y, x : Interval or None
        What the map's rows and columns see through the local paths; None where the output is no
        map.
    is_global : bool
        Whether every unit depends on the whole image.
    reason : str
        Why the field is global, or why it is unknown; for a local field empty, or what it leaves
        out.
    """

    y: Interval | None
    x: Interval | None
    is_global: bool = False
    reason: str = ""

    @property
    def size(self) -> int | None:
        """Side in pixels along local paths, global factors left out; None if unknown."""
        if self.y is None or self.x is None:
            return None
        return max(self.y.size, self.x.size)

    @property
    def theoretical(self) -> int | str | None:
        """Side in pixels, ``"global"``, or None where the tracer cannot say."""
        return "global" if self.is_global else self.size


@dataclass(frozen=True)
class Traced:
    """Receptive fields of a network.

    Attributes
    ----------
    stages : dict of str to ReceptiveField
    last : ReceptiveField
        The last spatial map before global or adaptive pooling (or flattening).
    """

    stages: dict[str, ReceptiveField]
    last: ReceptiveField


def trace(module: nn.Module, stages: dict[str, str], *, image_size: int) -> Traced:
    """Trace the receptive fields of a network's stages.

    Parameters
    ----------
    module : nn.Module
        Takes float images of shape (1, 3, image_size, image_size).
    stages : dict of str to str
        Stage name to the name of the submodule whose output is the stage's map.
    image_size : int
        Side in pixels. Fields do not depend on it, but whether a pooling is global does, and how
        much the cells of an adaptive pooling hold.

    Raises
    ------
    InputError
        If a submodule does not exist or the network does not run at this size.
    """
    submodules = dict(module.named_modules())
    for stage, name in stages.items():
        if name not in submodules:
            raise InputError(f"stage '{stage}': the network has no submodule '{name}'")
    found: dict[str, _Paths | None] = {}
    modes = {each: each.training for each in module.modules()}
    module.eval()
    watch = _Watch()

    def note(stage: str) -> Callable:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            tensors = _tensors(output)
            found[stage] = watch.paths.get(tensors[0]) if tensors else None

        return hook

    hooks = [submodules[name].register_forward_hook(note(stage)) for stage, name in stages.items()]
    try:
        output = _run(module, watch, image_size)
    except (RuntimeError, ValueError, AssertionError, NotImplementedError) as error:
        raise InputError(
            f"the network does not run on images of {image_size} px: {first_line(error)}"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()
        for each, mode in modes.items():
            each.training = mode
    missing = ReceptiveField(None, None, reason="not reached in a forward pass")
    results = {stage: _result(found[stage]) if stage in found else missing for stage in stages}
    last = watch.last_map
    if last is None:
        tensors = _tensors(output)
        last = watch.paths.get(tensors[0]) if tensors else None
    return Traced(results, _result(last))


def _run(module: nn.Module, watch: _Watch, image_size: int) -> Any:
    tensors = chain(module.parameters(), module.buffers())
    like = next((each for each in tensors if each.is_floating_point()), torch.zeros(()))
    images = torch.zeros(1, 3, image_size, image_size, dtype=like.dtype, device=like.device)
    watch.paths[images] = _Paths(
        (None, None, "y", "x"), Interval(), Interval(), (image_size, image_size)
    )
    with torch.no_grad(), watch, _CircularPadding(watch):
        return module(images)


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in _tensors(item)]
    return []


def _result(paths: _Paths | None) -> ReceptiveField:
    if paths is None:
        return ReceptiveField(None, None, reason="not computed from the image")
    if paths.reach:
        return ReceptiveField(None, None, is_global=True, reason=paths.reach)
    if paths.unknown:
        return ReceptiveField(None, None, reason=paths.unknown)
    if paths.gate:
        return ReceptiveField(paths.y, paths.x, is_global=True, reason=paths.gate)
    return ReceptiveField(paths.y, paths.x, reason=paths.note)


@dataclass(frozen=True)
class _Paths:
    """What the paths from the image to one tensor let its elements see.

    `roles` says of each dimension whether it runs over rows ("y"), columns ("x"), both in row-major
    order ("yx") or neither (None). `reach` names the operation that made every element depend on
    the whole image, `gate` a factor that does, `unknown` an operation that the tracer does not
    know, `note` what the field of a unit inside the map leaves out. `blocks`: a dimension of
    positions was split, and the field of each part is that of its block. `cells`: pooled
    adaptively, so no longer a candidate for the last map before such a pooling.
    """

    roles: tuple[str | None, ...]
    y: Interval | None
    x: Interval | None
    shape: tuple[int, int]  # rows and columns of the map, to take "yx" apart again
    reach: str = ""
    gate: str = ""
    unknown: str = ""
    note: str = ""
    blocks: bool = False
    cells: bool = False

    @property
    def is_map(self) -> bool:
        """Whether rows and columns are both there and see a bounded part of the image."""
        space = set(self.roles) - {None}
        return space in ({"y", "x"}, {"yx"}) and not self.reach and not self.unknown


def _pooled(paths: _Paths, dimensions: int, reason: str) -> _Paths:
    return replace(paths, roles=(None,) * dimensions, y=None, x=None, reach=paths.reach or reason)


def _lost(paths: _Paths, reason: str) -> _Paths:
    if paths.reach:  # no operation makes the whole image bounded again
        return paths
    return replace(paths, unknown=paths.unknown or reason)


# Operations that pass values on unchanged or act on each element alone, where PyTorch's tag is
# missing.
_ELEMENTWISE = {
    "clone", "contiguous", "alias", "detach", "lift_fresh", "_to_copy", "to", "native_dropout",
    "dropout", "gelu", "gelu_", "silu", "silu_", "mish", "hardswish", "hardswish_", "hardsigmoid",
    "hardsigmoid_", "elu", "elu_", "leaky_relu", "leaky_relu_", "relu", "relu_", "prelu",
    "_prelu_kernel", "hardtanh", "hardtanh_", "softplus", "threshold", "threshold_", "clamp",
    "where", "fill_", "zero_", "copy", "masked_fill", "masked_fill_", "rrelu_with_noise",
    "rrelu_with_noise_functional", "log_sigmoid_forward",
}  # fmt: skip
_PRODUCTS = {"mul", "mul_", "div", "div_"}
_NORMS = {
    "native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training",
    "cudnn_batch_norm", "miopen_batch_norm", "_batch_norm_no_update", "batch_norm",
    "_batch_norm_with_update", "_batch_norm_with_update_functional",
}  # fmt: skip
# Those of them that have no statistics of their own, whatever their arguments say.
_BATCH_STATISTICS = {"_batch_norm_with_update", "_batch_norm_with_update_functional"}
# Operations along one dimension, which leave the positions alone where it has none.
_ALONG = {
    "cumsum", "cumprod", "cummax", "cummin", "flip", "sort", "topk", "glu", "index_select",
    "gather", "median", "kthvalue",
}  # fmt: skip
_ATTENTION = {
    "_native_multi_head_attention", "_transformer_encoder_layer_fwd", "_flash_attention_forward",
    "_efficient_attention_forward",
}  # fmt: skip
_REDUCTIONS = {
    "mean", "sum", "amax", "amin", "max", "min", "var", "std", "var_mean", "std_mean", "logsumexp",
    "norm", "linalg_vector_norm", "prod", "argmax", "argmin", "any", "all",
}  # fmt: skip
# What mixes positions on the main path, unlike the pooling that ends a network or feeds a gate.
_MIXING = {
    "attention",
    "matrix product over space",
    "tokens joined to the positions",
    "softmax over space",
    "convolution with positions as channels",
}
_FACTORS = {
    "mm": ("self", "mat2"),
    "bmm": ("self", "mat2"),
    "addmm": ("mat1", "mat2"),
    "baddbmm": ("batch1", "batch2"),
    "matmul": ("self", "other"),
    "linear": ("input", "weight"),
}
# Operations that take nothing but a shape or a type from their argument.
_SHAPE_ONLY = {
    "new_zeros", "new_ones", "new_empty", "new_full", "new_empty_strided", "zeros_like",
    "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "sym_size", "sym_stride",
    "sym_numel", "is_same_size", "sym_storage_offset",
}  # fmt: skip


class _Watch(TorchDispatchMode):
    """Follow every operation and keep, for each tensor, what it sees of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: Any = WeakTensorKeyDictionary()
        self.last_map: _Paths | None = None
        # Memory of which a part was written; it is held, so that no other takes its address.
        self.written: dict[int, Any] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Nothing is compiled here; torch would import its compiler to hide this class from it."""
        return False

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        tensors = _tensors([args, kwargs])
        for tensor in tensors if self.written else ():
            if tensor not in self.paths and _memory(tensor)._cdata in self.written:
                self.paths[tensor] = _unknown(tensor)
        seen = [self.paths[t] for t in tensors if t in self.paths]
        # Shapes are read before the call: an operation in place may change its argument's.
        shapes = {id(tensor): tuple(tensor.shape) for tensor in tensors}
        changed = [(t, self.paths.get(t)) for t in _written_to(operation, args, kwargs)]
        output = operation(*args, **kwargs)
        if seen:
            name = operation.overloadpacket.__name__
            self._follow(name, operation, args, kwargs, output, seen, shapes)
            for tensor, before in changed:
                if self.paths.get(tensor) != before:
                    self._spread(tensor)
        return output

    def _spread(self, written: Tensor) -> None:
        """Tensors that share memory with one that now sees something else are not followed."""
        memory = _memory(written)
        self.written[memory._cdata] = memory
        for tensor in list(self.paths.keys()):
            if tensor is not written and _memory(tensor)._cdata == memory._cdata:
                self.paths[tensor] = _unknown(tensor)

    def _follow(
        self,
        name: str,
        operation: Any,
        args: tuple,
        kwargs: dict,
        output: Any,
        seen: list[_Paths],
        shapes: dict[int, tuple],
    ) -> None:
        outputs = _tensors(output)
        if not outputs or name in _SHAPE_ONLY:
            return
        bound = _bind(operation, args, kwargs)
        first = next((value for value in bound.values() if isinstance(value, Tensor)), None)
        source = self.paths.get(first) if first is not None else None
        shape = shapes.get(id(first), ())
        results: list[_Paths] | _Paths
        try:
            if name in _PRODUCTS or name in _ELEMENTWISE or torch.Tag.pointwise in operation.tags:
                results = self._elementwise(name, bound, outputs[0])
            elif name in _NORMS and source is not None:
                results = _batch_norm(name, bound, source)
            elif source is None and name not in ("cat", "stack", "copy_", "addmm", "mm", "bmm"):
                if name == "convolution" and not any("y" in s.roles for s in seen):
                    results = seen[0]
                else:
                    results = _lost(seen[0], f"operation aten.{name} is not known to the tracer")
            else:
                results = self._structural(name, bound, source, shape, outputs, seen)
        except ValueError as error:  # from Interval.union
            results = _lost(seen[0], str(error))
        if isinstance(results, _Paths):
            results = [results] * len(outputs)
        for tensor, paths in zip(outputs, results, strict=True):
            if not tensor.numel():  # working memory that an operation returns unused
                continue
            if len(paths.roles) != tensor.ndim:
                paths = replace(paths, roles=(None,) * tensor.ndim)
                if not (paths.reach or paths.unknown):
                    paths = _lost(paths, f"dimensions are lost in aten.{name}")
            self.paths[tensor] = paths
            mixed = paths.reach in _MIXING and all(paths.reach != past.reach for past in seen)
            if mixed or (paths.unknown and not any(past.unknown for past in seen)):
                self.last_map = paths  # unless a bounded map is pooled later

    def _candidate(self, paths: _Paths) -> None:
        """Remember the map that a pooling or flattening of the whole image takes in."""
        if paths.is_map and not paths.cells:
            self.last_map = paths

    # -- operations that keep the positions as they are -------------------------------------------

    def _elementwise(self, name: str, bound: dict[str, Any], output: Tensor) -> _Paths:
        if name in ("addcmul", "addcmul_", "addcdiv", "addcdiv_"):
            factors = self._meet(
                [bound["tensor1"], bound["tensor2"]], output.ndim, multiplicative=True
            )
            tensors = [self.paths.get(bound["self"]), factors]
            return _meet([paths for paths in tensors if paths], output.ndim, multiplicative=False)
        return self._meet(
            _tensors(list(bound.values())), output.ndim, multiplicative=name in _PRODUCTS
        )

    def _meet(
        self, tensors: list[Tensor], dimensions: int, *, multiplicative: bool
    ) -> _Paths | None:
        seen = [self.paths[tensor] for tensor in tensors if tensor in self.paths]
        return _meet(seen, dimensions, multiplicative=multiplicative) if seen else None

    # -- operations that move, widen or mix positions ---------------------------------------------

    def _structural(
        self,
        name: str,
        bound: dict[str, Any],
        source: _Paths | None,
        shape: tuple[int, ...],
        outputs: list[Tensor],
        seen: list[_Paths],
    ) -> list[_Paths] | _Paths:
        out = tuple(outputs[0].shape)
        if name == "convolution":
            return self._convolution(bound, source, shape)
        if name in (
            "max_pool2d_with_indices", "max_pool2d", "avg_pool2d", "max_pool3d_with_indices",
            "max_pool3d", "avg_pool3d",
        ):  # fmt: skip
            return self._pooling(bound, source, shape, out, 3 if "3d" in name else 2)
        if name in (
            "_adaptive_avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d",
            "_adaptive_avg_pool1d", "_adaptive_avg_pool3d", "adaptive_avg_pool3d",
            "adaptive_max_pool3d",
        ):  # fmt: skip
            return self._adaptive_pooling(source, shape, out)
        if name in _REDUCTIONS:
            return self._reduction(bound, source, shape, out)
        if name in ("view", "_unsafe_view", "reshape", "_reshape_alias", "flatten", "unflatten"):
            paths = _regroup(source, shape, out)
            if paths.reach == "flattening" and not source.reach:
                self._candidate(source)
            return paths
        if name in ("as_strided_", "as_strided"):  # contiguity fixes of squeezed tensors
            return source if out == shape else _regroup(source, shape, out)
        if name in ("permute", "transpose", "t", "numpy_T", "swapaxes"):
            return replace(source, roles=_permuted(name, bound, source.roles))
        if name in ("squeeze", "squeeze_", "unsqueeze", "unsqueeze_"):
            return _regroup(source, shape, out)
        if name == "expand":
            return replace(source, roles=(None,) * (len(out) - len(shape)) + source.roles)
        if name in ("slice", "narrow", "select", "split", "split_with_sizes", "chunk", "unbind"):
            return _parts(name, bound, source, shape, outputs)
        if name in ("cat", "stack"):
            return self._concatenation(name, bound, len(out))
        if name in _FACTORS:
            return self._product(name, bound, len(out), seen)
        if "scaled_dot_product" in name and not any(
            role for paths in seen for role in paths.roles[-2:]
        ):  # among the members of a block, each of which sees all of it
            return _meet(seen, len(out), multiplicative=True)
        if "scaled_dot_product" in name or name in _ATTENTION:
            return _pooled(_meet_loosely(seen), len(out), "attention")
        if name == "native_layer_norm":
            return _statistics(source, len(shape) - len(bound["normalized_shape"]))
        if name in ("native_group_norm", "instance_norm"):
            return _statistics(source, 2)
        if name == "_fused_rms_norm":
            return _statistics(source, len(shape) - len(bound["normalized_shape"]))
        if name in ("_softmax", "softmax", "_safe_softmax", "_log_softmax"):
            if source.roles[bound["dim"] % len(shape)]:
                return replace(source, reach=source.reach or "softmax over space")
            return source
        if name.startswith(("upsample_", "_upsample_")):
            return _upsampled(name, bound, source, shape, out)
        if name in ("constant_pad_nd", "reflection_pad2d", "replication_pad2d"):
            return _padded(bound["pad" if name == "constant_pad_nd" else "padding"], source)
        if name == "roll" and any(source.roles):
            dims = [dim % len(shape) for dim in bound["dims"]] or range(len(shape))
            if not any(source.roles[dim] for dim in dims):
                return source
            return _lost(source, "cyclic shift of positions")
        if name in ("pixel_shuffle", "pixel_unshuffle"):
            return _shuffled(name, bound, source)
        if name in ("channel_shuffle", "native_channel_shuffle") and not source.roles[1]:
            return source
        if name == "im2col":
            return _unfolded(bound, source, shape)
        if name in _ALONG:
            dims = bound.get("dim", bound.get("dims", -1))  # the last where left out
            dims = [dims] if isinstance(dims, int) else dims
            if not any(source.roles[dim % len(shape)] for dim in dims):
                return source
            return _lost(source, f"operation aten.{name} is not known along rows or columns")
        if name == "index":
            return _indexed(bound["indices"], source, self.paths)
        if name == "repeat" and len(bound["repeats"]) == len(shape):
            repeated = [dim for dim, times in enumerate(bound["repeats"]) if times != 1]
            if not any(source.roles[dim] for dim in repeated):
                return source
            return _lost(source, "the map is repeated")
        if name.startswith("fractional_max_pool"):
            return _lost(source, "fractional pooling draws its regions at random")
        if name == "copy_":
            return self.paths.get(bound["src"]) or seen[0]
        return _lost(_meet_loosely(seen), f"operation aten.{name} is not known to the tracer")

    def _convolution(self, bound: dict, source: _Paths, shape: tuple[int, ...]) -> _Paths:
        if bound["weight"] in self.paths:  # weights computed from the image act as a factor
            dynamic = self.paths[bound["weight"]]
            source = replace(source, gate=source.gate or dynamic.reach or "dynamic weights")
        kernel = tuple(bound["weight"].shape[2:])
        if source.roles[1]:
            return _pooled(source, len(shape), "convolution with positions as channels")

        def layer(axis: Interval, i: int) -> Interval:
            stride, padding, dilation = (
                _item(bound[key], i) for key in ("stride", "padding", "dilation")
            )
            if bound["transposed"]:
                return axis.transposed(kernel[i], stride, padding, dilation)
            return axis.window(kernel[i], stride, padding, dilation)

        strides = [_item(bound["stride"], i) for i in range(len(kernel))]
        moves = [size > 1 or stride > 1 for size, stride in zip(kernel, strides, strict=True)]
        return _along(source, layer, moves, "convolution over flattened positions")

    def _pooling(
        self,
        bound: dict,
        source: _Paths,
        shape: tuple[int, ...],
        out: tuple[int, ...],
        dimensions: int,
    ) -> _Paths:
        if not any(source.roles):
            return source
        kernels = [_item(bound["kernel_size"], i) for i in range(dimensions)]
        space = [i for i in range(dimensions) if source.roles[i - dimensions]]
        if space and all(
            out[i - dimensions] == 1 and kernels[i] >= shape[i - dimensions] for i in space
        ):
            self._candidate(source)
            if not any(source.roles[:-dimensions]):
                return _pooled(source, len(out), "pooling over space")
            roles = (*source.roles[:-dimensions], *(None,) * dimensions)
            return replace(source, roles=roles, reach=source.reach or "pooling over space")
        strides = bound["stride"] if bound.get("stride") not in (None, [], ()) else kernels

        def layer(axis: Interval, i: int) -> Interval:
            return axis.window(
                kernels[i],
                _item(strides, i),
                _item(bound.get("padding") or 0, i),
                _item(bound.get("dilation") or 1, i),
            )

        moves = [kernel > 1 or _item(strides, i) > 1 for i, kernel in enumerate(kernels)]
        return _along(source, layer, moves, "pooling over flattened positions")

    def _adaptive_pooling(
        self, source: _Paths, shape: tuple[int, ...], out: tuple[int, ...]
    ) -> _Paths:
        """Cells of a fixed number: local where there are several along rows and along columns."""
        changed = [dim for dim in range(len(shape)) if out[dim] != shape[dim]]
        if not any(source.roles[dim] for dim in changed):
            return source
        self._candidate(source)
        if any(source.roles[dim] and out[dim] == 1 for dim in changed):
            return _pooled(source, len(out), "adaptive pooling")
        paths = replace(source, cells=True)
        for dim in changed:
            role = source.roles[dim]
            if role == "yx":
                return _lost(source, "pooling over flattened positions")
            if role:
                axis = source.y if role == "y" else source.x
                if axis is not None:
                    paths = replace(paths, **{role: axis.pooled_to(shape[dim], out[dim])})
        return paths

    def _reduction(
        self, bound: dict, source: _Paths, shape: tuple[int, ...], out: tuple[int, ...]
    ) -> _Paths:
        dims = bound.get("dim", bound.get("axis"))
        if dims is None or dims == []:
            reduced = set(range(len(shape)))
        else:
            dims = [dims] if isinstance(dims, int) else dims
            reduced = {dim % len(shape) for dim in dims}
        kept = [None if i in reduced else role for i, role in enumerate(source.roles)]
        over_space = any(source.roles[i] for i in reduced)
        if over_space and not any(kept):
            self._candidate(source)
        if len(out) < len(shape):
            kept = [role for i, role in enumerate(kept) if i not in reduced]
        paths = replace(source, roles=tuple(kept))
        if over_space:
            paths = replace(paths, reach=paths.reach or "pooling over space")
        return paths

    def _concatenation(self, name: str, bound: dict, dimensions: int) -> _Paths:
        tensors = _tensors(bound["tensors"])
        seen = [self.paths[tensor] for tensor in tensors if tensor in self.paths]
        dim = bound.get("dim") or 0
        if name == "stack":
            dim %= dimensions
            seen = [replace(p, roles=(*p.roles[:dim], None, *p.roles[dim:])) for p in seen]
        paths = _meet(seen, dimensions, multiplicative=False)
        if paths.roles[dim % dimensions]:
            return _pooled(paths, dimensions, "tokens joined to the positions")
        return paths

    def _product(self, name: str, bound: dict, dimensions: int, seen: list[_Paths]) -> _Paths:
        one, two = _FACTORS[name]
        left, right = bound[one], bound[two]
        known = [tensor in self.paths for tensor in (left, right)]
        if all(known):
            both = [self.paths[left], self.paths[right]]
            if name in ("bmm", "matmul", "baddbmm") and not any(
                role for paths in both for role in paths.roles[-2:]
            ):  # a product for each position, or among the members of a block
                return _meet(both, dimensions, multiplicative=True)
            paths = _meet_loosely(both)
            spatial = any(self.paths[left].roles) or any(self.paths[right].roles)
            return (
                _pooled(paths, dimensions, "attention")
                if spatial
                else replace(paths, roles=(None,) * dimensions)
            )
        if not any(known):  # only the added bias comes from the image
            return _lost(seen[0], f"operation aten.{name} of constants is not known to the tracer")
        paths = self.paths[left if known[0] else right]
        roles = paths.roles
        if known[0]:
            contracted, kept = roles[-1], (*roles[:-1], None)
        else:
            contracted, kept = roles[-2], (*roles[:-2], None, roles[-1])
        if contracted:
            return _pooled(paths, dimensions, "matrix product over space")
        return replace(paths, roles=kept)


def _bind(operation: Any, args: tuple, kwargs: dict) -> dict[str, Any]:
    """Arguments by their names in the operation's schema."""
    names = [argument.name for argument in operation._schema.arguments]
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _item(value: Any, index: int) -> int:
    if isinstance(value, list | tuple):
        return int(value[index] if len(value) > 1 else value[0])
    return int(value)


def _meet(seen: list[_Paths], dimensions: int, *, multiplicative: bool) -> _Paths:
    """Union of the paths that meet in one tensor.

    A factor without rows or columns of its own (squeeze-and-excitation) is a gate; a summand of
    that kind brings the whole image in.
    """
    padded = [(None,) * (dimensions - len(paths.roles)) + paths.roles for paths in seen]
    roles: list[str | None] = []
    for dim in range(dimensions):
        found = {each[dim] for each in padded if each[dim]}
        if len(found) > 1:
            return _lost(
                replace(seen[0], roles=(None,) * dimensions), "rows meet columns in one dimension"
            )
        roles.append(found.pop() if found else None)
    space = {role for role in roles if role}
    whole = [paths for paths, own in zip(seen, padded, strict=True) if set(own) >= space]
    parts = [paths for paths, own in zip(seen, padded, strict=True) if not set(own) >= space]
    result = replace(whole[0] if whole else seen[0], roles=tuple(roles))
    for paths in whole[1:]:
        result = replace(
            result,
            y=_union(result.y, paths.y),
            x=_union(result.x, paths.x),
            shape=max(result.shape, paths.shape),
            reach=result.reach or paths.reach,
            gate=result.gate or paths.gate,
            unknown=result.unknown or paths.unknown,
            note=result.note or paths.note,
            blocks=result.blocks or paths.blocks,
            cells=result.cells or paths.cells,
        )
    for paths in parts:
        if paths.unknown and not (paths.reach or paths.gate):
            result = replace(result, unknown=result.unknown or paths.unknown)
            continue
        cause = paths.reach or paths.gate or "values without a position"
        if multiplicative and whole:
            gate = result.gate or f"factor from {cause}"
            result = replace(result, gate=gate, unknown=result.unknown or paths.unknown)
        else:
            result = replace(
                result, reach=result.reach or cause, unknown=result.unknown or paths.unknown
            )
    return result


def _meet_loosely(seen: list[_Paths]) -> _Paths:
    """The first of several paths, with everything that is wrong with any of them."""
    return replace(
        seen[0],
        reach=next((paths.reach for paths in seen if paths.reach), ""),
        gate=next((paths.gate for paths in seen if paths.gate), ""),
        unknown=next((paths.unknown for paths in seen if paths.unknown), ""),
        note=next((paths.note for paths in seen if paths.note), ""),
        blocks=any(paths.blocks for paths in seen),
    )


def _union(one: Interval | None, two: Interval | None) -> Interval | None:
    if one is None or two is None:
        return one or two
    return one.union(two)


def _statistics(source: _Paths, first: int) -> _Paths:
    """Normalisation by statistics over the dimensions from `first` on."""
    if any(source.roles[first:]):
        return replace(source, gate=source.gate or "normalisation over space")
    return source


def _batch_norm(name: str, bound: dict, source: _Paths) -> _Paths:
    """Statistics kept from training are constants; those of the batch run over all but channels."""
    own = bound.get("running_mean") is None or bound.get("training") or name in _BATCH_STATISTICS
    if name == "_native_batch_norm_legit_no_training" or not own:
        return source
    over = source.roles[:1] + source.roles[2:]
    if any(over):
        return replace(source, gate=source.gate or "normalisation over space")
    return source


def _along(
    source: _Paths, layer: Callable[[Interval, int], Interval], moves: list[bool], reason: str
) -> _Paths:
    """Apply a window layer to those of the last dimensions that are rows or columns."""
    axes = {"y": source.y, "x": source.x}
    for i, moving in enumerate(moves):
        role = source.roles[i - len(moves)]
        if role == "yx" and moving:
            return _lost(source, reason)
        if role in axes and axes[role] is not None:
            axes[role] = layer(axes[role], i)
    return replace(source, **axes)


def _unfolded(bound: dict, source: _Paths, shape: tuple[int, ...]) -> _Paths:
    """Windows as channels, one after the other in row-major order."""
    if len(shape) != 4 or source.roles[1:] != (None, "y", "x"):
        return _lost(source, "aten.im2col over dimensions that are not rows and columns")
    options = ("kernel_size", "stride", "padding", "dilation")
    axes, sizes = [], []
    for i, axis in enumerate((source.y, source.x)):
        kernel, stride, padding, dilation = (_item(bound[key], i) for key in options)
        axes.append(axis and axis.window(kernel, stride, padding, dilation))
        sizes.append((shape[2 + i] + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1)
    roles = (source.roles[0], None, "yx")
    return replace(source, roles=roles, y=axes[0], x=axes[1], shape=(sizes[0], sizes[1]))


def _indexed(indices: list[Tensor | None], source: _Paths, known: Any) -> _Paths:
    """Channels taken by a list of their numbers; positions taken so are not followed."""
    used = [dim for dim, index in enumerate(indices) if index is not None]
    constant = all(indices[dim] not in known and indices[dim].ndim == 1 for dim in used)
    if len(used) == 1 and constant and not source.roles[used[0]]:
        return source
    return _lost(source, "positions are taken by their numbers")


def _memory(tensor: Tensor) -> Any:
    return tensor.untyped_storage()


def _unknown(tensor: Tensor) -> _Paths:
    reason = "values are written into a part of a tensor"
    return _Paths((None,) * tensor.ndim, None, None, (0, 0), unknown=reason)


def _written_to(operation: Any, args: tuple, kwargs: dict) -> list[Tensor]:
    """The tensors that an operation writes to: in place, or given as ``out``."""
    schema = operation._schema
    if not schema.is_mutable:
        return []
    bound = _bind(operation, args, kwargs)
    written = [
        argument.name
        for argument in schema.arguments
        if argument.alias_info is not None and argument.alias_info.is_write
    ]
    return [tensor for name in written for tensor in _tensors(bound.get(name))]


class _CircularPadding(TorchFunctionMode):
    """See circular padding as one operation, which it is not for PyTorch."""

    def __init__(self, watch: _Watch) -> None:
        super().__init__()
        self.watch = watch

    def __torch_function__(
        self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = kwargs or {}
        output = function(*args, **kwargs)
        if getattr(function, "__name__", "") == "pad":
            source = kwargs.get("input", args[0] if args else None)
            padding = kwargs.get("pad", args[1] if len(args) > 1 else ())
            mode = kwargs.get("mode", args[2] if len(args) > 2 else "constant")
            paths = self.watch.paths.get(source) if isinstance(source, Tensor) else None
            if mode == "circular" and paths is not None:
                note = "units at the border also see the opposite side (circular padding)"
                self.watch.paths[output] = replace(_padded(padding, paths), note=note)
        return output


def _permuted(name: str, bound: dict, roles: tuple) -> tuple:
    order = list(range(len(roles)))
    if name == "permute":
        order = [dim % len(roles) for dim in bound["dims"]]
    elif name == "t":
        order = order[::-1]
    else:
        one, two = bound["dim0"] % len(roles), bound["dim1"] % len(roles)
        order[one], order[two] = order[two], order[one]
    return tuple(roles[dim] for dim in order)


def _regroup(source: _Paths, shape: tuple[int, ...], out: tuple[int, ...]) -> _Paths:
    """Follow rows and columns through a change of shape that keeps the order of elements."""
    roles: list[str | None] = [None] * len(out)
    y, x, size = source.y, source.x, source.shape
    lost, blocks = False, source.blocks
    for ins, outs in _groups(shape, out):
        held = [source.roles[i] for i in ins if source.roles[i]]
        if not held:
            continue
        wide_in = [i for i in ins if shape[i] != 1 or source.roles[i]]
        wide_out = [j for j in outs if out[j] != 1]
        if not wide_out and len(outs) == len(wide_in):
            wide_out = list(outs)  # rows or columns of length one
        inside = [source.roles[i] for i in wide_in]
        if len(wide_in) == len(wide_out) == 1:
            roles[wide_out[0]] = inside[0]
        elif inside == ["y", "x"] and [out[j] for j in wide_out] == [shape[i] for i in wide_in]:
            roles[wide_out[0]], roles[wide_out[1]] = "y", "x"
        elif inside == ["y", "x"] and len(wide_out) == 1:
            roles[wide_out[0]] = "yx"
            size = tuple(shape[i] for i in wide_in)
        elif inside == ["yx"] and tuple(out[j] for j in wide_out) == size:
            roles[wide_out[0]], roles[wide_out[1]] = "y", "x"
        elif (
            inside in (["y", None], ["x", None]) and len(wide_out) == 1 and not source.blocks
        ):  # channels laid out as neighbouring positions, as by a pixel shuffle
            scale = Fraction(1, shape[wide_in[1]])
            roles[wide_out[0]] = inside[0]
            if inside[0] == "y":
                y = y and y.resampled(scale, "nearest")
            else:
                x = x and x.resampled(scale, "nearest")
        elif inside in (["y"], ["x"]) and len(wide_out) == 2:
            # Blocks of neighbouring positions: the block sees what its members see.
            block = out[wide_out[1]]
            blocks = True
            roles[wide_out[0]] = inside[0]
            if inside == ["y"]:
                y = y.window(block, block)
            else:
                x = x.window(block, block)
        else:
            lost = True
    paths = replace(source, roles=tuple(roles), y=y, x=x, shape=size, blocks=blocks)
    if lost and len(out) == 2 and out[0] == 1:  # one row an image
        return _pooled(paths, len(out), "flattening")
    return _lost(paths, "positions moved into other dimensions") if lost else paths


def _groups(shape: tuple[int, ...], out: tuple[int, ...]) -> list[tuple[list[int], list[int]]]:
    """Smallest runs of dimensions of equal product before and after a change of shape."""
    groups = []
    i = j = 0
    while i < len(shape) or j < len(out):
        ins = [i] if i < len(shape) else []
        outs = [j] if j < len(out) else []
        i, j = i + len(ins), j + len(outs)
        while math.prod(shape[d] for d in ins) != math.prod(out[d] for d in outs):
            if math.prod(shape[d] for d in ins) < math.prod(out[d] for d in outs):
                ins.append(i)
                i += 1
            else:
                outs.append(j)
                j += 1
        groups.append((ins, outs))
    return groups


def _parts(
    name: str, bound: dict, source: _Paths, shape: tuple[int, ...], outputs: list[Tensor]
) -> list[_Paths] | _Paths:
    dim = (bound.get("dim") or 0) % len(shape)
    role = source.roles[dim]
    if name in ("select", "unbind"):
        roles = source.roles[:dim] + source.roles[dim + 1 :]
        if role:
            return _lost(replace(source, roles=roles), "a single position is taken from the map")
        return replace(source, roles=roles)
    if not role:
        return source
    if name == "slice" and role in ("y", "x"):
        start = bound.get("start") or 0
        start = start + shape[dim] if start < 0 else start
        axis = source.y if role == "y" else source.x
        moved = axis.window(1, bound.get("step") or 1, -start)
        return replace(source, **{role: moved})
    if name == "slice" and outputs[0].shape[dim] == shape[dim]:
        return source
    return _lost(source, "the map is cut into pieces")


def _upsampled(
    name: str, bound: dict, source: _Paths, shape: tuple[int, ...], out: tuple[int, ...]
) -> _Paths:
    if not any(source.roles):  # a pooled value spread over the map
        return source
    if source.roles[-2:] != ("y", "x"):
        return _lost(source, "interpolation over dimensions that are not rows and columns")
    taps = {
        "nearest_exact": "nearest-exact", "nearest": "nearest", "bilinear": "linear",
        "bicubic": "cubic",
    }  # fmt: skip
    kind = next((tap for key, tap in taps.items() if key in name), None)
    if kind is None or "_aa" in name:
        return _lost(source, f"operation aten.{name} is not known to the tracer")
    corners = bool(bound.get("align_corners"))
    axes = []
    for axis, size, new in zip((source.y, source.x), shape[-2:], out[-2:], strict=True):
        scale = Fraction(size - 1, new - 1) if corners and new > 1 else Fraction(size, new)
        if scale == 0:
            return _pooled(source, len(out), "interpolation of a single position")
        axes.append(axis.resampled(scale, kind, corners))
    return replace(source, y=axes[0], x=axes[1])


def _padded(padding: list[int], source: _Paths) -> _Paths:
    before = {len(source.roles) - 1 - i: padding[2 * i] for i in range(len(padding) // 2)}
    after = {len(source.roles) - 1 - i: padding[2 * i + 1] for i in range(len(padding) // 2)}
    axes = {"y": source.y, "x": source.x}
    for dim, amount in before.items():
        role = source.roles[dim]
        if role == "yx" and (amount or after[dim]):
            return _lost(source, "padding of flattened positions")
        if role in axes and amount:
            axes[role] = axes[role].window(1, 1, amount)
    return replace(source, **axes)


def _shuffled(name: str, bound: dict, source: _Paths) -> _Paths:
    if source.roles[-2:] != ("y", "x"):
        return _lost(source, f"aten.{name} over dimensions that are not rows and columns")
    if name == "pixel_unshuffle":
        factor = bound["downscale_factor"]
        return replace(source, y=source.y.window(factor, factor), x=source.x.window(factor, factor))
    scale = Fraction(1, bound["upscale_factor"])
    return replace(
        source, y=source.y.resampled(scale, "nearest"), x=source.x.resampled(scale, "nearest")
    )
