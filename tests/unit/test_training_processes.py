"""One training in several processes: the same steps as in one, one writer, and no hang when one is lost."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from texshape import devices
from texshape.config.training import TrainingSettings
from texshape.data import imageset
from texshape.errors import InputError
from texshape.training import batches, checkpoints, loop, processes
from texshape.training.processes import Group

SETTINGS = {
    "epochs": 3,
    "batch_size": 16,
    "learning_rate": 4e-3,
    "weight_decay": 0.02,
    "horizontal_flip": True,
    "random_crop": 0.5,
    "checkpoint_epochs": [0, 3],
    "precision": "float32",
    "compile": False,
    "channels_last": True,
    "gpus_per_job": 2,
}
SETS = ("plain", "stylized")
FORK = multiprocessing.get_context("fork")  # a fresh interpreter would import for seconds


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Training sets of 72 images, which 16 does not divide, and a validation set of odd size."""
    folder = tmp_path_factory.mktemp("data")
    for seed, (name, count) in enumerate(
        [("train-plain", 72), ("train-stylized", 72), ("validation-plain", 41)]
    ):
        images = np.random.default_rng(seed).integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)
        images[::2, :8] //= 2
        names = ["disc" if number % 2 else "star" for number in range(count)]
        labels = pd.DataFrame(dict.fromkeys(imageset.LABEL_COLUMNS, names))
        imageset.write(folder / name, imageset.ImageSet(images, labels))
    return folder


def train(data: Path, output_dir: Path, log, **changed: Any) -> pd.DataFrame:
    return loop.train(
        architecture="rf9",
        settings=TrainingSettings.over(SETTINGS | changed),
        seed=0,
        train_sets=[data / f"train-{name}" for name in SETS],
        validation_sets=[data / "validation-plain"],
        output_dir=output_dir,
        log=log,
    )


def rank_environment(rank: int, size: int, port: int) -> dict[str, str]:
    """What torchrun tells a process; on the CPU, whatever the machine has."""
    return {
        "TORCHELASTIC_RUN_ID": "test",
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "LOCAL_WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        devices.VISIBLE: "",
    }


def _rank(rank: int, size: int, port: int, data: Path, output_dir: Path, said) -> None:
    os.environ.update(rank_environment(rank, size, port))
    lines: list[str] = []
    history = train(data, output_dir, lines.append)
    said.put((rank, lines, history))


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_two_processes_train_as_one_does_with_the_same_whole_batch(data, tmp_path):
    expected = train(data, tmp_path / "one", lambda line: None)
    said, port = FORK.Queue(), free_port()
    ranks = [
        FORK.Process(target=_rank, args=(rank, 2, port, data, tmp_path / "two", said))
        for rank in range(2)
    ]
    for rank in ranks:
        rank.start()
    told = {rank: rest for rank, *rest in (said.get(timeout=120) for _ in ranks)}
    for rank in ranks:
        rank.join(timeout=60)
        assert rank.exitcode == 0

    (lines, found), (silence, other) = told[0], told[1]
    pd.testing.assert_frame_equal(found, expected, rtol=2e-3, atol=2e-3)
    pd.testing.assert_frame_equal(other, found)  # all know the metrics of all
    assert sum(line.startswith("{") for line in lines) == 3
    assert silence == []  # one writer
    files = [
        sorted(str(path.relative_to(tmp_path / run)) for path in (tmp_path / run).rglob("*.*"))
        for run in ("one", "two")
    ]
    assert files[0] == files[1]
    first, second = (
        checkpoints.read(tmp_path / run / "checkpoints" / "final.pt")["state"]
        for run in ("one", "two")
    )
    assert first.keys() == second.keys()
    start = checkpoints.read(tmp_path / "one" / "checkpoints" / "epoch-000.pt")["state"]
    moved = sum((first[key] - start[key]).float().norm() for key in first)
    apart = sum((first[key] - second[key]).float().norm() for key in first)
    assert apart < 0.02 * moved


