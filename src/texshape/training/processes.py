"""One training in several processes, one a GPU, each with its share of every batch.

    texshape run train ... --settings '{"gpus_per_job": 4, ...}'

The command claims its devices and starts as many processes of itself as `torchrun --standalone` does.
They take the same steps as one process would: `batch_size` counts the images of all, gradients are
averaged, batch normalisation takes the statistics of the whole batch, and what is logged and written
is of all images. The first process alone writes. The result differs from that of one process by the
order of additions only.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from texshape.errors import InputError, first_line
from texshape.training.interruption import RESUME_STATUS, Interrupted

# How long a process waits for the others, when they meet and at every step.
TIMEOUT = timedelta(minutes=10)

_CPU = torch.device("cpu")
_LOST = "lost"  # marks an error that is the consequence of another process's end
_ERROR_FILE = "TORCHELASTIC_ERROR_FILE"  # where torchrun looks for a process's last words


@dataclass(frozen=True)
class Group:
    """The processes of a training, and which of them this is.

    Attributes
    ----------
    rank, size : int
    device : torch.device
        Of this process.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = _CPU

    @property
    def leads(self) -> bool:
        """Whether this process writes files and lines."""
        return self.rank == 0

    def total(self, values: Sequence[float]) -> list[float]:
        """Sums over the processes, of numbers that each has."""
        if self.size == 1:
            return list(values)
        sums = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(sums)
        return sums.tolist()

    def any(self, value: bool) -> bool:
        """Whether it holds in one process at least; all wait for the last to ask."""
        return self.total([float(value)])[0] > 0

    def all(self, value: bool) -> bool:
        """Whether it holds in every process; all wait for the last to ask."""
        return not self.any(not value)

    def rows(self, count: int) -> Tensor:
        """The rows, of so many of each batch, that this process takes: (count / size,), int64."""
        return torch.arange(count).view(self.size, -1)[self.rank]

    def spread(self, module: nn.Module) -> nn.Module:
        """The network whose gradients are averaged over the processes; itself where there is one."""
        if self.size == 1:
            return module
        with warnings.catch_warnings():
            # Newer versions of torch call the option otherwise, which older ones do not know.
            warnings.filterwarnings("ignore", "`broadcast_buffers`", FutureWarning)
            return DistributedDataParallel(
                module,
                device_ids=[self.device.index] if self.device.type == "cuda" else None,
                broadcast_buffers=False,  # every process computes the same statistics
            )

    def synchronise_norms(self, module: nn.Module) -> None:
        """Let batch normalisation take the statistics of all processes; names of weights stay."""
        if self.size == 1:
            return
        if self.device.type == "cuda":
            nn.SyncBatchNorm.convert_sync_batchnorm(module)
            return
        for child in module.modules():
            if type(child) is nn.BatchNorm2d:
                child.__class__ = CPUSyncBatchNorm


ALONE = Group()


class CPUSyncBatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the batches of all processes, which are of one size.

    PyTorch's own `SyncBatchNorm` refuses tensors of the CPU.
    """

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> the same
        if not self.training:
            return super().forward(x)
        shape, kind = (1, -1, 1, 1), x.dtype
        x = x.float()  # statistics of bfloat16 would be coarse
        mean = _Mean.apply(x.mean((0, 2, 3)))
        centred = x - mean.view(shape)
        variance = _Mean.apply(centred.square().mean((0, 2, 3)))
        count = x.numel() // x.shape[1] * dist.get_world_size()
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        factor = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * factor.view(shape) + self.bias.view(shape)).to(kind)


class _Mean(torch.autograd.Function):
    """Mean over the processes; so is the gradient, as each process's loss depends on it."""

    @staticmethod
    def forward(ctx, value: Tensor) -> Tensor:
        return _mean(value)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return _mean(gradient)


def _mean(value: Tensor) -> Tensor:
    value = value.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(value)
    return value / dist.get_world_size()


