"""The same numbers again: recorded commands run once more give the same bytes.

A job of each kind is run by the command that the record of the results names, in an empty folder that
holds nothing but the recorded inputs. `make reproduce` runs a whole experiment twice.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tools.workflow_copy import ROOT

from tests.workflow.conftest import Workflow
from texshape.files import file_sha256
from texshape.records import stored, verification

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(3000)]

RULES = ("render", "train", "trials", "features", "readout", "tabulate_trials", "concatenate",
         "compare", "contact_sheet", "figures", "claims", "article")  # fmt: skip


@pytest.fixture(scope="module")
def jobs(smoke: Workflow) -> dict[str, dict[str, Any]]:
    """Of each rule the job that took the least processor time."""
    content = stored.load(smoke.folder / "results" / "smoke")
    found: dict[str, dict[str, Any]] = {}
    for job in sorted(content["jobs"], key=lambda job: job["cpu_seconds"] or 0.0, reverse=True):
        found[job["rule"]] = job
    return found


def run_again(smoke: Workflow, job: dict[str, Any], folder: Path, threads: str = "1") -> None:
    """Run a recorded command where only its recorded inputs are."""
    for name in job["inputs"]:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(smoke.folder / name)
    for name in [*job["log"], *job["outputs"]]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": threads}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    command = job["command"].replace("--threads 1", f"--threads {threads}")
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, check=False)
    logs = "".join((folder / name).read_text(errors="replace") for name in job["log"])
    assert done.returncode == 0, f"{command}\n{logs[-3000:]}"


@pytest.mark.parametrize("rule", RULES)
def test_a_recorded_command_gives_the_same_bytes(
    smoke: Workflow, jobs: dict[str, dict[str, Any]], tmp_path: Path, rule: str
) -> None:
    job = jobs[rule]
    run_again(smoke, job, tmp_path)
    differing = [
        name
        for name, facts in job["outputs"].items()
        if file_sha256(tmp_path / name) != facts["sha256"]
    ]
    assert differing == []


def test_every_file_of_a_finished_experiment_is_as_recorded(smoke: Workflow) -> None:
    results = smoke.folder / "results" / "smoke"
    count, findings = verification.verify(results)
    assert findings == []
    assert count == sum(path.is_file() for path in results.rglob("*")) - 1  # but the record itself
    for job in stored.load(results)["jobs"]:
        assert job["run"] is not None
        assert job["seconds"] is not None
        assert None not in job["inputs"].values()
        if "--seed" in job["command"]:
            assert job["seeds"]
        if "--threads" in job["command"] and job["rule"] in ("train", "trials", "features"):
            assert job["device"]


def test_other_thread_counts_change_decisions_by_little(
    smoke: Workflow, jobs: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """Sums in another order: of a trained network's decisions at most one in a hundred may differ."""
    job = jobs["trials"]
    run_again(smoke, job, tmp_path, threads="2")
    compared = differing = 0
    for name in job["outputs"]:
        if not name.endswith(".csv"):
            continue
        before, after = (pd.read_csv(place / name) for place in (smoke.folder, tmp_path))
        if "object_response" in before:
            assert before["imagename"].tolist() == after["imagename"].tolist()
            compared += len(before)
            differing += int((before["object_response"] != after["object_response"]).sum())
    assert compared > 300
    assert differing <= 0.01 * compared


def test_training_with_other_thread_counts_ends_within_the_stated_tolerance(
    smoke: Workflow, jobs: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    job = jobs["train"]
    run_again(smoke, job, tmp_path, threads="2")
    (name,) = [name for name in job["outputs"] if name.endswith("history.csv")]
    before, after = (pd.read_csv(place / name) for place in (smoke.folder, tmp_path))
    assert before["epoch"].tolist() == after["epoch"].tolist()
    tolerances = pd.read_csv(ROOT / "tests" / "reference" / "procedural" / "tolerances.csv")
    allowed = tolerances.set_index("table").loc["accuracy", "tolerance"]
    deviation = (before["validation_accuracy"] - after["validation_accuracy"]).abs()
    assert deviation.iloc[-1] <= allowed


def test_provenance_in_the_article_is_that_of_the_record(smoke: Workflow) -> None:
    results = smoke.folder / "results" / "smoke"
    written = json.loads((results / "provenance.json").read_text(encoding="utf-8"))
    run = verification.origin(results / "provenance.json")["run"]
    assert run["parameters_sha256"] == written["parameters_sha256"]
    assert run["commit"] == written["git"]["commit"]
    html = (results / "paper.html").read_text(encoding="utf-8")
    assert written["parameters_sha256"][:12] in html
    assert f"torch {run['packages']['torch']}" in html
