"""Who decided, and how: trial files, folders of them, experiments and surveys as subjects of the gallery.

A subject has at most one decision on a picture. What two sources call by one name is told apart by its file;
pictures of one name that are known to differ are refused, since nothing could be compared on them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from texshape.data import published_answers
from texshape.errors import InputError
from texshape.experiment.layout import Layout
from texshape.experiment.runs import RunId, find_runs
from texshape.files import file_sha256
from texshape.gallery.credits import by_content
from texshape.notices import warn
from texshape.trials import files as trial_files
from texshape.trials.files import Trials, trials_once
from texshape.trials.names import ABSENT, is_human, natural, parse
from texshape.trials.subjects import CUE_CONFLICT, PUBLISHED_SETS

HUMAN, NETWORK = "human", "network"
#: whose pictures a source's subjects saw, where these are the published stimuli
PUBLISHED = "published"
READINGS = "readings.csv"
CUES = ("shape", "texture")


@dataclass(frozen=True)
class Picture:
    """What a picture shows, by its name.

    Attributes
    ----------
    name : str
        ``SHAPE<i>-TEXTURE<j>``.
    shape, texture : str
        Classes.
    """

    name: str
    shape: str
    texture: str


@dataclass
class Subject:
    """One who decided.

    Attributes
    ----------
    name : str
        As the page calls it.
    kind : str
        `HUMAN` or `NETWORK`.
    source : str
        Name of the file, or of the network within its folder; no path of this machine.
    shown : str
        What is known of whose pictures it saw: `PUBLISHED`, a hash, or empty.
    credits : set of str
        Keys of `texshape.data.published.sources` that its decisions come from.
    decisions : dict of str to str
        Picture to the class decided for, or ``na``.
    readings : dict of str to tuple
        Picture to whether the linear read-out of the last stage found the shape and the texture; None
        where it was not read.
    """

    name: str
    kind: str
    source: str
    shown: str = ""
    credits: set[str] = field(default_factory=set)
    decisions: dict[str, str] = field(default_factory=dict)
    readings: dict[str, tuple[bool | None, bool | None]] = field(default_factory=dict)


@dataclass
class Gathered:
    """What all sources hold together.

    Attributes
    ----------
    subjects : list of Subject
        Humans first, in the order of their names; then networks in the order of the sources.
    pictures : dict of str to Picture
        By name.
    shown : dict of str to str
        Picture to whose it is (`Subject.shown`), where that is known.
    sets : list of (path, str)
        Stems of image sets that lie beside the trials, and whose pictures they are.
    """

    subjects: list[Subject]
    pictures: dict[str, Picture]
    shown: dict[str, str]
    sets: list[tuple[Path, str]]

    def of_published(self) -> list[str]:
        """The pictures that are known to be published stimuli."""
        return [name for name, whose in self.shown.items() if whose == PUBLISHED]


class _Gatherer:
    """Takes trial files in one after the other."""

    def __init__(self, classes: Sequence[str] | None) -> None:
        self.classes = classes
        self.subjects: dict[str, Subject] = {}
        self.pictures: dict[str, Picture] = {}
        self.sets: list[tuple[Path, str]] = []
        self._first: dict[tuple[str, str | None, str], str] = {}  # trials -> file
        self.whose: dict[str, tuple[str, str]] = {}  # picture -> whose it is, and the file

    def add(
        self,
        path: Path,
        *,
        name: str | None = None,
        source: str | None = None,
        shown: str = "",
        credit: Iterable[str] = (),
        own: bool = False,
    ) -> list[Subject]:
        """Take in a trial file; the subjects that it has decisions of.

        Parameters
        ----------
        path : path
        name : str, optional
            Of its one subject; by default what the file calls it.
        source : str, optional
            What the page says it is from; by default the file's name.
        shown : str
            Whose pictures were shown.
        credit : iterable of str
            Keys of `texshape.data.published.sources`.
        own : bool
            As in `texshape.trials.files.read`.
        """
        trials = trial_files.read(path, classes=self.classes, own=own)
        key = (
            trials.digest(),
            name,
            shown,
        )  # two trainings may decide alike, under names of their own
        if key in self._first:
            if shown != PUBLISHED:  # whose human trials lie in both repositories
                warn(str(path), f"holds the same trials as {self._first[key]}; shown once")
            return []
        self._first[key] = str(path)
        for note in trials.notes:
            warn(*note.partition(": ")[::2])
        trials, _ = trials_once(trials)
        found: dict[str, Subject] = {}
        for row, (given, image, answer) in enumerate(
            zip(trials["subj"], trials["imagename"], trials["object_response"], strict=True)
        ):
            picture = self._picture(trials, row, image, shown)
            label = given if name is None else name
            kind = HUMAN if is_human(given) else NETWORK
            one = found.setdefault(
                label, Subject(label, kind, source or path.name, shown, set(credit))
            )
            before = one.decisions.setdefault(picture, answer)
            if before != answer:
                raise InputError(
                    f"{trials.place(row)}: subject '{given}' answered '{before}' and '{answer}' about picture "
                    f"'{picture}'; the gallery shows one decision a picture"
                )
        return [self._joined(one, path) for one in found.values()]

    def _picture(self, trials: Trials, row: int, image: str, shown: str) -> str:
        try:
            name = parse(image, one_cue=True)
        except InputError as error:
            raise InputError(f"{trials.place(row)}: {error}") from None
        if ABSENT in (name.shape, name.texture):
            raise InputError(
                f"{trials.place(row)}: picture '{image}' shows one cue; expected cue-conflict pictures, "
                "SHAPE<i>-TEXTURE<j>.png"
            )
        for value in (name.shape, name.texture):
            if value not in trials.classes:
                raise InputError(
                    f"{trials.place(row)}: '{value}' of picture '{image}' is no known class{trials.hint}"
                )
        if name.shape != trials["category"][row]:
            raise InputError(
                f"{trials.place(row)}: category is '{trials['category'][row]}', but picture '{image}' shows "
                f"the shape '{name.shape}'"
            )
        key = f"{name.shape_exemplar}-{name.texture_exemplar}"
        self.pictures.setdefault(key, Picture(key, name.shape, name.texture))
        if shown:
            whose, file = self.whose.setdefault(key, (shown, trials.source))
            if whose != shown:
                raise InputError(
                    f"{trials.source}: picture '{key}' is another one than in {file}, of the same name; "
                    "expected trials on the same pictures"
                )
        return key

    def _joined(self, one: Subject, path: Path) -> Subject:
        """Join a subject's sessions; where the pictures are the same ones it is another subject."""
        other = self.subjects.get(one.name)
        apart = other is not None and one.decisions.keys().isdisjoint(other.decisions)
        if other is not None and apart and one.shown == other.shown:
            other.decisions |= one.decisions
            other.credits |= one.credits
            return other
        if other is not None:
            first = one.name
            one.name = f"{first} ({one.source})"
            number = 2
            while one.name in self.subjects:
                one.name = f"{first} ({one.source}, {number})"
                number += 1
            warn(
                str(path),
                f"'{first}' stands in {other.source} too, and need not be the same; called '{one.name}'",
            )
        self.subjects[one.name] = one
        return one


