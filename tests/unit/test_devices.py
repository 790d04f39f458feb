"""Claims of devices: never two jobs on one, and a job's end, however it comes, frees its own."""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from texshape import devices
from texshape.errors import InputError

# A light job: says what it claimed, and holds it until its input closes.
JOB = """
import sys
from texshape import devices
devices._PAUSE = 0.02
count = int(sys.argv[1])
claimed = devices.claim(count, log=lambda line: print("log", line, flush=True))
assert "torch" not in sys.modules
print("claimed", *claimed, flush=True)
sys.stdin.read()
"""


class Jobs:
    """Processes that claim devices, and what they have said."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.selector = selectors.DefaultSelector()
        self.running: list[subprocess.Popen[bytes]] = []
        self.claims: dict[int, list[str]] = {}
        self.lines: dict[int, list[str]] = {}

    def start(self, count: int = 1, **environment: str) -> subprocess.Popen[bytes]:
        job = subprocess.Popen(
            [sys.executable, "-c", JOB, str(count)],
            env=self.environment | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,  # nothing read may wait in a buffer where `select` does not see it
        )
        self.running.append(job)
        self.lines[job.pid] = []
        self.selector.register(job.stdout, selectors.EVENT_READ, job)
        return job

    def next_line(self, job: subprocess.Popen[bytes] | None = None) -> subprocess.Popen[bytes]:
        """Wait for a line (of one job, if given); return who said it."""
        while True:
            ready = self.selector.select(timeout=60)
            assert ready, "no job said anything for a minute"
            for key, _ in ready:
                speaker: subprocess.Popen[bytes] = key.data
                line = key.fileobj.readline().decode().strip()
                if not line:
                    self.selector.unregister(key.fileobj)
                    continue
                self.lines[speaker.pid].append(line)
                if line.startswith("claimed"):
                    self.claims[speaker.pid] = line.split()[1:]
                if job is None or speaker is job:
                    return speaker

    def until_claimed(self, number: int) -> list[int]:
        """Wait until so many live jobs hold a claim; return them in no order."""
        while len(self.claims) < number:
            self.next_line()
        return list(self.claims)

    def end(self, pid: int, how: int | None) -> list[str]:
        """End a job by a signal, or let it finish; return the devices that it held."""
        job = next(job for job in self.running if job.pid == pid)
        if how is None:
            job.stdin.close()
        else:
            os.kill(pid, how)
        job.wait(timeout=60)
        self.running.remove(job)
        return self.claims.pop(pid)

    def stop(self) -> None:
        for job in self.running:
            job.kill()
            job.wait()


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    environment = {
        key: value
        for key, value in os.environ.items()
        if key != devices.VISIBLE and not key.startswith("SLURM_")
    }
    made = Jobs(environment | {devices.LOCKS: str(tmp_path / "locks"), devices.SIMULATED: "4"})
    yield made
    made.stop()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Claims in this process, on two simulated devices; undone afterwards."""
    for key in (devices.VISIBLE, "SLURM_JOB_ID"):
        monkeypatch.setenv(key, "")
        monkeypatch.delenv(key)
    monkeypatch.setenv(devices.LOCKS, str(tmp_path / "locks"))
    monkeypatch.setenv(devices.SIMULATED, "2")
    monkeypatch.setattr(devices, "_own", None)
    return monkeypatch


def test_sixteen_jobs_on_four_devices_never_share_one(jobs: Jobs) -> None:
    """Jobs end by themselves, by SIGTERM and by SIGKILL in turn; each end frees one device."""
    for _ in range(16):
        jobs.start()
    pids = jobs.until_claimed(4)
    everything = {f"simulated-{number}" for number in range(4)}
    assert {jobs.claims[pid][0] for pid in pids} == everything
    turns = [None, signal.SIGTERM, signal.SIGKILL]
    for number in range(12):
        oldest = next(iter(jobs.claims))
        freed = jobs.end(oldest, turns[number % 3])
        before = set(jobs.claims)
        jobs.until_claimed(4)
        (new,) = set(jobs.claims) - before
        assert jobs.claims[new] == freed  # the only free one
        assert {claim[0] for claim in jobs.claims.values()} == everything
    assert (
        sum(len(lines) and lines[-1].startswith("claimed") for lines in jobs.lines.values()) == 16
    )
    for lines in jobs.lines.values():  # whoever waits says so, once
        assert len(lines) <= 2
        assert lines[0].startswith(("claimed", "log device: fewer than 1 of 4 GPU(s) free"))


