"""Labels of cue-conflict sets for tests, built apart from the package."""

from __future__ import annotations

import numpy as np
import pandas as pd


def labels(
    classes: int = 4, shapes: int = 4, textures: int = 3, seed: int = 0, congruent: bool = True
) -> pd.DataFrame:
    """Each shape exemplar with each texture class once, the texture's exemplar drawn at random."""
    random = np.random.default_rng(seed)
    names = [chr(ord("a") + index) for index in range(classes)]
    rows = []
    for shape in names:
        for i in range(1, shapes + 1):
            for texture in names:
                if texture == shape and not congruent:
                    continue
                j = int(random.integers(1, textures + 1))
                rows.append(
                    {"imagename": f"{shape}{i}-{texture}{j}.png", "shape": shape,
                     "texture": texture, "shape_exemplar": f"{shape}{i}",
                     "texture_exemplar": f"{texture}{j}", "condition": "cue-conflict"}
                )  # fmt: skip
    return pd.DataFrame(rows)


def code(column: pd.Series, units: int, random: np.random.Generator) -> np.ndarray:
    """A random Gaussian vector for each value of a column, shape (n, units)."""
    values, index = np.unique(column, return_inverse=True)
    return random.normal(size=(len(values), units))[index]
