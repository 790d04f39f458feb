"""Augmentation of whole batches of tensors, drawn on the CPU from a given generator."""

from __future__ import annotations

import math
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


def horizontal_flip(images: Tensor, rng: Generator, share: Share | None = None) -> Tensor:
    """Mirror each image with probability one half.

    Parameters
    ----------
    images : Tensor of shape (B, 3, H, W)
    rng : Generator
    share : Share, optional
        The whole batch by default.

    Returns
    -------
    Tensor of shape (B, 3, H, W)
    """
    mirrored = torch.rand(share.count if share else len(images), generator=rng) < 0.5
    if share:
        mirrored = mirrored[share.rows]
    mirrored = mirrored.view(-1, 1, 1, 1).to(images.device)
    return torch.where(mirrored, images.flip(-1), images)


def crop_boxes(count: int, smallest_area: float, rng: Generator) -> tuple[Tensor, Tensor]:
    """Draw crops: area uniform, aspect log-uniform, position uniform, all inside the image.

    A draw that does not fit is repeated up to ten times and becomes the whole image then, as in
    torchvision's ``RandomResizedCrop``.

    Parameters
    ----------
    count : int
    smallest_area : float
        Share of the image's area, in (0, 1]; the largest is 1.
    rng : Generator

    Returns
    -------
    size, centre : Tensor of shape (count, 2)
        Width and height, and the centre's x and y, in units of the image's sides.
    """
    area = smallest_area + (1 - smallest_area) * torch.rand(count, _ATTEMPTS, generator=rng)
    low, high = (math.log(ratio) for ratio in ASPECT)
    aspect = torch.exp(low + (high - low) * torch.rand(count, _ATTEMPTS, generator=rng))
    sizes = torch.stack([(area * aspect).sqrt(), (area / aspect).sqrt()], -1)  # (count, 10, 2)
    fits = (sizes <= 1).all(-1)
    first = fits.int().argmax(1)  # the first that fits
    size = sizes[torch.arange(count), first]
    size = torch.where(fits.any(1, keepdim=True), size, torch.ones(()))
    centre = size / 2 + (1 - size) * torch.rand(count, 2, generator=rng)
    return size, centre


def random_resized_crop(
    images: Tensor, smallest_area: float, rng: Generator, share: Share | None = None
) -> Tensor:
    """Crop each image at random and resize the crop to the image's size, bilinearly.

    Parameters
    ----------
    images : Tensor of shape (B, 3, H, W), floating point
    smallest_area : float
    rng : Generator
    share : Share, optional
        The whole batch by default.

    Returns
    -------
    Tensor of shape (B, 3, H, W)
    """
    size, centre = crop_boxes(share.count if share else len(images), smallest_area, rng)
    if share:
        size, centre = size[share.rows], centre[share.rows]
    matrix = torch.zeros(len(images), 2, 3)  # output coordinates in [-1, 1] to input coordinates
    matrix[:, 0, 0], matrix[:, 1, 1] = size.unbind(1)
    matrix[:, :, 2] = 2 * centre - 1
    grid = functional.affine_grid(matrix.to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
