"""Batches made ahead of time: they overlap with steps, keep their order, and end with the training."""

from __future__ import annotations

import threading
import time
from itertools import count

import pytest
import torch

from texshape.ahead import ahead, workers_for

PAUSE = 0.05


def seconds(workers: int, steps: int = 12) -> float:
    """Of steps that sleep, each with a batch that sleeps as long: a busy machine makes both no longer."""

    def gather(number: int) -> int:
        time.sleep(PAUSE)
        return number

    begin = time.perf_counter()
    with ahead(gather, range(steps), workers=workers) as made:
        for number, batch in enumerate(made):
            assert batch == number
            time.sleep(PAUSE)
    return time.perf_counter() - begin


def test_gathering_overlaps_with_the_step() -> None:
    """Twice the throughput where batch and step take as long as each other: 13 pauses in place of 24."""
    inline = seconds(0)
    assert inline / seconds(1) > 1.4
    assert inline / seconds(2) > 1.4


def test_several_threads_make_slow_batches_in_time() -> None:
    """Batches that take three times as long as a step: three threads keep up with it, one does not."""

    def run(workers: int) -> float:
        begin = time.perf_counter()
        with ahead(lambda number: time.sleep(3 * PAUSE), range(9), workers=workers) as made:
            for _ in made:
                time.sleep(PAUSE)
        return time.perf_counter() - begin

    assert run(1) / run(3) > 1.7


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_order_and_number(workers: int) -> None:
    pauses = [0.03, 0, 0.02, 0, 0, 0.01, 0]  # later ones are ready first
    with ahead(lambda i: (time.sleep(pauses[i]), i)[1], range(7), workers=workers) as made:
        assert list(made) == list(range(7))
    with ahead(str, [], workers=workers) as made:
        assert list(made) == []


def test_no_more_are_under_way_than_threads() -> None:
    """An epoch of batches does not pile up in memory behind a slow step."""
    begun = []
    with ahead(begun.append, count(), workers=2) as made:
        for step in range(1, 6):
            next(made)
            time.sleep(0.02)
            assert len(begun) <= step + 2


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_comes_in_its_turn_and_threads_end(workers: int) -> None:
    def make(number: int) -> int:
        if number == 2:
            raise ValueError("of the third")
        return number

    before = threading.active_count()
    with ahead(make, range(5), workers=workers) as made:
        assert [next(made), next(made)] == [0, 1]
        with pytest.raises(ValueError, match="of the third"):
            next(made)
    assert threading.active_count() == before


def test_a_loop_that_is_left_begins_no_more() -> None:
    begun = []

    def make(number: int) -> None:
        begun.append(number)
        time.sleep(0.01)

    with ahead(make, range(1000), workers=2) as made:
        next(made)
    at_the_end = len(begun)
    time.sleep(0.05)
    assert len(begun) == at_the_end <= 4


def test_who_has_threads() -> None:
    """A GPU that reads pixels from the host; not the CPU, and no GPU that has them."""
    cpu, gpu = torch.device("cpu"), torch.device("cuda", 0)
    assert workers_for(cpu, cpu) == 0
    assert workers_for(gpu, gpu) == 0
    assert 1 <= workers_for(gpu, cpu) <= 4
