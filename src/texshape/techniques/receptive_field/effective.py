"""Effective receptive field: how much of the theoretical one a network uses (Luo et al. 2016).

For each image the gradient of the central unit of a stage (summed over the stage's channels) is
taken with respect to the pixels; its absolute value, summed over the input's channels and averaged
over images, is a map of influence. The effective receptive field is the side of the smallest
centred square that holds 95 % of that map. The absolute value comes first: gradients of opposite
sign in two images do not cancel.

References
----------
Luo, Li, Urtasun and Zemel (2016), Understanding the effective receptive field in deep convolutional
neural networks, arXiv 1701.04128.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from texshape.techniques.receptive_field.square import MASS, square_side
from texshape.techniques.receptive_field.theoretical import ReceptiveField


@dataclass(frozen=True)
class Influence:
    """Mean absolute gradient of one stage's central unit.

    Attributes
    ----------
    map : ndarray of shape (height, width), float64, or None
        Zero-sum maps and outputs that are no map have none.
    centre : tuple of float
        Row and column, in pixels, that the unit is centred on.
    n_images : int
    reason : str
        Why there is no map.
    """

    map: np.ndarray | None
    centre: tuple[float, float]
    n_images: int
    reason: str = ""

    def side(self, mass: float = MASS) -> int | None:
        """Side in pixels of the smallest centred square with this share of the influence."""
        return None if self.map is None else square_side(self.map, self.centre, mass)


def influence(
    module: nn.Module,
    stages: dict[str, str],
    batches: Iterable[Tensor],
    *,
    fields: dict[str, ReceptiveField] | None = None,
) -> dict[str, Influence]:
    """Mean absolute gradient of the central unit of each stage.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode.
    stages : dict of str to str
        Stage name to the name of the submodule whose output is the stage's map.
    batches : iterable of Tensor
        Preprocessed images, each of shape (B, 3, height, width).
    fields : dict of str to ReceptiveField, optional
        Theoretical fields: the square is centred on the field of the very unit, which in maps of
        even size lies off the image's centre. Without one the unit's share of the image is the
        centre.
    """
    submodules = dict(module.named_modules())
    sums: dict[str, np.ndarray] = {}
    units: dict[str, tuple[int, int]] = {}
    sizes: dict[str, tuple[int, int]] = {}
    reasons: dict[str, str] = {}
    centres: dict[str, Tensor] = {}
    n_images = 0

    def note(stage: str) -> Callable:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            values = _channels_first(output)
            if values is None:
                reasons[stage] = "the stage gives no spatial map"
                return
            sizes[stage] = (values.shape[2], values.shape[3])
            units[stage] = (values.shape[2] // 2, values.shape[3] // 2)
            # Summed at once: a later operation in place may overwrite the map.
            centres[stage] = values[:, :, units[stage][0], units[stage][1]].sum()

        return hook

    hooks = [submodules[name].register_forward_hook(note(stage)) for stage, name in stages.items()]
    shape = (0, 0)
    try:
        with torch.enable_grad():
            for batch in batches:
                images = batch.detach().clone().requires_grad_(True)
                shape = tuple(images.shape[2:])
                centres.clear()
                module(images)
                n_images += len(images)
                for stage, value in centres.items():
                    if not value.requires_grad:
                        reasons[stage] = "no gradient passes: the network computes without one"
                        continue
                    # Images do not meet in evaluation mode, so one pass gives each image's own
                    # gradient.
                    (gradient,) = torch.autograd.grad(
                        value, images, retain_graph=True, allow_unused=True
                    )
                    if gradient is None:
                        reasons[stage] = "the stage does not depend on the image"
                        continue
                    held = gradient.abs().sum(dim=(0, 1)).double().cpu().numpy()
                    sums[stage] = sums.get(stage, 0) + held
    finally:
        for hook in hooks:
            hook.remove()

    results = {}
    for stage in stages:
        total = sums.get(stage)
        centre = (shape[0] / 2, shape[1] / 2)
        if total is None:
            reason = reasons.get(stage, "not reached in a forward pass")
            results[stage] = Influence(None, centre, n_images, reason)
            continue
        field = (fields or {}).get(stage)
        if field is not None and field.y is not None and field.x is not None:
            seen = (field.y.at(units[stage][0]), field.x.at(units[stage][1]))
            centre = tuple((start + end) / 2 for start, end in seen)
        else:
            # The middle of the unit's share of the image, on the half-pixel grid.
            centre = tuple(
                round(2 * ((unit + 0.5) * side / size - 0.5)) / 2
                for unit, side, size in zip(units[stage], shape, sizes[stage], strict=True)
            )
        if total.sum() > 0 and np.isfinite(total.sum()):
            results[stage] = Influence(total / n_images, centre, n_images)
        else:
            results[stage] = Influence(
                None, centre, n_images, "the gradient of the centre unit is zero for every image"
            )
    return results


def _channels_first(output: Any) -> Tensor | None:
    """The stage's map as (B, channels, height, width); None for tokens and vectors."""
    while isinstance(output, list | tuple) and output:
        output = output[0]
    if isinstance(output, dict) and output:
        output = next(iter(output.values()))
    if not isinstance(output, Tensor) or output.ndim != 4 or not output.is_floating_point():
        return None
    if output.shape[2] != output.shape[3] and output.shape[1] == output.shape[2]:
        output = output.permute(0, 3, 1, 2)  # channels last, as in Swin and MaxViT
    return output if min(output.shape[2:]) > 1 else None
