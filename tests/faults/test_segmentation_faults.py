"""Bad input of the segmentation, corruption and probe steps: one line, and nothing written."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tests import technique_steps
from tests.segmentation_scene import CLASSES, known_network, scene
from typer.testing import CliRunner

import texshape.cli.robustness
import texshape.cli.segmentation  # noqa: F401 (both register commands)
from texshape.cli.main import app
from texshape.data import imageset
from texshape.errors import InputError
from texshape.files import read_csv
from texshape.models import loading


@pytest.fixture
def stem(tmp_path):
    imageset.write(tmp_path / "cue-conflict", scene(2))
    return tmp_path / "cue-conflict"


@pytest.fixture
def probed(tmp_path):
    place = tmp_path / "results" / "data" / "base" / "cue-conflict"
    imageset.write(place, scene(2))
    return place


@pytest.fixture(autouse=True)
def network(monkeypatch):
    """Stands in for any name: its loading has tests of its own."""
    monkeypatch.setattr(loading, "load", lambda name, **keys: known_network())


def invoke(*arguments):
    return CliRunner().invoke(app, ["run", *map(str, arguments)])


def message(result) -> str:
    assert isinstance(result.exception, InputError), result.exception
    assert "\n" not in str(result.exception)
    return str(result.exception)


FEW = {"heads": ["conv1"], "end_to_end": [], "train_share": 0.5, "train_images": None,
       "test_images": None, "epochs": 10, "pixel_step": 1}  # fmt: skip


def segmentation(stem, settings):
    """The step's result and the folder of what it writes."""
    results = stem.parents[2]
    words = technique_steps.arguments(
        "segmentation", results, {"segmentation": FEW | settings}, network="known",
        roles={"masked": stem.name},
    )  # fmt: skip
    return invoke(*words), results / technique_steps.RUN


def test_segmentation_step(probed):
    settings = {"epochs": 1, "resamples": 20, "targets": ["binary"], "pictures": 3}
    result, place = segmentation(probed, settings)
    assert result.exception is None
    table = read_csv(place / "segmentation.csv")
    assert table["epoch"].eq(1).all()
    assert list(table["stage"]) == ["pixels", "blind", "normed", "pooled"]
    assert table["reason"].isna().tolist() == [True, True, True, False]
    assert table["miou"].isna().tolist() == [False, False, False, True]
    with np.load(place / "segmentation.npz") as kept:
        assert kept["images"].shape == (3, 32, 32, 3)
        assert set(kept) == {"images", "binary/truth", "binary/pixels", "binary/blind",
                             "binary/normed"}  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"epoch": 3}, "unknown parameter 'segmentation.epoch'; did you mean"),
        ({"stages": ["pixel"]}, "did you mean 'pixels'"),
        ({"heads": ["conv2"]}, "segmentation.heads[0]: expected conv1 or conv3"),
        ({"targets": ["texure"]}, "did you mean 'texture'"),
        ({"epoch_from": "test"}, "segmentation.epoch_from: expected fixed or validation"),
        ({"epoch_from": "validation", "validation_share": 1}, "leaves nothing to train on"),
        ({"optimizer": "adam"}, "segmentation.optimizer: expected adamw or sgd"),
        ({"epochs": 0}, "segmentation.epochs: expected a whole number of at least 1"),
    ],
)
def test_segmentation_settings(probed, settings, expected):
    result, place = segmentation(probed, settings)
    assert expected in message(result)
    assert not place.exists()


def test_segmentation_needs_masks_and_pairs(probed):
    one, folder = scene(1), probed.parent
    imageset.write(folder / "single", one)
    imageset.write(folder / "bare", imageset.ImageSet(one.images, one.labels, None))
    lone = imageset.ImageSet(one.images, one.labels.assign(texture="na"), one.masks)
    imageset.write(folder / "lone", lone)
    for name, expected in (
        ("single", "has one exemplar"),
        ("bare", "no masks"),
        ("lone", "a shape and a texture"),
        ("none", "no such file"),
    ):
        result, place = segmentation(folder / name, {})
        assert expected in message(result)
        assert not place.exists()
    words = technique_steps.arguments("segmentation", folder, network="known")
    assert "there are no images 'masked|voc'" in message(invoke(*words))


def corrupt(stem, output, settings, *more):
    return invoke("corruptions", "--network", "known", "--output", output, "--set", stem, "--seed",
                  0, "--settings", json.dumps(settings), *more)  # fmt: skip


