"""The figures by name, as they are declared: by each technique, and here where they are of none.

The Snakefile asks for names, captions and chapters, so this module imports no drawing library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.errors import InputError, nearest
from texshape.figures import declared as others
from texshape.techniques import registry
from texshape.techniques.base import Figure as Declared
from texshape.techniques.base import imported

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: declarations, and what draws by them, for `texshape.source_code`
DYNAMIC_IMPORTS = (
    "texshape.techniques.*.technique",
    "texshape.techniques.*.figures",
    "texshape.techniques.*.figure",
)


def _own() -> Iterator[Declared]:
    yield from others.FIGURES
    for name in registry.BUILT_IN + registry.OPTIONAL + registry.TOGETHER:
        yield from registry.get(name).figures


#: texshape's own by name
FIGURES: dict[str, Declared] = {figure.name: figure for figure in _own()}


def declaration(name: str) -> Declared:
    """What a figure is.

    Raises
    ------
    InputError
        If no figure of ours, and none that a technique declares, has that name.
    """
    if name in FIGURES:
        return FIGURES[name]
    for technique in registry.usable():
        for figure in technique.figures:
            if figure.name == name:
                return figure
    raise InputError(f"figure '{name}' is not known{nearest(name, FIGURES)}")


def owner(name: str) -> tuple[str, str]:
    """The technique of another package that declares a figure, and that package; empty where none does."""
    if name not in FIGURES:
        for technique in registry.usable():
            if any(figure.name == name for figure in technique.figures):
                return technique.name, registry.package(technique.name)
    return "", ""


def declaration_of_file(name: str) -> Declared | None:
    """What the figure in a file is, from the file's name without its suffix; None if nothing declares it.

    One of several that are drawn alike is called by its declaration, a hyphen and a name of its own.
    """
    for known in (name, name.partition("-")[0]):
        with suppress(InputError):
            return declaration(known)
    return None


def available(
    tables: Iterable[str],
    *,
    trained: bool,
    published: bool | None = None,
    controls: bool | None = None,
    named: bool | None = None,
) -> list[str]:
    """Figures that an experiment can draw.

    Parameters
    ----------
    tables : iterable of str
        Names of the tables that the experiment makes.
    trained : bool
        Whether it trains networks.
    published : bool, optional
        Whether it has trials that others published; by default where it trains none.
    controls : bool, optional
        Whether it trains networks on other variants of its images; by default where it trains.
    named : bool, optional
        Whether it measures networks by name; by default where it trains none.
    """
    tables = set(tables)
    has = {
        "trained": trained,
        "published": not trained if published is None else published,
        "controls": trained if controls is None else controls,
        "named": not trained if named is None else named,
    }
    return [
        figure.name
        for figure in FIGURES.values()
        if figure.draw and has.get(figure.needs, True) and tables.issuperset(figure.tables)
    ]


def read_tables(name: str, folder: str | Path) -> dict[str, pd.DataFrame]:
    """Read the tables that a figure needs, and check them (`texshape.tables.Table.check`).

    Raises
    ------
    InputError
        If the figure is unknown, a table is missing, or it is not as declared.
    """
    from texshape.catalogue import declared
    from texshape.files import read_csv

    tables = {}
    for table in declaration(name).tables:
        path = Path(folder) / f"{table}.csv"
        tables[table] = declared(table).check(read_csv(path), path, networks=True)
    return tables


def draw(
    name: str, tables: Mapping[str, pd.DataFrame], settings: Mapping[str, Any] | None = None
) -> Figure:
    """Draw one figure from its tables.

    Parameters
    ----------
    name : str
        A key of `FIGURES`, or a figure that a technique declares.
    tables : mapping of str to DataFrame
        The tables by name.
    settings : mapping, optional
        Sections of the parameters; ``arms`` and ``data`` tell which arms are controls and with
        which ranges their images were drawn.
    """
    from texshape.figures.style import empty, style

    figure = declaration(name)
    if name not in FIGURES and not any(len(tables[table]) for table in figure.tables):
        with style():  # ours say so themselves
            return empty(name, "undefined: no network could be measured")
    drawing: Callable[..., Figure] = imported(figure.draw)
    with style():
        return drawing(tables, dict(settings or {}))
