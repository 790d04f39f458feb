"""A disk that is full, and processes that are killed: nothing half written, nothing lost, the same numbers.

The full disks are small file systems in memory, mounted for the test; where mounting is not permitted these
tests are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from tests.workflow import tiny
from tests.workflow.conftest import jobs

from texshape import files
from texshape.data import imageset, procedural
from texshape.errors import InputError

PROGRAM = Path(sys.executable).parent / "texshape"
DISK = 192 * 1024  # bytes
SPACE = "cannot be written (no space left on the disk)"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of `DISK` bytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", place], capture_output=True
    )
    if not done or done.returncode:
        pytest.skip("mounting a small file system is not permitted here")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path, *, free: int = 0) -> None:
    """Leave so many bytes on a disk."""
    size = shutil.disk_usage(disk).free - free
    (disk / "filler").write_bytes(b"\0" * size)
    assert shutil.disk_usage(disk).free == free


def resize(disk: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


def call(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], cwd=folder, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


def one_line(done: subprocess.CompletedProcess[str], path: Path) -> bool:
    """Whether the program ended as on bad input, naming a file on a full disk."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("device: ")]
    return done.returncode == 2 and lines == [f"texshape: error: {path}: {SPACE}"]


def left(disk: Path) -> set[str]:
    """Files on a disk, and folders of unfinished ones."""
    found = {path.name for path in disk.rglob("*") if path.is_file() or "partial" in path.name}
    return found - {"filler"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tiny.Tiny:
    return tiny.finished(tmp_path_factory.getbasetemp())[0]


@pytest.fixture(scope="module")
def settings(finished: tiny.Tiny) -> dict:
    path = finished.folder / tiny.RESULTS / "parameters.json"
    return json.loads(path.read_text(encoding="utf-8"))


# --- disk full -----------------------------------------------------------------------------------


def save_checkpoint(path: Path) -> None:
    import torch

    with files.atomic_path(path) as temporary:
        torch.save({"state": torch.rand(DISK)}, temporary)


def save_figure(path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 6))
    figure.subplots().imshow(np.random.default_rng(0).random((900, 900)), interpolation="none")
    with files.atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=200)


def save_archive(path: Path) -> None:
    with files.atomic_path(path) as temporary:
        np.savez_compressed(temporary, maps=np.random.default_rng(0).random(DISK))


def save_table(path: Path) -> None:
    import pandas as pd

    files.write_csv(path, pd.DataFrame({"value": np.random.default_rng(0).random(DISK)}))


