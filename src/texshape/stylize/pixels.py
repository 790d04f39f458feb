"""Between arrays of pixels and what networks take; what is done to contents before encoding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from texshape.errors import InputError, nearest


def to_float(images: np.ndarray) -> Tensor:
    """Pixels (B, H, W, 3) uint8 to images (B, 3, H, W) float32 in [0, 1]."""
    array = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return torch.from_numpy(array).float().div_(255)


def to_bytes(images: Tensor) -> np.ndarray:
    """Images (B, 3, H, W) in [0, 1] to pixels (B, H, W, 3) uint8, rounded."""
    clipped = images.detach().clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.ascontiguousarray(clipped.permute(0, 2, 3, 1).cpu().numpy())


@dataclass(frozen=True)
class Preparation:
    """What is done to a content image before it is encoded. Nothing, in the papers.

    At 48 px an encoder's map is fine enough to carry the content's own texture along; a low-pass
    takes that away and leaves shape and shading. What flat regions then lack, differences that
    normalisation can turn into texture, white noise supplies (as in Ulyanov et al. 2016, arXiv
    1603.03417, where noise is the input of a texture network).

    Attributes
    ----------
    low_pass : float
        Deviation of a Gaussian, pixels; 0 leaves the image as it is.
    noise : float
        Deviation of white noise on the luminance, pixels being in [0, 1].
    """

    low_pass: float = 0.0
    noise: float = 0.0

    @classmethod
    def parse(cls, section: Mapping[str, Any], where: str = "content") -> Preparation:
        """Check a section of the parameters.

        Raises
        ------
        InputError
            If a key is unknown or a value is no number of 0 or more.
        """
        for key, value in section.items():
            if key not in ("low_pass", "noise"):
                raise InputError(f"{where}.{key}: unknown{nearest(key, ('low_pass', 'noise'))}")
            good = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not good or not math.isfinite(value) or not 0 <= value <= 100:
                raise InputError(f"{where}.{key}: {value!r}; expected a number from 0 to 100")
        return cls(**section)

    def __call__(self, images: Tensor, streams: Sequence[Sequence[int]]) -> Tensor:
        """Prepare a batch.

        Parameters
        ----------
        images : Tensor of shape (B, 3, H, W)
            In [0, 1].
        streams : sequence of sequence of int
            Seed of each image's noise: it depends on nothing else.
        """
        if self.low_pass > 0:
            images = gaussian_blur(images, self.low_pass)
        if self.noise > 0:
            size = images.shape[2:]
            drawn = np.stack(
                [
                    np.random.default_rng(list(stream)).standard_normal(size, dtype=np.float32)
                    for stream in streams
                ]
            )
            images = images + self.noise * torch.from_numpy(drawn).to(images.device)[:, None]
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
