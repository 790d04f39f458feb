"""A copy of the workflow in a folder of its own, and the smoke experiment run in it once."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from tools import workflow_copy

from texshape.core.snakemake_private import listed_jobs


@dataclass(frozen=True)
class Workflow:
    """A working folder with the workflow in it."""

    folder: Path

    def snakemake(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Snakemake with one configuration file after the defaults."""
        return self.run("snakemake", "--cores", "2", *arguments, check=check)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = dict(os.environ)
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        environment.pop("MLFLOW_TRACKING_URI", None)
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        if check and done.returncode != 0:
            logs = "".join(
                f"\n--- {path}\n{path.read_text(errors='replace')[-1500:]}"
                for path in sorted(self.folder.glob("logs/**/*.log"))[-4:]
            )
            pytest.fail(f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}{logs}")
        return done


def jobs(output: str) -> Counter[str]:
    """Jobs by rule, read from the table that Snakemake prints before it starts."""
    return listed_jobs(output) or Counter()


def copy_workflow(folder: Path) -> Workflow:
    workflow_copy.copy_workflow(folder)
    return Workflow(folder)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The smoke experiment, from nothing to its article: run once, and a copy for each worker of the tests."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "smoke-of-all"
    shared.mkdir(exist_ok=True)
    begun, finished = shared / "begun", shared / "finished"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if begun.exists() and not finished.exists():
            pytest.fail("the smoke experiment failed for another worker of the tests")
        if not finished.exists():
            begun.touch()
            workflow = copy_workflow(shared / "project")
            workflow.snakemake("--configfile", "experiments/smoke.yaml")
            finished.touch()
    folder = tmp_path_factory.mktemp("smoke") / "project"
    shutil.copytree(shared / "project", folder, symlinks=True)  # with the times of the files
    return Workflow(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test asks first waits for the whole experiment."""
    for item in items:
        if "smoke" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(2400))
