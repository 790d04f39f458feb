"""The techniques that the parameters name, and those of them that cannot be used."""

from __future__ import annotations

from collections.abc import Iterable

from texshape.errors import InputError
from texshape.techniques import registry
from texshape.techniques.base import Technique


def named(names: Iterable[str]) -> tuple[list[Technique], dict[str, str]]:
    """Find techniques by name; one of another package that cannot be used stops nothing.

    Parameters
    ----------
    names : iterable of str
        Section ``techniques`` of the parameters.

    Returns
    -------
    found : list of Technique
    refused : dict of str to str
        Name to why it cannot be used, in one line that names its package: it cannot be imported, or its name
        or that of one of its tables, measures or figures is taken.

    Raises
    ------
    InputError
        If there is no technique of a name.
    """
    found: list[Technique] = []
    refused: dict[str, str] = {}
    for name in names:
        package = registry.package(name)
        try:
            technique = registry.get(name)
            if package:
                _check_names(technique, package, found)
        except InputError as error:
            if not package:
                raise
            refused[name] = str(error)
            continue
        found.append(technique)
    return found, refused


def _check_names(technique: Technique, package: str, others: Iterable[Technique]) -> None:
    """See that the names of a technique's tables, measures and figures are its own."""
    from texshape.catalogue import catalogue
    from texshape.figures.registry import FIGURES

    taken = {("table", name) for name in catalogue()} | {("figure", name) for name in FIGURES}
    taken.update(one for name in registry.OURS for one in _names(registry.get(name)))
    taken.update(one for other in others for one in _names(other))
    for kind, name in _names(technique):
        if (kind, name) in taken:
            raise InputError(
                f"technique '{technique.name}' of {package}: a {kind} '{name}' is there already; "
                "expected another name"
            )
        taken.add((kind, name))


def _names(technique: Technique) -> list[tuple[str, str]]:
    kinds = {"table": technique.tables, "measure": technique.measures, "figure": technique.figures}
    return [(kind, one.name) for kind, declared in kinds.items() for one in declared]
