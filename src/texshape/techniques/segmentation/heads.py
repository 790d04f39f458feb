"""Read-out heads: what turns a stage's activations into class scores by position.

- ``conv1``: one 3x3 convolution. Linear, so it says what the activations hold, not what it could
  compute.
- ``conv3``: three 3x3 convolutions with batch normalisation and ReLU between them, as in the code
  of Islam, Kowal et al. (2021), there 256 and 128 channels wide; the widths are a setting.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from texshape.errors import InputError, nearest

HEADS = ("conv1", "conv3")
PUBLISHED_WIDTHS = (256, 128)


def build(
    name: str,
    channels: int,
    classes: int,
    *,
    seed: int,
    widths: Sequence[int] = PUBLISHED_WIDTHS,
) -> nn.Module:
    """Build a head with seeded weights; the global random state is left as it was.

    Parameters
    ----------
    name : str
        One of `HEADS`.
    channels, classes : int
        Of the activations, and of the scores.
    seed : int
    widths : sequence of 2 int
        Channels of the hidden layers of ``conv3``.

    Returns
    -------
    nn.Module
        (B, channels, h, w) to (B, classes, h, w).

    Raises
    ------
    InputError
        If there is no such head.
    """
    if name not in HEADS:
        raise InputError(f"unknown segmentation head '{name}'{nearest(name, HEADS)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "conv1":
            return nn.Conv2d(channels, classes, 3, padding=1)
        first, second = widths
        return nn.Sequential(
            nn.Conv2d(channels, first, 3, padding=1),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
            nn.Conv2d(first, second, 3, padding=1),
            nn.BatchNorm2d(second),
            nn.ReLU(inplace=True),
            nn.Conv2d(second, classes, 3, padding=1),
        )
