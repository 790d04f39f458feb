"""Every result table by its name.

A step that writes one kind of table imports that one's declaration. Only what handles tables of any
kind asks here, so that a change of one declaration concerns no step that does not use it
(`texshape.source_code`).
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from texshape.errors import InputError, nearest
from texshape.tables import Table

#: for `texshape.source_code`
DYNAMIC_IMPORTS = ("texshape.techniques.*.tables", "texshape.*.columns")


def modules() -> list[str]:
    """Modules that declare tables: ``tables`` of a technique, ``columns`` of another package."""
    root = Path(__file__).parent
    files = [*sorted(root.glob("*/columns.py")), *sorted(root.glob("techniques/*/tables.py"))]
    return [".".join(("texshape", *path.relative_to(root).with_suffix("").parts)) for path in files]


@cache
def catalogue() -> dict[str, Table]:
    """All declared tables by name.

    Raises
    ------
    ValueError
        If two have the same name.
    """
    found: dict[str, Table] = {}
    for name in modules():
        for table in vars(importlib.import_module(name)).values():
            if not isinstance(table, Table):
                continue
            if table.name in found:
                raise ValueError(f"table '{table.name}' is declared twice")
            found[table.name] = table
    return found


def declared(name: str) -> Table:
    """The declaration of one table, of ours or of an installed technique.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name in catalogue():
        return catalogue()[name]
    from texshape.techniques import registry

    others = {table.name: table for own in registry.usable() for table in own.tables}
    if name not in others:
        raise InputError(f"table '{name}' is not known{nearest(name, [*catalogue(), *others])}")
    return others[name]
