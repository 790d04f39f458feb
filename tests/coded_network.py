"""A network whose stage holds the classes of both cues and nothing else: what moves it is known."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from texshape.data.imageset import ImageSet
from texshape.models.network import Network
from texshape.stats import exemplars as ex

CLASSES = ("a", "b", "c", "d")


def images_of(labels, side: int = 8) -> ImageSet:
    """White pixels: in row 0 the column of the shape's class, in row 1 that of the texture's."""
    pixels = np.zeros((len(labels), side, side, 3), np.uint8)
    rows = np.arange(len(labels))
    for row, cue in enumerate(ex.CUES):
        pixels[rows, row, [CLASSES.index(name) for name in labels[cue]]] = 255
    return ImageSet(pixels, labels)


class Coded(nn.Module):
    """Scores of class k: its shape unit, plus its texture unit times its weight.

    `code` passes on (B, 8): four units of shape, four of texture, 1 for the class that is there. Where
    `reads` is false the scores come from the picture, and what the stage passes on is not looked at.
    """

    def __init__(self, weights: tuple[float, ...], *, reads: bool = True) -> None:
        super().__init__()
        self.code = nn.Flatten()
        self.reads = reads
        self.weights = nn.Parameter(torch.tensor(weights))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        units = x[:, 0, :2, : len(CLASSES)]
        code = self.code(units)
        if not self.reads:
            code = units.flatten(1)
        half = len(CLASSES)
        return code[:, :half] + self.weights * code[:, half:]


def network(module: nn.Module, stage: str = "code") -> Network:
    return Network(
        name="coded", slug="coded--none", module=module.eval(), input_size=8,
        preprocess=lambda images: images.float() / 255, classes=CLASSES,
        decide=lambda logits: logits, stages={"last": stage},
    )  # fmt: skip
