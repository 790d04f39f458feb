"""Image sets on disk: one memory-mapped array of pixels, masks where known, one table of labels.

A set with stem ``data/cue-conflict`` is the files

- ``data/cue-conflict.images.npy``: uint8, shape (n, height, width, 3), RGB;
- ``data/cue-conflict.masks.npy`` (optional): uint8, shape (n, height, width), 1 inside the object;
- ``data/cue-conflict.labels.csv``: one row an image, columns `LABEL_COLUMNS`, ``na`` where a cue is absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from texshape.errors import InputError
from texshape.files import read_csv, write_csv, write_npy

if TYPE_CHECKING:
    import pandas as pd

LABEL_COLUMNS = ["imagename", "shape", "texture", "shape_exemplar", "texture_exemplar", "condition"]


@dataclass(frozen=True)
class ImageSet:
    """Images with the labels of both cues.

    Attributes
    ----------
    images : ndarray of shape (n, height, width, 3), uint8
    labels : DataFrame with n rows and `LABEL_COLUMNS`
        ``shape_exemplar`` and ``texture_exemplar`` name the exemplar over all classes (``bear3``).
    masks : ndarray of shape (n, height, width), uint8, or None
        1 where the object is.
    """

    images: np.ndarray
    labels: pd.DataFrame
    masks: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.images)


def paths(stem: str | Path, masks: bool = True) -> list[Path]:
    """Files of the set with this stem."""
    parts = ["images.npy", "labels.csv"] + (["masks.npy"] if masks else [])
    return [Path(f"{stem}.{part}") for part in parts]


def write(stem: str | Path, images: ImageSet) -> None:
    """Write a set; the table of labels last, so that its presence means a whole set."""
    _check(stem, images.images, images.labels, images.masks)
    write_npy(f"{stem}.images.npy", images.images)
    if images.masks is not None:
        write_npy(f"{stem}.masks.npy", images.masks)
    write_csv(f"{stem}.labels.csv", images.labels[LABEL_COLUMNS])


def read(stem: str | Path) -> ImageSet:
    """Open a set; pixels and masks stay on the disk until they are used.

    Raises
    ------
    InputError
        If a file is missing, truncated, or does not agree with the others.
    """
    labels = read_csv(f"{stem}.labels.csv", LABEL_COLUMNS)
    images = _memory_map(f"{stem}.images.npy")
    masks_path = Path(f"{stem}.masks.npy")
    masks = _memory_map(masks_path) if masks_path.exists() else None
    _check(stem, images, labels, masks)
    return ImageSet(images, labels, masks)


def _memory_map(path: str | Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a whole NumPy array ({error})") from None


def _check(
    stem: object, images: np.ndarray, labels: pd.DataFrame, masks: np.ndarray | None
) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise InputError(
            f"{stem}.images.npy: expected uint8 of shape (n, height, width, 3), "
            f"found {images.dtype} of shape {images.shape}"
        )
    if len(labels) != len(images):
        raise InputError(f"{stem}.labels.csv: {len(labels)} rows for {len(images)} images")
    if masks is not None and masks.shape != images.shape[:3]:
        raise InputError(
            f"{stem}.masks.npy: expected shape {images.shape[:3]}, found {masks.shape}"
        )
