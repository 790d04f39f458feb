"""Which device a process computes on: the only place that decides it."""

from __future__ import annotations

from collections.abc import Callable

import torch


def select_device(log: Callable[[str], None] | None = None) -> torch.device:
    """Return the GPU where there is one, else the CPU, and say so in one line."""
    if torch.cuda.is_available():
        device, line = torch.device("cuda", 0), f"device: {torch.cuda.get_device_name(0)}"
    else:
        device = torch.device("cpu")
        line = f"device: no GPU found, the CPU with {torch.get_num_threads()} thread(s)"
    if log is not None:
        log(line)
    return device
