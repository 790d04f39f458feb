"""Small image sets and an engine for tests of stylization."""

from __future__ import annotations

import numpy as np
import pandas as pd

from texshape.data.imageset import LABEL_COLUMNS, ImageSet

SETTINGS = {
    "engine": "adain",
    "encoder": {"name": "random-pyramid", "random": {"filters": 4, "size": 3, "levels": 2}},
    "decoder": {
        "layer": "all",
        "style_layers": ["level0", "level1", "colours"],
        "style_weight": 1.0,
        "reconstruction_weight": 100.0,
        "width": 16,
        "steps": 30,
        "batch_size": 4,
        "learning_rate": 0.01,
    },
    "optimisation": {
        "content_layers": ["coarse"],
        "style_layers": ["level0", "level1"],
        "style_weight": 10.0,
        "steps": 10,
        "start": "content",
    },
    "styles": {"size": 24, "count": 12},
    "images": {"resize": 28, "crop": 24},
    "batch_size": 4,
}


def pictures(count: int, side: int = 24, seed: int = 0) -> np.ndarray:
    """Smooth pictures of different colours with a little noise."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 1, side)
    field = np.sin(rng.uniform(2, 9, (count, 1, 1, 3)) * (ramp[:, None, None] + ramp[:, None]))
    images = 0.5 + 0.3 * field * rng.uniform(-1, 1, (count, 1, 1, 3))
    return np.rint(255 * np.clip(images + 0.03 * rng.normal(size=images.shape), 0, 1)).astype("u1")


def contents(count: int = 10, side: int = 24, masks: bool = True) -> ImageSet:
    """Contents of two classes, each image its own exemplar."""
    shapes = ["disc" if index % 2 else "star" for index in range(count)]
    exemplars = [f"{shape}{index + 1}" for index, shape in enumerate(shapes)]
    labels = pd.DataFrame(
        {
            "imagename": [f"{name}-{name}.png" for name in exemplars],
            "shape": shapes,
            "texture": shapes,
            "shape_exemplar": exemplars,
            "texture_exemplar": exemplars,
            "condition": "train-plain",
        }
    )[LABEL_COLUMNS]
    mask = np.zeros((count, side, side), "u1") if masks else None
    return ImageSet(pictures(count, side), labels, mask)


def styles(count: int = 5, side: int = 24) -> ImageSet:
    """Style images of one family."""
    labels = pd.DataFrame(dict.fromkeys(LABEL_COLUMNS, "na"), index=range(count))
    labels["texture"] = "marble"
    labels["texture_exemplar"] = [f"marble{index + 1}" for index in range(count)]
    labels["imagename"] = labels["texture_exemplar"]
    return ImageSet(pictures(count, side, seed=1), labels)
