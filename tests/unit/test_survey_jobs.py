"""`texshape measure --jobs`: several networks at once leave what they leave one after the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests import at_once
from tests import survey_world as world

from texshape.data.imageset import ImageSet
from texshape.files import read_csv
from texshape.survey import parameters, stimuli, survey
from texshape.survey.listener import Listener
from texshape.survey.processes import Lost
from texshape.survey.stimuli import Stimuli

pytestmark = pytest.mark.timeout(600)
ROOT = Path(__file__).parents[2]


class Told(Listener):
    """Keeps what it is told, all listeners beside it in one list."""

    def __init__(self, heard: list[tuple] | None = None) -> None:
        self.heard = [] if heard is None else heard
        self.name = ""

    def beside(self) -> Told:
        return Told(self.heard)

    def network(self, name: str, number: int, networks: int, steps: int) -> None:
        self.name = name
        self.heard.append((name, "network", number, networks, steps))

    def step(self, title: str) -> None:
        self.heard.append((self.name, "step", title))

    def done(self, ran: bool) -> None:
        self.heard.append((self.name, "done", ran))


def images(tmp_path: Path) -> Stimuli:
    pixels = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    labels = pd.DataFrame(
        [[f"bear{i}-cat1.png", "bear", "cat", f"bear{i}", "cat1", "x"] for i in (1, 2)],
        columns=[
            "imagename",
            "shape",
            "texture",
            "shape_exemplar",
            "texture_exemplar",
            "condition",
        ],
    )
    return Stimuli("some", {"cue-conflict": ImageSet(pixels, labels)}, "key")


def test_each_network_has_a_process_and_none_takes_another_along(tmp_path: Path, capfd) -> None:
    names = ["first", "refused", "killed", "broken", "last"]
    told, shown = Told(), images(tmp_path)
    found = at_once.run(tmp_path, names, shown, told, 2)
    first, refused, killed, broken, last = found
    for name, one in (("first", first), ("last", last)):
        assert one["name"] == name
        assert one["threads"] == 2  # five for two
        assert one["sums"] == {"cue-conflict": int(shown.sets["cue-conflict"].images.sum())}
    assert len({first["process"], last["process"], os.getpid()}) == 3
    assert refused == Lost("refused", "refused: weights of another shape", broken=False)
    assert killed.broken
    assert killed.line.startswith("killed: its process was ended by SIGKILL")
    assert broken == Lost("broken", "broken: ZeroDivisionError: by nothing", broken=True)
    for number, name in enumerate(names, start=1):
        own = [entry[1:] for entry in told.heard if entry[0] == name]
        assert own[0] == ("network", number, 5, 2)
        whole = [("step", "step 0"), ("done", True), ("step", "step 1"), ("done", True)]
        assert own[1:] == (whole if name in ("first", "last") else whole[:1])
    lines = [line for line in capfd.readouterr().err.splitlines() if "half" in line]
    for name in ("first", "last"):
        assert lines.count(f"half a line of {name} and the other half") == 200
    assert len(lines) == 400


def alive(process: int) -> bool:
    """Whether a process runs; one that has ended may wait for somebody to ask for its status."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc who is alive")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.at_once", str(tmp_path), "slow", "whole"],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONFAULTHANDLER": "1"},
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not ((tmp_path / "process").exists() and (tmp_path / "whole-1").exists()):
        assert running.poll() is None, running.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if how is signal.SIGINT:
        os.killpg(running.pid, how)  # as a terminal does: to all of them
    else:
        running.send_signal(how)
    try:
        running.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        running.send_signal(signal.SIGABRT)  # says where each of its threads stands
        running.wait(timeout=60)
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        pytest.fail(f"it did not end: {running.communicate()[1][-6000:]}")
    deadline = time.monotonic() + 60
    while alive(int((tmp_path / "process").read_text())):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if how is signal.SIGINT:
        assert (
            tmp_path / "tidied"
        ).exists()  # it was told to end, and did what has to be done then
    assert (tmp_path / "whole-1").read_text() == "5"


NETWORKS = """
from torch import nn


class Net(nn.Module):
    input_size, classes = 24, ("bear", "cat", "clock", "truck")
    channel = 0

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, 2, 1)
        nn.init.constant_(self.first.weight, 0.1 + 0.1 * self.channel)

    def forward(self, x):
        return self.first(x).mean(2)[:, self.channel, :4]


class Other(Net):
    channel = 2


class Unbuilt(Net):
    def __init__(self):
        raise ValueError("weights of another shape")
"""


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_bytes_with_one_process_and_with_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside them one that cannot be built, which is in no table, whichever way."""
    (tmp_path / "jobs_of_test.py").write_text(NETWORKS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    settings = parameters.read(world.write_settings(tmp_path))
    shown = stimuli.from_folder(world.write_stimuli(tmp_path))
    results = []
    for jobs in (1, 2):
        networks = [
            survey.by_name(f"python:jobs_of_test:{name}", settings["evaluation"])
            for name in ("Net", "Unbuilt", "Other")
        ]
        results.append(
            survey.run(
                networks, shown, settings, tmp_path / str(jobs), report=False, jobs=jobs, threads=2
            )
        )
    for one in results:
        assert one.failed == []
        (line,) = one.refused
        assert "python:jobs_of_test:Unbuilt" in line
        assert "weights of another shape" in line
        assert [name.split("--")[0] for name in sorted(one.leaderboard["subject"])] == [
            "jobs_of_test-Net",
            "jobs_of_test-Other",
        ]
    assert results[0].measured == results[1].measured
    expected, found = files(tmp_path / "1"), files(tmp_path / "2")
    assert len(expected) > 30
    assert {name for name in expected if found.get(name) != expected[name]} == set()
    assert found.keys() == expected.keys()


def test_the_command_measures_the_others_and_says_which_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "jobs_of_test.py").write_text(NETWORKS, encoding="utf-8")
    names = [f"python:jobs_of_test:{name}" for name in ("Unbuilt", "Net")]
    done = subprocess.run(
        [sys.executable, "-m", "texshape", "measure", *names, "--stimuli",
         str(world.write_stimuli(tmp_path)), "--settings", str(world.write_settings(tmp_path)),
         "--quick", "--no-report", "-o", "out", "--jobs", "2"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    (line,) = [one for one in lines if one.startswith("texshape: error:")]
    assert "python:jobs_of_test:Unbuilt" in line
    assert any("python:jobs_of_test:Net (2 of 2): step 1 of 1" in one for one in lines)
    assert all(one.startswith("texshape: ") for one in lines), lines
    assert len(read_csv(next((tmp_path / "out").glob("*/seed-0/trials/cue-conflict.csv")))) == 32
