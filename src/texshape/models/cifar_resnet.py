"""Residual networks for images of 32 px (He et al. 2016, section 4.2), by depth.

A stem of 16 channels, three stages of n blocks with 16, 32 and 64 channels, average, linear layer:
6n + 2 layers. Where a stage halves the map, the shortcut is a 1x1 convolution (the paper's option
B; its networks for these images pad with zeros instead, which has no parameters).
"""

from __future__ import annotations

from torch import Tensor, nn

from texshape.errors import InputError, nearest
from texshape.models.small import ResidualBlock

BLOCKS: dict[str, int] = {"resnet8": 1, "resnet14": 2, "resnet20": 3, "resnet32": 5}
_WIDTHS = (16, 32, 64)


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
                layers.append(ResidualBlock(channels, width, stride=stride))
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
