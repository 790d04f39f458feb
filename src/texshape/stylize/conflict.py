"""Cue-conflict images by style transfer: the shape of one exemplar, the texture of another.

As Geirhos et al. (2019) made theirs, with the optimisation of Gatys et al. (2016): content = shape
exemplar, style = texture exemplar. Any engine will do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from texshape.config.stylize import StylizeSettings
from texshape.data.imageset import LABEL_COLUMNS, ImageSet
from texshape.errors import InputError
from texshape.stylize.engines import Engine
from texshape.stylize.manifest import MANIFEST_COLUMNS
from texshape.stylize.styles import sha256

CONDITION = "cue-conflict"
FILLS = ("flat", "own")
_PAIRING = 37  # number in the seed of the random stream


def rendered_pairs(
    data: Mapping[str, Any], seed: int, chosen: Sequence[int] | None = None, *, fill: str = "flat"
) -> tuple[ImageSet, ImageSet]:
    """Draw content and style of the images of the renderer's cue-conflict set.

    Every image keeps its name, its outline, its pattern, its colours and its ground: only how shape
    and texture come together is another.

    Parameters
    ----------
    data : mapping
        Section `data` of the parameters.
    seed : int
    chosen : sequence of int, optional
        Images of the set; by default all.
    fill : str
        What the content is filled with: ``flat``, one colour, or ``own``, its class's texture.

    Returns
    -------
    contents, styles : ImageSet
        Image by image: outlines filled with one colour, and the texture all over; the contents'
        labels are those of the conflict.
    """
    from texshape.data import procedural

    if fill not in FILLS:
        raise InputError(f"fill: {fill!r}; expected {' or '.join(FILLS)}")
    drawn = procedural.parse_settings(data)
    pictures = procedural.pictures(drawn, seed, CONDITION)
    pictures = [pictures[index] for index in (range(len(pictures)) if chosen is None else chosen)]
    contents, masks, textures = [], [], []
    for picture in pictures:
        shape = replace(picture, texture=procedural.FLAT)
        if fill == "own":
            shape = replace(picture, texture=picture.shape, texture_exemplar=picture.shape_exemplar)
        image, mask = procedural.draw_picture(drawn, seed, shape)
        contents.append(image)
        masks.append(mask)
        patch = replace(picture, shape=procedural.ABSENT, shape_exemplar=0)
        textures.append(procedural.draw_picture(drawn, seed, patch)[0])
    labels = pd.DataFrame(
        [picture.labels(CONDITION) for picture in pictures], columns=LABEL_COLUMNS
    )
    styles = labels.assign(shape="na", shape_exemplar="na", imagename=labels["texture_exemplar"])
    return ImageSet(np.stack(contents), labels, np.stack(masks)), ImageSet(
        np.stack(textures), styles
    )


def conflict_names(data: Mapping[str, Any], seed: int) -> list[str]:
    """Names of the images of the renderer's cue-conflict set, in its order."""
    from texshape.data import procedural

    shown = procedural.pictures(procedural.parse_settings(data), seed, CONDITION)
    return [picture.imagename for picture in shown]


def pairs(contents: pd.DataFrame, textures: pd.DataFrame, seed: int) -> list[tuple[int, int]]:
    """Pair every shape exemplar with each texture class once.

    Within two classes all texture exemplars are used equally often, or as nearly as numbers allow,
    in an order drawn at random.

    Parameters
    ----------
    contents, textures : DataFrame
        Labels; ``shape`` of the first and ``texture`` of the second count.
    seed : int

    Returns
    -------
    list of (content row, texture row)
    """
    result = []
    texture_classes = sorted(set(textures["texture"]))
    if not len(contents) or not texture_classes:
        raise InputError("cue conflict: needs at least one shape and one texture exemplar")
    shapes = sorted(set(contents["shape"]))
    orders: dict[tuple[str, str], list[int]] = {}
    for s, shape in enumerate(shapes):
        count = int((contents["shape"] == shape).sum())
        for t, texture in enumerate(texture_classes):
            rows = np.flatnonzero(textures["texture"] == texture)
            rng = np.random.default_rng([seed, _PAIRING, s, t])
            blocks = [rng.permutation(rows) for _ in range(-(-count // len(rows)))]
            orders[shape, texture] = [int(row) for row in np.concatenate(blocks)[:count]]
    met = dict.fromkeys(shapes, 0)
    for row, shape in enumerate(contents["shape"]):
        for texture in texture_classes:
            result.append((row, orders[shape, texture][met[shape]]))
        met[shape] += 1
    return result


def conflict_labels(contents: pd.DataFrame, textures: pd.DataFrame) -> pd.DataFrame:
    """Labels of conflict images, row by row; exemplars are named by class and number."""
    labels = pd.DataFrame(
        {
            "shape": contents["shape"].to_numpy(),
            "texture": textures["texture"].to_numpy(),
            "shape_exemplar": contents["shape_exemplar"].to_numpy(),
            "texture_exemplar": textures["texture_exemplar"].to_numpy(),
        }
    )
    labels["imagename"] = labels["shape_exemplar"] + "-" + labels["texture_exemplar"] + ".png"
    labels["condition"] = CONDITION
    return labels[LABEL_COLUMNS]


def stylize_pairs(
    contents: ImageSet,
    styles: ImageSet,
    labels: pd.DataFrame,
    engine: Engine,
    settings: StylizeSettings,
    *,
    seed: int,
    first: int = 0,
) -> tuple[ImageSet, pd.DataFrame]:
    """Stylize each content with the style of the same row.

    Parameters
    ----------
    contents, styles : ImageSet
        Of one length.
    labels : DataFrame
        Of the results.
    engine : Engine
    settings : StylizeSettings
    seed : int
    first : int
        Number of the first image within the whole set.

    Returns
    -------
    images : ImageSet
        With the contents' masks.
    manifest : DataFrame
        Columns `MANIFEST_COLUMNS`.
    """
    pixels = np.empty(contents.images.shape, np.uint8)
    for begin in range(0, len(contents), settings.batch_size):
        end = min(begin + settings.batch_size, len(contents))
        pixels[begin:end] = engine.stylize(
            contents.images[begin:end],
            styles.images[begin:end],
            settings.alpha,
            [(seed, first + place) for place in range(begin, end)],
        )
    manifest = pd.DataFrame(
        {
            "index": np.arange(first, first + len(labels)),
            "imagename": labels["imagename"],
            "source": contents.labels["shape_exemplar"].to_numpy(),
            "source_sha256": [sha256(image.tobytes()) for image in contents.images],
            "style": styles.labels["texture_exemplar"].to_numpy(),
            "style_sha256": [sha256(image.tobytes()) for image in styles.images],
            "seed": seed,
            "alpha": settings.alpha,
            "engine": engine.name,
            "weights": engine.weights,
        }
    )
    return ImageSet(pixels, labels, contents.masks), manifest[MANIFEST_COLUMNS]
