"""Stored features: the arrays of a folder that ``texshape run features`` wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from texshape.errors import InputError
from texshape.files import file_sha256, map_npy, read_csv


@dataclass(frozen=True)
class Stored:
    """One array of features.

    Attributes
    ----------
    stage : str
    input : str
        ``pooled``, ``cls``, ``spatial`` or ``pixels``.
    name : str
        The file's name without its end: ``stage3``, ``block05.cls``.
    path : Path
    sha256 : str
        Of the file; empty where the table does not say.
    """

    stage: str
    input: str
    name: str
    path: Path
    sha256: str = ""

    def read(self, rows: int) -> np.ndarray:
        """Map the array, of shape (rows, ...), into memory.

        Raises
        ------
        InputError
            If the file is missing, no whole array or damaged, or has another number of images.
        """
        array = map_npy(self.path)
        if self.sha256 and file_sha256(self.path) != self.sha256:
            raise InputError(
                f"{self.path}: damaged, its SHA-256 is not the one in stages.csv; remove stages.csv "
                "and run again"
            )
        if array.ndim < 2 or len(array) != rows:
            raise InputError(
                f"{self.path}: expected the activations of {rows} images, found shape {array.shape}"
            )
        return array


def stored(folder: str | Path, inputs: Sequence[str]) -> Iterator[Stored]:
    """Features of a folder, in the order of its ``stages.csv``.

    Parameters
    ----------
    folder : path
    inputs : sequence of str
        Kinds that are wanted.

    Raises
    ------
    InputError
        If ``stages.csv`` is missing or names none of these kinds.
    """
    folder = Path(folder)
    table = read_csv(folder / "stages.csv", ["stage", "input", "file"])
    wanted = table[table["input"].isin(inputs)]
    if wanted.empty:
        raise InputError(
            f"{folder / 'stages.csv'}: no features of the kinds {', '.join(inputs)}; "
            f"found {', '.join(sorted(set(table['input'])))}"
        )
    for row in wanted.itertuples():
        name = str(row.file).removesuffix(".npy")
        digest = str(getattr(row, "sha256", ""))
        yield Stored(str(row.stage), str(row.input), name, folder / str(row.file), digest)
