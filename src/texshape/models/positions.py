"""A stage's activations as positions with channels, whatever it passes on: maps, tokens or vectors."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from texshape.models.stages import Layout


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