def gather(
    sources: Sequence[Path],
    *,
    classes: Sequence[str] | None = None,
    answers: Sequence[published_answers.Answers] = (),
) -> Gathered:
    """Read everything that was named.

    Parameters
    ----------
    sources : sequence of path
        Trial files or files of answers; folders of them; an experiment's folder, a survey's, or that of the
        published trials.
    classes : sequence of str, optional
        As in `texshape.trials.files.read`.
    answers : sequence of Answers
        Of others, to the published stimuli; those without a file are passed over.

    Raises
    ------
    InputError
        If a source is missing, holds no trials on cue-conflict pictures, or cannot be read; if a subject
        decided twice about a picture, or pictures of one name are not the same.
    """
    taken = _Gatherer(classes)
    for source in sources:
        if source.is_dir():
            _add_folder(taken, source)
        else:
            _add_file(taken, source)
    for one in answers:
        if one.file is not None:
            taken.add(one.file, **_answers(one))
    if not taken.subjects:
        raise InputError("no trials to show; expected trial files, or folders that hold them")
    humans = [one for one in taken.subjects.values() if one.kind == HUMAN]
    networks = [one for one in taken.subjects.values() if one.kind == NETWORK]
    return Gathered(
        [*sorted(humans, key=lambda one: natural(one.name)), *networks],
        dict(sorted(taken.pictures.items(), key=lambda item: _order(item[0]))),
        {name: whose for name, (whose, _) in taken.whose.items()},
        taken.sets,
    )


