"""A tiny cue-conflict set with masks, and networks whose activations are known, for tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from texshape.data.imageset import ImageSet
from texshape.models.network import Network
from texshape.models.preprocessing import Preprocess

CLASSES = ("bar", "dot", "sky")
SIDE = 32


def scene(exemplars: int = 4, seed: int = 0) -> ImageSet:
    """Squares and discs in class colours: red tells the shape class, green the texture class.

    The blue channel is 255 inside the object and 0 outside, so it is the mask itself.
    """
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:SIDE, :SIDE]
    rows, images, masks = [], [], []
    for s, shape in enumerate(CLASSES):
        for i in range(1, exemplars + 1):
            y, x = rng.integers(10, 22, 2)
            if s == 0:
                mask = (abs(row - y) < 8) & (abs(column - x) < 4)
            elif s == 1:
                mask = (row - y) ** 2 + (column - x) ** 2 < 36
            else:
                mask = (abs(row - y) < 4) & (abs(column - x) < 8)
            for t, texture in enumerate(CLASSES):
                for j in range(1, exemplars + 1):
                    image = np.zeros((SIDE, SIDE, 3), np.uint8)
                    image[mask] = (60 * (s + 1), 60 * (t + 1), 255)
                    images.append(image)
                    masks.append(mask)
                    rows.append((f"{shape}{i}-{texture}{j}.png", shape, texture, f"{shape}{i}",
                                 f"{texture}{j}", "cue-conflict"))  # fmt: skip
    columns = ["imagename", "shape", "texture", "shape_exemplar", "texture_exemplar", "condition"]
    return ImageSet(
        np.stack(images), pd.DataFrame(rows, columns=columns), np.stack(masks).astype(np.uint8)
    )


class Known(nn.Module):
    """Stages: `pixels` (the image), `blind` (constant), `normed` (batch normalisation), `pooled`."""

    stages = {name: name for name in ("pixels", "blind", "normed", "pooled")}  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.pixels = nn.Identity()
        self.blind = nn.Conv2d(3, 2, 1)
        self.normed = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, stride=2), nn.BatchNorm2d(4))
        self.pooled = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(4, len(CLASSES))
        nn.init.zeros_(self.blind.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pixels(x)
        self.blind(x)
        return self.head(self.pooled(self.normed(x)).flatten(1))


def known_network(seed: int = 0) -> Network:
    """The network of known activations, frozen."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = Known().eval().requires_grad_(False)
    return Network(
        name="known",
        slug="known",
        module=module,
        input_size=SIDE,
        preprocess=Preprocess(SIDE, (0.5,) * 3, (0.25,) * 3),
        classes=CLASSES,
        decide=lambda logits: logits.softmax(1),
        stages=Known.stages,
    )
