"""Activation maps of a frozen network's stages, computed once for a set of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from texshape.errors import InputError
from texshape.models.stages import captured, layout, resolve

if TYPE_CHECKING:
    from texshape.models.network import Network


def as_map(output: Tensor | None, module: nn.Module, name: str) -> Tensor | None:
    """Lay a submodule's output out as a map (B, C, h, w), or None where it has no two places.

    Tokens (B, T, D) of a transformer go onto their square grid, class and register tokens left out;
    channels that come last are moved.
    """
    if output is None:
        return None
    try:
        shape = layout(module, name, output.shape)
    except InputError:
        return None
    if not shape.spatial or shape.height * shape.width < 2:
        return None
    if shape.kind == "tokens":
        grid = output[:, shape.prefix :].unflatten(1, (shape.height, shape.width))
        return grid.movedim(-1, 1)
    return output.movedim(-1, 1) if shape.kind == "map_last" else output


def choose(network: Network, stages: Sequence[str] | None = None) -> dict[str, str]:
    """Stage to submodule, all stages by default.

    Raises
    ------
    InputError
        If the network has no stage of that name, or none is known.
    """
    if not stages and not network.stages:
        raise InputError(f"{network.name}: no stages are known; name them in the settings")
    return resolve(network.module, network.stages, list(stages or network.stages))


@torch.no_grad()
def cache(
    network: Network,
    images: np.ndarray,
    *,
    stages: Sequence[str] | None = None,
    batch_size: int = 64,
    folder: Path | None = None,
) -> dict[str, np.ndarray | None]:
    """Activation maps of all images, the network in evaluation mode.

    Batch normalisation uses, and keeps, the statistics of its training: a read-out asks what a
    network holds, and a network whose statistics move is another network.

    Parameters
    ----------
    network : Network
    images : ndarray of shape (n, height, width, 3), uint8
    stages : sequence of str, optional
    batch_size : int
    folder : Path, optional
        Where to keep the maps as memory-mapped files; in memory by default.

    Returns
    -------
    dict of str to ndarray of shape (n, channels, h, w) float32, or None
        None where the stage's activation is no map.
    """
    chosen = choose(network, stages)
    network.module.eval()
    kept: dict[str, np.ndarray | None] = dict.fromkeys(chosen)
    with captured(network.module, chosen) as outputs:
        for start in range(0, len(images), batch_size):
            batch = torch.from_numpy(np.array(images[start : start + batch_size])).movedim(-1, 1)
            network.module(network.preprocess(batch.to(network.device)))
            for stage, name in chosen.items():
                now = as_map(outputs.get(stage), network.module, name)
                if now is None:
                    continue
                if kept[stage] is None:
                    kept[stage] = _store(folder, stage, len(images), now)
                kept[stage][start : start + len(now)] = now.float().cpu().numpy()
    return kept


def _store(folder: Path | None, stage: str, count: int, like: Tensor) -> np.ndarray:
    shape = (count, *like.shape[1:])
    if folder is None:
        return np.empty(shape, np.float32)
    path = folder / f"{stage}.npy"
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
