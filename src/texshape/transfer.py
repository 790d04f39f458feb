"""Pixels to the device of a network, and what it finds back to the host, without either waiting for the other.

A GPU computes while the host goes on, as long as nothing asks for a result at once. So batches are copied
out of a (memory-mapped) set ahead of time, by threads, into memory from which the GPU takes them by itself;
and what a batch gives is asked for when the batches after it are under way. On the CPU each batch is made
when it is asked for and read at once: there is nothing to wait for, and another thread would take the time
of the networks.
"""

from __future__ import annotations

import mmap
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from texshape.ahead import ahead, workers_for

Item = TypeVar("Item")
Made = TypeVar("Made")

_RELEASE = 16 * 2**20  # bytes read before a memory-mapped array gives its pages back
_LAG = 2  # batches under way on a GPU while the one before them is read


@dataclass(frozen=True)
class Batch:
    """Some images of a set.

    Attributes
    ----------
    rows : slice
        Which ones.
    pixels : ndarray of shape (B, height, width, 3), uint8
        In the host's memory.
    images : Tensor of shape (B, 3, height, width), uint8
        On the device; not contiguous.
    """

    rows: slice
    pixels: np.ndarray
    images: Tensor


@contextmanager
def batches_on(
    device: torch.device, images: np.ndarray, batch_size: int
) -> Iterator[Iterator[Batch]]:
    """Batch after batch of a (memory-mapped) array, whose pages are given back.

    Parameters
    ----------
    device : torch.device
        Where the images go. Of a GPU, threads copy those of the next batches meanwhile.
    images : ndarray of shape (n, height, width, 3), uint8
    batch_size : int
        Most images of a batch.
    """

    def make(start: int) -> Batch:
        rows = slice(start, min(start + batch_size, len(images)))
        if device.type == "cuda":
            shape = rows.stop - start, *images.shape[1:]
            stored = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
            stored.numpy()[:] = images[rows]
        else:
            stored = torch.from_numpy(np.array(images[rows]))
        each = stored[0].nbytes
        if rows.stop * each // _RELEASE > start * each // _RELEASE:
            _release(images)
        return Batch(rows, stored.numpy(), stored.to(device, non_blocking=True).permute(0, 3, 1, 2))

    starts = range(0, len(images), batch_size)
    workers = workers_for(device, torch.device("cpu"))
    with ahead(make, starts, workers=workers, device=device) as made:
        yield made


def _release(images: np.ndarray) -> None:
    """Pages of a mapped file that were read stay resident and count as memory until told."""
    base: Any = images
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "base", None)
    if base is not None and hasattr(base, "madvise"):
        base.madvise(mmap.MADV_DONTNEED)


class OnItsWay:
    """A copy of a tensor in the host's memory, of which a GPU may still be computing what it holds."""

    def __init__(self, tensor: Tensor) -> None:
        values = tensor.detach().float()
        if values.device.type != "cuda":
            self._copy, self._arrived = values.cpu().numpy().copy(), None
            return
        pinned = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
        pinned.copy_(values.contiguous(), non_blocking=True)
        self._copy = pinned.numpy()
        self._arrived = torch.cuda.Event()
        self._arrived.record(torch.cuda.current_stream(values.device))

    def array(self) -> np.ndarray:
        """The values as float32, once they are there."""
        if self._arrived is None:
            return self._copy
        self._arrived.synchronize()
        return self._copy.copy()  # pinned memory is scarce: it serves the next batch


def passed(
    device: torch.device, images: np.ndarray, batch_size: int, compute: Callable[[Batch], Made]
) -> Iterator[tuple[Batch, Made]]:
    """Each batch of an array and what is computed of it, on a GPU when the next ones are under way.

    Parameters
    ----------
    device, images, batch_size
        As of `batches_on`.
    compute : callable
        What it returns is to be asked of a GPU no sooner than here: see `OnItsWay`.
    """
    with batches_on(device, images, batch_size) as made:
        yield from late(((batch, compute(batch)) for batch in made), device)


def late(items: Iterable[Item], device: torch.device) -> Iterator[Item]:
    """Items in their order, each when the next ones of a GPU are under way; on the CPU at once."""
    if device.type != "cuda":
        yield from items
        return
    held: deque[Item] = deque()
    for item in items:
        held.append(item)
        if len(held) > _LAG:
            yield held.popleft()
    yield from held
