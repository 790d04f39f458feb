"""Profiles of LSF, Grid Engine, HTCondor and Kubernetes: what their plugins submit of a job that wants GPUs."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.workflow import clusters, schedulers
from tests.workflow.conftest import Workflow, copy_workflow

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(1800), clusters.installed]

VALUES = {
    "experiment": "cluster",
    "training": {"epochs": 2, "checkpoint_epochs": [0, 2], "gpus_per_job": 2},
    "trained": [{"architecture": "rf9", "arms": ["plain"], "seeds": [0]}],
}
RESULTS = "results/cluster"
INPUTS = [
    f"{RESULTS}/data/base/{name}-plain.{part}"
    for name in ("train", "validation")
    for part in ("images.npy", "labels.csv")
]
TARGET = f"{RESULTS}/rf9--plain/seed-0/history.csv"


@pytest.fixture(scope="module")
def workflow(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """One network to be trained, and stand-ins of its pictures: no job gets far enough to read them."""
    made = copy_workflow(tmp_path_factory.mktemp("schedulers") / "project")
    (made.folder / "cluster.yaml").write_text(yaml.safe_dump(VALUES), encoding="utf-8")
    for name in INPUTS:
        path = made.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return made


@pytest.fixture
def submit(workflow: Workflow, tmp_path: Path) -> Iterator:
    """Submit the training, as the profile of a scheduler has it; gives what its stand-in was told."""
    with ExitStack() as stack:

        def submitted(
            name: str, *arguments: str, folder: Path = workflow.folder, **more: str
        ) -> tuple[Path, str]:
            stand_in = getattr(schedulers, name)(tmp_path)
            variables, taken = stack.enter_context(stand_in)
            done = subprocess.run(
                ["snakemake", "--profile", f"profiles/{name}", "--retries", "0", "--latency-wait", "0",
                 "--configfile", "experiments/smoke.yaml", "cluster.yaml", "--allowed-rules", "train",
                 *arguments, "--", TARGET],
                cwd=folder, env=clusters.environment(**variables, **more),
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            said = done.stdout + done.stderr
            assert taken.exists(), said[-6000:]
            assert "refused" in said or "422" in said, said[-3000:]
            return taken, said

        yield submitted


def asked(said: str) -> str:
    """What Snakemake says that the training asks for, as in a dry run."""
    return re.search(r"^rule train:.*?^    resources: (.*?)$", said, re.M | re.S)[1]


def test_lsf(submit) -> None:
    taken, said = submit("lsf", "--set-resources", "train:lsf_extra='-app vision'")
    words = schedulers.words_of(taken)
    line = " ".join(words)
    assert "-gpu num=2 -app vision" in line  # the profile's own words behind
    assert (words[words.index("-W") + 1], words[words.index("-n") + 1]) == ("120", "2")
    assert "-q normal" in line
    # The plugin asks for memory by slot: 3,600 MB of two threads.
    assert float(re.search(r"rusage\[mem=([\d.]+)\]", line)[1]) == 1800
    assert "span[hosts=1]" in line
    assert "gpu=2" in asked(said)


def test_grid_engine(submit) -> None:
    taken, _ = submit("sge", "--resources", "runtime=90")  # what no job may exceed
    words = schedulers.words_of(taken)
    assert words[words.index("-pe") + 1 :][:2] == ["smp", "2"]
    asked_for = [words[at + 1] for at, word in enumerate(words) if word == "-l"]
    assert asked_for == ["h_rt=5400", "h_vmem=1800M", "gpu=2"]
    assert words[words.index("-N") + 1] == "texshape.train"
    assert Path(words[-1]).name.startswith("snakejob.train")


def test_htcondor(submit) -> None:
    taken, _ = submit("htcondor", "--set-resources", "train:mem_mb=5000")
    told = schedulers.json_of(taken)
    assert (told["request_cpus"], told["request_gpus"]) == ("2", 2)
    assert re.fullmatch(r"5000 ?(MB|M)?", str(told["request_memory"]))
    assert told["allowed_execute_duration"] == 7200
    assert told["getenv"] is True
    assert "should_transfer_files" not in told  # the disk is shared


def test_kubernetes(submit, tmp_path: Path) -> None:
    with clusters.bucket(tmp_path) as (address, keys):
        script = (
            "import boto3, sys\n"
            "s3 = boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1',"
            " aws_access_key_id='anyone', aws_secret_access_key='anything')\n"
            "s3.create_bucket(Bucket='my-bucket')\n"
            "for name in sys.argv[2:]: s3.put_object(Bucket='my-bucket', Key='texshape/' + name)\n"
        )
        subprocess.run(
            ["python", "-c", script, address, *INPUTS], env=clusters.environment(), check=True
        )
        # A folder of its own: elsewhere the results are in no storage.
        mine = copy_workflow(tmp_path / "project")
        (mine.folder / "cluster.yaml").write_text(yaml.safe_dump(VALUES), encoding="utf-8")
        taken, said = submit("kubernetes", folder=mine.folder, **keys)
    pod = schedulers.json_of(taken)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "registry.example.org/texshape:0.1.0"
    limits, requests = (container["resources"][part] for part in ("limits", "requests"))
    assert limits["nvidia.com/gpu"] == requests["nvidia.com/gpu"] == "2"
    assert limits["memory"] == requests["memory"] == "3600M"
    assert (limits["cpu"], requests["cpu"]) == ("2000m", "1900m")
    assert [one["key"] for one in pod["tolerations"]] == ["nvidia.com/gpu"]
    assert "s3://my-bucket/texshape" in asked(said) or "s3://my-bucket/texshape" in said


@pytest.mark.parametrize("name", ["lsf", "sge", "htcondor"])
def test_a_dry_run(name: str, workflow: Workflow, tmp_path: Path) -> None:
    """Each rule of the way to the training in the scheduler's words; no GPU for what needs none."""
    with getattr(schedulers, name)(tmp_path) as (variables, taken):
        done = subprocess.run(
            ["snakemake", "-n", "--profile", f"profiles/{name}", "--forceall",
             "--configfile", "experiments/smoke.yaml", "cluster.yaml", "--", TARGET],
            cwd=workflow.folder, env=clusters.environment(**variables),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert not taken.exists()
    lines = dict(re.findall(r"^rule (\w+):.*?^    resources: (.*?)$", done.stdout, re.M | re.S))
    assert set(lines) == {"render", "train"}
    of_a_gpu = {"lsf": "lsf_extra=-gpu num=2", "sge": "gpu=2", "htcondor": "request_gpus=2"}[name]
    assert of_a_gpu in lines["train"]
    assert not re.search(r"-gpu|request_gpus|gpu=[1-9]", lines["render"])
    if name != "lsf":
        seconds = {"sge": "seconds", "htcondor": "allowed_execute_duration"}[name]
        assert f"{seconds}=3600" in lines["render"]


def test_a_scheduler_that_is_not_known_is_one_line(workflow: Workflow) -> None:
    done = subprocess.run(
        ["snakemake", "-n", "--cores", "1", "--default-resources", "scheduler=htcondr",
         "--configfile", "experiments/smoke.yaml", "cluster.yaml", "--", TARGET],
        cwd=workflow.folder, env=clusters.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "scheduler: unknown 'htcondr'; did you mean 'htcondor'?" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
