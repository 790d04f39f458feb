"""Trial files: one row a decision, in the columns of the published human and network experiments.

``subj,session,trial,rt,object_response,category,condition,imagename``; `category` is the shape
class, `object_response` the decision or ``na``. Read without pandas, so that scoring starts fast.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from texshape.data.outlines import CLASSES as PROCEDURAL_CLASSES
from texshape.errors import InputError, nearest, nearest_path
from texshape.files import atomic_path
from texshape.trials import answers
from texshape.trials.imagenet16 import CATEGORIES
from texshape.trials.names import ABSENT, HUMANS, RESERVED, composed

COLUMNS = (
    "subj", "session", "trial", "rt", "object_response", "category", "condition", "imagename",
)  # fmt: skip
VOCABULARIES = {
    "the 16 ImageNet categories": CATEGORIES,
    "the procedural classes": PROCEDURAL_CLASSES,
}
_TRIAL = ("subj", "session", "trial", "condition", "imagename")
# What others write for no answer.
_NO_ANSWER = {"", "na", "n/a", "nan", "none", "null"}
_PACKED = (".csv.gz", ".csv.bz2", ".csv.xz", ".csv.zip")


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
        The published columns by name, all of one length.
    rows : tuple of int
        Where each trial stands in the file, the header being row 1 and blank lines counted; by
        default one after the other from row 2 on.
    notes : tuple of str
        What whoever scores them should be told, a line each.
    """

    source: str
    classes: tuple[str, ...]
    columns: dict[str, list[str]]
    rows: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.columns["subj"])

    def __getitem__(self, column: str) -> list[str]:
        return self.columns[column]

    def place(self, row: int) -> str:
        """Name file and line of a row, for a message."""
        return f"{self.source}, row {self.rows[row] if self.rows else row + 2}"

    @property
    def hint(self) -> str:
        """What to do about a class that is none of a known set's, for a message."""
        known = self.classes in VOCABULARIES.values()
        return "; name other classes with --classes, where a command has it" if known else ""

    def digest(self) -> str:
        """Hash of what the file says, whatever its name."""
        rows = zip(*(self.columns[column] for column in COLUMNS), strict=True)
        return hashlib.sha256("\n".join("\t".join(row) for row in rows).encode()).hexdigest()


def read(path: str | Path, *, classes: Sequence[str] | None = None, own: bool = False) -> Trials:
    """Read one trial file and check every row; a file of answers too (`texshape.trials.answers`).

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
        If the file is missing, empty or cut short, lacks a column or has it twice, or holds an
        unknown class; the message names the file and the row. Upper case in a column's name is
        accepted: some published files have ``Session``. So are blank lines and separators behind
        the last value.
    """
    by_name, numbers = _cells(path)
    if answers.is_answers(by_name):
        columns, notes = answers.as_trials(
            path, by_name, numbers, lambda shown: classes or vocabulary(shown, path)
        )
    else:
        columns, notes = {column: by_name[column] for column in COLUMNS}, ()
    if classes:
        chosen = tuple(classes)
    else:
        # Texture patches have the category 'na' throughout; then the decisions tell.
        shown = [name for name in columns["category"] if name != ABSENT]
        if own and shown:
            chosen = _own_classes(shown, columns["object_response"])
        else:
            chosen = vocabulary(shown or columns["object_response"], path)
    trials = Trials(str(path), chosen, columns, numbers, notes)
    if HUMANS in columns["subj"]:
        raise InputError(
            f"{trials.place(columns['subj'].index(HUMANS))}: subj '{HUMANS}' stands for the observers "
            "together; expected another name"
        )
    _check_classes(trials)
    return trials


def in_folder(folder: Path) -> list[Path]:
    """The trial files of a folder, in the order of their names; hidden files are none.

    Raises
    ------
    InputError
        If one is packed: it would be left out.
    """
    found = []
    for path in sorted(folder.iterdir()):
        name = path.name.lower()
        if name.startswith("."):
            continue
        if name.endswith(_PACKED):
            raise InputError(f"{path}: a packed file; expected it unpacked, as {path.stem}")
        if name.endswith(".csv"):
            found.append(path)
    return found


