"""What Snakemake itself costs: between jobs, and where nothing is to be done."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from tools.workflow_copy import ROOT

from tests.workflow import tiny
from tests.workflow.conftest import Workflow

pytestmark = pytest.mark.workflow

# Snakemake, saying when it makes itself look at its jobs again although none has ended.
WATCHED = """
import sys
from snakemake.cli import main
from snakemake.scheduling.job_scheduler import JobScheduler
JobScheduler._schedule_reevalutation = lambda self, delay: print("looks again", flush=True)
main(sys.argv[1:])
"""


def test_the_scheduler_waits_for_jobs_and_does_not_poll(tmp_path: Path) -> None:
    project = tiny.start(tmp_path / "project")
    target = f"{tiny.RESULTS}/data/base/silhouettes.labels.csv"
    command = (sys.executable, "-c", WATCHED, "--cores", "1", target)
    done = project.run(*command)
    assert (project.folder / target).exists()
    assert "looks again" not in done.stdout
    # Without the hook it does: what is tested has not lost its meaning.
    (project.folder / target).unlink()
    assert "looks again" in project.run(*command, "--no-hooks").stdout


def cpu(folder: Path, *command: str) -> float:
    """Processor seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    Workflow(folder).run(*command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_nothing_heavy_is_imported_when_the_snakefile_is_read() -> None:
    rules = [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in rules)
    ours = re.findall(r"^(?:from|import) texshape[^\n(]*(?:\([^)]*\))?", text, re.MULTILINE)
    assert len(ours) > 10
    code = "\n".join([
        "import sys",
        *ours,
        "heavy = {'torch', 'numpy', 'pandas', 'scipy', 'sklearn', 'matplotlib', 'mlflow', 'typer'}",
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)",
    ])  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_empty_rerun_costs_little_more_than_starting_snakemake(smoke: Workflow) -> None:
    smoke_run = ("snakemake", "--cores", "2", "--configfile", "experiments/smoke.yaml")
    pairs = [
        (cpu(smoke.folder, *smoke_run), cpu(smoke.folder, "snakemake", "--version"))
        for _ in range(2)
    ]
    assert min(run / version for run, version in pairs) <= 3
