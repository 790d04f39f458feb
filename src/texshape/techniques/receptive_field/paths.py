"""What the paths from the image to a tensor let its elements see, and what each kind of operation makes of it.

`texshape.techniques.receptive_field.theoretical` watches a network and asks these functions, one a kind of
operation: from the paths of its arguments to those of its result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from torch import Tensor

from texshape.techniques.receptive_field.interval import Interval


@dataclass(frozen=True)
class Paths:
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


def pooled(paths: Paths, dimensions: int, reason: str) -> Paths:
    """All of the image reaches each element, by an operation with that name."""
    return replace(paths, roles=(None,) * dimensions, y=None, x=None, reach=paths.reach or reason)


def lost(paths: Paths, reason: str) -> Paths:
    """What is seen is not known any more, with the reason."""
    if paths.reach:  # no operation makes the whole image bounded again
        return paths
    return replace(paths, unknown=paths.unknown or reason)


# Those of them that have no statistics of their own, whatever their arguments say.
_BATCH_STATISTICS = {"_batch_norm_with_update", "_batch_norm_with_update_functional"}


def item(value: Any, index: int) -> int:
    """The value along one axis of an argument that is one number or one each axis."""
    if isinstance(value, list | tuple):
        return int(value[index] if len(value) > 1 else value[0])
    return int(value)


def meet(seen: list[Paths], dimensions: int, *, multiplicative: bool) -> Paths:
    """Union of the paths that meet in one tensor.

    A factor without rows or columns of its own (squeeze-and-excitation) is a gate; a summand of
    that kind brings the whole image in.
    """
    padded = [(None,) * (dimensions - len(paths.roles)) + paths.roles for paths in seen]
    roles: list[str | None] = []
    for dim in range(dimensions):
        found = {each[dim] for each in padded if each[dim]}
        if len(found) > 1:
            return lost(
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


def meet_loosely(seen: list[Paths]) -> Paths:
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


def statistics(source: Paths, first: int) -> Paths:
    """Normalisation by statistics over the dimensions from `first` on."""
    if any(source.roles[first:]):
        return replace(source, gate=source.gate or "normalisation over space")
    return source


def batch_norm(name: str, bound: dict, source: Paths) -> Paths:
    """Statistics kept from training are constants; those of the batch run over all but channels."""
    own = bound.get("running_mean") is None or bound.get("training") or name in _BATCH_STATISTICS
    if name == "_native_batch_norm_legit_no_training" or not own:
        return source
    over = source.roles[:1] + source.roles[2:]
    if any(over):
        return replace(source, gate=source.gate or "normalisation over space")
    return source


def along(
    source: Paths, layer: Callable[[Interval, int], Interval], moves: list[bool], reason: str
) -> Paths:
    """Apply a window layer to those of the last dimensions that are rows or columns."""
    axes = {"y": source.y, "x": source.x}
    for i, moving in enumerate(moves):
        role = source.roles[i - len(moves)]
        if role == "yx" and moving:
            return lost(source, reason)
        if role in axes and axes[role] is not None:
            axes[role] = layer(axes[role], i)
    return replace(source, **axes)


def unfolded(bound: dict, source: Paths, shape: tuple[int, ...]) -> Paths:
    """Windows as channels, one after the other in row-major order."""
    if len(shape) != 4 or source.roles[1:] != (None, "y", "x"):
        return lost(source, "aten.im2col over dimensions that are not rows and columns")
    options = ("kernel_size", "stride", "padding", "dilation")
    axes, sizes = [], []
    for i, axis in enumerate((source.y, source.x)):
        kernel, stride, padding, dilation = (item(bound[key], i) for key in options)
        axes.append(axis and axis.window(kernel, stride, padding, dilation))
        sizes.append((shape[2 + i] + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1)
    roles = (source.roles[0], None, "yx")
    return replace(source, roles=roles, y=axes[0], x=axes[1], shape=(sizes[0], sizes[1]))


def indexed(indices: list[Tensor | None], source: Paths, known: Any) -> Paths:
    """Channels taken by a list of their numbers; positions taken so are not followed."""
    used = [dim for dim, index in enumerate(indices) if index is not None]
    constant = all(indices[dim] not in known and indices[dim].ndim == 1 for dim in used)
    if len(used) == 1 and constant and not source.roles[used[0]]:
        return source
    return lost(source, "positions are taken by their numbers")


def permuted(name: str, bound: dict, roles: tuple) -> tuple:
    """The roles of dimensions that change places."""
    order = list(range(len(roles)))
    if name == "permute":
        order = [dim % len(roles) for dim in bound["dims"]]
    elif name == "t":
        order = order[::-1]
    else:
        one, two = bound["dim0"] % len(roles), bound["dim1"] % len(roles)
        order[one], order[two] = order[two], order[one]
    return tuple(roles[dim] for dim in order)


def regroup(source: Paths, shape: tuple[int, ...], out: tuple[int, ...]) -> Paths:
    """Follow rows and columns through a change of shape that keeps the order of elements."""
    roles: list[str | None] = [None] * len(out)
    y, x, size = source.y, source.x, source.shape
    scattered, blocks = False, source.blocks
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
            scattered = True
    paths = replace(source, roles=tuple(roles), y=y, x=x, shape=size, blocks=blocks)
    if scattered and len(out) == 2 and out[0] == 1:  # one row an image
        return pooled(paths, len(out), "flattening")
    return lost(paths, "positions moved into other dimensions") if scattered else paths


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


def parts(
    name: str, bound: dict, source: Paths, shape: tuple[int, ...], outputs: list[Tensor]
) -> list[Paths] | Paths:
    """The paths of the tensors that a map is cut into, or of one position."""
    dim = (bound.get("dim") or 0) % len(shape)
    role = source.roles[dim]
    if name in ("select", "unbind"):
        roles = source.roles[:dim] + source.roles[dim + 1 :]
        if role:
            return lost(replace(source, roles=roles), "a single position is taken from the map")
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
    return lost(source, "the map is cut into pieces")


def upsampled(
    name: str, bound: dict, source: Paths, shape: tuple[int, ...], out: tuple[int, ...]
) -> Paths:
    """Paths through interpolation to another size."""
    if not any(source.roles):  # a pooled value spread over the map
        return source
    if source.roles[-2:] != ("y", "x"):
        return lost(source, "interpolation over dimensions that are not rows and columns")
    taps = {
        "nearest_exact": "nearest-exact", "nearest": "nearest", "bilinear": "linear",
        "bicubic": "cubic",
    }  # fmt: skip
    kind = next((tap for key, tap in taps.items() if key in name), None)
    if kind is None or "_aa" in name:
        return lost(source, f"operation aten.{name} is not known to the tracer")
    corners = bool(bound.get("align_corners"))
    axes = []
    for axis, size, new in zip((source.y, source.x), shape[-2:], out[-2:], strict=True):
        scale = Fraction(size - 1, new - 1) if corners and new > 1 else Fraction(size, new)
        if scale == 0:
            return pooled(source, len(out), "interpolation of a single position")
        axes.append(axis.resampled(scale, kind, corners))
    return replace(source, y=axes[0], x=axes[1])


def padded(padding: list[int], source: Paths) -> Paths:
    """Paths of a map with borders added or cut off."""
    before = {len(source.roles) - 1 - i: padding[2 * i] for i in range(len(padding) // 2)}
    after = {len(source.roles) - 1 - i: padding[2 * i + 1] for i in range(len(padding) // 2)}
    axes = {"y": source.y, "x": source.x}
    for dim, amount in before.items():
        role = source.roles[dim]
        if role == "yx" and (amount or after[dim]):
            return lost(source, "padding of flattened positions")
        if role in axes and amount:
            axes[role] = axes[role].window(1, 1, amount)
    return replace(source, **axes)


def shuffled(name: str, bound: dict, source: Paths) -> Paths:
    """Paths where positions become channels in blocks, or come back."""
    if source.roles[-2:] != ("y", "x"):
        return lost(source, f"aten.{name} over dimensions that are not rows and columns")
    if name == "pixel_unshuffle":
        factor = bound["downscale_factor"]
        return replace(source, y=source.y.window(factor, factor), x=source.x.window(factor, factor))
    scale = Fraction(1, bound["upscale_factor"])
    return replace(
        source, y=source.y.resampled(scale, "nearest"), x=source.x.resampled(scale, "nearest")
    )
