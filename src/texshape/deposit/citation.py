"""Who made it and under which licence, from CITATION.cff; what is cited, from the article's references."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from texshape.errors import InputError

_ENTRY = re.compile(r"^@(\w+)\{([^,\s]+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\s*(\w+)\s*=\s*\{(.*)\},?\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Work:
    """Something that is cited."""

    title: str
    authors: str
    year: str
    address: str


def read(path: str | Path) -> dict[str, Any]:
    """Read a CITATION.cff.

    Returns
    -------
    dict
        As it stands there; ``title``, ``authors`` and ``license`` are there.

    Raises
    ------
    InputError
        If it is missing, no YAML, or lacks one of them.
    """
    path = Path(path)
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a CITATION.cff (--citation)") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not readable YAML ({' '.join(str(error).split())})") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected keys and values, found {type(found).__name__}")
    for key, kind in (("title", str), ("authors", list), ("license", str)):
        if not found.get(key) or not isinstance(found[key], kind):
            raise InputError(f"{path}: {key}: expected {'a list' if kind is list else 'a text'}, "
                             f"found {found.get(key)!r}")  # fmt: skip
    for place, author in enumerate(found["authors"]):
        if not isinstance(author, dict) or not (author.get("name") or author.get("family-names")):
            raise InputError(
                f"{path}: authors[{place}]: expected name, or family-names and given-names"
            )
    return found


def name_of(author: Mapping[str, str]) -> str:
    """An author as catalogues write it: ``Family, Given``, or the name of a group."""
    if author.get("name"):
        return author["name"]
    family = " ".join(filter(None, [author.get("name-particle"), author["family-names"]]))
    return ", ".join(filter(None, [family, author.get("given-names")]))


def works(text: str) -> dict[str, Work]:
    """The entries of a BibTeX file of the article's kind by their keys: a field a line, values in braces."""
    found = {}
    for _, key, body in _ENTRY.findall(text):
        fields = {name: re.sub(r"[{}]", "", value) for name, value in _FIELD.findall(body)}
        address = f"https://doi.org/{fields['doi']}" if "doi" in fields else fields.get("url", "")
        found[key] = Work(
            title=fields["title"], authors=fields["author"], year=fields["year"], address=address
        )
    return found