def _order(picture: str) -> tuple:
    """Shape by shape, texture by texture, exemplars by their number."""
    name = parse(f"{picture}.png")
    return natural(name.shape_exemplar), natural(name.texture_exemplar)


def _add_file(taken: _Gatherer, path: Path) -> None:
    """A file by itself; one that was published is known by its content."""
    known = by_content().get(file_sha256(path)) if path.is_file() else None
    if known is None:
        taken.add(path)
        return
    source, inner = known
    if source == published_answers.SOURCE:
        (one,) = (own for own in published_answers.subjects() if own.source.endswith(f": {inner}"))
        taken.add(path, **_answers(one))
    else:
        _add_published(taken, path, source)


def _answers(one: published_answers.Answers) -> dict[str, Any]:
    said = ", ".join(part for part in (one.decides_by, _short(one.wording), one.date) if part)
    return {
        "name": f"{one.name} ({said})",
        "source": one.source,
        "shown": PUBLISHED,
        "credit": (published_answers.SOURCE,),
    }


def _short(wording: str) -> str:
    return "" if wording == published_answers.PUBLISHED_NEUTRAL else wording


def _add_published(taken: _Gatherer, path: Path, source: str) -> None:
    """A file of published trials: networks are called as everywhere in texshape."""
    from texshape.survey.leaderboard import published_name

    subject = trial_files.read(path)["subj"][0]
    name = subject if is_human(subject) else published_name(f"{source}/{subject}")
    if is_human(subject):  # the two repositories hold the same trials, of which one copy is shown
        taken.add(path, shown=PUBLISHED, credit=(source,))
    else:
        taken.add(path, name=name, shown=PUBLISHED, credit=(source,))


def _add_folder(taken: _Gatherer, folder: Path) -> None:
    runs = [
        run for run in find_runs(folder)
        if Path(Layout(str(folder)).trials(run, CUE_CONFLICT)).is_file()
    ]  # fmt: skip
    layout = Layout(str(folder))
    trials = [Path(layout.published), folder]
    published_folder = next((one for one in trials if _published_files(one)), None)
    if runs:
        _add_runs(taken, folder, runs)
    if published_folder is not None:
        for source, path in _published_files(published_folder):
            _add_published(taken, path, source)
    if runs or published_folder is not None:
        return
    paths = trial_files.in_folder(folder)
    if not paths:
        raise InputError(
            f"{folder}: holds no trial file (*.csv), and is no folder of an experiment or a survey with "
            f"{CUE_CONFLICT} trials"
        )
    for path in paths:
        _add_file(taken, path)


def _published_files(folder: Path) -> list[tuple[str, Path]]:
    return [
        (source, path)
        for (source, experiment), images in PUBLISHED_SETS.items()
        if images == CUE_CONFLICT
        for path in sorted((folder / source / experiment).glob("*.csv"))
    ]


