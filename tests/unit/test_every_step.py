"""Every step takes any network: a transformer, one whose outputs fit no class map, one without maps.

The networks are tiny and their weights random. Nothing is said about the values here; each step
ends with rows that can be read, or with a marked cell or one clear line that says why not.
"""

from __future__ import annotations

import importlib
import json
import re

import numpy as np
import pytest
import yaml
from tests import technique_steps
from typer.testing import CliRunner

from texshape.cli.run import run
from texshape.errors import InputError
from texshape.features.stored import stored
from texshape.files import read_csv
from texshape.techniques import registry

for module in ("comparison", "data", "evaluate", "receptive_field", "robustness",
               "segmentation", "tables", "trials"):  # fmt: skip
    importlib.import_module(f"texshape.cli.{module}")  # registers the commands

NETWORKS = """
import timm
from torch import nn

CLASSES = {classes!r}


def vit(pretrained=True, outputs=len(CLASSES)):
    net = timm.create_model(
        "vit_tiny_patch16_224", img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=2,
        num_classes=outputs,
    )
    net.input_size = 32
    net.classes = CLASSES if outputs == len(CLASSES) else None
    return net


def unmapped(pretrained=True):
    return vit(outputs=7)


def flat(pretrained=True):
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 16), nn.ReLU(), nn.Linear(16, 12))
    net.input_size, net.classes, net.stages = 32, CLASSES, {{"hidden": "2"}}
    return net
"""


def call(*arguments):
    done = CliRunner().invoke(run, [str(argument) for argument in arguments])
    if done.exit_code:
        raise done.exception


@pytest.fixture(scope="module")
def sets(tmp_path_factory, request):
    from texshape.data.outlines import CLASSES

    place = tmp_path_factory.mktemp("every-step")
    with open(request.config.rootpath / "params.yaml", encoding="utf-8") as file:
        data = yaml.safe_load(file)["data"]
    data |= {"image_size": 32, "supersampling": 1, "train": 12, "validation": 12, "test": 24,
             "shape_exemplars": 2, "texture_exemplars": 2}  # fmt: skip
    names = ("cue-conflict", "test-plain", "silhouettes")
    call("render", "--settings", json.dumps(data), "--seed", 5, "--output-dir",
         place / "results/data/base", *(word for name in names for word in ("--set", name)))  # fmt: skip
    (place / "tiny_networks.py").write_text(NETWORKS.format(classes=tuple(CLASSES)), "utf-8")
    return place


@pytest.fixture
def here(sets, monkeypatch):
    monkeypatch.chdir(sets)
    return sets


SECTIONS = {
    "evaluation": {"batch_size": 32},
    "bootstrap": {"resamples": 20, "level": 0.95},
    "sensitivity": {"aggregations": ["mean"], "preprocessings": ["whole", "own"],
                    "interpolations": ["bicubic"]},
    "readout": {"folds": 2, "penalties": [0.1], "resamples": 20, "inputs": ["pooled", "cls"]},
    "dimensionality": {"null_draws": 2, "resamples": 20},
    "erasure": {"random_draws": 1, "resamples": 20},
    "segmentation": {"targets": ["binary"], "heads": ["conv1", "conv3"], "epochs": 1, "conv3_epochs": 1,
                     "end_to_end": ["binary"], "end_to_end_epochs": 1, "train_images": 24,
                     "test_images": 24, "resamples": 20, "conv3_widths": [8, 4]},
    "receptive_field": {"images": 4, "batch_size": 4},
    "feature_visualization": {"steps": 2, "channels": 2, "selection": "variance", "images": 8},
    "probes": {"patches": [1, 2], "strengths": [0, 1], "resamples": 20},
}  # fmt: skip
#: the images that this folder has, by what they are shown for
ROLES = {"conflict": "cue-conflict", "masked": "cue-conflict", "plain": "test-plain", "agreeing": "test-plain",
         "trained-on": "test-plain", "silhouettes": "silhouettes"}  # fmt: skip


