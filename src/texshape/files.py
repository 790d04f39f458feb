"""Writing files so that a reader sees either the whole file or none of it."""

from __future__ import annotations

import errno
import fcntl
import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder that becomes `path` when the block succeeds.

    What a killed process left half written of the same file is removed.

    Raises
    ------
    InputError
        If the folder cannot be written or the disk is full. Nothing is left behind.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        # The suffix stays last: numpy and matplotlib choose the format by it.
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.", suffix=f".partial{path.suffix}", dir=path.parent
        )
        temporary = Path(name)
        with os.fdopen(handle) as mark:
            with suppress(OSError):  # a file system without locks: leftovers stay
                fcntl.flock(mark, fcntl.LOCK_EX)  # shows others that this process is alive
            yield temporary
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes private files; results are shared
            os.replace(temporary, path)
            temporary = None
    except Exception as error:
        # Libraries report a full disk each in its own way: numpy an OSError without a number, torch
        # a RuntimeError about its archive.
        if _is_full(error, path.parent):
            raise InputError(f"{path}: cannot be written (no space left on the disk)") from error
        if not isinstance(error, OSError):
            raise
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{path}: cannot be written ({reason})") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _remove_leftovers(path: Path) -> None:
    """Remove temporary files of `path` that no living process holds."""
    for leftover in path.parent.glob(
        f".{glob.escape(path.stem)}.????????.partial{glob.escape(path.suffix)}"
    ):
        try:
            with open(leftover, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                leftover.unlink(missing_ok=True)
        except OSError:  # another process writes it, or has just finished
            continue


def _is_full(error: Exception, folder: Path) -> bool:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    try:
        return shutil.disk_usage(folder).free < 1 << 16
    except OSError:
        return False


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON atomically, with sorted keys and without NaN (undefined is null)."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def write_csv(path: str | Path, frame: pd.DataFrame) -> None:
    """Write a table atomically; undefined values are empty cells."""
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def write_npy(path: str | Path, array: np.ndarray) -> None:
    """Write one array atomically in NumPy's format."""
    import numpy as np

    with atomic_path(path) as temporary:
        np.save(temporary, array, allow_pickle=False)


def read_csv(path: str | Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a table and insist on its columns.

    Class names such as ``na`` stay strings; only empty cells are missing values.

    Raises
    ------
    InputError
        If the file is missing, is no CSV, or lacks a column.
    """
    import pandas as pd

    path = Path(path)
    try:
        frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable CSV table ({error})") from None
    for column in columns or []:
        if column not in frame.columns:
            raise InputError(
                f"{path}: column '{column}' is missing; found {', '.join(map(str, frame.columns))}"
            )
    return frame
