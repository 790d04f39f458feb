"""Settings of the process that make torch fast on a CPU that it shares."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from texshape.errors import InputError

if TYPE_CHECKING:
    import torch

_PROCESSOR = Path("/proc/cpuinfo")

# Parameters of glibc's mallopt, and the size from which it would map and unmap each block.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEEP = 2**30 - 1  # bytes


def prepare(threads: int) -> None:
    """Set threads and memory for the networks of this process; imports torch.

    Call it before anything else imports torch: its libraries read the environment when they load.

    Parameters
    ----------
    threads : int
        Threads of the CPU.

    Raises
    ------
    InputError
        If `threads` is below 1.
    """
    if threads < 1:
        raise InputError(f"--threads: expected an integer >= 1, found {threads}")
    # Spinning threads beside another process cost five times as much as waiting ones.
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["GOMP_SPINCOUNT"] = "0"
    os.environ["OMP_NUM_THREADS"] = str(threads)
    keep_freed_memory()
    import torch

    torch.set_num_threads(threads)


def keep_freed_memory() -> None:
    """Let glibc keep freed blocks; mapping each large activation anew costs a page fault every 4 kB.

    EfficientNet-Lite0 on one core takes 32 to 49 ms an image at batches of 8 without it, 21 to 24
    with it, and larger batches cost no more.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _KEEP)
        mallopt(_M_TRIM_THRESHOLD, _KEEP)


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether a device has units for bfloat16.

    Where it has none it is emulated: a training step of the 48 px networks takes 8 times as long as in
    float32 on a processor with AVX2 alone (docs/performance.md).

    Parameters
    ----------
    device : torch.device
        A GPU has them from compute capability 8 on; a processor where Linux lists `avx512_bf16` or
        `amx_bf16` among its features.
    """
    if device.type == "cuda":
        import torch

        return torch.cuda.get_device_capability(device) >= (8, 0)
    try:
        words = _PROCESSOR.read_text(encoding="utf-8").split()
    except OSError:
        return False
    return bool({"avx512_bf16", "amx_bf16"} & set(words))
