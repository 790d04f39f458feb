"""What the workflow asks for where a training takes several GPUs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.workflow.conftest import copy_workflow

pytestmark = pytest.mark.workflow

# On top of experiments/smoke.yaml, whose training has the shared settings but for one arm.
FOUR = """
training: { gpus_per_job: 4 }
arms:
  stylized: { sets: [stylized], training: { gpus_per_job: 2 } }
"""


def test_a_training_asks_for_its_gpus_and_for_no_more_than_there_are(tmp_path: Path) -> None:
    workflow = copy_workflow(tmp_path / "project")
    (workflow.folder / "four.yaml").write_text(FOUR, encoding="utf-8")
    configuration = ("--configfile", "experiments/smoke.yaml", "four.yaml")
    few = workflow.snakemake("-n", "--resources", "gpu=3", *configuration, check=False)
    assert few.returncode != 0
    said = few.stdout + few.stderr
    assert "training.gpus_per_job: expected at most the limit gpu=3, found 4" in said
    assert "rule " not in said  # before any job

    enough = workflow.run(
        "snakemake", "-n", "--cores", "8", "--resources", "gpu=4", "--until", "train", *configuration
    )  # fmt: skip
    asked = re.findall(
        r"^rule train:.*?^    wildcards: model=(\S+)--(\S+), .*?^    threads: (\d+)\n"
        r"    resources: .*?mem_mb=(\d+)",
        enough.stdout + enough.stderr,
        re.M | re.S,
    )
    assert {"plain", "stylized"} <= {arm for _, arm, *_ in asked}
    for _, arm, threads, memory in asked:
        gpus = 2 if arm == "stylized" else 4
        assert (int(threads), int(memory)) == (gpus, 1800 * gpus)
    gpus = re.findall(r"gpu=(\d)", enough.stdout + enough.stderr)
    assert {"2", "4"} <= set(gpus)