def started_by_torchrun() -> bool:
    """Whether this process is one of several."""
    return dist.is_torchelastic_launched() and int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def group(log: Callable[[str], None]) -> Iterator[Group]:
    """The processes of this training, met; this one alone where nobody started several.

    Raises
    ------
    InputError
        If a device cannot be had, or the others do not come or are lost.
    """
    from texshape.devices import select_device

    if not started_by_torchrun():
        yield Group(device=select_device(log))
        return
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    device = select_device(
        log if rank == 0 else None, count=size, index=int(os.environ["LOCAL_RANK"])
    )
    if device.type == "cuda":
        torch.cuda.set_device(device)
    place = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
    try:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=TIMEOUT)
    except (RuntimeError, ValueError) as error:  # DistError is a RuntimeError
        raise InputError(
            f"training: process {rank + 1} of {size} could not meet the others at {place} within "
            f"{TIMEOUT.total_seconds():.0f} s ({first_line(error)})"
        ) from None
    try:
        yield Group(rank, size, device)
    except RuntimeError as error:
        if not _is_lost(error):
            raise
        raise LostProcess(
            f"training: process {rank + 1} of {size} lost the others ({first_line(error)})"
        ) from None
    except Interrupted:
        dist.destroy_process_group()
        raise
    dist.destroy_process_group()


class LostProcess(InputError):
    """Another process of the training has ended or does not answer."""


def _is_lost(error: RuntimeError) -> bool:
    words = ("gloo", "connection", "nccl", "timed out", "process group")
    text = str(error).lower()
    return isinstance(error, dist.DistError) or any(word in text for word in words)


@contextmanager
def reporting() -> Iterator[None]:
    """In one of several processes: hand an error to the process that started them, which prints it."""
    try:
        yield
    except InputError as error:
        path = os.environ.get(_ERROR_FILE)
        if not started_by_torchrun() or not path:
            raise
        kind = _LOST if isinstance(error, LostProcess) else ""
        words = {"message": str(error), "timestamp": int(time.time()), "kind": kind}
        with open(path, "w", encoding="utf-8") as file:
            json.dump(words, file)
        # At once: what is left may wait for processes that have ended.
        sys.stdout.flush()
        os._exit(error.status)


def start(count: int, arguments: Sequence[str]) -> None:
    """Start the processes with the arguments of `texshape`, and wait for their end.

    Parameters
    ----------
    count : int
        Number of processes.
    arguments : sequence of str
        Of the command line of each.

    Raises
    ------
    InputError
        If one fails, with its words; the others are ended too.
    Interrupted
        After SIGTERM or SIGINT; the processes have written the state.
    """
    from torch.distributed import run as torchrun
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    with _quiet(), tempfile.TemporaryDirectory(prefix="texshape-processes-") as folder:
        own = ["--standalone", f"--nproc-per-node={count}", f"--log-dir={folder}", "-m", "texshape"]
        try:
            torchrun.run(torchrun.parse_args([*own, *arguments]))
        except SignalException:
            raise Interrupted from None
        except ChildFailedError as error:
            failures = error.failures
        else:
            return
    rank, first = min(failures.items(), key=lambda item: _order(item[1]))
    if first.exitcode < 0:
        name = signal.Signals(-first.exitcode).name
        raise InputError(
            f"training: process {rank + 1} of {count} was ended by {name}; run again to resume"
        )
    if "timestamp" in first.error_file_data:
        told = InputError(first.message)
        told.status = first.exitcode
        raise told
    if first.exitcode == RESUME_STATUS:
        raise Interrupted
    raise InputError(
        f"training: process {rank + 1} of {count} failed with status {first.exitcode}; "
        "what it said stands above"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without torchrun's own lines: what matters of them is raised."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _order(failure) -> tuple[bool, bool, int]:
    """The cause first: a killed process, then one with an error of its own."""
    lost = failure.error_file_data.get("kind") == _LOST
    return failure.exitcode >= 0, lost, failure.timestamp
