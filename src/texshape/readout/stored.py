"""Stored features: the arrays of a folder that ``texshape run features`` wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from texshape.errors import InputError
from texshape.files import read_csv


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
    """

    stage: str
    input: str
    name: str
    path: Path

    def read(self, rows: int) -> np.ndarray:
        """Map the array, of shape (rows, ...), into memory.

        Raises
        ------
        InputError
            If the file is missing or no whole array, or has another number of images.
        """
        try:
            array = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise InputError(f"{self.path}: no such file") from None
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{self.path}: not a whole NumPy array ({error})") from None
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
        yield Stored(str(row.stage), str(row.input), name, folder / str(row.file))
