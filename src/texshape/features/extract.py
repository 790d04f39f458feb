"""Activations of a network's stages on a set of images, in one pass, in batches.

Pooled activations are means over space. A transformer block gives two inputs to a read-out: the
mean patch token under the stage's name and the class token as ``STAGE.cls``. Maps are kept where
asked for. The file grows batch by batch under a temporary name, so memory does not depend on the
number of images.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from texshape.errors import InputError
from texshape.features.stored import Writer, part_name, write_shard
from texshape.models import stages as _stages
from texshape.models.stages import Layout
from texshape.shards import Shard
from texshape.transfer import Batch, OnItsWay, batches_on, passed

if TYPE_CHECKING:
    from texshape.models.network import Network

PIXELS = "pixels"
PIXEL_SIDE = 32  # the baseline that knows nothing gets images of at most this side


@dataclass(frozen=True)
class Part:
    """What a stage gives, of one kind.

    Attributes
    ----------
    stage : str
        The stage.
    name : str
        ``stage3``, ``block05.cls``, ``stage3.spatial``.
    input : str
        ``pooled``, ``cls``, ``spatial`` or ``pixels``.
    module : str
        Submodule; empty for pixels.
    layout : Layout
        Of the submodule's output.
    """

    stage: str
    name: str
    input: str
    module: str
    layout: Layout


def activations(
    network: Network,
    images: np.ndarray,
    stages: Sequence[str] | None = None,
    *,
    pool: bool = True,
    batch_size: int = 32,
    pixels: bool = False,
) -> dict[str, np.ndarray]:
    """Activations in memory.

    Parameters
    ----------
    network : Network
    images : ndarray of shape (n, height, width, 3), uint8
    stages : sequence of str, optional
        Stages or submodules; by default all stages.
    pool : bool
        True: means over space (and class tokens as ``STAGE.cls``). False: maps.
    batch_size : int
        Images at a time; the result does not depend on it beyond rounding.
    pixels : bool
        Also the images themselves, at most 32 px wide, as ``pixels``.

    Returns
    -------
    dict of str to ndarray, float32
        Pooled (n, units), or maps (n, units, height, width).

    Raises
    ------
    InputError
        If a stage does not exist, or gives no map where one is asked for.
    """
    chosen = _stages.resolve(network.module, network.stages, stages or list(network.stages))
    pooled, spatial = (list(chosen), []) if pool else ([], list(chosen))
    found: dict[str, np.ndarray] = {}
    for rows, values in _batches(
        network, images, chosen, pooled, spatial, pixels=pixels, batch_size=batch_size
    ):
        for part, array in values:
            name = part.name if pool else part.stage
            if name not in found:
                found[name] = np.empty((len(images), *array.shape[1:]), np.float32)
            found[name][rows] = array
    return found


def extract(
    network: Network,
    images: np.ndarray,
    output_dir: str | Path,
    stages: Sequence[str] | None = None,
    *,
    spatial: Sequence[str] = (),
    pixels: bool = True,
    batch_size: int = 32,
    shard: Shard | None = None,
) -> list[dict[str, Any]]:
    """Write the activations of a set of images, or of a shard of it, to a folder.

    Parameters
    ----------
    network : Network
    images : ndarray of shape (n, height, width, 3), uint8
        The whole set; may be memory-mapped.
    output_dir : path
        Gets the files of `texshape.features.stored`: a row an image, and the columns of each stage
        and class token, of the maps of each stage in `spatial`, and of the pixels. They appear when
        all rows are complete, or not at all.
    stages : sequence of str, optional
        Stages or submodules; by default all stages.
    spatial : sequence of str
        Stages whose maps are kept too.
    pixels : bool
        Also the raw pixels at a side of at most 32 px, as a baseline.
    batch_size : int
    shard : Shard, optional
        Only these images. It begins at a multiple of the batch size, so all shards together hold
        the same values as one pass.

    Returns
    -------
    list of dict
        The rows of ``stages.csv``, but for the check sum.

    Raises
    ------
    InputError
        If a stage does not exist, or gives no map where one is asked for, or a file cannot be
        written, or there are more shards than batches.
    """
    if not len(images):
        raise InputError("features need at least one image, found none")
    wanted = list(stages) if stages else list(network.stages)
    chosen = _stages.resolve(network.module, network.stages, [*wanted, *spatial])
    if not chosen and not pixels:
        raise InputError(f"{network.name}: no stages are known; name submodules")
    shown = _of_shard(images, shard, batch_size)
    with Writer(output_dir, len(shown)) as writer:
        for _, values in _batches(
            network, shown, chosen, wanted, spatial, pixels=pixels, batch_size=batch_size
        ):
            writer.append([(_describe(part, array), array) for part, array in values])
    if shard is not None:
        write_shard(output_dir, shard, len(images))
    return writer.table


def extract_pixels(
    images: np.ndarray,
    output_dir: str | Path,
    *,
    batch_size: int = 32,
    shard: Shard | None = None,
) -> list[dict[str, Any]]:
    """Write the pixels alone, as `extract` stores them: all there is of a network that cannot be had."""
    if not len(images):
        raise InputError("features need at least one image, found none")
    shown = _of_shard(images, shard, batch_size)
    host = torch.device("cpu")
    with Writer(output_dir, len(shown)) as writer, batches_on(host, shown, batch_size) as made:
        for batch in made:
            part, values = _pixels(batch.pixels)
            writer.append([(_describe(part, values), values)])
    if shard is not None:
        write_shard(output_dir, shard, len(images))
    return writer.table


def _of_shard(images: np.ndarray, shard: Shard | None, batch_size: int) -> np.ndarray:
    """The images of a shard; all where there is none."""
    if shard is None:
        return images
    rows = shard.range(len(images), max(1, batch_size))
    if not rows:
        raise InputError(
            f"shard {shard.number} of {shard.total}: has no image; "
            f"{len(images)} images are {-(-len(images) // batch_size)} batches of {batch_size}"
        )
    return images[rows.start : rows.stop]


def pixel_baseline(images: np.ndarray) -> np.ndarray:
    """Raw pixels: averaged down to at most 32 px a side, flattened.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, 3), uint8

    Returns
    -------
    ndarray of shape (n, 3 * side * side), float32 in [0, 1]
    """
    values = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255
    side = [min(PIXEL_SIDE, length) for length in values.shape[-2:]]
    if list(values.shape[-2:]) != side:
        values = functional.interpolate(values, side, mode="bilinear", antialias=True)
    return values.flatten(1).numpy()


def _batches(
    network: Network,
    images: np.ndarray,
    chosen: Mapping[str, str],
    pooled: Sequence[str],
    spatial: Sequence[str],
    *,
    pixels: bool,
    batch_size: int,
) -> Iterator[tuple[slice, list[tuple[Part, np.ndarray]]]]:
    """Yield the rows of a batch and what each stage gives for them."""
    module = network.module
    if module.training:
        raise InputError(f"{network.name}: is in training mode; activations need evaluation mode")
    if batch_size < 1:
        raise InputError(f"batch size: expected an integer >= 1, found {batch_size}")

    def reduce(stage: str, output: Tensor) -> list[tuple[Part, OnItsWay]]:
        form = _stages.layout(module, chosen[stage], output.shape)
        # copied, not viewed: a later layer may work in place
        return [
            (Part(stage, name, kind, chosen[stage], form), OnItsWay(values))
            for name, kind, values in _reduced(
                stage, output, form, stage in pooled, stage in spatial
            )
        ]

    def shown(batch: Batch) -> list[tuple[Part, OnItsWay]]:
        if not chosen:
            return []
        outputs.clear()
        with torch.no_grad():
            module(network.preprocess(batch.images.contiguous()))
        silent = [stage for stage in chosen if stage not in outputs]
        if silent:
            raise InputError(
                f"stage '{silent[0]}': submodule '{chosen[silent[0]]}' is not called "
                "in a forward pass"
            )
        return [found for stage in chosen for found in outputs[stage]]

    with _stages.captured(module, chosen, reduce) as outputs:
        for batch, found in passed(network.device, images, batch_size, shown):
            arrays = [(part, values.array()) for part, values in found]
            if pixels:
                arrays.append(_pixels(batch.pixels))
            yield batch.rows, arrays


def _pixels(batch: np.ndarray) -> tuple[Part, np.ndarray]:
    """The baseline's part of a batch, and its values."""
    values = pixel_baseline(batch)
    side = [min(PIXEL_SIDE, length) for length in batch.shape[1:3]]
    return Part(PIXELS, PIXELS, PIXELS, "", Layout("pixels", values.shape[1], *side)), values