def test_every_image_of_a_step_is_taken_by_one_process_as_it_would_be_by_one_alone(data):
    """No image twice, none left out, in the last step of an epoch too; the same crops and mirrors."""
    sets, _, _ = batches.read_sets([data / f"train-{name}" for name in SETS], [])
    settings = TrainingSettings.over(SETTINGS)
    orders = batches.epoch_order(sets, 16, 0, 1)
    assert len(orders[0]) == batches.steps_per_epoch(sets, 16, processes=2) == 4
    for step in (0, 3):
        indices = [order[step] for order in orders]
        whole, labels = batches.training_batch(sets, indices, settings, 0, step)
        parts = [
            batches.training_batch(sets, indices, settings, 0, step, group=Group(rank, 2))
            for rank in range(2)
        ]
        # Of each set's 8 images the first process takes the first 4.
        rows = torch.tensor([0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15])
        assert torch.equal(torch.cat([images for images, _ in parts]), whole[rows])
        assert torch.equal(torch.cat([names for _, names in parts]), labels[rows])


def test_a_batch_that_the_processes_cannot_share(data):
    sets, _, _ = batches.read_sets([data / f"train-{name}" for name in SETS], [])
    with pytest.raises(InputError, match=r"training.batch_size: expected a multiple of 8 for 2 "):
        batches.steps_per_epoch(sets, 12, processes=4)


def _lonely(port: int, folder: Path) -> None:
    os.environ.update(rank_environment(0, 2, port))
    os.environ["TORCHELASTIC_ERROR_FILE"] = str(folder / "error.json")
    processes.TIMEOUT = timedelta(seconds=2)
    with processes.reporting(), processes.group(lambda line: None):
        pass


def test_a_process_that_the_others_do_not_join_says_so_in_time(tmp_path):
    port = free_port()
    process = FORK.Process(target=_lonely, args=(port, tmp_path))
    process.start()
    process.join(timeout=60)
    assert process.exitcode == 2
    said = json.loads((tmp_path / "error.json").read_text())["message"]
    assert "\n" not in said
    assert said.startswith(
        f"training: process 1 of 2 could not meet the others at 127.0.0.1:{port} within 2 s ("
    )


def test_more_gpus_than_exist(data, tmp_path):
    done = subprocess.run(
        command(data, tmp_path, gpus_per_job=4), env=environment(tmp_path), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == ("texshape: error: GPUs: the job asks for 4, this machine has 2\n")


def command(data: Path, tmp_path: Path, **changed: Any) -> list[str]:
    settings = json.dumps(SETTINGS | {"epochs": 4000, "checkpoint_epochs": []} | changed)
    return [
        *(sys.executable, "-m", "texshape", "run", "train", "--architecture", "rf9"),
        *("--settings", settings, "--seed", "0", "--threads", "2"),
        *("--train", str(data / "train-plain"), "--validation", str(data / "validation-plain")),
        *("--output-dir", str(tmp_path / "out")),
    ]


def environment(tmp_path: Path) -> dict[str, str]:
    mine = {key: value for key, value in os.environ.items() if key != devices.VISIBLE}
    return mine | {devices.SIMULATED: "2", devices.LOCKS: str(tmp_path / "locks")}


def begin(data: Path, tmp_path: Path) -> tuple[subprocess.Popen[str], list[str]]:
    """Start a training in two processes, up to its second epoch; and what it has said."""
    process = subprocess.Popen(
        command(data, tmp_path), env=environment(tmp_path), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    lines: list[str] = []
    while sum(line.startswith("{") for line in lines) < 2:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        lines.append(line)
    return process, lines


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_killed_process_ends_all_with_one_line_and_sigterm_leaves_a_state(data, tmp_path):
    process, lines = begin(data, tmp_path)
    assert lines[0].startswith("device: simulated-0, the CPU with 1 thread(s)")
    ranks = children(process.pid)
    assert len(ranks) == 2
    os.kill(ranks[1], signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert errors == (
        "texshape: error: training: process 2 of 2 was ended by SIGKILL; run again to resume\n"
    )
    for pid in ranks:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    process, lines = begin(data, tmp_path)
    assert any(line.startswith("resume: at step ") for line in lines)
    for pid in children(process.pid):  # as Slurm does: all at once, and torchrun tells them again
        os.kill(pid, signal.SIGTERM)
    process.terminate()
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (75, "")
    assert "run again to resume" in output.splitlines()[-1]
    step = checkpoints.read_resume(tmp_path / "out")["step"]
    assert f"state written at step {step};" in output.splitlines()[-1]
    assert not (tmp_path / "out" / "checkpoints").exists()
