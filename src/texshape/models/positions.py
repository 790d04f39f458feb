"""A stage's activations as positions with channels, whatever it passes on: maps, tokens or vectors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from texshape.errors import InputError
from texshape.models.network import Network
from texshape.models.preprocessing import batches
from texshape.models.stages import Layout, captured, layout


@dataclass(frozen=True)
class Group:
    """Positions of a stage that are treated alike: all positions, the patches, or the class token.

    Attributes
    ----------
    name : str
        ``positions``, ``patches`` or ``class token``.
    start, stop : int or None
        Slice of the positions; maps and vectors have one group of all.
    """

    name: str
    start: int | None = None
    stop: int | None = None


def groups(form: Layout) -> list[Group]:
    """Groups of a stage's tokens; registers belong to none and stay as they are."""
    if form.kind != "tokens":
        return [Group("positions")]
    patches = [Group("patches", form.prefix, None)]
    return [*patches, Group("class token", 0, 1)] if form.class_token else patches


def flat(output: Tensor, form: Layout) -> Tensor:
    """Any stage's output as (B, positions, channels)."""
    if form.kind == "map":
        return output.flatten(2).transpose(1, 2)
    if form.kind == "map_last":
        return output.flatten(1, 2)
    return output[:, None] if form.kind == "vector" else output


def restored(values: Tensor, output: Tensor, form: Layout) -> Tensor:
    """Back from (V * B, positions, channels) to the layout of the stage's output of shape (B, ...)."""
    if form.kind == "map":
        return values.transpose(1, 2).reshape(-1, *output.shape[1:])
    return values.reshape(-1, *output.shape[1:])


def activations(
    network: Network, path: str, images: np.ndarray, rows: np.ndarray, batch_size: int
) -> Iterator[tuple[np.ndarray, Tensor, Layout]]:
    """What a stage passes on of some images, batch by batch.

    Parameters
    ----------
    network : Network
    path : str
        Submodule.
    images : ndarray of shape (n, height, width, 3), uint8
    rows : ndarray of shape (m,), int
        Images to show.
    batch_size : int

    Yields
    ------
    (ndarray of shape (B,), Tensor of shape (B, positions, channels), Layout)
        Places in `rows`, their activations, and how the stage lays them out.

    Raises
    ------
    InputError
        If a forward pass does not call the submodule.
    """
    with captured(network.module, {path: path}) as outputs:
        for places, batch in batches(images, rows, batch_size):
            outputs.clear()
            network.module(network.preprocess(batch.to(network.device)))
            if path not in outputs:
                raise InputError(f"stage '{path}': is not called in a forward pass")
            form = layout(network.module, path, outputs[path].shape)
            yield places, flat(outputs[path], form), form
