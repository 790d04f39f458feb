"""PASCAL VOC 2012 for the segmentation read-out, for those who have it (torchvision's data set).

Photographs are scaled so that their longer side fits, and padded to a square; padding and VOC's own
void outline are ignored in training and in the metric. The paper trains on the 10,582 images of the
augmented set; the plain set has 1,464 for training and 1,449 for validation, and these are what
this module reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from texshape.data import pictures
from texshape.errors import InputError, nearest
from texshape.techniques.segmentation import targets
from texshape.techniques.segmentation.metrics import IGNORE

if TYPE_CHECKING:
    from PIL.Image import Image

    from texshape.techniques.segmentation.measure import Task

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)
TARGETS = ("binary", "semantic")


def pairs(root: str | Path, image_set: str) -> Iterator[tuple[Image, Image]]:
    """Photograph (RGB) and class mask (L: 0 to 20, or 255) of each image of a split.

    Parameters
    ----------
    root : folder that holds ``VOCdevkit/VOC2012``
    image_set : str
        ``train`` or ``val``.

    Raises
    ------
    InputError
        If the data set is not there, a file cannot be read, or a mask is none of its photograph.
    """
    from torchvision.datasets import VOCSegmentation

    try:
        data = VOCSegmentation(str(root), year="2012", image_set=image_set, download=False)
    except (RuntimeError, FileNotFoundError) as error:
        raise InputError(
            f"{root}: no PASCAL VOC 2012 here; expected VOCdevkit/VOC2012 with "
            f"ImageSets/Segmentation/{image_set}.txt ({error})"
        ) from None
    for photograph_file, mask_file in zip(data.images, data.masks, strict=True):
        photograph = pictures.read(photograph_file)
        mask = _read_mask(mask_file)
        if mask.size != photograph.size:
            sizes = [f"{image.width} x {image.height} px" for image in (mask, photograph)]
            raise InputError(
                f"{mask_file}: is {sizes[0]}, expected {sizes[1]} as {photograph_file}"
            )
        yield photograph, mask


def _read_mask(path: str) -> Image:
    """Numbers of classes, which a palette's file stores as its indices and a grey file as its levels."""
    from PIL import Image

    mask = pictures.opened(path)
    if mask.mode not in ("P", "L"):
        raise InputError(
            f"{path}: pixels of the kind {mask.mode}, expected the class's number at each pixel, in a "
            "palette or as grey"
        )
    try:
        values = np.asarray(mask)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: not a whole image ({error})") from None
    if odd := sorted({*np.unique(values).tolist()} - {*range(len(CLASSES) + 1), IGNORE}):
        raise InputError(
            f"{path}: holds class {odd[0]}, expected 0 to {len(CLASSES)}, or {IGNORE} for none"
        )
    return Image.fromarray(values)


def square(photograph: Image, mask: Image, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Fit a photograph and its mask into a square; what is padded is grey, and ignored.

    Returns
    -------
    ((side, side, 3) uint8, (side, side) uint8)
    """
    from PIL import Image

    scale = side / max(photograph.size)
    size = [max(1, round(length * scale)) for length in photograph.size]  # width, height
    image = np.full((side, side, 3), 127, np.uint8)
    target = np.full((side, side), IGNORE, np.uint8)
    left, top = ((side - length) // 2 for length in size)
    place = np.s_[top : top + size[1], left : left + size[0]]
    image[place] = photograph.resize(size, Image.Resampling.BICUBIC)
    target[place] = mask.resize(size, Image.Resampling.NEAREST)
    return image, target


def task(
    root: str | Path,
    side: int,
    *,
    names: tuple[str, ...] = TARGETS,
    most: tuple[int | None, int | None] = (None, None),
    seed: int = 0,
) -> Task:
    """Training on VOC's split ``train``, testing on ``val``.

    Parameters
    ----------
    root : folder that holds ``VOCdevkit/VOC2012``
    side : int
        Of the squares, in px.
    names : tuple of str
        ``binary`` (object or not) and ``semantic`` (which of the 20 classes).
    most : (int or None, int or None)
        The most images of either split.
    seed : int
        Of their choice.
    """
    from texshape.techniques.segmentation.measure import Task

    for name in names:
        if name not in TARGETS:
            raise InputError(f"unknown VOC target '{name}'{nearest(name, TARGETS)}")
    parts = []
    for image_set, count in zip(("train", "val"), most, strict=True):
        both = [square(*pair, side) for pair in pairs(root, image_set)]
        if not both:
            raise InputError(f"{root}: VOC's split '{image_set}' is empty")
        rows = targets.thin(np.arange(len(both)), count, seed=seed)
        parts.append([np.stack([both[row][which] for row in rows]) for which in (0, 1)])
    (train_images, train_masks), (test_images, test_masks) = parts
    masks = {
        "binary": (targets.binary(train_masks), targets.binary(test_masks), 2),
        "semantic": (train_masks, test_masks, len(CLASSES) + 1),
    }
    return Task(
        train_images,
        test_images,
        {name: masks[name] for name in names},
        None,
    )
