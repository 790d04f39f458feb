"""Several surveys as one: their leaderboards joined, as if one command had measured all networks.

Nothing is measured. What a survey's folder says of its pictures, parameters and networks decides whether its
rows may stand beside another's.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape import FORMAT_VERSION
from texshape.decision_readout.settings import DecisionReadoutSettings
from texshape.errors import InputError, nearest, nearest_path
from texshape.files import read_csv
from texshape.survey.columns import (
    CONSISTENCY,
    HUMANS,
    LEADERBOARD,
    MEASURED,
    NOTICES,
    REASONS,
    in_order,
)
from texshape.tables import Column, Table
from texshape.trials.deciding import READOUT, WORDS

if TYPE_CHECKING:
    import pandas as pd

# Rows that every printed leaderboard has.
_ROWS = (HUMANS, "guessing")
#: what `texshape leaderboard --output` writes; no result of a step, so not in the catalogue
JOINED = replace(
    LEADERBOARD,
    name="joined_leaderboard",
    columns=(
        *LEADERBOARD.columns,
        Column("folders", "text", "folders of the surveys that it is from, joined by `; `"),
        Column("not_measured", "text", "`TECHNIQUE: REASON` of a network's empty cells, by `; `"),
    ),
)
#: Columns that one computation fills: a subject has all of them in a survey, or none.
TOGETHER = (
    ("subject", "name", "kind", "decides_by", "wording", "date"),
    ("shape_bias", "ci_low", "ci_high", "cue_match_rate", "n_conflict", "verdict", "n_classes",
     "n_congruent", "few_congruent"),
    ("edges",),
    ("silhouettes",),
    CONSISTENCY,
    tuple(name for name in LEADERBOARD.names
          if name.startswith(("shape_read", "shape_untrained", "shape_pixels", "shape_known",
                              "texture_", "read_stage", "chance"))),
)  # fmt: skip
#: Sections of the parameters that the columns rest on, and keys of them that may differ: what is about speed
#: alone, and the class map, which belongs to networks (`_same_maps`).
SECTIONS = {
    "evaluation": ("batch_size", "channels_last", "class_map"),
    "bootstrap": (),
    "readout": (),
    "decision_readout": ("batch_size",),
}


@dataclass(frozen=True)
class Survey:
    """What a survey's folder holds of its leaderboard.

    Attributes
    ----------
    folder : path
    rows, reasons, notices : list of dict
        Of ``leaderboard.csv``, ``reasons.csv`` and ``notices.csv`` below ``tables/``.
    networks : dict of str to dict
        By slug: ``name``, ``class_map`` and ``key``, the hash of all that its outputs depend on (None where
        that could not be seen), as ``models.csv`` has them.
    stimuli : dict
        ``name``, ``key`` and ``images`` (how many of each set).
    settings : dict
        All parameters.
    benchmark : bool
        Whether consistency with humans is of the 17 data sets' trials, which needs a network with decisions.
    """

    folder: Path
    rows: list[dict[str, Any]]
    reasons: list[dict[str, Any]]
    notices: list[dict[str, Any]]
    networks: dict[str, dict[str, Any]]
    stimuli: dict[str, Any]
    settings: dict[str, Any]
    benchmark: bool


@dataclass(frozen=True)
class Joined:
    """The leaderboard of several surveys.

    Attributes
    ----------
    leaderboard, reasons, notices : DataFrame
        `LEADERBOARD`, `REASONS` and `NOTICES` of `texshape.survey.columns`.
    folders : dict of str to list of str
        Each subject, and the folders that it is from.
    """

    leaderboard: pd.DataFrame
    reasons: pd.DataFrame
    notices: pd.DataFrame
    folders: dict[str, list[str]]

    def table(self) -> pd.DataFrame:
        """`JOINED`: the leaderboard, from where each row is, and why cells are empty."""
        why: dict[str, list[str]] = {}
        for row in self.reasons.to_dict("records"):
            why.setdefault(row["model"], []).append(f"{row['technique']}: {row['reason']}")
        subjects = self.leaderboard["subject"]
        return self.leaderboard.assign(
            folders=["; ".join(self.folders[subject]) for subject in subjects],
            not_measured=["; ".join(why.get(subject, ())) for subject in subjects],
        )


def join(folders: Sequence[Path], names: Sequence[str] = ()) -> Joined:
    """Join the leaderboards of surveys.

    Parameters
    ----------
    folders : sequence of path
        At least one.
    names : sequence of str
        ``NAME=FOLDER``: the network of that folder, which has one, is called so.

    Returns
    -------
    Joined
        Subjects that several folders have come once, with all that any of these folders holds of them.

    Raises
    ------
    InputError
        If a folder holds no whole survey, folders differ in pictures, parameters or class maps, or a subject
        differs between two.
    """
    _once_each(folders)
    called = _names(names, folders)
    surveys = [_renamed(read(folder), called.get(folder, "")) for folder in folders]
    for position, survey in enumerate(surveys):
        for earlier in surveys[:position]:
            _comparable(earlier, survey)
            _same_networks(earlier, survey)
    rows: dict[str, _Row] = {}
    for survey in _with_one_consistency(surveys):
        for row in survey.rows:
            rows.setdefault(row["subject"], _Row(row["subject"])).add(survey.folder, row)
    notices = [tuple(row.values()) for survey in surveys for row in survey.notices]
    return Joined(
        in_order(LEADERBOARD.frame(row.cells for row in rows.values())),
        REASONS.frame(_lacking(surveys)),
        NOTICES.frame(dict(zip(NOTICES.names, row, strict=True)) for row in dict.fromkeys(notices)),
        {subject: row.folders for subject, row in rows.items()},
    )


# --- a folder --------------------------------------------------------------------------------------


def read(folder: Path) -> Survey:
    """Read what a survey's folder holds of its leaderboard.

    Raises
    ------
    InputError
        If it is no survey's folder, the survey was cut off, or a file is of another version or damaged.
    """
    if not folder.is_dir():
        found = "is a file" if folder.exists() else f"no such folder{nearest_path(folder)}"
        raise InputError(f"{folder}: {found}; expected the folder of a `texshape measure`")
    board = folder / "tables" / "leaderboard.csv"
    if not board.is_file():
        raise InputError(
            f"{folder}: is no survey's folder, as it has no tables/leaderboard.csv; expected the folder of "
            "a `texshape measure` that has ended"
        )
    made = _json(folder / "provenance.json")
    version = made.get("format_version")
    if version != FORMAT_VERSION:
        raise InputError(
            f"{folder / 'provenance.json'}: format_version is {version}, expected {FORMAT_VERSION}, that of "
            "this texshape; measure again with it"
        )
    networks, stimuli = made.get("networks"), made.get("stimuli")
    try:
        by_slug = {str(one["model"]): dict(one) for one in networks}
        shown = {key: stimuli[key] for key in ("name", "key", "images")}
    except (KeyError, TypeError):
        raise InputError(
            f"{folder / 'provenance.json'}: expected 'networks', a list with 'model' in each, and 'stimuli' "
            "with 'name', 'key' and 'images'"
        ) from None
    rows = _rows(LEADERBOARD, board)
    measured = {row["subject"] for row in rows if row["kind"] == MEASURED}
    if odd := sorted(measured ^ by_slug.keys()):
        raise InputError(
            f"{folder}: '{odd[0]}' is in one of tables/leaderboard.csv and provenance.json alone, so a survey "
            "was cut off; measure again"
        )
    return Survey(
        folder,
        rows,
        _rows(REASONS, folder / "tables" / "reasons.csv"),
        _rows(NOTICES, folder / "tables" / "notices.csv"),
        by_slug,
        shown,
        _json(folder / "parameters.json"),
        (folder / "tables" / "benchmark_by_dataset.csv").is_file(),
    )


def _json(path: Path) -> dict[str, Any]:
    """An object of JSON; a survey that was cut off lacks the file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file: the survey was cut off; measure again") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable JSON ({error}); measure again") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: holds a {type(value).__name__}, expected an object")
    return value


