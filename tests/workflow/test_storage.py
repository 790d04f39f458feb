"""Results in a bucket and on a node's own disk, rules in a container: what is really run, and where it lies."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.workflow import clusters
from tests.workflow.conftest import Workflow, copy_workflow, jobs
from tests.workflow.tiny import VALUES

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(1800), clusters.installed]

RESULTS = "results/procedural"
RUN = f"{RESULTS}/rf9--plain/seed-0"
LABELS = f"{RESULTS}/data/base/validation-plain.labels.csv"
LISTED = """
import boto3, sys
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1",
                  aws_access_key_id="anyone", aws_secret_access_key="anything")
print("\\n".join(one["Key"] for one in s3.list_objects_v2(Bucket="my-bucket")["Contents"]))
"""


def prepare(folder: Path) -> Workflow:
    """The workflow at its least."""
    workflow = copy_workflow(folder)
    (folder / "least.yaml").write_text(yaml.safe_dump(VALUES), encoding="utf-8")
    return workflow


def run(
    workflow: Workflow, *arguments: str, good: bool = True, **variables: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["snakemake", "--configfile", "least.yaml", *arguments],
        cwd=workflow.folder, env=clusters.environment(**variables),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) == good, done.stdout[-3000:] + done.stderr[-6000:]
    assert "Traceback" not in done.stderr
    return done


def test_results_in_a_bucket(tmp_path: Path) -> None:
    """Drawn, trained, recorded; another folder has nothing to do until a parameter changes."""
    with clusters.bucket(tmp_path) as (address, keys):
        first = prepare(tmp_path / "first")
        run(first, "--profile", "profiles/s3", "--cores", "1", "--", f"{RUN}/history.csv", **keys)
        assert (first.folder / RESULTS).is_symlink()
        listed = subprocess.run(
            ["python", "-c", LISTED, address], env=clusters.environment(),
            capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        assert all(name.startswith("texshape/") for name in listed)
        kept = {name.removeprefix("texshape/") for name in listed}
        assert {LABELS, f"{RUN}/checkpoints/final.pt", f"{RESULTS}/records.json"} <= kept
        assert "logs/procedural/train/rf9--plain/seed-0.log" in kept

        second = prepare(tmp_path / "second")
        dry = ("-n", "--profile", "profiles/s3", "--", f"{RUN}/history.csv")
        assert "Nothing to be done" in run(second, *dry, **keys).stdout
        records = second.folder / ".snakemake" / "metadata"
        # Two sets of three files each, and three states of a network with its history.
        assert sum(path.is_file() for path in records.rglob("*")) == 2 * 3 + 4
        longer = VALUES | {"training": {"epochs": 2, "checkpoint_epochs": [0, 2]}}
        (second.folder / "least.yaml").write_text(yaml.safe_dump(longer), encoding="utf-8")
        assert dict(jobs(run(second, *dry, **keys).stdout)) == {"train": 1}


@pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
def test_staging_by_fs(tmp_path: Path) -> None:
    workflow = prepare(tmp_path / "project")
    shared, scratch = tmp_path / "shared", tmp_path / "scratch"
    profile = workflow.folder / "profiles" / "fs" / "config.v9+.yaml"
    text = profile.read_text(encoding="utf-8")
    for place, folder in {"/shared/my-lab/texshape": shared, "/scratch/texshape": scratch}.items():
        assert f" {place}" in text
        text = text.replace(f" {place}", f" {folder}")
    profile.write_text(text, encoding="utf-8")
    run(
        workflow,
        "--profile",
        "profiles/fs",
        "--cores",
        "1",
        "--keep-storage-local-copies",
        "--",
        LABELS,
    )
    copy = scratch / "fs" / str(shared)[1:] / LABELS
    assert (shared / LABELS).read_bytes() == copy.read_bytes()
    assert (workflow.folder / LABELS).resolve() == copy
    assert (shared / RESULTS / "records.json").is_file()

    # Without the storage the copies would pass for the results.
    said = run(workflow, "-n", "--cores", "1", "--", LABELS, good=False)
    assert f"{RESULTS}: leads to the copies of a storage" in said.stdout + said.stderr


def test_each_rule_runs_in_the_container_that_is_asked_for(tmp_path: Path) -> None:
    """A stand-in of Apptainer writes down what it is to run, and runs it here as if inside."""
    workflow = prepare(tmp_path / "project")
    taken = tmp_path / "taken.txt"
    program = tmp_path / "bin" / "singularity"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo "apptainer version 1.3.4" && exit\n'
        f"printf '%s\\n' \"$@\" >> '{taken}'\n"
        'while [ $# -gt 1 ]; do shift; done\nAPPTAINER_CONTAINER=image.sif exec sh -c "$1"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    (workflow.folder / "image.sif").touch()
    run(
        workflow, "--sdm", "apptainer", "--cores", "1", "--", LABELS,
        PATH=str(program.parent), TEXSHAPE_CONTAINER="image.sif",
    )  # fmt: skip
    words = taken.read_text(encoding="utf-8")
    assert "exec" in words.split()
    assert "image.sif" in words
    assert "texshape run render" in words
    assert (workflow.folder / LABELS).is_file()