def _cells(path: str | Path) -> tuple[dict[str, list[str]], tuple[int, ...]]:
    """The columns of a file by name, in lower case, and where each of their rows stands."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as lines:
            # Strict: a quote that is never closed, or amid a value, would swallow the rows between.
            rows = list(csv.reader(lines, strict=True))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{nearest_path(path)}") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not a readable CSV table ({error}); expected an unpacked file in UTF-8"
        ) from None
    except (OSError, csv.Error) as error:
        raise InputError(f"{path}: not a readable CSV table ({error})") from None
    # Readers of CSV (R, pandas) pass over blank lines; spreadsheets write them as separators alone.
    numbered = [(i, row) for i, row in enumerate(rows, start=1) if any(map(str.strip, row))]
    if not numbered:
        raise InputError(f"{path}: the file is empty; expected the columns {','.join(COLUMNS)}")
    header = [name.strip().lower() for name in numbered[0][1]]
    while not header[-1]:  # separators behind the last name
        header.pop()
    wanted = answers.COLUMNS if answers.is_answers(header) else COLUMNS
    for column in wanted:
        if column not in header:
            raise InputError(
                f"{path}: column '{column}' is missing; found {', '.join(numbered[0][1])}"
            )
        if header.count(column) > 1:
            raise InputError(f"{path}: column '{column}' stands there {header.count(column)} times")
    numbered = numbered[1:]
    if not numbered:
        raise InputError(f"{path}: holds no trial, only the header")
    width = len(header)
    for number, row in numbered:
        if len(row) < width or any(row[width:]):
            cause = (
                "is the file truncated?"
                if len(row) < width
                else "a value that holds a comma stands in quotes"
            )
            raise InputError(f"{path}, row {number}: {len(row)} of {width} values; {cause}")
        # Elsewhere a line break may be meant: models answer in several lines.
        if any("\n" in row[place] or "\r" in row[place] for place in map(header.index, wanted)):
            raise InputError(
                f"{path}, row {number}: a value in quotes holds a line break; is a quote missing or too many?"
            )
        if [cell.strip().lower() for cell in row[:width]] == header:
            raise InputError(
                f"{path}, row {number}: the header stands there again; expected one table a file "
                "(several files can be given at once)"
            )
    # Spaces beside a separator belong to no value: 'net ' and 'net' are one subject.
    rows = ([composed(cell.strip()) for cell in row[:width]] for _, row in numbered)
    cells = map(list, zip(*rows, strict=True))
    return dict(zip(header, cells, strict=True)), tuple(number for number, _ in numbered)


def _own_classes(shown: Sequence[str], answered: Sequence[str]) -> tuple[str, ...]:
    """What a network is shown or answers; a known set that holds all shown bounds the answers."""
    named = {*shown, *answered} - {ABSENT}
    known = next((names for names in VOCABULARIES.values() if set(shown) <= set(names)), None)
    return tuple(sorted(named if known is None else named & set(known)))


def class_list(text: str) -> tuple[str, ...]:
    """Take apart the classes that an option names: ``cat, dog, polar bear``.

    Raises
    ------
    InputError
        If one is empty, stands there twice, or is ``na``, which trial files write for no class.
    """
    names = tuple(composed(name.strip()) for name in text.split(","))
    for name in names:
        if not name:
            raise InputError(f"--classes '{text}': a name is empty; expected 'cat,dog,horse'")
        if name in RESERVED:
            raise InputError(f"--classes '{text}': '{name}' {RESERVED[name]}, not a class")
        if names.count(name) > 1:
            raise InputError(f"--classes '{text}': '{name}' stands there twice")
    return names


def trials_once(trials: Trials) -> tuple[Trials, int]:
    """Leave out trials that were written again, as by an experiment that was started anew.

    A trial is known by its subject, session, number, condition and image.

    Returns
    -------
    trials : Trials
        Each trial once, the first where it was written.
    repeated : int
        How many rows were left out.

    Raises
    ------
    InputError
        If a trial stands there with two answers: then nothing says which one holds.
    """
    known: dict[tuple[str, ...], int] = {}
    for row, key in enumerate(zip(*(trials[column] for column in _TRIAL), strict=True)):
        first = known.setdefault(key, row)
        answers = [trials["object_response"][place] for place in (first, row)]
        if answers[0] != answers[1]:
            raise InputError(
                f"{trials.place(row)}: trial {trials['trial'][row]} of session "
                f"{trials['session'][row]} (subject '{trials['subj'][row]}', image "
                f"'{trials['imagename'][row]}') stands twice, answered '{answers[0]}' and "
                f"'{answers[1]}'; expected each trial once, or numbers that differ"
            )
    kept = list(known.values())
    if len(kept) == len(trials):
        return trials, 0
    columns = {name: [cells[row] for row in kept] for name, cells in trials.columns.items()}
    rows = tuple(trials.rows[row] for row in kept) if trials.rows else tuple(i + 2 for i in kept)
    return replace(trials, columns=columns, rows=rows), len(trials) - len(kept)


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
        "name other classes with --classes, where a command has it"
    )


def _check_classes(trials: Trials) -> None:
    allowed = {"category": set(trials.classes), "object_response": {*trials.classes, ABSENT}}
    # Texture patches show no shape.
    allowed["category"].add(ABSENT)
    for column, names in allowed.items():
        if names.issuperset(trials[column]):
            continue
        row, value = next((i, v) for i, v in enumerate(trials[column]) if v not in names)
        if column == "object_response" and value.lower() in _NO_ANSWER:
            raise InputError(
                f"{trials.place(row)}: object_response '{value}'; expected {ABSENT} where no class was chosen"
            )
        raise InputError(
            f"{trials.place(row)}: {column} '{value}' is no known class"
            f"{nearest(value, sorted(names - {ABSENT}))}{trials.hint}"
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
            if isinstance(cell, str) and ("\r" in cell or "\n" in cell):  # no reader takes it
                raise InputError(f"{path}: {column} {cell!r} holds a line break")
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(zip(*values, strict=True))
