"""What a few pictures cost a network here: seconds, and bytes of memory, from which more can be told."""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from texshape.techniques.inputs import Ahead

if TYPE_CHECKING:
    import numpy as np

    from texshape.models.network import Network

PICTURES = {"cpu": 8, "cuda": 32}
REPEATS = 3  # after a first time, which prepares what later ones find prepared


@dataclass(frozen=True)
class Trial:
    """What was measured.

    Attributes
    ----------
    pictures : int
        In a batch.
    forward : float
        Seconds a picture, without a gradient.
    backward : float
        Seconds a picture that a gradient takes beyond a pass without one; 0 where none passes.
    resident : int
        Bytes of the process once the network is loaded.
    shown, followed : tuple of int
        Peak bytes of the process after batches of half the pictures and of all, without and with a gradient.
    device : str
        ``cpu`` or ``cuda``, of whose memory the bytes are.
    """

    pictures: int
    forward: float
    backward: float
    resident: int
    shown: tuple[int, int]
    followed: tuple[int, int]
    device: str = "cpu"

    def seconds(self, ahead: Ahead) -> float:
        """How long so many pictures take; proportional to their numbers."""
        passes = ahead.shown + ahead.followed
        return passes * self.forward + ahead.gradients * self.backward

    def bytes(self, ahead: Ahead, batch_size: int) -> int:
        """Peak bytes with batches of the size that is wanted; a straight line through both measured sizes."""
        size = ahead.batch or batch_size
        peaks = [self.resident]
        for count, (half, whole) in ((ahead.shown, self.shown), (ahead.followed, self.followed)):
            if count:
                each = max(0, whole - half) / (self.pictures - self.pictures // 2)
                peaks.append(int(half + each * max(0, size - self.pictures // 2)))
        return max(peaks)


def total(aheads: Iterable[Ahead]) -> Ahead:
    """All pictures together."""
    several = list(aheads)
    return Ahead(
        shown=sum(one.shown for one in several),
        followed=sum(one.followed for one in several),
        gradients=sum(one.gradients for one in several),
    )


def measure(network: Network, images: np.ndarray, *, gradients: bool) -> Trial:
    """Show a network a few pictures, without and with a gradient, and look at clock and memory.

    Parameters
    ----------
    network : Network
        On its device.
    images : ndarray of shape (n, height, width, 3), uint8
        The first ones are shown, again where there are too few.
    gradients : bool
        Whether any is to be taken.
    """
    import numpy as np
    import torch

    device = network.device.type
    count = PICTURES.get(device, PICTURES["cpu"])
    chosen = np.array(images[np.arange(count) % len(images)])
    shown = torch.from_numpy(chosen).to(network.device).permute(0, 3, 1, 2)

    @torch.no_grad()
    def forward(size: int) -> None:
        network.module(network.preprocess(shown[:size].contiguous()))

    def backward(size: int) -> None:
        with torch.enable_grad():
            pictures = network.preprocess(shown[:size].contiguous()).detach().requires_grad_(True)
            value = _sum(network.module(pictures))
            if value is not None and value.requires_grad:
                torch.autograd.grad(value, pictures, allow_unused=True)

    resident = _peak(device)
    seconds, bytes_ = _timed(forward, count, device)
    if not gradients or network.asked is not None:
        return Trial(count, seconds / count, 0.0, resident, bytes_, bytes_, device)
    with_gradient, held = _timed(backward, count, device)
    beyond = max(0.0, with_gradient - seconds) / count
    return Trial(count, seconds / count, beyond, resident, bytes_, held, device)


def _timed(run: Callable[[int], None], count: int, device: str) -> tuple[float, tuple[int, int]]:
    """Seconds of a batch, and the peak after half a batch and after a whole one."""
    import torch

    def wait() -> None:
        if device == "cuda":
            torch.cuda.synchronize()

    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    run(max(1, count // 2))
    wait()
    half = _peak(device)
    times = []
    for _ in range(1 + REPEATS):
        began = time.perf_counter()
        run(count)
        wait()
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:]), (half, _peak(device))


def _peak(device: str) -> int:
    """Most bytes that were held at a time: of the GPU, or of the whole process."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _sum(output: Any) -> Any:
    """Sum of all numbers that a network returns; None where there are none."""
    import torch

    if isinstance(output, torch.Tensor):
        return output.sum() if output.is_floating_point() else None
    parts = output.values() if isinstance(output, dict) else output
    if not isinstance(output, dict | list | tuple):
        return None
    found = [value for value in map(_sum, parts) if value is not None]
    return sum(found[1:], found[0]) if found else None