def _add_runs(taken: _Gatherer, folder: Path, runs: Sequence[RunId]) -> None:
    """The networks of an experiment or a survey, each with the read-out of its last stage."""
    layout = Layout(str(folder))
    parameters = _parameters(folder)
    elsewhere = {
        name
        for name, arm in (parameters.get("arms") or {}).items()
        if (arm or {}).get("variant") not in (None, "", "base")
    }
    left_out = [run for run in runs if run.arm in elsewhere]
    if left_out:
        warn(
            str(folder),
            f"{len(left_out)} networks saw pictures of other variants, which have the same names; left out "
            f"({', '.join(sorted({run.arm for run in left_out}))})",
        )
    stem = Path(layout.set("base", CUE_CONFLICT))
    shown = _shown(folder, parameters, stem)
    if Path(f"{stem}.images.npy").is_file():
        taken.sets.append((stem, shown))
    names = _printed(folder)
    kept = [run for run in runs if run.arm not in elsewhere]
    several = {run.model for run in kept if run.seed}
    for run in kept:
        name = names.get(run.model, run.model)
        added = taken.add(
            Path(layout.trials(run, CUE_CONFLICT)),
            name=f"{name}, seed {run.seed}" if run.model in several else name,
            source=str(run),
            shown=shown,
            own=True,
        )
        readings = Path(layout.measure(run, "readings"))
        if added and readings.is_file() and readings.stat().st_size:
            added[0].readings = read_readings(readings)


def _parameters(folder: Path) -> dict[str, Any]:
    """What an experiment or a survey was run with."""
    path = folder / "parameters.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; it says which networks saw which pictures. Name trial files in place of "
            "the folder where it cannot be had"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected an object of parameters")
    return found


def _shown(folder: Path, parameters: Mapping[str, Any], stem: Path) -> str:
    """Whose pictures were shown; empty where the folder does not say."""
    try:
        stimuli = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["stimuli"]
        return PUBLISHED if stimuli["name"] == PUBLISHED else str(stimuli["key"])  # a survey's
    except (OSError, ValueError, KeyError, TypeError):
        pass
    images = Path(f"{stem}.images.npy")
    if not images.is_file():
        return ""
    published_here = (parameters.get("data") or {}).get("kind") == PUBLISHED
    return PUBLISHED if published_here else file_sha256(images)


def _printed(folder: Path) -> dict[str, str]:
    """What a survey's leaderboard calls its networks."""
    path = folder / "tables" / "leaderboard.csv"
    if not path.is_file():
        return {}
    with open(path, encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row.get("subject") and row.get("name")]
    return {row["subject"]: row["name"] for row in rows}


def read_readings(path: Path) -> dict[str, tuple[bool | None, bool | None]]:
    """What a linear read-out of the last stage finds on each picture.

    Parameters
    ----------
    path : path
        ``readings.csv`` of a network: of the class token where it has one, else pooled over positions.

    Returns
    -------
    dict of str to (bool or None, bool or None)
        Picture to whether shape and texture were found.

    Raises
    ------
    InputError
        If a column is missing, or a cell is no 0 or 1.
    """
    with open(path, encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines)
        for column in ("cue", "input", "imagename", "correct"):
            if column not in (table.fieldnames or ()):
                raise InputError(
                    f"{path}: column '{column}' is missing; found {', '.join(table.fieldnames or ())}"
                )
        rows = list(table)
    kind = "cls" if any(row["input"] == "cls" for row in rows) else "pooled"
    found: dict[str, list[bool | None]] = {}
    for number, row in enumerate(rows, start=2):
        if row["input"] != kind or row["cue"] not in CUES or not row["correct"]:
            continue
        try:
            correct = {0.0: False, 1.0: True}[float(row["correct"])]
        except (ValueError, KeyError):
            raise InputError(
                f"{path}, row {number}: correct is '{row['correct']}'; expected 0 or 1"
            ) from None
        name = parse(row["imagename"])
        both = found.setdefault(f"{name.shape_exemplar}-{name.texture_exemplar}", [None, None])
        both[CUES.index(row["cue"])] = correct
    return {name: (both[0], both[1]) for name, both in found.items()}
