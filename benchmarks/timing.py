"""Clocks, ratios of alternated runs, and how time grows with the work."""

from __future__ import annotations

import math
import re
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path


def cpu(task: Callable[[], object]) -> float:
    """Processor seconds of a call, over all threads of this process."""
    begin = time.process_time()
    task()
    return time.process_time() - begin


def command_cpu(command: Sequence[str] | str, **options: object) -> float:
    """Processor seconds of a command and its children, which must succeed.

    Raises
    ------
    subprocess.CalledProcessError
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def alternated(
    one: Callable[[], float], other: Callable[[], float], repeats: int
) -> tuple[list[float], list[float]]:
    """Clock two tasks in turn, first one then the other first, so that a busy minute strikes both."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(repeats):
        for place in (0, 1) if number % 2 == 0 else (1, 0):
            times[place].append((one, other)[place]())
    return times


def median_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of the ratios of pairs."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def exponent(work: Sequence[float], seconds: Sequence[float]) -> float | None:
    """Exponent of growth between the last two of three sizes; the first, the least, is the fixed cost.

    None where the fixed cost drowns the smaller size.
    """
    (least, one, ten), (fixed, first, last) = work, seconds
    if first <= fixed or last <= fixed:
        return None
    return math.log((last - fixed) / (first - fixed)) / math.log((ten - least) / (one - least))


def peak_memory() -> float | None:
    """Most memory that this process had so far, in MB; None where /proc does not tell."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