def _reduced(
    stage: str, output: Tensor, form: Layout, pooled: bool, spatial: bool
) -> list[tuple[str, str, Tensor]]:
    """What is kept of a stage's output: name, kind, values."""
    kept = []
    if form.kind == "vector":
        if spatial:
            raise InputError(f"stage '{stage}': gives a vector of {form.units} units and no map")
        return [(stage, "pooled", output)]
    if form.kind == "tokens":
        patches = output[:, form.prefix :]
        if pooled:
            kept.append((stage, "pooled", patches.mean(1)))
            if form.class_token:
                kept.append((part_name(stage, "cls"), "cls", output[:, 0]))
        if spatial:
            if not form.spatial:
                raise InputError(
                    f"stage '{stage}': its {patches.shape[1]} tokens form no square map"
                )
            grid = patches.transpose(1, 2).unflatten(2, (form.height, form.width))
            kept.append((part_name(stage, "spatial"), "spatial", grid))
        return kept
    maps = output.permute(0, 3, 1, 2) if form.kind == "map_last" else output
    if pooled:
        kept.append((stage, "pooled", maps.float().mean((2, 3))))
    if spatial:
        if maps.shape[2:] == (1, 1):
            raise InputError(f"stage '{stage}': gives a map of 1 x 1, which shows no place")
        kept.append((part_name(stage, "spatial"), "spatial", maps))
    return kept


def _describe(part: Part, array: np.ndarray) -> dict[str, Any]:
    kind = "class_token" if part.input == "cls" else part.layout.kind
    return {
        "stage": part.stage,
        "input": part.input,
        "module": part.module,
        "kind": "map" if kind == "map_last" else kind,
        "units": array.shape[1],
        "height": part.layout.height,
        "width": part.layout.width,
    }
