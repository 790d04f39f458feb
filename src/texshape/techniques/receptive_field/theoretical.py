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

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from texshape.devices import is_of_device
from texshape.errors import InputError, UnmeasurableError, first_line
from texshape.techniques.receptive_field import operations
from texshape.techniques.receptive_field.interval import Interval
from texshape.techniques.receptive_field.paths import (
    Paths,
    along,
    batch_norm,
    indexed,
    item,
    lost,
    meet,
    meet_loosely,
    padded,
    parts,
    permuted,
    pooled,
    regroup,
    shuffled,
    statistics,
    unfolded,
    upsampled,
)


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
    found: dict[str, Paths | None] = {}
    modes = {each: each.training for each in module.modules()}
    module.eval()
    watch = _Watch()

    def note(stage: str) -> Callable:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            tensors = operations.tensors_in(output)
            found[stage] = watch.paths.get(tensors[0]) if tensors else None

        return hook

    hooks = [submodules[name].register_forward_hook(note(stage)) for stage, name in stages.items()]
    try:
        output = _run(module, watch, image_size)
    except (RuntimeError, ValueError, AssertionError, NotImplementedError) as error:
        if is_of_device(error):
            raise
        raise UnmeasurableError(
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
        tensors = operations.tensors_in(output)
        last = watch.paths.get(tensors[0]) if tensors else None
    return Traced(results, _result(last))


def _run(module: nn.Module, watch: _Watch, image_size: int) -> Any:
    tensors = chain(module.parameters(), module.buffers())
    like = next((each for each in tensors if each.is_floating_point()), torch.zeros(()))
    images = torch.zeros(1, 3, image_size, image_size, dtype=like.dtype, device=like.device)
    watch.paths[images] = Paths(
        (None, None, "y", "x"), Interval(), Interval(), (image_size, image_size)
    )
    with torch.no_grad(), watch, _CircularPadding(watch):
        return module(images)


def _result(paths: Paths | None) -> ReceptiveField:
    if paths is None:
        return ReceptiveField(None, None, reason="not computed from the image")
    if paths.reach:
        return ReceptiveField(None, None, is_global=True, reason=paths.reach)
    if paths.unknown:
        return ReceptiveField(None, None, reason=paths.unknown)
    if paths.gate:
        return ReceptiveField(paths.y, paths.x, is_global=True, reason=paths.gate)
    return ReceptiveField(paths.y, paths.x, reason=paths.note)


class _Watch(TorchDispatchMode):
    """Follow every operation and keep, for each tensor, what it sees of the image."""

    def __init__(self) -> None:
        super().__init__()
        self.paths: Any = WeakTensorKeyDictionary()
        self.last_map: Paths | None = None
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
        tensors = operations.tensors_in([args, kwargs])
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
        seen: list[Paths],
        shapes: dict[int, tuple],
    ) -> None:
        outputs = operations.tensors_in(output)
        if not outputs or name in operations.SHAPE_ONLY:
            return
        bound = operations.bind(operation, args, kwargs)
        first = next((value for value in bound.values() if isinstance(value, Tensor)), None)
        source = self.paths.get(first) if first is not None else None
        shape = shapes.get(id(first), ())
        results: list[Paths] | Paths
        try:
            if (
                name in operations.PRODUCTS
                or name in operations.ELEMENTWISE
                or torch.Tag.pointwise in operation.tags
            ):
                results = self._elementwise(name, bound, outputs[0])
            elif name in operations.NORMS and source is not None:
                results = batch_norm(name, bound, source)
            elif source is None and name not in ("cat", "stack", "copy_", "addmm", "mm", "bmm"):
                if name == "convolution" and not any("y" in s.roles for s in seen):
                    results = seen[0]
                else:
                    results = lost(seen[0], f"operation aten.{name} is not known to the tracer")
            else:
                results = self._structural(name, bound, source, shape, outputs, seen)
        except ValueError as error:  # from Interval.union
            results = lost(seen[0], str(error))
        if isinstance(results, Paths):
            results = [results] * len(outputs)
        for tensor, paths in zip(outputs, results, strict=True):
            if not tensor.numel():  # working memory that an operation returns unused
                continue
            if len(paths.roles) != tensor.ndim:
                paths = replace(paths, roles=(None,) * tensor.ndim)
                if not (paths.reach or paths.unknown):
                    paths = lost(paths, f"dimensions are lost in aten.{name}")
            self.paths[tensor] = paths
            mixed = paths.reach in operations.MIXING and all(
                paths.reach != past.reach for past in seen
            )
            if mixed or (paths.unknown and not any(past.unknown for past in seen)):
                self.last_map = paths  # unless a bounded map is pooled later

    def _candidate(self, paths: Paths) -> None:
        """Remember the map that a pooling or flattening of the whole image takes in."""
        if paths.is_map and not paths.cells:
            self.last_map = paths

    # -- operations that keep the positions as they are -------------------------------------------

    def _elementwise(self, name: str, bound: dict[str, Any], output: Tensor) -> Paths:
        if name in ("addcmul", "addcmul_", "addcdiv", "addcdiv_"):
            factors = self._meet(
                [bound["tensor1"], bound["tensor2"]], output.ndim, multiplicative=True
            )
            tensors = [self.paths.get(bound["self"]), factors]
            return meet([paths for paths in tensors if paths], output.ndim, multiplicative=False)
        return self._meet(
            operations.tensors_in(list(bound.values())),
            output.ndim,
            multiplicative=name in operations.PRODUCTS,
        )

    def _meet(
        self, tensors: list[Tensor], dimensions: int, *, multiplicative: bool
    ) -> Paths | None:
        seen = [self.paths[tensor] for tensor in tensors if tensor in self.paths]
        return meet(seen, dimensions, multiplicative=multiplicative) if seen else None

    # -- operations that move, widen or mix positions ---------------------------------------------

    def _structural(
        self,
        name: str,
        bound: dict[str, Any],
        source: Paths | None,
        shape: tuple[int, ...],
        outputs: list[Tensor],
        seen: list[Paths],
    ) -> list[Paths] | Paths:
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
        if name in operations.REDUCTIONS:
            return self._reduction(bound, source, shape, out)
        if name in ("view", "_unsafe_view", "reshape", "_reshape_alias", "flatten", "unflatten"):
            paths = regroup(source, shape, out)
            if paths.reach == "flattening" and not source.reach:
                self._candidate(source)
            return paths
        if name in ("as_strided_", "as_strided"):  # contiguity fixes of squeezed tensors
            return source if out == shape else regroup(source, shape, out)
        if name in ("permute", "transpose", "t", "numpy_T", "swapaxes"):
            return replace(source, roles=permuted(name, bound, source.roles))
        if name in ("squeeze", "squeeze_", "unsqueeze", "unsqueeze_"):
            return regroup(source, shape, out)
        if name == "expand":
            return replace(source, roles=(None,) * (len(out) - len(shape)) + source.roles)
        if name in ("slice", "narrow", "select", "split", "split_with_sizes", "chunk", "unbind"):
            return parts(name, bound, source, shape, outputs)
        if name in ("cat", "stack"):
            return self._concatenation(name, bound, len(out))
        if name in operations.FACTORS:
            return self._product(name, bound, len(out), seen)
        if "scaled_dot_product" in name and not any(
            role for paths in seen for role in paths.roles[-2:]
        ):  # among the members of a block, each of which sees all of it
            return meet(seen, len(out), multiplicative=True)
        if "scaled_dot_product" in name or name in operations.ATTENTION:
            return pooled(meet_loosely(seen), len(out), "attention")
        if name == "native_layer_norm":
            return statistics(source, len(shape) - len(bound["normalized_shape"]))
        if name in ("native_group_norm", "instance_norm"):
            return statistics(source, 2)
        if name == "_fused_rms_norm":
            return statistics(source, len(shape) - len(bound["normalized_shape"]))
        if name in ("_softmax", "softmax", "_safe_softmax", "_log_softmax"):
            if source.roles[bound["dim"] % len(shape)]:
                return replace(source, reach=source.reach or "softmax over space")
            return source
        if name.startswith(("upsample_", "_upsample_")):
            return upsampled(name, bound, source, shape, out)
        if name in ("constant_pad_nd", "reflection_pad2d", "replication_pad2d"):
            return padded(bound["pad" if name == "constant_pad_nd" else "padding"], source)
        if name == "roll" and any(source.roles):
            dims = [dim % len(shape) for dim in bound["dims"]] or range(len(shape))
            if not any(source.roles[dim] for dim in dims):
                return source
            return lost(source, "cyclic shift of positions")
        if name in ("pixel_shuffle", "pixel_unshuffle"):
            return shuffled(name, bound, source)
        if name in ("channel_shuffle", "native_channel_shuffle") and not source.roles[1]:
            return source
        if name == "im2col":
            return unfolded(bound, source, shape)
        if name in operations.ALONG:
            dims = bound.get("dim", bound.get("dims", -1))  # the last where left out
            dims = [dims] if isinstance(dims, int) else dims
            if not any(source.roles[dim % len(shape)] for dim in dims):
                return source
            return lost(source, f"operation aten.{name} is not known along rows or columns")
        if name == "index":
            return indexed(bound["indices"], source, self.paths)
        if name == "repeat" and len(bound["repeats"]) == len(shape):
            repeated = [dim for dim, times in enumerate(bound["repeats"]) if times != 1]
            if not any(source.roles[dim] for dim in repeated):
                return source
            return lost(source, "the map is repeated")
        if name.startswith("fractional_max_pool"):
            return lost(source, "fractional pooling draws its regions at random")
        if name == "copy_":
            return self.paths.get(bound["src"]) or seen[0]
        return lost(meet_loosely(seen), f"operation aten.{name} is not known to the tracer")

    def _convolution(self, bound: dict, source: Paths, shape: tuple[int, ...]) -> Paths:
        if bound["weight"] in self.paths:  # weights computed from the image act as a factor
            dynamic = self.paths[bound["weight"]]
            source = replace(source, gate=source.gate or dynamic.reach or "dynamic weights")
        kernel = tuple(bound["weight"].shape[2:])
        if source.roles[1]:
            return pooled(source, len(shape), "convolution with positions as channels")

        def layer(axis: Interval, i: int) -> Interval:
            stride, padding, dilation = (
                item(bound[key], i) for key in ("stride", "padding", "dilation")
            )
            if bound["transposed"]:
                return axis.transposed(kernel[i], stride, padding, dilation)
            return axis.window(kernel[i], stride, padding, dilation)

        strides = [item(bound["stride"], i) for i in range(len(kernel))]
        moves = [size > 1 or stride > 1 for size, stride in zip(kernel, strides, strict=True)]
        return along(source, layer, moves, "convolution over flattened positions")

    def _pooling(
        self,
        bound: dict,
        source: Paths,
        shape: tuple[int, ...],
        out: tuple[int, ...],
        dimensions: int,
    ) -> Paths:
        if not any(source.roles):
            return source
        kernels = [item(bound["kernel_size"], i) for i in range(dimensions)]
        space = [i for i in range(dimensions) if source.roles[i - dimensions]]
        if space and all(
            out[i - dimensions] == 1 and kernels[i] >= shape[i - dimensions] for i in space
        ):
            self._candidate(source)
            if not any(source.roles[:-dimensions]):
                return pooled(source, len(out), "pooling over space")
            roles = (*source.roles[:-dimensions], *(None,) * dimensions)
            return replace(source, roles=roles, reach=source.reach or "pooling over space")
        strides = bound["stride"] if bound.get("stride") not in (None, [], ()) else kernels

        def layer(axis: Interval, i: int) -> Interval:
            return axis.window(
                kernels[i],
                item(strides, i),
                item(bound.get("padding") or 0, i),
                item(bound.get("dilation") or 1, i),
            )

        moves = [kernel > 1 or item(strides, i) > 1 for i, kernel in enumerate(kernels)]
        return along(source, layer, moves, "pooling over flattened positions")

    def _adaptive_pooling(
        self, source: Paths, shape: tuple[int, ...], out: tuple[int, ...]
    ) -> Paths:
        """Cells of a fixed number: local where there are several along rows and along columns."""
        changed = [dim for dim in range(len(shape)) if out[dim] != shape[dim]]
        if not any(source.roles[dim] for dim in changed):
            return source
        self._candidate(source)
        if any(source.roles[dim] and out[dim] == 1 for dim in changed):
            return pooled(source, len(out), "adaptive pooling")
        paths = replace(source, cells=True)
        for dim in changed:
            role = source.roles[dim]
            if role == "yx":
                return lost(source, "pooling over flattened positions")
            if role:
                axis = source.y if role == "y" else source.x
                if axis is not None:
                    paths = replace(paths, **{role: axis.pooled_to(shape[dim], out[dim])})
        return paths

    def _reduction(
        self, bound: dict, source: Paths, shape: tuple[int, ...], out: tuple[int, ...]
    ) -> Paths:
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

    def _concatenation(self, name: str, bound: dict, dimensions: int) -> Paths:
        tensors = operations.tensors_in(bound["tensors"])
        seen = [self.paths[tensor] for tensor in tensors if tensor in self.paths]
        dim = bound.get("dim") or 0
        if name == "stack":
            dim %= dimensions
            seen = [replace(p, roles=(*p.roles[:dim], None, *p.roles[dim:])) for p in seen]
        paths = meet(seen, dimensions, multiplicative=False)
        if paths.roles[dim % dimensions]:
            return pooled(paths, dimensions, "tokens joined to the positions")
        return paths

    def _product(self, name: str, bound: dict, dimensions: int, seen: list[Paths]) -> Paths:
        one, two = operations.FACTORS[name]
        left, right = bound[one], bound[two]
        known = [tensor in self.paths for tensor in (left, right)]
        if all(known):
            both = [self.paths[left], self.paths[right]]
            if name in ("bmm", "matmul", "baddbmm") and not any(
                role for paths in both for role in paths.roles[-2:]
            ):  # a product for each position, or among the members of a block
                return meet(both, dimensions, multiplicative=True)
            paths = meet_loosely(both)
            spatial = any(self.paths[left].roles) or any(self.paths[right].roles)
            return (
                pooled(paths, dimensions, "attention")
                if spatial
                else replace(paths, roles=(None,) * dimensions)
            )
        if not any(known):  # only the added bias comes from the image
            return lost(seen[0], f"operation aten.{name} of constants is not known to the tracer")
        paths = self.paths[left if known[0] else right]
        roles = paths.roles
        if known[0]:
            contracted, kept = roles[-1], (*roles[:-1], None)
        else:
            contracted, kept = roles[-2], (*roles[:-2], None, roles[-1])
        if contracted:
            return pooled(paths, dimensions, "matrix product over space")
        return replace(paths, roles=kept)


def _memory(tensor: Tensor) -> Any:
    return tensor.untyped_storage()


def _unknown(tensor: Tensor) -> Paths:
    reason = "values are written into a part of a tensor"
    return Paths((None,) * tensor.ndim, None, None, (0, 0), unknown=reason)


def _written_to(operation: Any, args: tuple, kwargs: dict) -> list[Tensor]:
    """The tensors that an operation writes to: in place, or given as ``out``."""
    schema = operation._schema
    if not schema.is_mutable:
        return []
    bound = operations.bind(operation, args, kwargs)
    written = [
        argument.name
        for argument in schema.arguments
        if argument.alias_info is not None and argument.alias_info.is_write
    ]
    return [tensor for name in written for tensor in operations.tensors_in(bound.get(name))]


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
                self.watch.paths[output] = replace(padded(padding, paths), note=note)
        return output
