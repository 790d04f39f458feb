"""Shards: runs of a set that are jobs of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from texshape.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """Shard `number` of `total`: a run of contents."""

    number: int
    total: int

    def __post_init__(self) -> None:
        if not (0 <= self.number < self.total):
            raise InputError(
                f"shard {self.number} of {self.total}: expected a number from 0 to {self.total - 1}"
            )

    def range(self, count: int, step: int = 1) -> range:
        """Indices of its contents, of so many.

        Shards differ by one `step` at most and begin at its multiples: with the batch size as step
        all batches are those of an unsharded pass, so that the results are the same bits.
        """
        steps = -(-count // step)
        first, end = (
            number * steps // self.total * step for number in (self.number, self.number + 1)
        )
        return range(min(first, count), min(end, count))


def in_order(parts: Iterable[tuple[int, Path, T]], total: int, place: str | Path) -> list[T]:
    """Shards by their numbers, given in any order.

    Parameters
    ----------
    parts : iterable of (number, path, any)
        The number of a shard, the file that says so, and what stands for it.
    total : int
        How many there must be.
    place : path
        What they are joined into.

    Raises
    ------
    InputError
        If one is given twice or is missing.
    """
    found: dict[int, T] = {}
    for number, path, part in parts:
        if number in found:
            raise InputError(f"{path}: shard {number} is given twice")
        found[number] = part
    missing = sorted(set(range(total)) - set(found))
    if missing:
        raise InputError(f"{place}: shard {missing[0]} of {total} is missing")
    return [found[number] for number in range(total)]