def test_a_killed_job_frees_all_its_devices(jobs: Jobs) -> None:
    first = jobs.start(count=4)
    jobs.next_line(first)
    second = jobs.start(count=3)
    assert jobs.next_line(second) is second
    assert second.pid not in jobs.claims
    assert len(jobs.end(first.pid, signal.SIGKILL)) == 4
    jobs.next_line(second)
    assert len(jobs.claims[second.pid]) == 3


def test_jobs_that_need_several_do_not_block_each_other(jobs: Jobs) -> None:
    """Three jobs of three devices among four: each gets its turn."""
    for _ in range(3):
        jobs.start(count=3)
    for _ in range(3):
        (pid,) = jobs.until_claimed(1)
        assert len(set(jobs.claims[pid])) == 3
        jobs.end(pid, None)


def test_the_pool_is_what_the_environment_lists(jobs: Jobs) -> None:
    listed = {devices.VISIBLE: "3,1"}
    pids = [jobs.start(**listed).pid for _ in range(3)]
    jobs.until_claimed(2)
    assert sorted(jobs.claims[pid][0] for pid in jobs.claims) == ["simulated-1", "simulated-3"]
    other = jobs.start()  # another user's job, who lists nothing: the same locks
    jobs.next_line(other)
    assert jobs.claims[other.pid] == ["simulated-0"]
    jobs.end(next(pid for pid in pids if pid in jobs.claims), None)
    jobs.until_claimed(3)
    assert set(pids) & set(jobs.claims)


def test_exactly_the_listed_devices_are_used_unclaimed(jobs: Jobs) -> None:
    """As on a cluster, which has made the choice: two jobs may even be given the same."""
    for _ in range(2):
        jobs.start(**{devices.VISIBLE: "2"})
    jobs.until_claimed(2)
    assert list(jobs.claims.values()) == [["simulated-2"], ["simulated-2"]]
    assert not list(Path(jobs.environment[devices.LOCKS]).glob("*.lock"))


def test_child_processes_use_the_devices_of_their_parent(here: pytest.MonkeyPatch) -> None:
    assert devices.claim() == ["simulated-0"]
    assert os.environ[devices.VISIBLE] == "simulated-0"
    here.setattr(devices, "_own", None)  # as in a child process
    assert devices.claim() == ["simulated-0"]


def test_a_second_claim_of_a_process_is_the_first(here: pytest.MonkeyPatch) -> None:
    assert devices.claim() == devices.claim()
    with pytest.raises(InputError, match="has claimed 1 GPUs, not 2"):
        devices.claim(2)


def test_more_than_exist(here: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="the job asks for 3, this machine has 2"):
        devices.claim(3)
    here.setenv(devices.VISIBLE, "1")
    with pytest.raises(InputError, match="the job asks for 2, CUDA_VISIBLE_DEVICES lists 1"):
        devices.claim(2)


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("7", "there is no device 7, expected 0 to 1"),
        ("0,0", "names a device twice"),
        ("GPU-abc", "'GPU-abc' names 0 devices"),
        ("simulated-", "'simulated-' names 2 devices"),
    ],
)
def test_unusable_lists(here: pytest.MonkeyPatch, listed: str, message: str) -> None:
    here.setenv(devices.VISIBLE, listed)
    with pytest.raises(InputError, match=message):
        devices.claim()


