"""Photographs and a network of known features, for read-outs that decide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from torch import nn

from tests import coded_network
from texshape.data import imageset
from texshape.decision_readout.photographs import Photographs
from texshape.models.loading import undecided
from texshape.models.network import Network


def coded_labels(cue: str, count: int, seed: int = 0) -> pd.DataFrame:
    """Labels of pictures of all pairs of classes but equal ones, or of one class where it is ``both``."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        shape, texture = rng.choice(coded_network.CLASSES, 2, replace=False)
        if cue == "both":
            texture = shape
        name = f"{shape}{number}-{texture}{number}.png"
        rows.append([name, shape, texture, f"{shape}{number}", f"{texture}{number}", "coded"])
    return pd.DataFrame(rows, columns=imageset.LABEL_COLUMNS)


def coded_photographs(cue: str, count: int = 80, seed: int = 0) -> Photographs:
    """Pictures of `coded_network`, labelled by one cue while the other is any; by either where they agree."""
    images = coded_network.images_of(coded_labels(cue, count, seed))
    labels = images.labels["texture" if cue == "texture" else "shape"].to_numpy(dtype=str)
    return Photographs(cue, images.images, labels, {}, f"{cue}-{count}-{seed}")


def coded_backbone(module: nn.Module | None = None) -> Network:
    """The network that codes both cues and knows no classes."""
    return undecided(coded_network.network(module or coded_network.Coded((0.5,) * 4)))


def write_folder(
    folder: Path, classes: tuple[str, ...], count: int = 8, side: int = 48, seed: int = 0
) -> Path:
    """A folder of drawn pictures for each class: a block at its class's place, as in `survey_world`."""
    rng = np.random.default_rng(seed)
    for number, label in enumerate(classes):
        place = folder / label
        place.mkdir(parents=True)
        for i in range(count):
            grey = rng.normal(200, 6, (side, side))
            top, left = divmod(number, 2)
            grey[top * 20 + 3 : top * 20 + 20, left * 20 + 3 : left * 20 + 20] = 30 + 5 * i
            pixels = np.stack([grey] * 3, -1).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(place / f"{i}.png")
    return folder
