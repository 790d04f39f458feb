"""Small residual networks for images of about 48 px, full and limited in their receptive field.

All share one layout: a 3x3 stem, three residual blocks of two convolutions and stride 2, global
average, one linear layer. Which convolutions look at neighbours (3x3) and which do not (1x1)
decides the receptive field, as in BagNets (Brendel and Bethge 2019, arXiv 1904.00760). The
``-wide`` variants keep the small receptive field and take the number of parameters of the full
network, so that the two can be told apart.

    >>> SmallNetwork(**configuration("rf9"), classes=12).stages["stage3"]
    'stage3'
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from texshape.errors import InputError, nearest

# Pixels in [0, 1] are normalised by these; every checkpoint repeats them.
MEAN = (0.5, 0.5, 0.5)
STD = (0.25, 0.25, 0.25)

# Kernel sizes of the stem, then of the first and second convolution of each block. Each replaced
# 3x3 takes twice its input's stride off the receptive field: 4, 8, 16 px in second convolutions.
_KERNELS = {
    "cnn": (3, 3, 3, 3, 3, 3, 3),  # 45 px
    "rf33": (3, 3, 1, 3, 1, 3, 3),
    "rf17": (3, 3, 1, 3, 1, 3, 1),
    "rf9": (3, 3, 1, 3, 1, 1, 1),
}
_WIDTHS = (16, 32, 64, 128)

CONFIGURATIONS: dict[str, dict[str, tuple[int, ...]]] = {
    "cnn": {"widths": _WIDTHS, "kernels": _KERNELS["cnn"]},
    "rf9": {"widths": _WIDTHS, "kernels": _KERNELS["rf9"]},
    "rf17": {"widths": _WIDTHS, "kernels": _KERNELS["rf17"]},
    "rf33": {"widths": _WIDTHS, "kernels": _KERNELS["rf33"]},
    "rf9-wide": {"widths": (32, 64, 160, 256), "kernels": _KERNELS["rf9"]},
    "rf17-wide": {"widths": (24, 48, 96, 192), "kernels": _KERNELS["rf17"]},
    "rf33-wide": {"widths": (16, 32, 80, 128), "kernels": _KERNELS["rf33"]},
}

ARCHITECTURES: tuple[str, ...] = tuple(CONFIGURATIONS)


class ResidualBlock(nn.Module):
    """Two convolutions with batch normalisation around a shortcut; the first has the stride.

    The shortcut is the identity where the shape stays, a 1x1 convolution elsewhere.
    """

    def __init__(
        self, channels: int, width: int, kernels: Sequence[int] = (3, 3), *, stride: int = 2
    ) -> None:
        super().__init__()
        first, second = kernels
        self.conv1 = nn.Conv2d(
            channels, width, first, stride=stride, padding=first // 2, bias=False
        )
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, second, padding=second // 2, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:  # (B, channels, H, W) -> (B, width, H/s, W/s)
        inner = torch.relu_(self.norm1(self.conv1(x)))
        return torch.relu_(self.norm2(self.conv2(inner)) + self.shortcut(x))


class SmallNetwork(nn.Module):
    """Residual network of four widths and seven kernel sizes.

    Parameters
    ----------
    widths : sequence of 4 int
        Channels of the stem and of the three blocks.
    kernels : sequence of 7 int
        Odd kernel sizes of the stem and of both convolutions of each block.
    classes : int
        Number of outputs.

    Attributes
    ----------
    stages : dict of str to str
        Stage name to the name of the submodule whose output is the stage's activation.
    """

    def __init__(self, *, widths: Sequence[int], kernels: Sequence[int], classes: int) -> None:
        super().__init__()
        self.stages = {name: name for name in ("stem", "stage1", "stage2", "stage3")}
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], kernels[0], padding=kernels[0] // 2, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        )
        self.stage1 = ResidualBlock(widths[0], widths[1], kernels[1:3])
        self.stage2 = ResidualBlock(widths[1], widths[2], kernels[3:5])
        self.stage3 = ResidualBlock(widths[2], widths[3], kernels[5:7])
        self.head = nn.Linear(widths[3], classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, 3, H, W) normalised -> (B, classes) logits
        x = self.stage3(self.stage2(self.stage1(self.stem(x))))
        return self.head(x.mean((2, 3)))


def configuration(architecture: str) -> dict[str, list[int]]:
    """Widths and kernel sizes of an architecture, as a checkpoint carries them.

    Raises
    ------
    InputError
        If there is no such architecture.
    """
    if architecture not in CONFIGURATIONS:
        raise InputError(
            f"architecture '{architecture}' is unknown{nearest(architecture, ARCHITECTURES)}"
        )
    return {key: list(value) for key, value in CONFIGURATIONS[architecture].items()}


def normalise(images: Tensor, mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> Tensor:
    """Pixels to what the networks expect.

    Parameters
    ----------
    images : Tensor of shape (B, 3, H, W)
        uint8, or floating point in [0, 1].
    mean, std : sequence of 3 float
        In units of [0, 1].

    Returns
    -------
    Tensor of shape (B, 3, H, W), float32
    """
    scale = 255.0 if images.dtype == torch.uint8 else 1.0
    shape = (1, 3, 1, 1)
    offset = torch.tensor(mean, device=images.device).view(shape) * scale
    factor = 1 / (torch.tensor(std, device=images.device).view(shape) * scale)
    return (images.float() - offset) * factor
