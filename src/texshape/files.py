"""Writing files so that a reader sees either the whole file or none of it."""

from __future__ import annotations

import csv
import errno
import fcntl
import glob
import hashlib
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.errors import InputError, MachineError, nearest_path

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

#: columns of tables that hold whole numbers, as do those called ``n_...``
WHOLE = {
    "seed", "epoch", "n", "k", "severity", "draw", "dimension", "units", "height", "width", "year",
    "image_size", "theoretical_local", "effective_untrained", "effective_trained",
}  # fmt: skip


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder that becomes `path` when the block succeeds.

    The temporary file has the final name, in a hidden folder beside it: some libraries choose the
    format by the name's suffix, and torch writes the name into the file, so that with any other name the
    same content would not give the same bytes. What a killed process left of the same file is removed.

    Raises
    ------
    InputError
        If the folder cannot be written or the disk is full. Nothing is left behind.
    """
    path = Path(path)
    hidden: Path | None = None
    try:
        with naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove_leftovers(path)
            hidden = Path(
                tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
            )
            with _marked_as_used(hidden):
                temporary = hidden / path.name
                temporary.touch()
                yield temporary
                with open(temporary, "rb") as written:
                    os.fsync(written.fileno())
                os.replace(temporary, path)
    finally:
        if hidden is not None:
            shutil.rmtree(hidden, ignore_errors=True)


class _Unwritten(MachineError):
    """A file could not be written; the message names it."""


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Turn a failed write into one line that names `path`; the innermost name stays.

    Raises
    ------
    InputError
        In place of an `OSError`, and of any error while the disk is full.
    """
    try:
        yield
    except _Unwritten:
        raise
    except Exception as error:
        # Libraries report a full disk each in its own way: numpy an OSError without a number, torch
        # a RuntimeError about its archive.
        if _is_full(error, Path(path).parent):
            raise _Unwritten(f"{path}: cannot be written (no space left on the disk)") from error
        if not isinstance(error, OSError):
            raise
        reason = (error.strerror or str(error)).lower()
        raise _Unwritten(f"{path}: cannot be written ({reason})") from error


@contextmanager
def _marked_as_used(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder, which ends with the process, however that ends."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks: leftovers stay
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _remove_leftovers(path: Path) -> None:
    """Remove temporary folders of `path` that no living process has locked."""
    for leftover in path.parent.glob(f".{glob.escape(path.name)}.????????.partial"):
        with suppress(OSError):
            handle = os.open(leftover, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(leftover, ignore_errors=True)
            finally:
                os.close(handle)


def _is_full(error: Exception, folder: Path) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    try:
        return shutil.disk_usage(folder).free < 1 << 16
    except OSError:
        return False


def cache_folder() -> Path:
    """Where downloads stay between calls: ``TEXSHAPE_CACHE``, else the system's place for caches."""
    given = os.environ.get("TEXSHAPE_CACHE")
    if given:
        return Path(given)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "texshape"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "texshape"


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON atomically, with sorted keys and without NaN (undefined is null)."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    InputError
        If the file is missing or holds no JSON.
    """
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{nearest_path(path)}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable JSON ({error})") from None


def write_csv(path: str | Path, frame: pd.DataFrame) -> None:
    """Write a table atomically; undefined values are empty cells, whole numbers stay whole.

    pandas turns a column of integers into floats where one is missing: seeds, epochs, sizes and
    counts (`WHOLE`) are written as integers all the same.
    """
    with atomic_path(path) as temporary:
        whole_numbers(frame).to_csv(temporary, index=False, lineterminator="\n")


def whole_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Make float columns that hold whole numbers by their name (`WHOLE`) nullable integers."""
    columns = [
        name
        for name, kind in frame.dtypes.items()
        if kind.kind == "f"
        and name in WHOLE | set(frame.filter(regex=r"^n_.+"))
        and (frame[name].dropna() % 1 == 0).all()
    ]
    return frame.astype(dict.fromkeys(columns, "Int64")) if columns else frame


def write_npy(path: str | Path, array: np.ndarray) -> None:
    """Write one array atomically in NumPy's format."""
    import numpy as np

    with atomic_path(path) as temporary:
        np.save(temporary, array, allow_pickle=False)


def map_npy(path: str | Path) -> np.ndarray:
    """Map an array of `write_npy` into memory.

    Raises
    ------
    InputError
        If the file is missing or no whole array.
    """
    import numpy as np

    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{nearest_path(path)}") from None
    except Exception as error:  # a damaged header fails in many ways
        raise InputError(f"{path}: not a whole NumPy array ({error})") from None
    if not isinstance(array, np.memmap):
        raise InputError(f"{path}: an archive, expected one NumPy array")
    if array.offset + array.nbytes != os.path.getsize(path):
        raise InputError(f"{path}: not a whole NumPy array (its header does not fit its size)")
    return array


def read_npz(path: str | Path, limit: int = 1 << 30) -> dict[str, np.ndarray]:
    """Read all arrays of an archive of at most `limit` bytes; the check sum of each is verified.

    Raises
    ------
    InputError
        If the file is missing, truncated or damaged, or would fill more memory than the limit.
    """
    import numpy as np

    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > limit:
            raise InputError(f"{path}: unpacks to {size} bytes, expected at most {limit}")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{nearest_path(path)}") from None
    except InputError:
        raise
    except Exception as error:  # zip, zlib and header errors of many kinds mean the same here
        raise InputError(f"{path}: not a whole NPZ file of arrays ({error})") from None


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    with open(path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def read_csv(path: str | Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a table and insist on its columns.

    Class names such as ``na`` stay strings; only empty cells are missing values.

    Raises
    ------
    InputError
        If the file is missing, is no CSV, or lacks a column or has one twice.
    """
    import pandas as pd

    path = Path(path)
    try:
        frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{nearest_path(path)}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable CSV table ({error})") from None
    # pandas calls the second of two columns 'name.1' and says nothing.
    for column in frame.columns:
        if isinstance(column, str) and f"{column}.1" in frame.columns:
            with open(path, encoding="utf-8-sig", newline="") as lines:
                header = next((row for row in csv.reader(lines) if row), [])
            if header.count(column) > 1:
                raise InputError(
                    f"{path}: column '{column}' stands there {header.count(column)} times"
                )
    for column in columns or []:
        if column not in frame.columns:
            raise InputError(
                f"{path}: column '{column}' is missing; found {', '.join(map(str, frame.columns))}"
            )
    return frame
