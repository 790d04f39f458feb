"""Making batches ahead of time, in threads, while the step before them runs.

What is drawn at random for a batch depends on the number of its step alone (`texshape.training.randomness`),
so batches made ahead, in whatever order threads finish, are the same bytes as those made one by one.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")

# A thread copies some 2 GB/s of photographs out of the page cache, an H100 eats about 1 GB/s of them; the
# others wait for the disk (docs/performance.md).
_MOST = 4


def workers_for(device: torch.device, pixels: torch.device) -> int:
    """How many threads make batches for a device; 0 where it has nothing to wait for.

    Parameters
    ----------
    device : torch.device
        Where steps run. The CPU makes batches itself: another thread would take its time.
    pixels : torch.device
        Where the images lie.
    """
    if device.type != "cuda" or pixels == device:
        return 0
    return min(_MOST, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else _MOST)


@contextmanager
def ahead(
    make: Callable[[Item], Made],
    items: Iterable[Item],
    *,
    workers: int,
    device: torch.device | None = None,
) -> Iterator[Iterator[Made]]:
    """Results of a function in the order of the items, made by threads before they are asked for.

    When the block ends, however it does, what is not begun is given up and the threads have ended.

    Parameters
    ----------
    make : callable
        Called once for each item, by several threads at a time. What it raises is raised where its
        result is asked for.
    items : iterable
    workers : int
        Threads, and so results that are made ahead. 0: each is made when it is asked for.
    device : torch.device, optional
        A GPU on which the threads work; each thread has its own notion of the current one.
    """
    if workers == 0:
        yield map(make, items)
        return

    def begin() -> None:
        if device is not None and device.type == "cuda":
            torch.cuda.set_device(device)

    pool = ThreadPoolExecutor(workers, "batches", initializer=begin)
    try:
        yield _in_order(pool, make, iter(items), workers)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(
    pool: ThreadPoolExecutor, make: Callable[[Item], Made], items: Iterator[Item], most: int
) -> Iterator[Made]:
    pending: deque[Future[Made]] = deque(pool.submit(make, item) for item in islice(items, most))
    while pending:
        made = pending.popleft().result()
        # In its place before it is used, so that as many are under way while the step runs.
        pending.extend(pool.submit(make, item) for item in islice(items, 1))
        yield made