def commands(name):
    """Every step for one network: step to its arguments and the files that it writes."""
    folder = f"results/{name}--random/seed-0"
    network = ("--network", f"python:tiny_networks:{name}")
    conflict, plain = "results/data/base/cue-conflict", "results/data/base/test-plain"
    given = {
        "trials": [*network, "--set", conflict, "--set", plain, "--output-dir",
                   f"{folder}/trials", "--model", f"{name}--random"],
        "features": [*network, "--set", conflict, "--output-dir", f"{folder}/features/epoch-001"],
        "corruptions": [*network, "--set", plain, "--seed", 0,
                        "--output", f"{folder}/corruptions.csv"],
    }  # fmt: skip
    settings = {
        "corruptions": {"types": ["contrast", "gaussian_noise"], "severities": [3]},
    }  # fmt: skip
    for step, section in settings.items():
        given[step] += ["--settings", json.dumps(section)]
    for name_of, technique in registry.built_in().items():
        asked = [*technique.images, *technique.optional_images]
        roles = {
            role: ROLES[role] for text in asked for role in text.split("|")[:1] if role in ROLES
        }
        step, *rest = technique_steps.arguments(
            name_of, "results", SECTIONS, run=f"{name}--random/seed-0", network=network[1],
            roles=roles,
        )  # fmt: skip
        given[step] = rest
    return folder, given


def run_all(name):
    folder, given = commands(name)
    for step, arguments in given.items():
        call(step, *arguments)
    return folder


def test_a_transformer_goes_through_every_step(here):
    folder = here / run_all("vit")
    blocks = ["block01", "block02"]

    trials = read_csv(folder / "trials/cue-conflict.csv")
    assert len(trials) == 288
    assert trials["object_response"].isin(trials["category"].unique()).all()

    stages = read_csv(folder / "features/epoch-001/stages.csv")
    kinds = stages.groupby("stage")["input"].agg(set)
    assert kinds[blocks].tolist() == [{"pooled", "cls"}] * 2
    assert set(stages["units"][stages["stage"].isin(blocks)]) == {24}
    shapes = {
        part.name: part.array.shape for part in stored(folder / "features/epoch-001", ["cls"])
    }
    assert shapes["block02.cls"] == (288, 24)

    readout = read_csv(folder / "readout.csv")
    assert (
        len(readout) == 2 * 2 * 2 + 1
    )  # blocks, kinds of features, cues; without the mask's scalars
    assert readout["accuracy"].between(0, 1).all()

    information = read_csv(folder / "dimensionality.csv")
    assert set(information["stage"]) == {f"{b}{end}" for b in blocks for end in ("", ".cls")}
    assert information["value"].notna().all()

    erasure = read_csv(folder / "erasure.csv")
    assert set(erasure["stage"]) == {"block02"}
    assert erasure["decisions_changed"].between(0, 1).all()

    fields = read_csv(folder / "receptive_field.csv")
    assert fields["theoretical"].eq("global").all()
    assert fields["effective_trained"].isna().all()
    assert fields["reason"].str.contains("no spatial map").all()

    with np.load(folder / "feature_visualization.npz") as found:
        assert found["images"].shape == (4, 32, 32, 3)
        assert found["stage"].tolist() == ["block01"] * 2 + ["block02"] * 2
        assert (found["channel"] < 24).all()

    assert read_csv(folder / "shuffling.csv")["accuracy"].between(0, 1).all()
    strength = read_csv(folder / "cue_strength.csv")
    assert (strength["shape_share"].notna() | strength["reason"].notna()).all()
    grid = read_csv(folder / "sensitivity.csv")
    assert grid[["aggregation", "preprocessing"]].to_numpy().tolist() == [
        ["none", "whole"], ["none", "own"],
    ]  # fmt: skip
    assert (grid["n_conflict"] == 264).all()

    masks = read_csv(folder / "segmentation.csv")
    assert masks.groupby("bound").size().to_dict() == {"readout": 4, "end_to_end": 1}
    assert masks["miou"].between(0, 1).all()  # from the grid of tokens
    assert len(read_csv(folder / "corruptions.csv")) == 3