def _rows(table: Table, path: Path) -> list[dict[str, Any]]:
    """The declared columns, numbers to their last digit, which pandas reads roughly; undefined is None."""
    table.check(read_csv(path), path)
    with open(path, encoding="utf-8-sig", newline="") as lines:
        return [
            {column.name: _cell(column, row[column.name] or "") for column in table.columns}
            for row in csv.DictReader(lines)
        ]


def _cell(column: Column, text: str) -> Any:
    if column.kind == "text":
        return text
    if not text:
        return None
    if column.kind == "flag":
        return text == "True"
    return int(float(text)) if column.kind == "whole" else float(text)


# --- names -----------------------------------------------------------------------------------------


def _once_each(folders: Sequence[Path]) -> None:
    seen: dict[Path, Path] = {}
    for folder in folders:
        place = folder.resolve()
        if place in seen:
            raise InputError(f"{folder}: is given twice, also as {seen[place]}")
        seen[place] = folder


def _names(given: Sequence[str], folders: Sequence[Path]) -> dict[Path, str]:
    """Folder to what its network is called, of ``NAME=FOLDER``; either may hold an equals sign."""
    found: dict[Path, str] = {}
    for text in given:
        parts = text.split("=")
        cuts = [("=".join(parts[:i]), Path("=".join(parts[i:]))) for i in range(1, len(parts))]
        fitting = [(name.strip(), folder) for name, folder in cuts if folder in folders]
        if not fitting or not fitting[0][0]:
            raise InputError(
                f"--as {text}: expected NAME=FOLDER with one of the folders of this command"
                f"{nearest(text.partition('=')[2], map(str, folders))}"
            )
        name, folder = fitting[0]
        if name in _ROWS:
            raise InputError(
                f"--as {text}: '{name}' is a row of every leaderboard; expected another name"
            )
        if folder in found:
            raise InputError(f"--as {text}: the network of {folder} is called '{found[folder]}'")
        found[folder] = name
    return found


