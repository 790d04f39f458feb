"""The workflow on a real Slurm cluster of one node: to the article, and through lost jobs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.workflow import slurm
from tests.workflow.conftest import Workflow, copy_workflow
from texshape import devices

MISSING = slurm.missing()
pytestmark = [
    pytest.mark.workflow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        os.environ.get("TEXSHAPE_TEST_CLUSTER") != "1",
        reason="starts a Slurm cluster, which takes minutes: set TEXSHAPE_TEST_CLUSTER=1",
    ),
    pytest.mark.skipif(
        bool(MISSING),
        reason=f"Slurm is not installed (packages slurm-wlm and munge): no {', '.join(MISSING)}",
    ),
]

# On top of experiments/smoke.yaml: one network.
VALUES = {
    "jobs": {"grain": "network"},  # a job a network, which is what a cluster is best asked for
    "experiment": "cluster",
    "data": {
        "train": 96,
        "validation": 24,
        "test": 48,
        "shape_exemplars": 2,
        "texture_exemplars": 2,
    },
    "training": {"epochs": 1, "checkpoint_epochs": [0, 1]},
    "trained": [{"architecture": "rf9", "arms": ["plain"], "seeds": [0]}],
    "corruptions": {"types": ["gaussian_noise"], "images": 24},
    "probes": {"strengths": [0, 1]},
    "readout": {"folds": 2, "penalties": [0.1], "resamples": 20},
    "conflicts": {"cue-conflict-optimised": None},
}
LONG = {  # enough steps to be interrupted among them
    "data": {"train": 480},
    "training": {"epochs": 30, "checkpoint_epochs": [0, 30]},
}
RUN = "results/cluster/rf9--plain/seed-0"
LOG = "logs/cluster/train/rf9--plain/seed-0.log"
CONFIGURATION = ("--configfile", "experiments/smoke.yaml", "cluster.yaml")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slurm.Cluster]:
    running = slurm.Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


def environment(cluster: slurm.Cluster, folder: Path) -> dict[str, str]:
    """That of a user at the cluster, whose nodes have the simulated GPUs that Slurm counts."""
    mine = {
        key: value
        for key, value in os.environ.items()
        if key not in (devices.VISIBLE, "MLFLOW_TRACKING_URI")
    }
    mine |= cluster.environment | {
        "OMP_NUM_THREADS": "1",
        devices.SIMULATED: str(slurm.GPUS),
        devices.LOCKS: str(folder / "locks"),
    }
    return mine | {"PATH": f"{Path(sys.executable).parent}:{mine['PATH']}"}


@contextmanager
def snakemake(
    workflow: Workflow, cluster: slurm.Cluster, *arguments: str
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run Snakemake with the cluster's profile; gives it and the file of what it says."""
    output = workflow.folder / "snakemake.out"
    with open(output, "wb") as file:
        process = subprocess.Popen(
            ["snakemake", "--profile", "profiles/slurm", *arguments, *CONFIGURATION],
            cwd=workflow.folder,
            env=environment(cluster, workflow.folder),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process, output
    finally:
        process.terminate()  # where the test ended before it
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def prepare(folder: Path, *overlays: dict) -> Workflow:
    """The workflow with an overlay that makes it small."""
    workflow = copy_workflow(folder)
    values = {
        key: dict(value) if isinstance(value, dict) else value for key, value in VALUES.items()
    }
    for overlay in overlays:
        for key, value in overlay.items():
            values[key] |= value
    (folder / "cluster.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    return workflow


def fill_in_profile(workflow: Workflow, **lines: str) -> None:
    """Take the comment sign off lines of the profile, as its user does, and set their values."""
    path = workflow.folder / "profiles" / "slurm" / "config.v9+.yaml"
    text = path.read_text(encoding="utf-8")
    for key, value in lines.items():
        text, found = re.subn(rf"^( *)(?:# )?{key}: .*$", rf"\g<1>{key}: {value}", text, flags=re.M)
        assert found == 1, key
    path.write_text(text, encoding="utf-8")


# Without an accounting database; a node at hand answers at once.
HERE = {
    "slurm-status-command": "squeue",
    "slurm-no-account": "true",
    "slurm-init-seconds-before-status-checks": "2",
    "latency-wait": "20",
}


def job_state(cluster: slurm.Cluster, number: str) -> dict[str, str]:
    """What Slurm knows of a job, also one that has ended."""
    text = cluster.run("scontrol", "--oneliner", "show", "job", number)
    return dict(word.split("=", 1) for word in text.split() if "=" in word)


def megabytes(job: dict[str, str]) -> float:
    """Memory that a job asked for."""
    number, unit = re.fullmatch(r"([\d.]+)([MG])", job["MinMemoryNode"]).groups()
    return float(number) * {"M": 1, "G": 1024}[unit]


def minutes(job: dict[str, str]) -> int:
    """Time that a job asked for."""
    hours, rest, _ = job["TimeLimit"].split(":")
    return 60 * int(hours) + int(rest)


def submitted(output: Path, rule: str) -> list[str]:
    """Numbers of the jobs of a rule, in the order of submission."""
    return re.findall(
        rf"submitted with SLURM jobid (\d+) \(log: \S*/rule_{rule}/", output.read_text()
    )


def test_it_runs_on_the_cluster_to_the_article(cluster: slurm.Cluster, tmp_path: Path) -> None:
    workflow = prepare(tmp_path / "project")
    fill_in_profile(workflow, slurm_partition=slurm.PARTITION, **HERE)
    with snakemake(workflow, cluster) as (process, output):
        assert process.wait() == 0, output.read_text()[-6000:]
    results = workflow.folder / "results" / "cluster"
    assert (results / "paper.pdf").read_bytes().startswith(b"%PDF")
    assert "</html>" in (results / "paper.html").read_text(encoding="utf-8")

    (number,) = submitted(output, "train")
    job = job_state(cluster, number)
    assert (job["JobState"], job["Partition"]) == ("COMPLETED", slurm.PARTITION)
    assert job["TresPerJob"] == "gres:gpu:1"  # what `gpu=1` of the rule becomes
    asked = re.search(r"^rule train:.*?^    resources: (.*?)$", output.read_text(), re.M | re.S)[1]
    assert int(re.search(r"mem_mb=(\d+)", asked)[1]) == megabytes(job)
    assert int(re.search(r"runtime=(\d+)", asked)[1]) == minutes(job)
    assert job["CPUs/Task"] == "1"
    (number,) = submitted(output, "tabulate_trials")
    assert "TresPerJob" not in job_state(cluster, number)

    # Slurm chose the device, so it was used as it is: nothing was claimed.
    log = (workflow.folder / LOG).read_text(encoding="utf-8")
    assert re.search(r"^device: simulated-[01], the CPU", log, re.M)
    assert not (workflow.folder / "locks").exists()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A longer training, run on this machine without a cluster and without a break."""
    workflow = prepare(tmp_path_factory.mktemp("undisturbed") / "project", LONG)
    workflow.snakemake(f"{RUN}/history.csv", *CONFIGURATION)
    return workflow


@pytest.mark.parametrize("how", ["cancelled", "preempted"])
def test_a_training_that_lost_its_job_goes_on(
    how: str, undisturbed: Workflow, cluster: slurm.Cluster, tmp_path: Path
) -> None:
    """`scancel`: Snakemake submits it again, with more memory. Preempted: Slurm starts it again."""
    workflow = Workflow(tmp_path / "project")
    shutil.copytree(undisturbed.folder, workflow.folder)
    shutil.rmtree(workflow.folder / RUN)
    (workflow.folder / LOG).unlink()
    fill_in_profile(workflow, slurm_partition=slurm.PARTITION, **HERE)

    with snakemake(workflow, cluster, f"{RUN}/history.csv") as (process, output):
        while not (workflow.folder / RUN / "resume" / "last.pt").exists():
            assert process.poll() is None, output.read_text()[-6000:]
            time.sleep(0.1)
        number = cluster.job_of("train")
        assert number is not None, "the training was over before it could be disturbed"
        if how == "cancelled":
            cluster.run("scancel", number)
        else:
            cluster.run(
                "sbatch", f"--partition={slurm.URGENT}", f"--cpus-per-task={cluster.cpus}",
                "--mem=100", "--output=/dev/null", "--wrap=true",
            )  # fmt: skip
            slurm.wait(lambda: job_state(cluster, number)["Restarts"] == "1", "it is not requeued")
            # Slurm lets two minutes pass before it starts a job again.
            slurm.wait(
                lambda: job_state(cluster, number)["JobState"] == "PENDING", "it does not end"
            )
            cluster.run("scontrol", "update", f"JobId={number}", "StartTime=now")
        assert process.wait() == 0, output.read_text()[-6000:]

    jobs = submitted(output, "train")
    if how == "cancelled":
        assert len(jobs) == 2
        assert job_state(cluster, jobs[0])["JobState"] == "CANCELLED"
        first, second = (job_state(cluster, job) for job in jobs)
        assert megabytes(second) == 2 * megabytes(first)
        assert minutes(second) == 2 * minutes(first)
    else:
        assert len(jobs) == 1
        assert job_state(cluster, number)["JobState"] == "COMPLETED"

    log = (workflow.folder / LOG).read_text(encoding="utf-8")
    step, steps = map(int, re.search(r"^resume: at step (\d+) of (\d+)$", log, re.M).groups())
    assert 0 < step < steps
    import torch

    weights = [
        torch.load(one.folder / RUN / "checkpoints" / "final.pt", weights_only=True)["state"]
        for one in (undisturbed, workflow)
    ]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    histories = [(one.folder / RUN / "history.csv").read_bytes() for one in (undisturbed, workflow)]
    assert histories[0] == histories[1]
    assert not (workflow.folder / RUN / "resume").exists()


def test_a_cluster_without_gpus(cluster: slurm.Cluster, tmp_path: Path) -> None:
    """`gpu: 0` in the profile: no job asks for a GPU, and no job asks for more than is allowed."""
    workflow = prepare(tmp_path / "project")
    fill_in_profile(workflow, slurm_partition=slurm.PARTITION, gpu="0", runtime="30", **HERE)
    with snakemake(workflow, cluster, "--dry-run") as (process, output):
        assert process.wait() == 0
    resources = re.findall(r"^    resources: (.*)$", output.read_text(), re.M)
    assert len(resources) > 20
    assert not any("gpu=1" in line for line in resources)
    assert sum("gpu=0" in line for line in resources) >= 5
    assert all(
        int(minutes) <= 30 for line in resources for minutes in re.findall(r"runtime=(\d+)", line)
    )


def test_a_profile_without_a_partition(cluster: slurm.Cluster, tmp_path: Path) -> None:
    """Where the cluster has no default one, the output says which line of the profile is missing."""
    workflow = prepare(tmp_path / "project")
    fill_in_profile(workflow, retries="0", **HERE)
    target = "results/cluster/data/base/train-plain.labels.csv"
    with snakemake(workflow, cluster, target) as (process, output):
        assert process.wait() != 0
    said = output.read_text()
    assert "No partition was given" in said
    assert "slurm_partition" in said
    assert "Traceback" not in said
