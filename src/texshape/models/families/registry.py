"""All families of networks, as their folders declare them; free of torch, so that Snakemake can ask it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from texshape.models.families.base import KINDS, Family

DYNAMIC_IMPORTS = ("texshape.models.families.*.family",)


@cache
def families() -> dict[str, Family]:
    """The families by name, in the order of their kinds."""
    folders = sorted(path.parent.name for path in Path(__file__).parent.glob("*/family.py"))
    found = [import_module(f"texshape.models.families.{name}.family").FAMILY for name in folders]
    return {one.name: one for one in sorted(found, key=lambda one: KINDS.index(one.kind))}


@cache
def with_prefix() -> dict[str, Family]:
    """Those of which a name has a prefix, by the prefix."""
    return {name: one for name, one in families().items() if not one.suffixes}


def by_suffix(text: str) -> Family | None:
    """The family whose names are files of this suffix; None where there is none."""
    for one in families().values():
        if one.suffixes and text.lower().endswith(one.suffixes):
            return one
    return None


def hints() -> dict[str, str]:
    """Suffix of a file that is no name to how a network of it is named."""
    return {suffix: hint for one in families().values() for suffix, hint in one.hints.items()}


def forms() -> str:
    """How networks are named, in a line."""
    named = [one.called for one in with_prefix().values()]
    files = [one.called for one in families().values() if one.suffixes]
    return f"{', '.join(named)}, or {' or '.join(files)}"
