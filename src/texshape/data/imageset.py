"""Image sets on disk: one memory-mapped array of pixels, masks where known, one table of labels.

A set with stem ``data/cue-conflict`` is the files

- ``data/cue-conflict.images.npy``: uint8, shape (n, height, width, 3), RGB;
- ``data/cue-conflict.masks.npy`` (optional): uint8, shape (n, height, width), 1 inside the object;
- ``data/cue-conflict.labels.csv``: one row an image, columns `LABEL_COLUMNS`, ``na`` where a cue is absent.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from texshape.errors import InputError
from texshape.files import atomic_path, map_npy, naming, read_csv

if TYPE_CHECKING:
    import pandas as pd

LABEL_COLUMNS = ["imagename", "shape", "texture", "shape_exemplar", "texture_exemplar", "condition"]
# Of whole photographs that were squeezed into squares: width by height, as they were.
ASPECT_RATIO = "aspect_ratio"


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

    def take(self, rows: Sequence[int] | np.ndarray) -> ImageSet:
        """Some of the images, by their rows, in memory."""
        return ImageSet(
            np.asarray(self.images[rows]),
            self.labels.iloc[rows].reset_index(drop=True),
            None if self.masks is None else np.asarray(self.masks[rows]),
        )


def paths(stem: str | Path, masks: bool = True) -> list[Path]:
    """Files of the set with this stem."""
    parts = ["images.npy", "labels.csv"] + (["masks.npy"] if masks else [])
    return [Path(f"{stem}.{part}") for part in parts]


def write(stem: str | Path, images: ImageSet) -> None:
    """Write a set: all its files or, where one of them does not fit on the disk, none.

    The table of labels gets its name last, so that its presence means a whole set.
    """
    _check(stem, images.images, images.labels, images.masks)
    with (
        atomic_path(f"{stem}.labels.csv") as labels,
        atomic_path(f"{stem}.masks.npy") if images.masks is not None else nullcontext() as masks,
        atomic_path(f"{stem}.images.npy") as pixels,
    ):
        with naming(f"{stem}.images.npy"):
            np.save(pixels, images.images, allow_pickle=False)
        if masks is not None:
            with naming(f"{stem}.masks.npy"):
                np.save(masks, images.masks, allow_pickle=False)
        with naming(f"{stem}.labels.csv"):
            images.labels[LABEL_COLUMNS].to_csv(labels, index=False, lineterminator="\n")


class Writer:
    """Write a set image by image, of which there may be more than fit into memory.

    Used as a context; the files appear, whole, when it ends without an error.

    Parameters
    ----------
    stem : path
    side : int
        Height and width of the images in px.
    more : sequence of str
        Columns of the labels beside `LABEL_COLUMNS`.
    """

    def __init__(self, stem: str | Path, side: int, more: Sequence[str] = ()) -> None:
        self.stem, self.side, self.count = stem, side, 0
        self._columns = [*LABEL_COLUMNS, *more]

    def __enter__(self) -> Writer:
        with ExitStack() as stack:
            # Entered first, so that the labels are put in place last.
            labels = stack.enter_context(atomic_path(f"{self.stem}.labels.csv"))
            images = stack.enter_context(atomic_path(f"{self.stem}.images.npy"))
            self._labels = stack.enter_context(open(labels, "w", encoding="utf-8", newline=""))
            self._images = stack.enter_context(open(images, "wb"))
            self._table = csv.writer(self._labels, lineterminator="\n")
            self._table.writerow(self._columns)
            self._header_end = self._write_header()
            self._stack = stack.pop_all()
        return self

    def _write_header(self) -> int:
        """Write the number of images so far; NumPy leaves room for it to grow."""
        shape = (self.count, self.side, self.side, 3)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        self._images.seek(0)
        np.lib.format.write_array_header_1_0(self._images, header)
        return self._images.tell()

    def add(self, pixels: np.ndarray, labels: Sequence[str]) -> None:
        """Append one image, uint8 of shape (side, side, 3), with its row of labels."""
        if pixels.dtype != np.uint8 or pixels.shape != (self.side, self.side, 3):
            raise InputError(f"{self.stem}: an image is {pixels.dtype} of shape {pixels.shape}")
        self._images.write(pixels.tobytes())
        self._table.writerow(labels)
        self.count += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        with self._stack as stack:
            if error is not None:
                return stack.__exit__(kind, error, trace)
            if self._write_header() != self._header_end:
                raise RuntimeError("the header of a NumPy array has grown over its pixels")
        return None


def read(stem: str | Path) -> ImageSet:
    """Open a set; pixels and masks stay on the disk until they are used.

    Raises
    ------
    InputError
        If a file is missing, truncated, or does not agree with the others.
    """
    labels = read_csv(f"{stem}.labels.csv", LABEL_COLUMNS)
    images = map_npy(f"{stem}.images.npy")
    masks_path = Path(f"{stem}.masks.npy")
    masks = map_npy(masks_path) if masks_path.exists() else None
    _check(stem, images, labels, masks)
    return ImageSet(images, labels, masks)


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
