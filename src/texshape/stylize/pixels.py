"""Between arrays of pixels and what networks take; what is done to contents before encoding."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from texshape.config.stylize import Preparation


def to_float(images: np.ndarray) -> Tensor:
    """Pixels (B, H, W, 3) uint8 to images (B, 3, H, W) float32 in [0, 1]."""
    array = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return torch.from_numpy(array).float().div_(255)


def to_bytes(images: Tensor) -> np.ndarray:
    """Images (B, 3, H, W) in [0, 1] to pixels (B, H, W, 3) uint8, rounded."""
    clipped = images.detach().clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(clipped.permute(0, 2, 3, 1).cpu().numpy())


def enlarge(images: np.ndarray, factor: int) -> np.ndarray:
    """Pixels (B, H, W, 3) uint8 to (B, factor * H, factor * W, 3), bicubic."""
    if factor == 1:
        return images
    return to_bytes(
        functional.interpolate(
            to_float(images), scale_factor=factor, mode="bicubic", align_corners=False
        )
    )


def reduce(images: np.ndarray, factor: int) -> np.ndarray:
    """Pixels (B, factor * H, factor * W, 3) uint8 to (B, H, W, 3), each the mean of those it covers.

    What `enlarge` did to photographs of 64 px this undoes at 40 dB or better.
    """
    if factor == 1:
        return images
    return to_bytes(functional.avg_pool2d(to_float(images), factor))


def prepare(images: Tensor, preparation: Preparation, streams: Sequence[Sequence[int]]) -> Tensor:
    """Low-pass a batch of contents and add noise to it, as the parameters say.

    At 48 px an encoder's map is fine enough to carry the content's own texture along; a low-pass
    takes that away and leaves shape and shading. What flat regions then lack, differences that
    normalisation can turn into texture, noise supplies (in Ulyanov et al. 2016, arXiv 1603.03417,
    noise is the input of a texture network).

    Parameters
    ----------
    images : Tensor of shape (B, 3, H, W)
        In [0, 1].
    preparation : Preparation
    streams : sequence of sequence of int
        Seed of each image's noise: it depends on nothing else.
    """
    if preparation.low_pass > 0:
        images = gaussian_blur(images, preparation.low_pass)
    if preparation.noise > 0:
        size = images.shape[2:]
        drawn = [
            np.random.default_rng(list(stream)).standard_normal(size, dtype=np.float32)
            for stream in streams
        ]
        noise = torch.from_numpy(np.stack(drawn)).to(images.device)
        images = images + preparation.noise * noise[:, None]
    return images


def gaussian_blur(images: Tensor, deviation: float) -> Tensor:
    """Gaussian low-pass, borders repeated.

    Parameters
    ----------
    images : Tensor of shape (B, C, H, W)
    deviation : float
        In pixels.
    """
    radius = max(1, math.ceil(3 * deviation))
    place = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (place / deviation) ** 2)
    kernel /= kernel.sum()
    channels = images.shape[1]
    images = functional.pad(images, [radius] * 4, mode="replicate")
    images = functional.conv2d(images, kernel.view(1, 1, -1, 1).expand(channels, 1, -1, 1),
                               groups=channels)  # fmt: skip
    return functional.conv2d(images, kernel.view(1, 1, 1, -1).expand(channels, 1, 1, -1),
                             groups=channels)  # fmt: skip
