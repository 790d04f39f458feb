"""Which devices a process computes on: the only place that decides it.

Snakemake counts GPUs (``--resources gpu=4``) but hands out none, so each job claims its own: a file
lock a device, which the kernel releases when the process ends, however it ends. The claim is made
before CUDA starts and then stands in CUDA_VISIBLE_DEVICES, so child processes use the same devices.

What the environment says:

CUDA_VISIBLE_DEVICES
    The pool to claim from. Where it lists exactly as many devices as the job needs, as Slurm sets
    it, they are used unclaimed. Empty: the CPU. Indices count as nvidia-smi does.
TEXSHAPE_DEVICE_LOCKS
    Folder of the locks, in place of /tmp/texshape-devices; on this machine, shared by its users.
TEXSHAPE_SIMULATED_DEVICES
    For tests: this many devices that do not exist, claimed as real ones are; all compute on the CPU.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import random
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from texshape.errors import InputError, MachineError, first_line

if TYPE_CHECKING:
    import torch
    from torch import nn

VISIBLE = "CUDA_VISIBLE_DEVICES"
LOCKS = "TEXSHAPE_DEVICE_LOCKS"
SIMULATED = "TEXSHAPE_SIMULATED_DEVICES"

# Not the user's own temporary folder: whoever shares the devices must find the same locks.
_SHARED_FOLDER = "/tmp/texshape-devices"
_PAUSE = 1.0  # seconds between two looks for a free device
_REMINDER = 600.0  # seconds between two lines that say so
# How torch and its libraries say it; the second is the allocator of the CPU.
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
_FAILED = ("CUDA error", "CUDA driver error", "CUDNN_STATUS", "CUBLAS_STATUS", "HIP error", "NCCL")
_NO_DEVICE = {"", "-1", "NoDevFiles"}  # the last is what Slurm sets where a job gets none


@dataclass
class _Claim:
    """Devices of this process; the locks live as long as their descriptors are open."""

    devices: list[str]
    locks: list[int] = field(default_factory=list)


_own: _Claim | None = None


def select_device(
    log: Callable[[str], None] | None = None, *, count: int = 1, index: int = 0
) -> torch.device:
    """Claim GPUs for this process where the machine has some, and return one of them.

    Waits where all are taken; without a GPU it is the CPU. A line says which it is. A second call
    returns the same device. Nothing in the process may use CUDA before the first call.

    Parameters
    ----------
    log : callable, optional
        Takes lines.
    count : int
        How many GPUs the job computes on.
    index : int
        Which of them this process computes on: its local rank, where a process runs on each.

    Raises
    ------
    InputError
        If more GPUs are asked for than exist, or a claimed one cannot be used.
    """
    import torch

    def on_cpu(why: str) -> torch.device:
        say(f"device: {why}, the CPU with {torch.get_num_threads()} thread(s)")
        return torch.device("cpu")

    first = _own is None
    say = log if log is not None and first else lambda line: None
    if not torch.backends.cuda.is_built() and not os.environ.get(SIMULATED):
        return on_cpu("this build of torch knows no GPU")
    devices = claim(count, log=log)
    if not devices:
        return on_cpu(_why_none())
    name = devices[index]
    if name.startswith("simulated-"):
        return on_cpu(name)
    if not torch.cuda.is_available():
        _use_none()
        return on_cpu(f"torch cannot use the GPU {name}")
    device = torch.device("cuda", index)
    try:
        torch.zeros(1, device=device).add_(1).item()
    except RuntimeError as error:
        if "no kernel image" in str(error):  # a GPU older than this build of torch supports
            _use_none()
            return on_cpu(f"torch has no code for the GPU {torch.cuda.get_device_name(device)}")
        raise InputError(f"device {name}: cannot be used ({first_line(error)})") from None
    if torch.cuda.device_count() != count:  # CUDA, once started, reads the environment no more
        raise RuntimeError(f"CUDA sees {torch.cuda.device_count()} devices, {count} were claimed")
    say(f"device: {torch.cuda.get_device_name(device)} ({name})")
    return device


def place(module: nn.Module) -> None:
    """Move a network to this process's device; a line on stderr says which, the first time."""
    module.to(select_device(lambda line: print(line, file=sys.stderr, flush=True)))


