"""Stimuli and networks small enough to run a whole survey in a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image

CLASSES = ("bear", "cat", "clock", "truck")
# What only costs time is cut down.
SETTINGS = {
    "bootstrap": {"resamples": 100},
    "sensitivity": {
        "aggregations": ["mean"],
        "preprocessings": ["whole"],
        "interpolations": ["bicubic"],
    },
    "readout": {"folds": 2, "penalties": [0.01], "resamples": 20},
    "dimensionality": {"null_draws": 3, "resamples": 10, "min_pairs": 4},
    "erasure": {"random_draws": 1, "resamples": 20},
    "receptive_field": {"images": 1},
    "feature_visualization": {"steps": 1, "channels": 1},
    "probes": {"strengths": [0, 1], "strength_images": 12, "resamples": 20},
}
BACKBONE = '''
from torch import nn


class Backbone(nn.Module):
    """A self-supervised encoder: three stages, and an embedding in place of classes."""

    input_size = 40

    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU())
        self.b = nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU())
        self.c = nn.Sequential(nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU())
        self.head = nn.Linear(32, 24)

    def forward(self, x):
        return self.head(self.c(self.b(self.a(x))).mean((2, 3)))


def build(pretrained=False):
    return Backbone()
'''


def write_settings(folder: Path) -> Path:
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    return path


def write_stimuli(folder: Path, side: int = 48) -> Path:
    """32 cue-conflict images: two exemplars of each of four shapes, on two textures of each class.

    A shape is a block at its class's place, a texture stripes of its class's period: nothing to be
    recognised, but pixels that differ by both cues.
    """
    rng = np.random.default_rng(7)
    place = folder / "stimuli"
    (place / "silhouettes").mkdir(parents=True)
    rows = np.arange(side)[:, None]
    for number, shape in enumerate(CLASSES):
        for i in (1, 2):
            inside = np.zeros((side, side), bool)
            top, left = divmod(number, 2)
            inside[top * 20 + 2 * i : top * 20 + 18, left * 20 + 2 : left * 20 + 18 + i] = True
            shade = np.where(inside, 0, 255).astype(np.uint8)
            Image.fromarray(np.stack([shade] * 3, -1)).save(
                place / "silhouettes" / f"{shape}{i}.png"
            )
            for other, texture in enumerate(CLASSES):
                j = 1 + (i + number + other) % 2
                stripes = 127 + 90 * np.sin(2 * np.pi * rows / (3 + 2 * other + j) + 0 * rows.T)
                grey = np.where(inside, stripes, 200) + rng.normal(0, 4, (side, side))
                pixels = np.stack([grey] * 3, -1).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{shape}{i}-{texture}{j}.png")
    return place


def write_networks(folder: Path) -> list[str]:
    """A convolutional network, a transformer, both with random weights in a file, and a backbone."""
    import timm
    from torchvision import models

    names = []
    for prefix, name, build in (
        ("torchvision", "resnet18", lambda: models.resnet18(weights=None)),
        ("timm", "test_vit", lambda: timm.create_model("test_vit")),
    ):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            module = build()
        torch.save(module.state_dict(), folder / f"{name}.pth")
        names.append(f"{prefix}:{name}@{folder / name}.pth")
    (folder / "survey_backbone.py").write_text(BACKBONE, encoding="utf-8")
    return [*names, "python:survey_backbone:build"]
