"""Features on disk: one memory-mapped matrix a network, and the list of what its columns are.

A folder holds

- ``activations.npy``: float32, shape (n, columns), a row an image; the stages lie side by side;
- ``stages.csv``: a row a stage and input, columns `STAGE_COLUMNS`: ``first`` is its first column of
  the matrix and ``columns`` their number (units, or units x height x width of maps); ``sha256`` is
  that of the matrix;
- ``shard.json``, in a shard of a set only: which shard of how many, and of how many images.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from texshape.errors import InputError, stored_results
from texshape.files import (
    atomic_path,
    file_sha256,
    map_npy,
    read_csv,
    write_csv,
    write_json,
    write_text,
)
from texshape.shards import Shard, in_order

ARRAY, TABLE, SHARD = "activations.npy", "stages.csv", "shard.json"
STAGE_COLUMNS = [
    "stage", "input", "module", "kind", "units", "height", "width", "first", "columns", "sha256"
]  # fmt: skip
_ROWS = 256  # that are copied at a time


@dataclass(frozen=True)
class Stored:
    """The features of one stage and input.

    Attributes
    ----------
    stage : str
    input : str
        ``pooled``, ``cls``, ``spatial`` or ``pixels``.
    name : str
        ``stage3``, ``block05.cls``, ``stage3.spatial``.
    array : ndarray of shape (n, units), or (n, units, height, width) of maps; float32
        Memory-mapped.
    """

    stage: str
    input: str
    name: str
    array: np.ndarray


def part_name(stage: str, kind: str) -> str:
    """What a stage's features of a kind are called."""
    return f"{stage}.{kind}" if kind in ("cls", "spatial") else stage


def stored(folder: str | Path, inputs: Sequence[str], rows: int | None = None) -> Iterator[Stored]:
    """Features of a folder, in the order of its ``stages.csv``.

    Parameters
    ----------
    folder : path
    inputs : sequence of str
        Kinds that are wanted.
    rows : int, optional
        Number of images that there must be.

    Raises
    ------
    InputError
        If a file is missing, not whole or damaged, names none of these kinds, or the matrix is not of
        so many images or not what the list says.
    """
    folder = Path(folder)
    with stored_results():
        table = _table(folder)
    wanted = table[table["input"].isin(inputs)]
    if wanted.empty:
        raise InputError(
            f"{folder / TABLE}: no features of the kinds {', '.join(inputs)}; "
            f"found {', '.join(sorted(set(table['input'])))}"
        )
    with stored_results():
        matrix = _matrix(folder, table)
        if rows is not None and len(matrix) != rows:
            raise InputError(
                f"{folder / ARRAY}: expected the activations of {rows} images, found {len(matrix)}"
            )
    for row in wanted.itertuples():
        values = matrix[:, row.first : row.first + row.columns]
        if row.input == "spatial":
            values = values.reshape(len(matrix), row.units, row.height, row.width)
        yield Stored(str(row.stage), str(row.input), part_name(row.stage, row.input), values)


class Writer:
    """Writes the features of a set batch by batch; the files appear when all rows are there.

    Parameters
    ----------
    folder : path
    rows : int
        Images of this set, or of this shard of it.
    """

    def __init__(self, folder: str | Path, rows: int) -> None:
        self.folder, self.rows = Path(folder), rows
        self.table: list[dict[str, Any]] = []
        self._stack = ExitStack()
        self._matrix: _MatrixWriter | None = None

    def __enter__(self) -> Writer:
        return self

    def append(self, parts: Sequence[tuple[Mapping[str, Any], np.ndarray]]) -> None:
        """Add the rows of a batch: of each part what its line of the list says, and its values."""
        flat = [values.reshape(len(values), -1) for _, values in parts]
        if self._matrix is None:
            ends = np.cumsum([values.shape[1] for values in flat]).tolist()
            self.table = [
                {**about, "first": end - values.shape[1], "columns": values.shape[1]}
                for (about, _), values, end in zip(parts, flat, ends, strict=True)
            ]
            self._matrix = self._stack.enter_context(
                _MatrixWriter(self.folder / ARRAY, self.rows, ends[-1])
            )
        self._matrix.append(np.concatenate(flat, axis=1))

    def __exit__(self, *error: Any) -> bool | None:
        suppressed = self._stack.__exit__(*error)
        if error[0] is None and self._matrix is not None:
            table = pd.DataFrame(self.table).assign(sha256=self._matrix.sha256)
            write_csv(self.folder / TABLE, table[STAGE_COLUMNS])
        return suppressed


