"""Shards: runs of a set that are jobs of their own."""

from __future__ import annotations

from dataclasses import dataclass

from texshape.errors import InputError


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