WRITERS: dict[str, Callable[[Path], None]] = {
    "array.npy": lambda path: files.write_npy(path, np.zeros(DISK)),
    "table.csv": save_table,
    "values.json": lambda path: files.write_json(path, list(range(DISK))),
    "page.html": lambda path: files.write_text(path, "x" * 2 * DISK),
    "checkpoint.pt": save_checkpoint,
    "maps.npz": save_archive,
    "figure.png": save_figure,
    "figure.svg": save_figure,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_on_a_full_disk(disk: Path, name: str) -> None:
    (disk / name).write_text("the former result")
    with pytest.raises(InputError) as caught:
        WRITERS[name](disk / name)
    assert str(caught.value) == f"{disk / name}: {SPACE}"
    assert (disk / name).read_text() == "the former result"
    assert left(disk) == {name}


def test_an_error_of_the_program_is_not_called_a_full_disk(tmp_path: Path) -> None:
    for error in (RuntimeError("no such layer"), KeyError("value")):
        with pytest.raises(type(error)), files.atomic_path(tmp_path / "table.csv"):
            raise error
    with (
        pytest.raises(InputError, match=r"cannot be written \(the network went away\)"),
        files.atomic_path(tmp_path / "table.csv"),
    ):
        raise OSError("The network went away")
    assert not list(tmp_path.iterdir())


def test_an_image_set_on_a_full_disk(disk: Path, settings: dict) -> None:
    done = call(
        "run", "render", "--settings", json.dumps(settings["data"]), "--seed", settings["seed"],
        "--set", "train-plain", "--output-dir", disk / "data",
    )  # fmt: skip
    assert one_line(done, disk / "data" / "train-plain.images.npy"), done.stderr
    assert left(disk) == set()


@pytest.mark.parametrize("former", [False, True])
def test_a_set_whose_last_file_does_not_fit_is_not_written_at_all(
    disk: Path, settings: dict, former: bool
) -> None:
    images = procedural.render(procedural.parse_settings(settings["data"]), 1, "test-plain")
    small = imageset.ImageSet(images.images[:2], images.labels[:2], images.masks[:2])
    if former:
        imageset.write(disk / "test-plain", small)
    before = tiny.hashes(disk)
    fill(disk, free=160 * 1024)  # enough for the pixels, not for the masks
    with pytest.raises(InputError, match=rf"masks\.npy: {SPACE[:14]}"):
        imageset.write(disk / "test-plain", images)
    (disk / "filler").unlink()
    assert tiny.hashes(disk) == before
    assert left(disk) == set(before)


def test_a_training_names_its_checkpoint_and_goes_on_when_there_is_space(
    disk: Path, finished: tiny.Tiny, settings: dict
) -> None:
    out = disk / "net"
    arguments = (
        "run", "train", "--architecture", "rf9", "--seed", 0,
        "--settings", json.dumps(settings["training"]),
        "--train", f"{tiny.RESULTS}/data/base/train-plain",
        "--validation", f"{tiny.RESULTS}/data/base/validation-plain", "--output-dir", out,
    )  # fmt: skip
    resize(disk, 40 * DISK)
    initial = finished.folder / tiny.RUN / "checkpoints" / "epoch-000.pt"
    fill(disk, free=(initial.stat().st_size // 4096 + 2) * 4096)  # for one checkpoint, not for two
    done = call(*arguments, folder=finished.folder)
    assert one_line(done, out / "resume" / "epoch-001.pt"), done.stderr
    assert left(disk) == {"epoch-000.pt"}  # whole, in the folder to resume from

    (disk / "filler").unlink()
    assert call(*arguments, folder=finished.folder).returncode == 0
    expected = tiny.hashes(finished.folder / tiny.RUN)
    assert tiny.hashes(out) == {
        name: value for name, value in expected.items() if not name.startswith("trials/")
    }


def test_tables_on_a_full_disk(disk: Path, finished: tiny.Tiny) -> None:
    fill(disk)
    done = call(
        "run", "tabulate-trials", "--results", tiny.RESULTS, "--network", "rf9--plain/seed-0",
        "--settings", '{"resamples": 50}', "--output-dir", disk / "tables",
        folder=finished.folder,
    )  # fmt: skip
    assert one_line(done, disk / "tables" / "shape_bias.csv"), done.stderr
    assert left(disk) == set()


def test_features_on_a_full_disk(disk: Path, finished: tiny.Tiny) -> None:
    done = call(
        "run", "features", "--network", f"{tiny.RUN}/checkpoints/final.pt",
        "--set", f"{tiny.RESULTS}/data/base/cue-conflict", "--output-dir", disk / "features",
        folder=finished.folder,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(SPACE)
    assert "Traceback" not in done.stderr
    assert left(disk) == set()


# --- killed --------------------------------------------------------------------------------------


# Ends the program by SIGKILL just before its n-th file would get its name: the file is whole or half
# written, the set is not.
SUICIDE = """
import os, signal, sys
from texshape.cli.main import main
files = iter(range(int(sys.argv.pop(1))))
rename = os.replace
def replace(source, target):
    if next(files, None) is None:
        os.truncate(source, os.path.getsize(source) // 2)
        os.kill(os.getpid(), signal.SIGKILL)
    rename(source, target)
os.replace = replace
main()
"""


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_killed_render_leaves_no_half_file_and_runs_again(
    tmp_path: Path, finished: tiny.Tiny, settings: dict, written: int
) -> None:
    out = tmp_path / "data"
    arguments = [
        "run", "render", "--settings", json.dumps(settings["data"]), "--seed",
        str(settings["seed"]), "--set", "train-plain", "--output-dir", str(out),
    ]  # fmt: skip
    sets = tiny.hashes(finished.folder / tiny.RESULTS / "data" / "base")
    expected = {name: value for name, value in sets.items() if name.startswith("train-plain.")}

    done = subprocess.run([sys.executable, "-c", SUICIDE, str(written), *arguments], check=False)
    assert done.returncode == -signal.SIGKILL
    found = tiny.hashes(out)
    whole = {name: value for name, value in found.items() if ".partial/" not in name}
    assert len(whole) == written
    assert whole.items() <= expected.items()
    assert len(found) == len(expected)  # what has no name yet lies in hidden folders
    with pytest.raises(InputError):
        imageset.read(out / "train-plain")

    assert call(*arguments).returncode == 0
    assert tiny.hashes(out) == expected


def test_what_another_living_process_writes_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    with files.atomic_path(path) as first:
        first.write_text("first")
        files.write_text(path, "second")
        assert first.exists()
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def test_two_workflows_at_once_and_killed_ones(tmp_path: Path, finished: tiny.Tiny) -> None:
    """The second Snakemake is refused; SIGKILL for the first and all its jobs, twice; the same numbers."""
    project = tiny.start(tmp_path / "project")
    results, run = project.folder / tiny.RESULTS, project.folder / tiny.RUN

    with running(project) as first:
        wait(first, lambda: any((results / "data").rglob("*.images.npy")))
        os.killpg(first.pid, signal.SIGSTOP)  # so that it gets no further meanwhile
        second = project.snakemake(*tiny.TARGETS, check=False)
    assert second.returncode != 0
    assert "Directory cannot be locked" in second.stdout + second.stderr
    assert "Traceback" not in second.stderr
    assert not (run / "checkpoints").exists()

    project.snakemake("--unlock")
    with running(project) as first:
        wait(first, lambda: (run / "resume").exists() or (run / "checkpoints").exists())

    project.snakemake("--unlock")
    project.snakemake(*tiny.TARGETS)
    assert tiny.numbers(results) == tiny.numbers(finished.folder / tiny.RESULTS)


# --- a folder that may not be written, a clock that is put back -----------------------------------


def test_a_read_only_folder_is_named_and_stays_as_it_was(
    disk: Path, finished: tiny.Tiny, settings: dict
) -> None:
    (disk / "tables").mkdir()
    (disk / "tables" / "shape_bias.csv").write_text("the former result")
    before = tiny.hashes(disk)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    steps = {
        "data/train-plain.": (
            "run", "render", "--settings", json.dumps(settings["data"]), "--seed",
            settings["seed"], "--set", "train-plain", "--output-dir", disk / "data",
        ),
        "tables/shape_bias.csv": (
            "run", "tabulate-trials", "--results", tiny.RESULTS, "--network",
            "rf9--plain/seed-0", "--settings", '{"resamples": 50}', "--output-dir",
            disk / "tables",
        ),
        "net": (
            "run", "train", "--architecture", "rf9", "--seed", 0,
            "--settings", json.dumps(settings["training"]),
            "--train", f"{tiny.RESULTS}/data/base/train-plain",
            "--validation", f"{tiny.RESULTS}/data/base/validation-plain",
            "--output-dir", disk / "net",
        ),
    }  # fmt: skip
    for name, arguments in steps.items():
        done = call(*arguments, folder=finished.folder)
        last = done.stderr.splitlines()[-1]
        assert done.returncode == 2, done.stderr
        assert last.startswith(f"texshape: error: {disk / name}"), done.stderr
        assert last.endswith("cannot be written (read-only file system)"), done.stderr
        assert "Traceback" not in done.stderr
    assert tiny.hashes(disk) == before


def test_a_clock_that_is_put_back(tmp_path: Path, finished: tiny.Tiny) -> None:
    """Results from the future stand; what would be older than them is refused until the clock is right."""
    project = tiny.copy(finished, tmp_path / "project")
    results = project.folder / tiny.RESULTS
    targets = (*tiny.TARGETS, f"{tiny.RESULTS}/tables/shape_bias.csv")  # as `all` names the tables
    before = tiny.numbers(results)

    def set_times(when: float) -> None:
        for path in project.folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and ".git" not in path.parts:
                os.utime(path, (when, when))

    set_times(time.time() + 86_400)
    assert tiny.nothing_to_do(project)

    parameters_file = project.folder / "params.yaml"
    former = parameters_file.read_text(encoding="utf-8")
    parameters_file.write_text(former.replace("resamples: 100", "resamples: 101"), encoding="utf-8")
    assert parameters_file.read_text(encoding="utf-8") != former
    assert jobs(project.snakemake("-n", *targets).stdout)["tabulate_trials"] == 1
    refused = project.snakemake(*targets, check=False)
    assert refused.returncode != 0
    assert "older modification time" in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stderr
    kept = tiny.numbers(results)  # all that is not made anew
    assert kept.items() <= before.items()
    assert {name for name in before if name.startswith(("data/", "rf9--plain/"))} <= set(kept)

    set_times(time.time() - 60)  # the clock is right again
    project.snakemake(*targets)
    changed = tiny.numbers(results)
    assert changed["tables/shape_bias.csv"] != before["tables/shape_bias.csv"]
    parameters_file.write_text(former, encoding="utf-8")
    project.snakemake(*targets)
    assert tiny.numbers(results) == before
    assert tiny.nothing_to_do(project)


@contextmanager
def running(project: tiny.Tiny) -> Iterator[subprocess.Popen]:
    """Snakemake in a process group of its own, killed at the end of the block with all its jobs."""
    environment = os.environ | {"PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    process = subprocess.Popen(
        ["env", *project.settings(), "snakemake", "--cores", "2", *tiny.TARGETS],
        cwd=project.folder, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
        assert process.poll() is None, "it had ended before it was to be killed"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait(process: subprocess.Popen, until: Callable[[], bool]) -> None:
    """Wait for something that a process does."""
    deadline = time.monotonic() + 300
    while not until():
        assert process.poll() is None, "it ended before"
        assert time.monotonic() < deadline
        time.sleep(0.01)
