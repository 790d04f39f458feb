"""Residual networks for images of 32 px (He et al. 2016, section 4.2), by depth.

A stem of 16 channels, three stages of n blocks with 16, 32 and 64 channels, average, linear layer:
6n + 2 layers. Where a stage halves the map, the shortcut is a 1x1 convolution (the paper's option
B; its networks for these images pad with zeros instead, which has no parameters).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from texshape.errors import InputError, nearest

BLOCKS: dict[str, int] = {"resnet8": 1, "resnet14": 2, "resnet20": 3, "resnet32": 5}
_WIDTHS = (16, 32, 64)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation around a shortcut."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:  # (B, channels, H, W) -> (B, width, H/s, W/s)
        inner = torch.relu_(self.norm1(self.conv1(x)))
        return torch.relu_(self.norm2(self.conv2(inner)) + self.shortcut(x))


class CifarResNet(nn.Module):
    """Residual network of 6 * blocks + 2 layers.

    Parameters
    ----------
    blocks : int
        Blocks a stage.
    classes : int
        Number of outputs.

    Attributes
    ----------
    stages : dict of str to str
        Stage name to the name of the submodule whose output is the stage's activation.
    """

    def __init__(self, *, blocks: int, classes: int) -> None:
        super().__init__()
        self.stages = {name: name for name in ("stem", "stage1", "stage2", "stage3")}
        self.stem = nn.Sequential(
            nn.Conv2d(3, _WIDTHS[0], 3, padding=1, bias=False),
            nn.BatchNorm2d(_WIDTHS[0]),
            nn.ReLU(inplace=True),
        )
        channels = _WIDTHS[0]
        for number, width in enumerate(_WIDTHS, 1):
            layers = []
            for block in range(blocks):
                stride = 2 if number > 1 and block == 0 else 1
                layers.append(BasicBlock(channels, width, stride))
                channels = width
            setattr(self, f"stage{number}", nn.Sequential(*layers))
        self.head = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, 3, H, W) normalised -> (B, classes) logits
        x = self.stage3(self.stage2(self.stage1(self.stem(x))))
        return self.head(x.mean((2, 3)))


def configuration(architecture: str) -> dict[str, int]:
    """Blocks a stage, as a checkpoint carries them.

    Raises
    ------
    InputError
        If there is no such architecture.
    """
    if architecture not in BLOCKS:
        raise InputError(f"architecture '{architecture}' is unknown{nearest(architecture, BLOCKS)}")
    return {"blocks": BLOCKS[architecture]}