def test_a_transformer_s_tables_and_comparison(here):
    name = "vit--random/seed-0"
    folder = here / "results" / name
    if not (folder / "corruptions.csv").exists():  # this test alone
        run_all("vit")
    compared = {one.table for each in registry.built_in().values() for one in each.measures}
    assert {"readout", "dimensionality", "receptive_field", "cue_strength"} < compared
    for table in (*sorted(compared), "corruptions"):
        call("concatenate", folder / f"{table}.csv", "--results", here / "results",
             "--output", here / f"tables/{table}.csv")  # fmt: skip
    few = json.dumps({"resamples": 50, "level": 0.95})
    call("tabulate-trials", "--results", here / "results", "--network", name, "--settings", few,
         "--output-dir", here / "tables")  # fmt: skip
    call("corruption-errors", "--table", here / "tables/corruptions.csv", "--settings", "{}",
         "--output", here / "tables/corruption_errors.csv")  # fmt: skip
    call("compare", "--tables", here / "tables", "--results", here / "results", "--network", name,
         "--readings", folder / "readings.csv", "--output-dir", here / "tables",
         "--settings", json.dumps({"permutations": 50, "resamples": 50}))  # fmt: skip
    found = read_csv(here / "tables/comparison.csv")
    assert set(found["model"]) == {"vit--random"}
    have = set(found["measure"][found["value"].notna()])
    assert {"readout_shape", "information_shape", "segmentation_binary"} <= have
    correlations = read_csv(here / "tables/correlations.csv")
    assert correlations["rho"].isna().all()  # one network
    assert correlations["reason"].notna().all()


@pytest.mark.parametrize(
    ("step", "output"),
    [("trials", "trials"), ("corruptions", "corruptions.csv")],
)
def test_decisions_of_a_network_that_fits_no_class_map(here, step, output):
    folder, given = commands("unmapped")
    with pytest.raises(InputError, match=r"unmapped.*7 outputs.*class.map"):
        call(step, *given[step])
    assert not (here / folder / output).exists()


#: techniques that read activations or gradients, whatever the network decides; all others need its decisions
OF_ACTIVATIONS = (
    "readout",
    "dimensionality",
    "receptive_field",
    "feature_visualization",
    "segmentation",
)


@pytest.mark.parametrize(
    "step", [name.replace("_", "-") for name in registry.BUILT_IN if name not in OF_ACTIVATIONS]
)
def test_techniques_leave_out_a_network_that_fits_no_class_map(here, step):
    folder, given = commands("unmapped")
    call(step, *given[step])
    name = step.replace("-", "_")
    assert len(read_csv(here / folder / f"{name}.csv")) == 0
    (row,) = read_csv(here / folder / "left_out" / f"{name}.csv").to_dict("records")
    assert (row["technique"], row["tables"]) == (name, name)
    assert re.search(r"7 outputs.*class.map", row["reason"])


def test_activations_of_a_network_that_fits_no_class_map(here):
    folder, given = commands("unmapped")
    for step in ("features", *(name.replace("_", "-") for name in OF_ACTIVATIONS)):
        call(step, *given[step])
    assert read_csv(here / folder / "readout.csv")["accuracy"].notna().all()
    assert read_csv(here / folder / "segmentation.csv")["miou"].notna().all()


def test_a_network_without_a_local_map(here):
    folder = here / run_all("flat")
    fields = read_csv(folder / "receptive_field.csv")
    assert fields["theoretical"].eq("global").all()
    assert fields["reason"].str.contains("no spatial map").all()
    masks = read_csv(folder / "segmentation.csv")
    assert len(masks) == 3
    assert masks[["miou", "ci_low", "ci_high"]].isna().all(axis=None)
    assert masks["reason"].eq("the stage gives no spatial map").all()
    assert (masks[["n_train", "n_test"]] == 24).all(axis=None)
    for table, column in (("readout", "accuracy"), ("dimensionality", "value")):
        assert read_csv(folder / f"{table}.csv")[column].notna().all()


def test_a_wrong_stage_lists_the_right_ones(here):
    for step, key in (("features", None), ("receptive-field", "stages"),
                      ("feature-visualization", "stages"), ("segmentation", "stages"),
                      ("erasure", "stages")):  # fmt: skip
        _, given = commands("vit")
        arguments = given[step]
        if key is None:
            arguments += ["--stage", "block07"]
        else:
            section = json.loads(arguments.pop())
            technique = step.replace("-", "_")
            if technique in registry.BUILT_IN:
                section[technique] = section[technique] | {key: ["block07"]}
            arguments.append(
                json.dumps(section | ({} if technique in section else {key: ["block07"]}))
            )
        with pytest.raises(InputError, match=r"stage 'block07'.*block01, block02"):
            call(step, *arguments)
