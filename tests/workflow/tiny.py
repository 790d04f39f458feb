"""The workflow at its least: one network, an epoch, a few images; for tests of DVC and of faults.

Such a folder is a git repository of its own that runs the sources in it, as a clone does. Its `params.yaml`
is tiny, and its DVC stage ends with the tables of shape bias: the rest of the way is the smoke experiment's.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import yaml
from tools.workflow_copy import ROOT

from tests.workflow.conftest import Workflow, copy_workflow
from texshape import parameters

VALUES = {
    "data": {
        "image_size": 32,
        "supersampling": 1,
        "train": 96,
        "validation": 24,
        "test": 48,
        "shape_exemplars": 2,
        "texture_exemplars": 2,
    },
    "conflicts": {"cue-conflict-optimised": None},
    "training": {"epochs": 1, "checkpoint_epochs": [0, 1]},
    "trained": [{"architecture": "rf9", "arms": ["plain"], "seeds": [0]}],
    "bootstrap": {"resamples": 100},
}
RESULTS = "results/procedural"
RUN = f"{RESULTS}/rf9--plain/seed-0"

TARGETS = (
    f"{RESULTS}/metrics.json",
    f"{RESULTS}/provenance.json",
    f"{RESULTS}/tables/training.csv",
)
SETS = 7  # that one network on plain images needs

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "A Reader",
    "GIT_AUTHOR_EMAIL": "reader@example.org",
    "GIT_COMMITTER_NAME": "A Reader",
    "GIT_COMMITTER_EMAIL": "reader@example.org",
}


class Tiny(Workflow):
    """A repository with the tiny workflow in it."""

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return super().run("env", *self.settings(), *command, check=check)

    def settings(self) -> list[str]:
        """Assignments for `env`: the sources of this folder, and somebody who commits."""
        values = {**ENVIRONMENT, "PYTHONPATH": str(self.folder / "src")}
        return [f"{name}={value}" for name, value in values.items()]


def start(folder: Path) -> Tiny:
    """A committed repository in which nothing has run."""
    workflow = Tiny(copy_workflow(folder).folder)
    defaults = parameters.read_yaml(ROOT / "params.yaml")
    values = parameters.overlay(defaults, VALUES)
    values["data"]["variants"] = {"base": {}}
    values["arms"] = {"plain": defaults["arms"]["plain"]}
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    stages = (folder / "dvc.yaml").read_text(encoding="utf-8")
    command = "cmd: snakemake --cores all\n"
    assert command in stages
    stages = stages.replace(command, f"cmd: snakemake --cores all {' '.join(TARGETS)}\n")
    (folder / "dvc.yaml").write_text(stages, encoding="utf-8")
    add_sources(folder)
    workflow.run("git", "init", "--quiet", "--initial-branch", "main")
    commit(workflow, "The workflow")
    return workflow


def add_sources(folder: Path) -> None:
    """What a repository holds beside the workflow: the package, DVC's settings, what is ignored."""
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, folder / name)
    unwanted = shutil.ignore_patterns("tmp", "cache", "config.local", "__pycache__", "*.egg-info")
    for name in (".dvc", "src"):
        shutil.copytree(ROOT / name, folder / name, ignore=unwanted)


def commit(workflow: Workflow, message: str) -> None:
    workflow.run("git", "add", "--all")
    workflow.run("git", "commit", "--quiet", "--message", message)


@cache
def finished(base: Path) -> tuple[Tiny, str]:
    """A repository in which `dvc repro procedural` has run from nothing, and what that printed.

    Made once a session; tests that change anything take a `copy`.
    """
    workflow = start(base / "tiny" / "project")
    done = workflow.run("dvc", "repro", "procedural")
    commit(workflow, "The results")
    return workflow, done.stdout + done.stderr


def copy(workflow: Workflow, folder: Path) -> Tiny:
    """The whole folder again: results, Snakemake's records, DVC's cache."""
    shutil.copytree(workflow.folder, folder, symlinks=True)
    return Tiny(folder)


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, hidden ones included."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def numbers(folder: Path) -> dict[str, str]:
    """The hashes without the files that name commits and times, which differ between repositories."""
    named = ("provenance.json", "records.json")
    return {path: value for path, value in hashes(folder).items() if path not in named}


def times(folder: Path) -> dict[str, int]:
    """When every file below a folder was last written, in nanoseconds."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def nothing_to_do(workflow: Workflow) -> bool:
    """Whether Snakemake would run no job for the tiny targets."""
    done = workflow.snakemake("-n", *TARGETS)
    return "Nothing to be done" in done.stdout + done.stderr
