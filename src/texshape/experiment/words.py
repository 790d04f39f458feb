"""How files and names become the words of a step's options, and patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

#: between two steps of one job, for `texshape run several`
THEN = "then"

_NEVER = "(?!)"  # a pattern that matches nothing


def any_of(names: Iterable[str]) -> str:
    """What a wildcard may be: one of these names; without any it can be nothing."""
    return "|".join(map(re.escape, names)) or _NEVER


def options(option: str, values: Iterable[object]) -> list[str]:
    """One option of a step for each value."""
    return [word for value in values for word in (option, str(value))]


def parent(path: str) -> str:
    """The folder that a file lies in."""
    return str(Path(path).parent)


def chained(steps: Iterable[Sequence[str]]) -> list[str]:
    """The words of several steps as those of one: `THEN` between them."""
    words: list[str] = []
    for step in steps:
        words += [THEN, *step] if words else step
    return words