def test_corruption_step_gives_each_network_its_table(stem, tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    settings = {"types": ["fog", "contrast"], "severities": [1, 5], "images": 12}
    result = corrupt(stem, first, settings, "--network", "known", "--output", second)
    assert result.exception is None
    table = read_csv(first)
    assert list(table.columns) == ["set", "corruption", "severity", "accuracy", "n"]
    assert list(zip(table["corruption"], table["severity"], strict=True)) == [
        ("none", 0), ("fog", 1), ("fog", 5), ("contrast", 1), ("contrast", 5)
    ]  # fmt: skip
    assert set(table["n"]) == {12}
    assert set(table["set"]) == {"cue-conflict"}
    assert first.read_bytes() == second.read_bytes()  # same network, same images


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"types": ["fogg"]}, "unknown corruption 'fogg'; did you mean 'fog'"),
        ({"severity": [1]}, "unknown parameter 'corruptions.severity'; did you mean 'severities'"),
        (
            {"severities": [0], "types": ["fog"]},
            "corruptions.severities[0]: expected a whole number from 1 to 5, found 0",
        ),
        ({"constants": "mnist", "types": ["fog"]}, "'mnist'"),
    ],
)
def test_corruption_settings(stem, tmp_path, settings, expected):
    output = tmp_path / "c.csv"
    assert expected in message(corrupt(stem, output, settings))
    assert not output.exists()


def test_corruptions_of_unknown_classes_and_unpaired_outputs(stem, tmp_path):
    data = scene(1)
    strange = imageset.ImageSet(data.images, data.labels.assign(shape="cube"), data.masks)
    imageset.write(tmp_path / "strange", strange)
    output = tmp_path / "c.csv"
    found = message(corrupt(tmp_path / "strange", output, {"types": ["fog"]}))
    assert "known: class 'cube' is none of its classes" in found
    assert "one output a network" in message(corrupt(stem, output, {}, "--network", "known"))
    assert not output.exists()


def test_network_without_classes(stem, tmp_path, monkeypatch):
    from dataclasses import replace

    mute = replace(known_network(), classes=None, decide=None)
    monkeypatch.setattr(loading, "load", lambda name, **keys: mute)
    assert "no class map" in message(corrupt(stem, tmp_path / "c.csv", {}))


def probe(stem, name, settings):
    results = stem.parents[2]
    words = technique_steps.arguments(
        name, results, {"probes": settings}, network="known",
        roles={"conflict": stem.name, "trained-on": stem.name},
    )  # fmt: skip
    return invoke(*words), results / technique_steps.RUN / f"{name}.csv"


def test_probe_steps(probed):
    settings = {"patches": [1, 4], "strengths": [0, 0.5, 1], "resamples": 50}
    result, table = probe(probed, "shuffling", settings)
    assert result.exception is None
    shuffling = read_csv(table)
    assert list(shuffling["k"]) == [1, 4]
    assert set(shuffling["n"]) == {36}
    assert shuffling["chance"].iloc[0] == pytest.approx(1 / len(CLASSES))
    result, table = probe(probed, "cue_strength", settings)
    assert result.exception is None
    strength = read_csv(table)
    assert list(strength["strength"]) == [0, 0.5, 1]
    assert set(strength["n_conflict"]) == {24}
    # colour tells this network nothing it was trained for: the curve says so or has a balance point
    assert strength["reason"].notna().all() or strength["balance_point"].notna().all()


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("shuffling", {"patches": [1, 5]}, "5 x 5 patches do not cut 32 x 32 px evenly"),
        (
            "cue_strength",
            {"strengths": [0, 2]},
            "probes.strengths[1]: expected a number from 0 to 1, found 2",
        ),
    ],
)
def test_probe_settings(probed, name, settings, expected):
    result, table = probe(probed, name, settings)
    assert expected in message(result)
    assert not table.exists()


def test_relative_errors_step(tmp_path):
    table = tmp_path / "corruptions.csv"
    rows = ["model,architecture,arm,seed,set,corruption,severity,accuracy,n"]
    for arm, accuracy in (("plain", 0.8), ("stylized", 0.9)):
        rows += [f"cnn--{arm},cnn,{arm},0,test-plain,fog,{s},{accuracy},10" for s in (1, 2)]
    table.write_text("\n".join(rows) + "\n")
    output = tmp_path / "errors.csv"
    result = invoke("corruption-errors", "--table", table, "--settings", "{}", "--output", output)
    assert result.exception is None
    found = read_csv(output).set_index(["arm", "corruption"])
    assert found.loc[("stylized", "fog"), "error_ratio"] == pytest.approx(0.5)
    table.write_text("model,arm\n")
    result = invoke("corruption-errors", "--table", table, "--settings", "{}", "--output", output)
    assert "column 'architecture' is missing" in message(result)


def test_tokens_of_a_transformer_become_a_map():
    """A class token in front is left out; the rest lies row by row."""
    from texshape.techniques.segmentation.maps import as_map

    grid = torch.arange(2 * 9 * 4.0).reshape(2, 9, 4)
    tokens = torch.cat([torch.full((2, 1, 4), -1.0), grid], 1)
    found = as_map(tokens, torch.nn.Identity(), "block")
    assert found.shape == (2, 4, 3, 3)
    assert torch.equal(found[0, :, 1, 2], grid[0, 5])
    assert as_map(torch.zeros(2, 4), torch.nn.Identity(), "head") is None
    assert as_map(torch.zeros(2, 4, 1, 1), torch.nn.Identity(), "pool") is None
