"""A tiny cue-conflict set with masks, a tiny VOC, and networks whose activations are known, for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn

from texshape.data.imageset import ImageSet
from texshape.models.network import Network
from texshape.models.preprocessing import Preprocess
from texshape.techniques.segmentation import voc

CLASSES = ("bar", "dot", "sky")
SIDE = 32
# Of VOC, as its masks number them.
DOG, TRAIN = (voc.CLASSES.index(name) + 1 for name in ("dog", "train"))


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


def draw_voc(top: Path) -> Path:
    """A folder laid out as PASCAL VOC 2012: eight training and four validation photographs of 60 x 40 px.

    A coloured block each, with a void outline: a red dog, a blue train.
    """
    base = top / "VOCdevkit" / "VOC2012"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (base / folder).mkdir(parents=True)
    palette = [0, 0, 0, *[v for c in range(1, 256) for v in (c, 255 - c, c)]]
    for image_set, count in (("train", 8), ("val", 4)):
        names = []
        for index in range(count):
            name = f"2007_{image_set}_{index:03d}"
            kind, colour = ((DOG, (220, 40, 40)), (TRAIN, (40, 40, 220)))[index % 2]
            mask = np.zeros((40, 60), np.uint8)
            mask[8:32, 10 + index : 40 + index] = 255
            mask[10:30, 12 + index : 38 + index] = kind
            image = np.full((40, 60, 3), 120, np.uint8)
            image[mask == kind] = colour
            Image.fromarray(image).save(base / "JPEGImages" / f"{name}.jpg", quality=95)
            picture = Image.fromarray(mask, mode="P")
            picture.putpalette(palette)
            picture.save(base / "SegmentationClass" / f"{name}.png")
            names.append(name)
        (base / "ImageSets" / "Segmentation" / f"{image_set}.txt").write_text("\n".join(names))
    return top