class LostDeviceError(MachineError):
    """A device failed: nothing is wrong with the input, and the same job may succeed."""

    status = 75  # EX_TEMPFAIL: run me again


@contextmanager
def failures(batch_size: str) -> Iterator[None]:
    """Turn what a device says when it fails, or runs out of memory, into one line.

    Parameters
    ----------
    batch_size : str
        The parameter to lower where a batch does not fit: ``training.batch_size``.

    Raises
    ------
    MachineError
        If the memory of the device, or of the machine, does not hold what is computed.
    LostDeviceError
        If a device fails in the middle.
    """
    try:
        yield
    except (
        MemoryError,
        RuntimeError,
    ) as error:  # torch's errors of memory and devices are of these
        text = str(error)
        reason = first_line(error)
        where = ",".join(_own.devices) if _own and _own.devices else "the CPU"
        if _is_of_memory(error):
            raise MachineError(
                f"device {where}: what is computed at a time does not fit in memory; lower "
                f"{batch_size} ({reason})"
            ) from None
        if any(word in text for word in _FAILED):
            raise LostDeviceError(
                f"device {where}: failed ({reason}); run the job again: a training goes on from its "
                "last state, another step starts anew"
            ) from None
        raise


def is_of_device(error: BaseException) -> bool:
    """Whether an error says that memory is short or a device failed, and nothing of what was computed."""
    return _is_of_memory(error) or any(word in str(error) for word in _FAILED)


def _is_of_memory(error: BaseException) -> bool:
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(word in text for word in _NO_MEMORY)


def claim(count: int = 1, *, log: Callable[[str], None] | None = None) -> list[str]:
    """Claim devices for this process and its children, and wait where not enough are free.

    Imports no torch. Several devices are taken all at once or not at all, so jobs that need several
    never wait for each other. The locks end with the process and its forks; a program that replaces
    it (``exec``) does not have them.

    Parameters
    ----------
    count : int
        Devices of the job.
    log : callable, optional
        Takes a line when waiting begins, and one every ten minutes.

    Returns
    -------
    list of str
        What CUDA_VISIBLE_DEVICES now lists; empty where there is no GPU.

    Raises
    ------
    InputError
        If fewer devices exist than the job needs.
    """
    global _own
    if count < 1:
        raise InputError(f"GPUs of a job: expected an integer >= 1, found {count}")
    if _own is not None:
        if len(_own.devices) not in (0, count):
            raise InputError(f"this process has claimed {len(_own.devices)} GPUs, not {count}")
        return list(_own.devices)
    pool, listed = _pool()
    if pool and len(pool) < count:
        where = f"{VISIBLE} lists" if listed else "this machine has"
        raise InputError(f"GPUs: the job asks for {count}, {where} {len(pool)}")
    if not pool or (listed and len(pool) == count):
        _own = _Claim(pool)
    else:
        _own = _wait_for(pool, count, log or (lambda line: None))
    if pool:
        os.environ[VISIBLE] = ",".join(_own.devices)
    return list(_own.devices)


def _use_none() -> None:
    """Give the devices of this process back, and stay with the CPU."""
    global _own
    for lock in _own.locks if _own else []:
        os.close(lock)
    _own = _Claim([])
    os.environ[VISIBLE] = ""


def _why_none() -> str:
    if os.environ.get(VISIBLE) is not None:
        return f"{VISIBLE} lists no GPU of this machine"
    return "Slurm gave no GPU to this job" if "SLURM_JOB_ID" in os.environ else "no GPU found"


def _pool() -> tuple[list[str], bool]:
    """Devices that this process may claim, and whether CUDA_VISIBLE_DEVICES lists them."""
    exist = _existing()
    listed = os.environ.get(VISIBLE)
    if listed is None:
        # A cluster lists what it gives to a job; the others of the node belong to other jobs.
        return ([] if "SLURM_JOB_ID" in os.environ else exist), False
    chosen: list[str] = []
    for entry in (entry.strip() for entry in listed.split(",")):
        if entry in _NO_DEVICE or not exist:
            break  # CUDA, too, ignores what follows
        device = _identify(entry, exist)
        if device in chosen:
            raise InputError(f"{VISIBLE}={listed}: names a device twice")
        chosen.append(device)
    return chosen, True


