"""The techniques by name: built in, and of installed packages.

A package adds one by an entry point in the group ``texshape.techniques``::

    [project.entry-points."texshape.techniques"]
    luminance = "texshape_luminance:TECHNIQUE"
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from texshape.errors import InputError, nearest
from texshape.techniques.base import Technique, imported
from texshape.techniques.sections import Typst

GROUP = "texshape.techniques"
#: in the order of tables and of the article
BUILT_IN = (
    "sensitivity",
    "readout",
    "dimensionality",
    "cue_strength",
    "shuffling",
    "erasure",
    "segmentation",
    "receptive_field",
    "feature_visualization",
)
#: those whose jobs are of several networks at once, or of the trials, and have rules of their own
TOGETHER = ("shape_bias", "corruptions", "human_consistency", "consistency_power")
#: all that every experiment runs
ALWAYS = (*BUILT_IN, *TOGETHER)
#: run only where the parameters name them (``techniques``), like those of installed packages
OPTIONAL = (
    "cue_rank",
    "suppression",
    "triplets",
    "frequency_channel",
    "configural_shape",
    "steering",
    "top_k",
    "attention_radius",
)
OURS = (*ALWAYS, *OPTIONAL)


@cache
def built_in() -> dict[str, Technique]:
    """Techniques of texshape itself that every experiment runs on one network after the other, by name."""
    return {name: _own(name) for name in BUILT_IN}


@cache
def together() -> dict[str, Technique]:
    """The others that every experiment runs (`TOGETHER`), by name."""
    return {name: _own(name) for name in TOGETHER}


def _own(name: str) -> Technique:
    return imported(f"texshape.techniques.{name}.technique:TECHNIQUE")


@cache
def installed() -> dict[str, EntryPoint]:
    """Entry points of other packages' techniques, by name; nothing of them is imported."""
    found: dict[str, EntryPoint] = {}
    for entry in _entries():
        if entry.name not in OURS:
            found.setdefault(entry.name, entry)
    return found


@cache
def clashes() -> dict[str, str]:
    """Names that are taken: why another package's technique cannot have its own; nobody else is concerned."""
    found: dict[str, str] = {}
    first: dict[str, EntryPoint] = {}
    for entry in _entries():
        other = first.setdefault(entry.name, entry)
        if entry.name in OURS:
            found[entry.name] = (
                f"technique '{entry.name}' of {_whose(entry)}: texshape has one of that name"
            )
        elif other.value != entry.value:
            found[entry.name] = (
                f"technique '{entry.name}': of both {_whose(other)} and {_whose(entry)}; remove one"
            )
    return found


def _entries() -> list[EntryPoint]:
    return sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))


def names() -> list[str]:
    """Names of all techniques."""
    return [*OURS, *installed()]


def package(name: str) -> str:
    """The package that a technique is of; empty for texshape's own, and where there is none of that name."""
    entry = installed().get(name)
    return "" if entry is None else _whose(entry)


def usable() -> list[Technique]:
    """Other packages' techniques that can be used; why another cannot is said where one asks for it."""
    found = []
    for name in installed():
        with suppress(InputError):
            found.append(get(name))
    return found


def get(name: str) -> Technique:
    """The technique of a name.

    Raises
    ------
    InputError
        If there is none, or it cannot be imported or is no `Technique`, or has the name of a section of the
        parameters that is not its own, or of another package's.
    """
    if name in BUILT_IN:
        return built_in()[name]
    if name in TOGETHER:
        return together()[name]
    if name in OPTIONAL:
        return _own(name)
    entry = installed().get(name)
    if entry is None:
        raise InputError(f"technique '{name}' is not known{nearest(name, names())}")
    if name in clashes():
        raise InputError(clashes()[name])
    if name in _sections():
        raise InputError(
            f"technique '{name}' of {_whose(entry)}: the parameters have a section '{name}' already; "
            "expected another name"
        )
    try:
        found = entry.load()
        if isinstance(found, Technique):
            _check_places(found)
    except Exception as error:
        line = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            f"technique '{name}' of {_whose(entry)} cannot be imported ({line})"
        ) from None
    if not isinstance(found, Technique) or found.name != name:
        what = (
            f"the technique '{found.name}'"
            if isinstance(found, Technique)
            else type(found).__name__
        )
        raise InputError(
            f"technique '{name}' of {_whose(entry)}: expected {entry.value} to be a Technique of that "
            f"name, found {what}"
        )
    return found


def _check_places(technique: Technique) -> None:
    """See that what it names is there; only its settings, which are light, are imported for it."""
    if technique.settings:
        imported(technique.settings)
    if isinstance(technique.section, Typst):
        technique.section.text()
    for place in filter(None, (technique.run, technique.applies)):
        module = place.partition(":")[0]
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named '{module}'")


def without_sections(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters but the sections of the techniques that have to be named, which these check.

    A section of one that is not named is unused. Of one of another package it is unread then, as where that
    cannot be used (`texshape.techniques.named`).

    Raises
    ------
    InputError
        If ``techniques`` names one that is built in or unknown, or one's section is bad.
    """
    found = dict(parameters)
    named = parameters.get("techniques")
    for name in map(str, named if isinstance(named, list) else []):
        if name in ALWAYS:
            raise InputError(f"techniques: '{name}' is one of texshape's own, which measure anyway")
        try:
            technique = get(name)
        except InputError:
            if name not in installed():
                raise
            if name not in _sections():
                found.pop(name, None)
            continue
        if technique.place:  # a section that others read too
            technique.configured(parameters)
            continue
        _check_section(technique, found.pop(name, None), parameters)
    # An overlay that names fewer techniques cannot take away the sections below it: they are there, and unused.
    for name in OPTIONAL:
        if name in found and name not in _sections() and not get(name).place:
            _check_section(get(name), found.pop(name), parameters)
    for name in installed().keys() - set(_sections()):
        found.pop(name, None)  # unread: who does not name it is not concerned with its package
    return found


def _check_section(technique: Technique, section: Any, parameters: Mapping[str, Any]) -> None:
    if section is not None and not isinstance(section, Mapping):
        raise InputError(f"{technique.name}: expected a mapping of keys, found {section!r}")
    technique.configured(parameters)


def optional_sections() -> dict[str, Any]:
    """The models of the sections that `OPTIONAL` techniques have of their own, by the sections' names."""
    found = {name: get(name) for name in OPTIONAL}
    return {
        name: imported(one.settings)
        for name, one in found.items()
        if one.settings and not one.place
    }


def _sections() -> Collection[str]:
    """Names of the sections that the parameters have without techniques of other packages."""
    from texshape.config import whole

    return whole.model().model_fields


def _whose(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value
