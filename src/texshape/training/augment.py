"""Augmentation of whole batches of tensors, drawn on the CPU from a given generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional

# Aspect ratios of a random resized crop, log-uniform between them, as in torchvision.
ASPECT = (3 / 4, 4 / 3)
_ATTEMPTS = 10


@dataclass(frozen=True)
class Share:
    """Which images of a batch are here, where several processes share one.

    What is drawn for an image does not depend on who has it.

    Attributes
    ----------
    rows : Tensor of shape (B,), int64
    count : int
        Images of the whole batch.
    """

    rows: Tensor
    count: int


def horizontal_flip(
    parts: Sequence[Tensor], rng: Generator, share: Share | None = None
) -> list[Tensor]:
    """Mirror each image with probability one half.

    Parameters
    ----------
    parts : sequence of Tensor of shape (b, 3, h, w)
        The batch, one part a set; sets may differ in size.
    rng : Generator
    share : Share, optional
        The whole batch by default.

    Returns
    -------
    list of Tensor of shape (b, 3, h, w)
    """
    counts = [len(part) for part in parts]
    mirrored = torch.rand(share.count if share else sum(counts), generator=rng) < 0.5
    if share:
        mirrored = mirrored[share.rows]
    found = []
    for part, chosen in zip(parts, mirrored.split(counts), strict=True):
        chosen = chosen.view(-1, 1, 1, 1).to(part.device)
        found.append(torch.where(chosen, part.flip(-1), part))
    return found


def crop_boxes(
    count: int, smallest_area: float, rng: Generator, proportions: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Draw crops: area uniform, aspect log-uniform, position uniform, all inside the image.

    A draw that does not fit is repeated up to ten times. Then the crop is the whole image, or the largest
    in its middle whose aspect is among those drawn, as in torchvision's ``RandomResizedCrop``.

    Parameters
    ----------
    count : int
    smallest_area : float
        Share of the image's area, in (0, 1]; the largest is 1.
    rng : Generator
    proportions : Tensor of shape (count,), optional
        Width by height of each image before it was squeezed into a square; 1 by default. Aspects are those
        of the image as it was.

    Returns
    -------
    size, centre : Tensor of shape (count, 2)
        Width and height, and the centre's x and y, in units of the image's sides.
    """
    area = smallest_area + (1 - smallest_area) * torch.rand(count, _ATTEMPTS, generator=rng)
    low, high = (math.log(ratio) for ratio in ASPECT)
    aspect = torch.exp(low + (high - low) * torch.rand(count, _ATTEMPTS, generator=rng))
    if proportions is not None:
        aspect = aspect / proportions[:, None]
    sizes = torch.stack([(area * aspect).sqrt(), (area / aspect).sqrt()], -1)  # (count, 10, 2)
    fits = (sizes <= 1).all(-1)
    first = fits.int().argmax(1)  # the first that fits
    size = sizes[torch.arange(count), first]
    largest = torch.ones(count, 2)
    if proportions is not None:
        largest[:, 0] = (ASPECT[1] / proportions).clamp(max=1)
        largest[:, 1] = (proportions / ASPECT[0]).clamp(max=1)
    drawn = fits.any(1, keepdim=True)
    size = torch.where(drawn, size, largest)
    centre = size / 2 + (1 - size) * torch.rand(count, 2, generator=rng)
    return size, torch.where(drawn, centre, torch.full((), 0.5))


def random_resized_crop(
    parts: Sequence[Tensor],
    smallest_area: float,
    rng: Generator,
    share: Share | None = None,
    *,
    side: int | None = None,
    proportions: Tensor | None = None,
) -> Tensor:
    """Crop each image at random and resize the crop to one size, bilinearly.

    Parameters
    ----------
    parts : sequence of Tensor of shape (b, 3, h, w), floating point
        The batch, one part a set; sets may differ in size.
    smallest_area : float
    rng : Generator
    share : Share, optional
        The whole batch by default.
    side : int, optional
        Of the result in px; the first part's by default.
    proportions : Tensor of shape (B,), optional
        Of the images here: see `crop_boxes`. A crop of a squeezed photograph has its own proportions again.

    Returns
    -------
    Tensor of shape (B, 3, side, side)
    """
    counts = [len(part) for part in parts]
    if share and proportions is not None:  # what the others have decides on their crops alone
        everyone = torch.ones(share.count)
        everyone[share.rows] = proportions
        proportions = everyone
    size, centre = crop_boxes(
        share.count if share else sum(counts), smallest_area, rng, proportions
    )
    if share:
        size, centre = size[share.rows], centre[share.rows]
    matrix = torch.zeros(sum(counts), 2, 3)  # output coordinates in [-1, 1] to input coordinates
    matrix[:, 0, 0], matrix[:, 1, 1] = size.unbind(1)
    matrix[:, :, 2] = 2 * centre - 1
    side = side or parts[0].shape[-1]
    cropped = []
    for part, own in zip(parts, matrix.split(counts), strict=True):
        shape = [len(part), 3, side, side]
        grid = functional.affine_grid(own.to(part.device), shape, align_corners=False)
        cropped.append(
            functional.grid_sample(part, grid, padding_mode="border", align_corners=False)
        )
    return torch.cat(cropped)
