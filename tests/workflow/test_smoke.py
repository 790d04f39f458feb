"""The whole way at smoke size: from nothing to the article, and what a second run does."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.workflow.conftest import Workflow, jobs
from texshape.catalogue import declared
from texshape.files import read_csv

# The first test runs the whole experiment; a crowded machine takes its time.
pytestmark = [pytest.mark.workflow, pytest.mark.timeout(3000)]

SMOKE = ("--configfile", "experiments/smoke.yaml")


def overlay(workflow: Workflow, name: str, values: dict) -> tuple[str, ...]:
    path = workflow.folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return ("--configfile", "experiments/smoke.yaml", path.name)


def test_it_ends_with_the_article(smoke: Workflow) -> None:
    results = smoke.folder / "results" / "smoke"
    assert (results / "paper.pdf").read_bytes().startswith(b"%PDF")
    html = (results / "paper.html").read_text(encoding="utf-8")
    assert "</html>" in html
    assert not list(results.rglob("*.partial*"))
    receipt = json.loads((results / "tracking.json").read_text(encoding="utf-8"))
    assert receipt == {
        "reached": True,
        "runs": 10,
    }  # the networks of experiments/smoke.yaml, pixels, all


def test_a_second_run_has_nothing_to_do(smoke: Workflow) -> None:
    done = smoke.snakemake(*SMOKE)
    assert "Nothing to be done" in done.stdout + done.stderr
    assert jobs(done.stdout + done.stderr) == {}


def test_every_rule_says_what_it_needs_and_leaves_its_log(smoke: Workflow) -> None:
    logs = {path.relative_to(smoke.folder / "logs" / "smoke") for path in
            (smoke.folder / "logs" / "smoke").rglob("*.log")}  # fmt: skip
    benchmarks = {str(path).replace(".benchmark.tsv", ".log") for path in
                  (smoke.folder / "logs" / "smoke").rglob("*.benchmark.tsv")}  # fmt: skip
    assert len(logs) > 15
    assert {str(smoke.folder / "logs" / "smoke" / log) for log in logs} == benchmarks
    training = smoke.folder / "logs/smoke/train/cnn--plain/seed-0.log"
    lines = [line for line in training.read_text(encoding="utf-8").splitlines() if line[:1] == "{"]
    assert len(lines) == 2  # a line an epoch


@pytest.mark.parametrize(
    ("values", "reruns", "rests"),
    [
        ({"bootstrap": {"resamples": 600}}, {"tabulate_trials", "article"}, {"render", "train", "trials"}),
        ({"training": {"epochs": 3}}, {"train", "trials", "article"}, {"render"}),
        ({"evaluation": {"aggregation": "sum"}}, {"trials", "article"}, {"render", "train"}),
        ({"data": {"test": 108}}, {"render", "trials", "article"}, set()),
    ],
)  # fmt: skip
def test_a_changed_parameter_reruns_its_rule_and_what_follows(
    smoke: Workflow, values: dict, reruns: set[str], rests: set[str]
) -> None:
    name = f"changed-{'-'.join(values)}"
    found = jobs(smoke.snakemake("-n", *overlay(smoke, name, values)).stdout)
    assert reruns <= set(found)
    assert not rests & set(found)


def test_a_changed_arm_retrains_that_arm_alone(smoke: Workflow) -> None:
    values = {"arms": {"plain-tint-0.6": {"training": {"random_crop": 0.5}}}}
    found = jobs(smoke.snakemake("-n", *overlay(smoke, "changed-arm", values)).stdout)
    assert found["train"] == 1
    assert found["trials_controls"] == 1
    assert "trials" not in found


def test_a_network_by_name_is_measured_beside_the_trained_ones(smoke: Workflow) -> None:
    values = {"networks": ["timm:vit_tiny_patch16_224"]}
    found = jobs(smoke.snakemake("-n", *overlay(smoke, "named", values)).stdout)
    named = {"features_named": 2, "segmentation": 1, "readout": 1, "trials": 1, "erasure": 1,
             "receptive_field": 1, "shuffling": 1, "cue_strength": 1, "sensitivity": 1,
             "compare": 1}  # fmt: skip
    assert {rule: found[rule] for rule in named} == named
    assert "train" not in found


def test_stylized_sets_have_manifests_and_keep_to_their_contents(smoke: Workflow) -> None:
    data = smoke.folder / "results/smoke/data/base"
    styles = {}
    for split, count in (("train", 240), ("validation", 48), ("test", 96)):
        manifest = pd.read_csv(data / f"{split}-neural.manifest.csv")
        plain = pd.read_csv(data / f"{split}-plain.labels.csv")
        assert list(manifest["source"]) == list(plain["imagename"])
        assert len(manifest) == count
        assert manifest["weights"].str.startswith("random-pyramid-").all()
        styles[split] = set(manifest["style_sha256"])
    assert not styles["train"] & styles["test"]
    assert not (styles["train"] | styles["test"]) & styles["validation"]
    assert not list(data.rglob("*.shard-*"))  # merged, then removed


def test_both_conflict_sets_are_shown_to_the_same_networks(smoke: Workflow) -> None:
    tables = smoke.folder / "results/smoke/tables"
    table = pd.read_csv(tables / "shape_bias_by_set.csv")
    one = pd.read_csv(tables / "shape_bias.csv")
    sets = table.groupby("set")["model"].apply(list)
    assert sets["cue-conflict"] == sets["cue-conflict-optimised"]
    assert set(one["model"]) - set(sets["cue-conflict"]) == {"cnn--plain-tint-0.6"}  # a control
    own = table[table["set"] == "cue-conflict"].merge(one, on=["model", "seed"])
    assert (own["n_shape_x"] == own["n_shape_y"]).all()
    other = table[table["set"] == "cue-conflict-optimised"]
    assert (other["n_common"] == other["n_conflict"]).all()  # the same exemplars in the same pairs
    fitness = pd.read_csv(tables / "stylization_fitness.csv")
    engines = fitness.drop_duplicates("set").set_index("set")["engine"].to_dict()
    assert engines == {"test-plain": "renderer", "test-stylized": "renderer",
                       "test-neural": "adain"}  # fmt: skip
    errors = pd.read_csv(tables / "reconstruction.csv")
    assert set(errors["method"]) >= {"decoder", "blur"}


def test_every_table_is_declared_and_has_its_columns(smoke: Workflow) -> None:
    """Each as it is told in docs/reference/files.md, and no two rows of it are of the same."""
    paths = sorted((smoke.folder / "results/smoke/tables").glob("*.csv"))
    assert len(paths) > 20
    for path in paths:
        table = declared(path.stem)
        frame = read_csv(path)
        empty = path.stem == "left_out"  # every technique measures these networks
        assert empty == (not len(table.check(frame, path, networks=True))), path
        assert table.undeclared(frame) == [], path


def test_trials_have_the_published_columns(smoke: Workflow) -> None:
    path = smoke.folder / "results/smoke/cnn--plain/seed-0/trials/cue-conflict.csv"
    trials = pd.read_csv(path, keep_default_na=False)
    assert list(trials.columns) == [
        "subj", "session", "trial", "rt", "object_response", "category", "condition", "imagename"
    ]  # fmt: skip
    assert len(trials) == 12 * 3 * 12  # classes x shape exemplars x texture classes


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"training": {"epoch": 3}},
            "unknown parameter 'training.epoch'; did you mean 'epochs' or 'step_epochs'?",
        ),
        ({"training": {"epochs": "ten"}}, "training.epochs: expected a whole number of at least 1"),
        ({"networks": ["tim:resnet50"]}, "tim"),
    ],
)
def test_bad_parameters_stop_before_any_job(smoke: Workflow, values: dict, message: str) -> None:
    name = f"bad-{'-'.join(values)}"
    done = smoke.snakemake("-n", *overlay(smoke, name, values), check=False)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_peak_memory_of_every_job_stays_far_below_the_budget(smoke: Workflow) -> None:
    peaks = []
    for path in (smoke.folder / "logs" / "smoke").rglob("*.benchmark.tsv"):
        value = pd.read_csv(path, sep="\t", na_values="-")["max_rss"].max()
        peaks.append(0 if pd.isna(value) else value)
    assert max(peaks) < 2000  # MB a job; two run at a time, the budget is 4 GB


def test_results_do_not_depend_on_the_working_folder(smoke: Workflow) -> None:
    table = (smoke.folder / "results/smoke/tables/shape_bias.csv").read_text(encoding="utf-8")
    assert str(smoke.folder) not in table
    assert os.sep + "tmp" not in table


@pytest.mark.usefixtures("smoke")
def test_paths_of_results_follow_the_design(smoke: Workflow) -> None:
    results: Path = smoke.folder / "results" / "smoke"
    for name in ("models.csv", "tables/shape_bias.csv", "tables/accuracy.csv", "metrics.json",
                 "figures/shape_bias.svg", "figures/shape_bias.png"):  # fmt: skip
        assert (results / name).stat().st_size > 0, name


def test_one_job_a_network_makes_the_same_bytes(smoke: Workflow, tmp_path: Path) -> None:
    """A network measured anew, all of its techniques in one process, in a copy of the results."""
    folder = tmp_path / "project"
    shutil.copytree(smoke.folder, folder, symlinks=True)
    own = folder / "results/smoke/rf9--plain/seed-0"
    before = {path: path.read_bytes() for path in own.iterdir() if path.suffix in (".csv", ".npz")}
    made_by_training = own / "history.csv"
    taken = [path for path in before if path != made_by_training]
    assert {"readout.csv", "suppression.csv", "triplets.csv"} <= {path.name for path in taken}
    for path in taken:
        path.unlink()
    done = Workflow(folder).snakemake(
        *overlay(Workflow(folder), "one-job", {"jobs": {"grain": "network"}}),
        "--rerun-triggers", "mtime", "--", *(str(path.relative_to(folder)) for path in taken),
    )  # fmt: skip
    named = re.findall(r"^(measure_\S+) +(\d+)$", done.stdout + done.stderr, re.M)
    assert named == [("measure_rf9--plain_0", "1")]
    assert {path: path.read_bytes() for path in before} == before
