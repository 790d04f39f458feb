"""The list of recorded files that an archive does not hold, which lies in it beside the results."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from texshape.errors import InputError

NAME = "not-included.csv"


@dataclass(frozen=True)
class NotIncluded:
    """A recorded file that stays where it was made: its size, its check sum, and why."""

    file: str
    bytes: int
    sha256: str
    why: str


_COLUMNS = [field.name for field in fields(NotIncluded)]


def text(files: Iterable[NotIncluded]) -> str:
    """The list as CSV, by name."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(astuple(file) for file in sorted(files, key=lambda file: file.file))
    return lines.getvalue()


def read(folder: str | Path) -> dict[str, str]:
    """Files that an unpacked archive does not hold, each with its SHA-256; none where no list lies there.

    Parameters
    ----------
    folder : path
        The folder that ``results/`` is in.

    Raises
    ------
    InputError
        If the list cannot be read.
    """
    path = Path(folder) / NAME
    if not path.is_file():
        return {}
    try:
        with open(path, encoding="utf-8", newline="") as lines:
            return {row["file"]: row["sha256"] for row in csv.DictReader(lines)}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise InputError(
            f"{path}: not a list with the columns {', '.join(_COLUMNS)} ({error})"
        ) from None
