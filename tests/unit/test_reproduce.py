"""`make reproduce`: which commands it runs, and where; the runs themselves take hours."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from tools import reproduce
from tools.workflow_copy import PARTS

# Stands in for a program: notes where it ran, with what, and what lay there.
STAND_IN = f"""#!{sys.executable}
import json, os, sys
with open(os.environ["NOTED"], "a") as noted:
    called = [os.path.basename(sys.argv[0]), sys.argv[1:], os.getcwd(), sorted(os.listdir())]
    noted.write(json.dumps(called) + "\\n")
sys.exit(int(os.environ.get("FAILING") == sys.argv[1]))
"""


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("snakemake", "texshape"):
        (programs / name).write_text(STAND_IN, encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NOTED", str(tmp_path / "noted"))
    return tmp_path / "noted"


def read(noted: Path) -> list[list]:
    return [json.loads(line) for line in noted.read_text(encoding="utf-8").splitlines()]


def test_one_run_is_compared_with_the_kept_tables(noted: Path, tmp_path: Path) -> None:
    assert reproduce.main(["procedural", str(tmp_path / "runs"), "--times", "1"]) == 0
    (run, compared) = read(noted)
    assert run == ["snakemake", ["--cores", "all"], str(tmp_path / "runs/1"), sorted(PARTS)]
    results = str(tmp_path / "runs/1/results/procedural")
    kept = str(reproduce.ROOT / "tests/reference/procedural")
    assert compared[:2] == ["texshape", ["deviations", results, "--reference", kept]]


def test_two_runs_are_compared_with_each_other_and_their_sentences_too(
    noted: Path, tmp_path: Path
) -> None:
    assert reproduce.main(["smoke", str(tmp_path / "runs"), "--cores", "2"]) == 0
    first, second, compared, sentences = read(noted)
    for number, run in (("1", first), ("2", second)):
        assert run[1][:3] == ["--cores", "2", "--configfile"]
        assert run[1][3].endswith("experiments/smoke.yaml")
        assert run[2] == str(tmp_path / "runs" / number)
    results = [str(tmp_path / f"runs/{number}/results/smoke") for number in (1, 2)]
    assert compared[1] == ["deviations", results[0], "--twin", results[1]]
    assert sentences[1] == ["claims", *results]


@pytest.mark.parametrize("failing", ["deviations", "claims"])
def test_a_difference_is_the_status(
    failing: str, noted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILING", failing)
    assert reproduce.main(["smoke", str(tmp_path / "runs")]) == 1
    assert [called[1][0] for called in read(noted)[2:]] == ["deviations", "claims"]
