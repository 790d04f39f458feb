"""Every result table by its name.

A step that writes one kind of table imports that one's declaration. Only what handles tables of any
kind asks here, so that a change of one declaration concerns no step that does not use it
(`texshape.source_code`).
"""

from __future__ import annotations

import importlib
from functools import cache

from texshape.errors import InputError, nearest
from texshape.tables import Table

#: for `texshape.source_code`
DYNAMIC_IMPORTS = ("texshape.MODULE:",)
#: modules below texshape that declare tables, in the order of the reference page
MODULES = (
    "trials.columns:",
    "techniques.human_consistency.tables:",
    "techniques.consistency_power.tables:",
    "techniques.sensitivity.tables:",
    "techniques.cue_strength.tables:",
    "techniques.cue_rank.tables:",
    "techniques.frequency_channel.tables:",
    "techniques.readout.tables:",
    "techniques.dimensionality.tables:",
    "techniques.segmentation.tables:",
    "techniques.erasure.tables:",
    "techniques.receptive_field.tables:",
    "techniques.shuffling.tables:",
    "techniques.corruptions.tables:",
    "comparison.columns:",
    "training.columns:",
    "stylize.columns:",
)


@cache
def catalogue() -> dict[str, Table]:
    """All declared tables by name.

    Raises
    ------
    ValueError
        If two have the same name.
    """
    found: dict[str, Table] = {}
    for place in MODULES:
        module = importlib.import_module(f"texshape.{place.rstrip(':')}")
        for table in vars(module).values():
            if not isinstance(table, Table):
                continue
            if table.name in found:
                raise ValueError(f"table '{table.name}' is declared twice")
            found[table.name] = table
    return found


def declared(name: str) -> Table:
    """The declaration of one table.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in catalogue():
        raise InputError(f"table '{name}' is not known{nearest(name, catalogue())}")
    return catalogue()[name]