def _identify(entry: str, exist: Sequence[str]) -> str:
    """One name for a device, whether its index or its UUID is given: all jobs lock the same file."""
    if entry.isdecimal():
        if int(entry) >= len(exist):
            raise InputError(
                f"{VISIBLE}: there is no device {entry}, expected 0 to {len(exist) - 1}"
            )
        return exist[int(entry)]
    matches = [device for device in exist if device.startswith(entry)]
    if len(matches) == 1:
        return matches[0]
    if entry.startswith("MIG-"):  # a part of a GPU, which only its own name identifies
        return entry
    raise InputError(f"{VISIBLE}: '{entry}' names {len(matches)} devices, expected one")


def _existing() -> list[str]:
    """UUIDs of the machine's GPUs; of simulated devices their names. Starts no CUDA."""
    simulated = os.environ.get(SIMULATED)
    if simulated:
        if not simulated.isdecimal():
            raise InputError(f"{SIMULATED}: expected a number of devices, found '{simulated}'")
        return [f"simulated-{number}" for number in range(int(simulated))]
    uuids = _nvml_uuids()
    if uuids is not None:
        return uuids
    if not any(os.path.exists(path) for path in ("/dev/nvidiactl", "/dev/kfd")):
        return []
    # A container that lacks the driver's management library, or AMD: another process may ask torch.
    ask = "import torch; print(torch.cuda.device_count())"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False)
    return [str(number) for number in range(int(done.stdout or 0))]


def _nvml_uuids() -> list[str] | None:
    """UUIDs of NVIDIA's GPUs in the order of nvidia-smi; None without its management library."""
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return None
    if nvml.nvmlInit_v2() != 0:
        return None
    uuids = []
    number = ctypes.c_uint()
    nvml.nvmlDeviceGetCount_v2(ctypes.byref(number))
    for index in range(number.value):
        handle = ctypes.c_void_p()
        text = ctypes.create_string_buffer(96)
        # Fails for a device that a control group keeps from this process.
        if nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(handle)) == 0:
            nvml.nvmlDeviceGetUUID(handle, text, ctypes.c_uint(len(text)))
            uuids.append(text.value.decode())
    nvml.nvmlShutdown()
    return uuids


def _wait_for(pool: Sequence[str], count: int, log: Callable[[str], None]) -> _Claim:
    start = reminded = time.monotonic()
    taken = _take(pool, count)
    if taken is None:
        log(f"device: fewer than {count} of {len(pool)} GPU(s) free, waiting")
    while taken is None:
        time.sleep(_PAUSE * random.uniform(0.5, 1.5))  # two jobs that need several go out of step
        taken = _take(pool, count)
        if taken is None and time.monotonic() - reminded > _REMINDER:
            reminded = time.monotonic()
            log(f"device: still waiting after {(reminded - start) / 60:.0f} min")
    return taken


def _take(pool: Sequence[str], count: int) -> _Claim | None:
    """Lock the first free devices; None, and nothing locked, where they are too few."""
    folder = Path(os.environ.get(LOCKS) or _SHARED_FOLDER)
    try:
        taken = _Claim([], [_lock_folder(folder)])
        for device in pool:
            lock = _lock(folder / f"{device.replace('/', '-')}.lock")
            if lock is not None:
                taken.devices.append(device)
                taken.locks.append(lock)
            if len(taken.devices) == count:
                return taken
    except OSError as error:
        raise InputError(
            f"{folder}: devices cannot be locked ({error.strerror}); expected a folder that every "
            f"user of this machine may write, or one named by {LOCKS}"
        ) from None
    for lock in taken.locks:
        os.close(lock)
    return None


def _lock_folder(folder: Path) -> int:
    """Make the folder. While it is locked systemd's tidying of old files leaves it alone."""
    with suppress(FileExistsError):
        folder.mkdir(parents=True)
        folder.chmod(stat.S_ISVTX | 0o777)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _lock(path: Path) -> int | None:
    """Lock a file; None where another process holds it.

    It is opened for reading, so it may belong to another user.
    """
    while True:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            with suppress(FileExistsError):
                descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL)
                os.fchmod(descriptor, 0o644)
                os.close(descriptor)
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:
            pass
        os.close(descriptor)  # someone removed the file meanwhile: others would lock a new one