@pytest.mark.parametrize("listed", ["", "-1", "NoDevFiles", "-1,0"])
def test_a_list_of_none_means_the_cpu(here: pytest.MonkeyPatch, listed: str) -> None:
    here.setenv(devices.VISIBLE, listed)
    lines: list[str] = []
    assert devices.select_device(lines.append).type == "cpu"
    assert devices.select_device(lines.append).type == "cpu"
    assert len(lines) == 1
    assert "CUDA_VISIBLE_DEVICES lists no GPU of this machine, the CPU" in lines[0]


def test_a_cluster_job_without_gpus_takes_none(here: pytest.MonkeyPatch) -> None:
    here.setenv("SLURM_JOB_ID", "12")
    lines: list[str] = []
    assert devices.select_device(lines.append).type == "cpu"
    assert lines[0].startswith("device: Slurm gave no GPU to this job, the CPU")


def test_without_a_gpu_it_is_the_cpu_with_one_line(here: pytest.MonkeyPatch) -> None:
    here.delenv(devices.SIMULATED)
    here.setattr(devices, "_existing", list)
    here.setattr("torch.backends.cuda.is_built", lambda: True)
    lines: list[str] = []
    assert devices.select_device(lines.append, count=4).type == "cpu"
    assert devices.select_device(lines.append, count=4).type == "cpu"
    assert len(lines) == 1
    assert lines[0].startswith("device: no GPU found, the CPU with ")


def test_a_gpu_that_torch_cannot_use_is_given_back(here: pytest.MonkeyPatch) -> None:
    here.delenv(devices.SIMULATED)
    here.setattr(devices, "_existing", lambda: ["GPU-0", "GPU-1"])
    here.setattr("torch.backends.cuda.is_built", lambda: True)
    here.setattr("torch.cuda.is_available", lambda: False)
    lines: list[str] = []
    assert devices.select_device(lines.append).type == "cpu"
    assert lines[0].startswith("device: torch cannot use the GPU GPU-0, the CPU")
    here.setattr(devices, "_own", None)
    here.delenv(devices.VISIBLE)
    assert devices.claim() == ["GPU-0"]  # free again


def test_removed_locks_do_not_let_two_in(here: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file is locked that others will open, whoever tidies the folder meanwhile."""
    opened = os.open

    def remove_after_opening(path: Path, *arguments: int) -> int:
        descriptor = opened(path, *arguments)
        if str(path).endswith("simulated-0.lock") and not arguments[0] & os.O_CREAT:
            here.setattr(os, "open", opened)
            Path(path).unlink()
        return descriptor

    here.setattr(os, "open", remove_after_opening)
    assert devices.claim() == ["simulated-0"]
    assert devices._lock(tmp_path / "locks" / "simulated-0.lock") is None


def test_a_folder_that_cannot_hold_locks(here: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    here.setenv(devices.LOCKS, str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"devices cannot be locked .*TEXSHAPE_DEVICE_LOCKS"):
        devices.claim()


def test_devices_of_the_driver_are_known_by_uuid(here: pytest.MonkeyPatch) -> None:
    """A stand-in for NVIDIA's management library: three devices, one of them not for this process."""

    class Library:
        def nvmlInit_v2(self) -> int:
            return 0

        def nvmlDeviceGetCount_v2(self, count: object) -> int:
            count._obj.value = 3  # type: ignore[attr-defined]
            return 0

        def nvmlDeviceGetHandleByIndex_v2(self, index: ctypes.c_uint, handle: object) -> int:
            if index.value == 1:
                return 4  # no permission
            handle._obj.value = 100 + index.value  # type: ignore[attr-defined]
            return 0

        def nvmlDeviceGetUUID(self, handle: ctypes.c_void_p, text: object, size: object) -> int:
            text.value = f"GPU-{handle.value}".encode()  # type: ignore[attr-defined]
            return 0

        def nvmlShutdown(self) -> int:
            return 0

    here.delenv(devices.SIMULATED)
    here.setattr(ctypes, "CDLL", lambda name: Library())
    assert devices._existing() == ["GPU-100", "GPU-102"]
    here.setenv(devices.VISIBLE, "1")
    assert devices.claim() == ["GPU-102"]
    assert os.environ[devices.VISIBLE] == "GPU-102"
