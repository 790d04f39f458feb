"""From stimuli to a network's input: resize, crop, normalise.

By default every network sees the whole stimulus at its own input size, so that all see the same
picture; the network's own pipeline and a centre crop are there by name for the sensitivity grid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from texshape.config.evaluation import Interpolation, Preprocessing
from texshape.errors import InputError, nearest

INTERPOLATIONS: tuple[str, ...] = get_args(Interpolation)
PREPROCESSINGS: tuple[str, ...] = get_args(Preprocessing)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Own:
    """What a network was trained with.

    Attributes
    ----------
    size : int
        Side of the input in px.
    mean, std : tuple of 3 float
        Of the pixels in [0, 1].
    resize : int or None
        Shorter side before the centre crop, px; None where the whole image is squeezed to `size`.
    interpolation : str
        bicubic, bilinear, nearest, ...
    antialias : bool
        Whether shrinking filters first.
    """

    size: int
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    resize: int | None = None
    interpolation: str = "bicubic"
    antialias: bool = True


@dataclass(frozen=True)
class Preprocess:
    """Images to a network's input.

    Attributes
    ----------
    size : int
        Side of the result in px.
    resize : int or None
        Shorter side before a centre crop of `size`; None: the whole image is resized to `size`.
    interpolation : str
        Used only where the size changes.
    mean, std : tuple of 3 float
        Of the pixels in [0, 1].
    antialias : bool
        Whether shrinking filters first.
    """

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: int | None = None
    interpolation: str = "bicubic"
    antialias: bool = True

    def __call__(self, images: Tensor) -> Tensor:
        """Resize, crop, normalise.

        Parameters
        ----------
        images : Tensor of shape (B, 3, H, W)
            uint8, or floating point in [0, 1] (gradients pass).

        Returns
        -------
        Tensor of shape (B, 3, size, size), float32
        """
        return self.normalise(self.geometry(images))

    def geometry(self, images: Tensor) -> Tensor:
        """The resized and cropped images, in the type they came in."""
        images = self._resized(images, self._target(*images.shape[-2:]))
        if images.shape[-2:] == (self.size, self.size):
            return images
        from torchvision.transforms.v2 import functional

        return functional.center_crop(images, [self.size, self.size])

    def _target(self, height: int, width: int) -> list[int]:
        """Size after resizing, before the crop."""
        if self.resize is None:
            return [self.size, self.size]
        scale = self.resize / min(height, width)
        return [round(height * scale), round(width * scale)]

    def _resized(self, images: Tensor, size: list[int]) -> Tensor:
        if list(images.shape[-2:]) == size:
            return images  # as it is
        # Here, for importing torchvision costs as much as torch, and networks trained here need none.
        from torchvision.transforms import InterpolationMode
        from torchvision.transforms.v2 import functional

        mode = InterpolationMode(self.interpolation)
        resized = functional.resize(images, size, interpolation=mode, antialias=self.antialias)
        # bicubic overshoots; uint8 is clamped by the library
        return resized.clamp(0, 1) if resized.is_floating_point() else resized

    def normalise(self, images: Tensor) -> Tensor:
        """Pixels (B, 3, H, W) to float32 of the network's mean and scale, in two passes."""
        unit = 1.0 if images.is_floating_point() else 1 / 255
        shape = (3, 1, 1)
        mean = torch.tensor(self.mean, device=images.device).view(shape)
        std = torch.tensor(self.std, device=images.device).view(shape)
        if images.requires_grad:
            return (images.float() * unit - mean) / std
        return images.to(torch.float32, copy=True).mul_(unit / std).sub_(mean / std)

    def pipeline(self, height: int, width: int) -> tuple:
        """What is done to images of this size: equal for two settings that do the same."""
        target = self._target(height, width)
        interpolated = target != [height, width]
        return (
            self.size,
            *target,
            (self.interpolation, self.antialias) if interpolated else None,
        )


def preprocess(own: Own, kind: str = "whole", interpolation: str = "bicubic") -> Preprocess:
    """Preprocessing by name.

    Parameters
    ----------
    own : Own
        The network's input size, normalisation and pipeline.
    kind : str
        ``whole``: the whole image at the input size, never cropped. ``own``: resize, crop and
        interpolation of the network's own pipeline. ``crop-F``: resize to input size / F, then a
        centre crop (``crop-0.875``: 256 to 224).
    interpolation : str
        bicubic or bilinear; ``own`` keeps the network's.

    Raises
    ------
    InputError
        If there is no such preprocessing or interpolation.
    """
    if interpolation not in INTERPOLATIONS:
        raise InputError(
            f"interpolation '{interpolation}' is unknown{nearest(interpolation, INTERPOLATIONS)}"
        )
    normalisation = {"mean": own.mean, "std": own.std}
    if kind == "whole":
        return Preprocess(own.size, **normalisation, interpolation=interpolation)
    if kind == "own":
        return Preprocess(
            own.size,
            **normalisation,
            resize=own.resize,
            interpolation=own.interpolation,
            antialias=own.antialias,
        )
    crop = re.fullmatch(r"crop-(0?\.\d+|1(?:\.0*)?)", kind)
    if crop is None or float(crop[1]) == 0:
        raise InputError(f"preprocessing '{kind}' is unknown{nearest(kind, PREPROCESSINGS)}")
    return Preprocess(
        own.size,
        **normalisation,
        resize=round(own.size / float(crop[1])),
        interpolation=interpolation,
    )


def batches(images: np.ndarray, rows: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Some images as preprocessing takes them, batch by batch.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, 3), uint8
    rows : ndarray of shape (m,), int
        Images, in the order in which they are to be shown.
    size : int
        Most images of a batch.

    Yields
    ------
    (ndarray of shape (B,), Tensor of shape (B, 3, height, width), uint8)
        Places in `rows`, and those images.
    """
    for start in range(0, len(rows), size):
        places = np.arange(start, min(start + size, len(rows)))
        batch = torch.from_numpy(np.array(images[rows[places]])).permute(0, 3, 1, 2)
        yield places, batch.contiguous()