def write_shard(folder: str | Path, shard: Shard, images: int) -> None:
    """Write down which part of a set of so many images the folder holds."""
    about = {"number": shard.number, "total": shard.total, "images": images}
    write_json(Path(folder) / SHARD, about)


def merge(parts: Sequence[str | Path], folder: str | Path) -> int:
    """Join the shards of a set, given in any order.

    Returns
    -------
    int
        Number of images.

    Raises
    ------
    InputError
        If a shard is missing or given twice, or they do not belong together.
    """
    if not parts:
        raise InputError("merge-features: no part given")
    numbered, about = [], {}
    for part in map(Path, parts):
        own = _shard(part)
        numbered.append((own.pop("number"), part / SHARD, part))
        if about and own != about:
            raise InputError(f"{part / SHARD}: is a shard of {own}, the others of {about}")
        about = own
    folder = Path(folder)
    ordered = in_order(numbered, about["total"], folder)
    tables = [_table(part) for part in ordered]
    for part, table in zip(ordered, tables, strict=True):
        if not table.drop(columns="sha256").equals(tables[0].drop(columns="sha256")):
            raise InputError(f"{part / TABLE}: lists other features than {ordered[0] / TABLE}")
    matrices = [_matrix(part, table) for part, table in zip(ordered, tables, strict=True)]
    rows = sum(map(len, matrices))
    if rows != about["images"]:
        raise InputError(f"{folder}: the shards hold {rows} images, expected {about['images']}")
    with _MatrixWriter(folder / ARRAY, rows, matrices[0].shape[1]) as out:
        for matrix in matrices:
            for begin in range(0, len(matrix), _ROWS):
                out.append(matrix[begin : begin + _ROWS])
    text = (ordered[0] / TABLE).read_text(encoding="utf-8")
    write_text(folder / TABLE, text.replace(tables[0]["sha256"][0], out.sha256))
    return rows


def _table(folder: Path) -> pd.DataFrame:
    return read_csv(folder / TABLE, STAGE_COLUMNS)


def _matrix(folder: Path, table: pd.DataFrame) -> np.ndarray:
    path = folder / ARRAY
    array = map_npy(path)
    if set(table["sha256"]) != {file_sha256(path)}:
        raise InputError(
            f"{path}: damaged, its SHA-256 is not the one in {TABLE}; remove both and run again"
        )
    columns = table["columns"].sum()
    if array.ndim != 2 or array.shape[1] != columns:
        raise InputError(
            f"{path}: expected {columns} columns, as {TABLE} lists, found shape {array.shape}"
        )
    if (table["first"] != table["columns"].cumsum() - table["columns"]).any():
        raise InputError(f"{folder / TABLE}: the stages' columns do not follow each other")
    return array


def _shard(folder: Path) -> dict[str, Any]:
    path = folder / SHARD
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        return {key: int(about[key]) for key in ("number", "total", "images")}
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; the shard is not done") from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: does not say which shard this is ({error!r})") from None


class _MatrixWriter:
    """Writes a matrix of known shape, float32, rows after rows, without mapping it."""

    def __init__(self, path: Path, rows: int, columns: int) -> None:
        self._path, self._shape = path, (rows, columns)
        self._written = 0
        self._digest = hashlib.sha256()  # of the whole file, so that a reader notices a damaged one
        self._stack = ExitStack()

    @property
    def sha256(self) -> str:
        """Of the file."""
        return self._digest.hexdigest()

    def __enter__(self) -> _MatrixWriter:
        temporary = self._stack.enter_context(atomic_path(self._path))
        self._file = self._stack.enter_context(open(temporary, "wb"))
        start = io.BytesIO()
        header = {"descr": "<f4", "fortran_order": False, "shape": self._shape}
        np.lib.format.write_array_header_1_0(start, header)
        self._write(start.getbuffer())
        return self

    def append(self, rows: np.ndarray) -> None:
        self._write(np.ascontiguousarray(rows, "<f4").data)
        self._written += len(rows)

    def _write(self, content: memoryview) -> None:
        self._file.write(content)
        self._digest.update(content)

    def __exit__(self, *error: Any) -> bool | None:
        if error[0] is None and self._written != self._shape[0]:
            complaint = InputError(
                f"{self._path}: {self._written} rows written, expected {self._shape[0]}"
            )
            self._stack.__exit__(InputError, complaint, None)
            raise complaint
        return self._stack.__exit__(*error)