def _renamed(survey: Survey, name: str) -> Survey:
    """A survey of one network, which gets another name; the same where there is no name."""
    if not name:
        return survey
    if len(survey.networks) != 1:
        raise InputError(
            f"--as {name}={survey.folder}: the folder has {len(survey.networks)} networks "
            f"({', '.join(sorted(survey.networks))}); expected one"
        )
    ((slug, network),) = survey.networks.items()
    if any(row["subject"] == name != slug for row in survey.rows):
        raise InputError(f"--as {name}={survey.folder}: the folder has a subject '{name}' already")
    return replace(
        survey,
        rows=[
            row | {"subject": name, "name": f"{name}{_mark(row)}"}
            if row["subject"] == slug
            else row
            for row in survey.rows
        ],
        reasons=[row | {"model": name} for row in survey.reasons],
        notices=[row | {"model": name} for row in survey.notices],
        networks={name: network | {"model": name, "name": name}},
    )


def _mark(row: Mapping[str, Any]) -> str:
    """What stands behind the name of a network that decides by a read-out."""
    return f" ({WORDS[READOUT]})" if row["decides_by"] == READOUT else ""


# --- what must be the same -------------------------------------------------------------------------


def _comparable(first: Survey, second: Survey) -> None:
    """Refuse surveys of other pictures, or that show or score them in another way."""
    both = f"{first.folder} and {second.folder}"
    if first.stimuli["key"] != second.stimuli["key"]:
        shown = " and ".join(_stimuli(one.stimuli) for one in (first, second))
        raise InputError(f"{both}: differ in their stimuli, {shown}; expected the very same")
    sections = [name for name in SECTIONS if _counts(name, first) and _counts(name, second)]
    for name in sections:
        ours, theirs = (_section(name, one) for one in (first, second))
        for key in sorted({*ours, *theirs} - set(SECTIONS[name])):
            _same(both, f"{name}.{key}", ours.get(key), theirs.get(key))
    _same(both, "seed", first.settings.get("seed"), second.settings.get("seed"))
    _same_maps(first, second)


def _same(both: str, key: str, first: Any, second: Any) -> None:
    if first != second:
        values = " and ".join(json.dumps(value) for value in (first, second))
        raise InputError(f"{both}: differ in the parameter {key}, {values}; expected the same")


def _stimuli(stimuli: Mapping[str, Any]) -> str:
    images = stimuli["images"]
    counts = [f"{count} {name}" for name, count in sorted(images.items())]
    return f"'{stimuli['name']}' ({', '.join(counts)}, key {stimuli['key']})"


def _section(name: str, survey: Survey) -> dict[str, Any]:
    """A section of the parameters; one that need not be there with the values that it has then."""
    given = survey.settings.get(name) or {}
    return DecisionReadoutSettings.over(given).dump() if name == "decision_readout" else given


def _counts(section: str, survey: Survey) -> bool:
    """Whether a row of the survey rests on a section of the parameters."""
    if section == "readout":
        return any(row["shape_read"] is not None for row in survey.rows)
    if section == "decision_readout":
        return any(row["decides_by"] == READOUT for row in survey.rows)
    return True


