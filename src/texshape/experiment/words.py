"""How rules turn files and names into the words of a step's options, and into patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from texshape.experiment.layout import SHARD_FILE

#: between two steps of one job, for `texshape run several`
THEN = "then"

_NEVER = "(?!)"  # a pattern that matches nothing


def any_of(names: Iterable[str]) -> str:
    """What a wildcard may be: one of these names; without any it can be nothing."""
    return "|".join(map(re.escape, names)) or _NEVER


def options(option: str, values: Iterable[object]) -> list[str]:
    """One option of a step for each value."""
    return [word for value in values for word in (option, str(value))]


def stem(files: Sequence[str]) -> str:
    """The stem of an image set, of which these are the files, its pictures first."""
    return str(files[0]).removesuffix(".images.npy")


def parent(path: str) -> str:
    """The folder that a file lies in."""
    return str(Path(path).parent)


def results_of(file: str) -> str:
    """The folder of results, of a file in a network's folder."""
    return str(Path(file).parents[2])


def shard_numbers(shard: str) -> list[str | int]:
    """``00001-of-00002`` as options of a step."""
    number, total = map(int, shard.split("-of-"))
    return ["--shard", number, "--shards", total]


def part_options(files: Iterable[str]) -> list[str]:
    """Stems of the parts of an image set, whose files these are, as options of the step that merges them."""
    ending = f".{SHARD_FILE}"
    parts = [file.removesuffix(ending) for file in files if file.endswith(ending)]
    return options("--part", parts)


def chained(steps: Iterable[Sequence[str]]) -> list[str]:
    """The words of several steps as those of one: `THEN` between them."""
    words: list[str] = []
    for step in steps:
        words += [THEN, *step] if words else step
    return words
