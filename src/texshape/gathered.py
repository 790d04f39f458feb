"""The sections of the article that techniques bring: which of them are set, and their Typst.

Those of the techniques that every experiment runs are read from their folders; those of techniques that the
parameters name come with what these say of themselves (``techniques.json``), since the article is compiled
of results alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from texshape.errors import InputError
from texshape.techniques import registry
from texshape.techniques.base import Technique
from texshape.techniques.sections import Typst

#: what the techniques say of themselves that the parameters name
NAMED = "techniques.json"


@dataclass(frozen=True)
class Gathered:
    """A technique's section as it is set.

    Attributes
    ----------
    name : str
        The technique.
    package : str
        That it is of; empty for texshape's own.
    part, tells : str
        See `texshape.techniques.sections.Typst`.
    place : str
        Of its file, for messages.
    text : str
        Its Typst.
    """

    name: str
    package: str
    part: str
    tells: str
    place: str
    text: str


def gather(results: Path, files: Collection[str]) -> list[Gathered]:
    """The sections that there is anything to say in, in their order.

    Parameters
    ----------
    results : Path
        Folder of the experiment.
    files : collection of str
        Result files that the article may read, relative to it.

    Raises
    ------
    InputError
        If what the named techniques say of themselves cannot be read.
    """
    return [*_always(files), *_named(results, files)]


def _always(files: Collection[str]) -> Iterator[Gathered]:
    for name in registry.ALWAYS:
        technique = registry.get(name)
        section = technique.section
        if isinstance(section, Typst) and (section.always or _any(_shown(technique), files)):
            yield Gathered(name, "", section.part, section.tells, section.place, section.text())


def _named(results: Path, files: Collection[str]) -> Iterator[Gathered]:
    if NAMED not in files:
        return
    path = results / NAMED
    try:
        for one in json.loads(path.read_text(encoding="utf-8"))["techniques"]:
            written = one.get("typst")
            if written and _any(written["shown"], files):
                parts = (written[key] for key in ("part", "tells", "place", "text"))
                yield Gathered(one["name"], written["package"], *parts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: expected what texshape run describe-techniques writes "
            f"({type(error).__name__}: {error})"
        ) from None


def described(technique: Technique) -> dict[str, Any]:
    """What a technique says of itself: its section, figures and measures, to be written as JSON."""
    section = technique.section
    if section is None or isinstance(section, Typst):
        about = {"title": technique.title.capitalize(), "question": technique.question, "method": "",
                 "limits": ""}  # fmt: skip
    else:
        about = {"title": section.title, "question": section.question, "method": section.method,
                 "limits": section.limits}  # fmt: skip
    own = {"typst": _written(technique, section)} if isinstance(section, Typst) else {}
    return {
        "name": technique.name,
        "paper": technique.paper,
        **about,
        **own,
        "figures": [
            {"name": figure.name, "caption": figure.caption, "alt": figure.alt or figure.caption}
            for figure in technique.figures
        ],
        "measures": [
            {"name": measure.name, "label": measure.label, "unit": measure.unit}
            for measure in technique.measures
        ],
    }


def _written(technique: Technique, section: Typst) -> dict[str, Any]:
    return {
        "package": registry.package(technique.name),
        "part": section.part,
        "tells": section.tells,
        "place": section.place,
        "shown": _shown(technique),
        "text": section.text(),
    }


def _shown(technique: Technique) -> list[str]:
    """The files without which its section has nothing to say: its tables, or its figures if it writes none."""
    if technique.tables:
        return [f"tables/{table.name}.csv" for table in technique.tables]
    return [
        f"figures/{figure.name}.{kind}" for figure in technique.figures for kind in ("svg", "png")
    ]


def _any(shown: Iterable[str], files: Collection[str]) -> bool:
    return any(file in files for file in shown)


def said_hash(techniques: Iterable[Technique]) -> str:
    """Hash of what techniques say of themselves, for the rule that writes it."""
    return _hash([described(technique) for technique in techniques])


def text_hash() -> str:
    """Hash of the sections of the techniques that every experiment runs, for the rule that sets them."""
    always = map(registry.get, registry.ALWAYS)
    return _hash([described(technique).get("typst") for technique in always])


def _hash(said: list[Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]