def _same_maps(first: Survey, second: Survey) -> None:
    """Refuse two class maps; networks that need none stand beside those of either."""
    maps = [
        {str(one["class_map"]): slug for slug, one in survey.networks.items() if one.get("class_map")}
        for survey in (first, second)
    ]  # fmt: skip
    if all(maps) and maps[0].keys() != maps[1].keys():
        said = " and ".join(
            ", ".join(f"'{file}' of '{slug}'" for file, slug in sorted(each.items()))
            for each in maps
        )
        raise InputError(
            f"{first.folder} and {second.folder}: differ in class maps, {said}; expected the same (one "
            "`texshape measure` takes several, --class-map NETWORK=FILE)"
        )


def _same_networks(first: Survey, second: Survey) -> None:
    """Refuse two networks under one name."""
    for slug in sorted(first.networks.keys() & second.networks.keys()):
        ours, theirs = first.networks[slug], second.networks[slug]
        keys = ours.get("key"), theirs.get("key")
        if None not in keys and keys[0] != keys[1]:
            raise InputError(
                f"{first.folder} and {second.folder}: '{slug}' is measured in both and is not the same network "
                f"(code, weights or packages differ: key {keys[0]} and {keys[1]}); expected one, or --as "
                "NAME=FOLDER"
            )


def _with_one_consistency(surveys: list[Survey]) -> list[Survey]:
    """Leave out humans' consistency as it stands beside published answers, where a survey has the benchmark's.

    One survey does the same; the interval is of other draws.
    """
    if not any(survey.benchmark for survey in surveys):
        return surveys
    bare: dict[str, Any] = dict.fromkeys(CONSISTENCY)
    return [
        survey
        if survey.benchmark
        else replace(survey, rows=[row | bare if row["subject"] == HUMANS else row
                                   for row in survey.rows])
        for survey in surveys
    ]  # fmt: skip


# --- rows ------------------------------------------------------------------------------------------


class _Row:
    """A subject, put together from the folders that have it."""

    def __init__(self, subject: str) -> None:
        self.cells: dict[str, Any] = {}
        self.folders: list[str] = []
        self._subject = subject
        self._from: dict[str, Path] = {}  # column to the folder whose cell it is

    def add(self, folder: Path, row: Mapping[str, Any]) -> None:
        """Add what a folder holds of it; what both hold must be the same."""
        self.folders.append(str(folder))
        for columns in TOGETHER:
            if not any(map(_filled, (row[name] for name in columns))):
                continue
            if not any(map(_filled, (self.cells.get(name) for name in columns))):
                self.cells |= {name: row[name] for name in columns if _filled(row[name])}
                self._from |= dict.fromkeys(columns, folder)
                continue
            for name in columns:
                ours, theirs = self.cells.get(name), row[name]
                if not _equal(ours, theirs):
                    values = " and ".join(_written(value) for value in (ours, theirs))
                    raise InputError(
                        f"{self._from[name]} and {folder}: {name} of '{self._subject}' differs, {values}; "
                        "expected the same"
                    )


def _filled(cell: Any) -> bool:
    return cell is not None and cell != ""


def _written(cell: Any) -> str:
    return str(cell) if _filled(cell) else "empty"


def _equal(first: Any, second: Any) -> bool:
    """Whether cells agree, numbers but for the order of summation."""
    if isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-12)
    return first == second or not (_filled(first) or _filled(second))


def _lacking(surveys: Sequence[Survey]) -> Iterator[dict[str, Any]]:
    """Reasons of what no folder has of a network; of several the first."""
    said = set()
    for survey in surveys:
        for row in survey.reasons:
            about = row["model"], row["technique"]
            if about in said or any(_measured(other, *about, survey) for other in surveys):
                continue
            said.add(about)
            yield row


def _measured(survey: Survey, model: str, technique: str, lacks: Survey) -> bool:
    """Whether a survey has what another lacks: it gives no reason, and was not spared a technique by name."""
    if model not in survey.networks:
        return False
    if any((row["model"], row["technique"]) == (model, technique) for row in survey.reasons):
        return False
    named, elsewhere = (one.settings.get("techniques") or () for one in (survey, lacks))
    return technique in named or technique not in elsewhere
