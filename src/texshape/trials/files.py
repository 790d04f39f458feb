"""Trial files: one row a decision, in the columns of the published human and network experiments.

``subj,session,trial,rt,object_response,category,condition,imagename``; `category` is the shape
class, `object_response` the decision or ``na``. Read without pandas, so that scoring starts fast.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from texshape.data.outlines import CLASSES as PROCEDURAL_CLASSES
from texshape.errors import InputError, nearest, nearest_path
from texshape.files import atomic_path
from texshape.trials.imagenet16 import CATEGORIES
from texshape.trials.names import ABSENT

COLUMNS = (
    "subj", "session", "trial", "rt", "object_response", "category", "condition", "imagename",
)  # fmt: skip
VOCABULARIES = {
    "the 16 ImageNet categories": CATEGORIES,
    "the procedural classes": PROCEDURAL_CLASSES,
}
_HUMAN = re.compile(r"subject-\d+")


@dataclass(frozen=True)
class Trials:
    """The trials of one file.

    Attributes
    ----------
    source : str
        The file's path, for messages.
    classes : tuple of str
        The classes among which was decided.
    columns : dict of list of str
        The published columns by name, all of one length; row i stands in line i + 2 of the file.
    """

    source: str
    classes: tuple[str, ...]
    columns: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.columns["subj"])

    def __getitem__(self, column: str) -> list[str]:
        return self.columns[column]

    def place(self, row: int) -> str:
        """Name file and line of a row, for a message."""
        return f"{self.source}, row {row + 2}"

    def digest(self) -> str:
        """Hash of what the file says, whatever its name."""
        rows = zip(*(self.columns[column] for column in COLUMNS), strict=True)
        return hashlib.sha256("\n".join("\t".join(row) for row in rows).encode()).hexdigest()


def is_human(subject: str) -> bool:
    """Whether a subject is a human observer (``subject-01``) and no network."""
    return _HUMAN.fullmatch(subject) is not None


def read(path: str | Path, *, classes: Sequence[str] | None = None, own: bool = False) -> Trials:
    """Read one trial file and check every row.

    Parameters
    ----------
    path : str or Path
    classes : sequence of str, optional
        The classes that may be shown and answered. By default the 16 ImageNet categories or the
        procedural classes, whichever the shown ones belong to.
    own : bool
        Of a network of an experiment: by default its classes are those that it is shown or
        answers, whatever they are called; where it is shown classes of a known set, those only.

    Raises
    ------
    InputError
        If the file is missing, empty or cut short, lacks a column, or holds an unknown class; the
        message names the file and the row. Upper case in a column's name is accepted: some
        published files have ``Session``.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.reader(lines))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{nearest_path(path)}") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable CSV table ({error})") from None
    if not rows:
        raise InputError(f"{path}: the file is empty; expected the columns {','.join(COLUMNS)}")
    header = [name.strip().lower() for name in rows[0]]
    for column in COLUMNS:
        if column not in header:
            raise InputError(f"{path}: column '{column}' is missing; found {', '.join(rows[0])}")
    rows = rows[1:]
    while rows and not rows[-1]:
        rows.pop()
    if not rows:
        raise InputError(f"{path}: holds no trial, only the header")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise InputError(
                f"{path}, row {number}: {len(row)} of {len(header)} values; is the file truncated?"
            )
    by_name = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))
    columns = {column: by_name[column] for column in COLUMNS}
    if classes:
        chosen = tuple(classes)
    else:
        # Texture patches have the category 'na' throughout; then the decisions tell.
        shown = [name for name in columns["category"] if name != ABSENT]
        if own and shown:
            chosen = _own_classes(shown, columns["object_response"])
        else:
            chosen = vocabulary(shown or columns["object_response"], path)
    trials = Trials(str(path), chosen, columns)
    _check_classes(trials)
    return trials


def _own_classes(shown: Sequence[str], answered: Sequence[str]) -> tuple[str, ...]:
    """What a network is shown or answers; a known set that holds all shown bounds the answers."""
    named = {*shown, *answered} - {ABSENT}
    known = next((names for names in VOCABULARIES.values() if set(shown) <= set(names)), None)
    return tuple(sorted(named if known is None else named & set(known)))


def vocabulary(shown: Iterable[str], source: object = "trials") -> tuple[str, ...]:
    """Find the known set of classes that the shown classes belong to."""
    shown = list(dict.fromkeys(shown))
    for known in VOCABULARIES.values():
        if any(name in known for name in shown):
            return known
    options = [name for known in VOCABULARIES.values() for name in known]
    raise InputError(
        f"{source}: class '{shown[0] if shown else ''}' belongs to no known set of classes "
        f"({' or '.join(VOCABULARIES)}){nearest(shown[0] if shown else '', options)}; "
        "name other classes with --classes"
    )


def _check_classes(trials: Trials) -> None:
    allowed = {"category": set(trials.classes), "object_response": {*trials.classes, ABSENT}}
    # Texture patches show no shape.
    allowed["category"].add(ABSENT)
    for column, names in allowed.items():
        if names.issuperset(trials[column]):
            continue
        row, value = next((i, v) for i, v in enumerate(trials[column]) if v not in names)
        raise InputError(
            f"{trials.place(row)}: {column} '{value}' is no known class"
            f"{nearest(value, sorted(names))}"
        )


def write(path: str | Path, trials: Mapping[str, Sequence[Any]] | Any) -> None:
    """Write trials atomically in the published columns and order.

    Parameters
    ----------
    path : str or Path
    trials : mapping of str to sequence, or DataFrame
        All of `COLUMNS`, of one length.
    """
    for column in COLUMNS:
        if column not in trials:
            raise InputError(f"{path}: column '{column}' of the trials is missing")
    values = [list(trials[column]) for column in COLUMNS]
    if len({len(column) for column in values}) != 1:
        raise InputError(f"{path}: the columns of the trials differ in length")
    for column, cells in zip(COLUMNS, values, strict=True):
        for cell in cells:
            if isinstance(cell, str) and "\r" in cell:  # which is not quoted, and ends a row
                raise InputError(f"{path}: {column} {cell!r} holds a line break")
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(zip(*values, strict=True))
