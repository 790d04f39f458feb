"""Bad input to the program itself: one line on stderr, status 2, no traceback, nothing written.

Each row of the list is a process of its own. The last test goes through Snakemake: the log holds the line, the
other results stay, and after the repair the run goes on from where it was.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.workflow import tiny
from tests.workflow.conftest import jobs

from texshape.config.base import packaged
from texshape.data import published

PROGRAM = Path(sys.executable).parent / "texshape"
HEADER = "subj,session,trial,rt,object_response,category,condition,imagename"
GOOD = "net,1,1,NaN,bear,airplane,0,airplane1-bear2.png"
RENDER = ("run", "render", "--seed", "1", "--set", "silhouettes", "--output-dir", "out")
TABULATE = ("run", "tabulate-trials", "--results", ".", "--network", "net--arm/seed-0",
            "--output-dir", "out")  # fmt: skip
TRIALS = ("run", "trials", "--output-dir", "out", "--network")
LABELS = "imagename,shape,texture,shape_exemplar,texture_exemplar,condition"


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with trial files, sets and a mirror that are wrong in one way each."""
    trials = "net--arm/seed-0/trials"
    write(tmp_path / trials / "cue-conflict.csv", HEADER, GOOD, GOOD.replace("bear,", "beer,"))
    write(tmp_path / "unparsable.csv", HEADER, GOOD.replace("airplane1-bear2", "holiday"))
    write(tmp_path / "lacking.csv", *(line.rpartition(",")[0] for line in (HEADER, GOOD)))
    write(tmp_path / "unknown.csv", HEADER, GOOD, GOOD.replace(",airplane,", ",aeroplane,"))
    for name in ("whole", "truncated"):
        np.save(tmp_path / f"{name}.images.npy", np.zeros((1, 8, 8, 3), np.uint8))
        write(tmp_path / f"{name}.labels.csv", LABELS, "disc1-star1.png,disc,star,disc1,star1,0")
    np.save(tmp_path / "holiday.images.npy", np.zeros((1, 8, 8, 3), np.uint8))
    write(tmp_path / "holiday.labels.csv", LABELS, "holiday.png,disc,star,disc1,star1,0")
    with open(tmp_path / "truncated.images.npy", "r+b") as file:
        file.truncate(200)
    first = published.items(published.TRIALS[0], ".")[0]
    address = first.url.removeprefix("https://raw.githubusercontent.com/")
    write(tmp_path / "mirror" / "github" / address, "not what was published")
    return tmp_path


CASES = {
    "unknown parameter": (
        (*TABULATE, "--settings", '{"resample": 5}'),
        "unknown parameter 'bootstrap.resample'; did you mean 'resamples'?",
    ),
    "wrong type": (
        (*RENDER, "--settings", json.dumps(packaged()["data"] | {"image_size": "large"})),
        "data.image_size: expected a whole number",
    ),
    "missing image": (
        ("run", "contact-sheet", "--set", "absent", "--output-stem", "out/sheet"),
        "absent.labels.csv: no such file",
    ),
    "truncated image": (
        ("run", "contact-sheet", "--set", "truncated", "--output-stem", "out/sheet"),
        "truncated.images.npy: not a whole NumPy array",
    ),
    "unparsable stimulus name": (
        ("score", "unparsable.csv"),
        "unparsable.csv, row 2: stimulus name 'holiday.png'",
    ),
    "unparsable stimulus name in a set": (
        (*TRIALS, "torchvision:squeezenet1_1", "--random", "--set", "holiday"),
        "holiday.labels.csv, row 2: stimulus name 'holiday.png' cannot be read",
    ),
    "missing column": (("score", "lacking.csv"), "lacking.csv: column 'imagename' is missing"),
    "unknown class": (
        ("score", "unknown.csv"),
        "unknown.csv, row 3: category 'aeroplane' is no known class; did you mean 'airplane'?",
    ),
    "unknown response": (TABULATE, "cue-conflict.csv, row 3: object_response 'beer'"),
    "wrong check sum": (
        ("run", "published-trials", "--output-dir", "out"),
        "wrong check sum; expected SHA-256",
    ),
    "unknown model": (
        (*TRIALS, "torchvision:resnet5", "--set", "whole"),
        "did you mean 'resnet50'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_one_line_and_nothing_written(place: Path, name: str) -> None:
    arguments, expected = CASES[name]
    before = tiny.hashes(place)
    done = subprocess.run(
        [PROGRAM, *arguments],
        cwd=place,
        env={"PATH": "/usr/bin:/bin", "TEXSHAPE_MIRROR": "mirror", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("texshape: error: ")
    assert done.stderr.count("\n") == 1
    assert expected in done.stderr
    assert tiny.hashes(place) == before


def test_a_truncated_set_in_a_workflow_is_named_and_remade_once_removed(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    finished, _ = tiny.finished(tmp_path_factory.getbasetemp())
    project = tiny.copy(finished, tmp_path / "project")
    results, run = project.folder / tiny.RESULTS, project.folder / tiny.RUN
    before = tiny.hashes(results)
    damaged = results / "data" / "base" / "test-plain.images.npy"
    with open(damaged, "r+b") as file:
        file.truncate(1000)

    done = project.snakemake(*tiny.TARGETS, check=False)
    assert done.returncode != 0
    line = f"texshape: error: {damaged.relative_to(project.folder)}: not a whole NumPy array"
    assert line in (project.folder / "logs/procedural/trials/rf9--plain/seed-0.log").read_text()
    assert line in done.stdout + done.stderr
    assert "train" not in jobs(done.stdout + done.stderr)
    lost = set(before) - set(tiny.hashes(results))
    assert lost == {f"rf9--plain/seed-0/trials/{path}" for path in finished_trials(finished)}
    assert not list((run / "trials").glob("*"))
    assert not [path for path in results.rglob(".*") if "partial" in path.name]

    # Snakemake remakes what is asked for and what that needs; files between that are gone but needed by
    # nothing it has to do would stay away, so one of them is asked for.
    damaged.unlink()
    done = project.snakemake(*tiny.TARGETS, f"{tiny.RUN}/trials/test-plain.csv")
    ran = jobs(done.stdout + done.stderr)
    assert (ran["render"], ran["train"], ran["trials"]) == (1, 0, 1)
    assert tiny.numbers(results) == {name: before[name] for name in tiny.numbers(results)}
    assert set(tiny.hashes(results)) == set(before)


def finished_trials(workflow: tiny.Tiny) -> list[str]:
    return [path.name for path in (workflow.folder / tiny.RUN / "trials").iterdir()]
