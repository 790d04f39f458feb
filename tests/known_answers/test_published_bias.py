"""Published shape biases from the published trials (Geirhos et al. 2019; model-vs-human)."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import texshape.cli.score  # noqa: F401 (registers the command)
from texshape.cli.main import app
from texshape.stats.proportions import percent

FIRST = "github/rgeirhos/texture-vs-shape/ccd0c01d42c0a8a834e90ec141e7f24fa915dc23/raw-data"
SECOND = "github/bethgelab/model-vs-human/93ee6766db71bc99de23a16cf5216acff181b470/raw-data"
EXPERIMENT = "style-transfer-512-nomask-experiment"


def score(*paths, resamples=200):
    arguments = ["score", *map(str, paths), "--format", "json", "--resamples", str(resamples)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    return {row["subject"]: row for row in json.loads(result.stdout)}, result.stderr


@pytest.fixture(scope="module")
def first(mirror):
    return score(*sorted((mirror / FIRST / EXPERIMENT).glob("*.csv")))[0]


@pytest.mark.parametrize(
    ("subject", "percent"), [("alexnet", 42.9), ("googlenet", 31.2), ("vgg", 17.2)]
)
def test_networks_of_the_2019_paper(first, subject, percent):
    assert round(100 * first[subject]["shape_bias"], 1) == percent
    assert first[subject]["n_trials"] == 1280
    assert first[subject]["n_conflict"] == 1200


def test_humans_pooled(first):
    humans = first["humans"]
    assert round(100 * humans["shape_bias"], 1) == 95.9
    assert humans["n_conflict"] == 12_000
    assert sum(name.startswith("subject-") for name in first) == 10
    own = [row for name, row in first.items() if name.startswith("subject-")]
    assert sum(row["n_shape"] for row in own) == humans["n_shape"]
    assert humans["ci_low"] < humans["shape_bias"] < humans["ci_high"]


def test_resnet50_of_the_2019_paper(mirror):
    (path,) = (mirror / FIRST / f"{EXPERIMENT}-trained-CNNs").glob("*.csv")
    row = score(path)[0]["resnet50"]
    assert round(100 * row["shape_bias"], 1) == 22.1
    assert row["n_conflict"] == 1200


@pytest.mark.parametrize(
    ("name", "percent"),
    [("resnet50", 21.42), ("bagnet33", 5.11), ("swag-vit-b16-in1k", 30.50),
     ("swag-regnety-16gf-in1k", 29.89)],
)  # fmt: skip
def test_networks_of_the_second_repository(mirror, name, percent):
    rows, _ = score(mirror / SECOND / "cue-conflict" / f"cue-conflict_{name}_session-1.csv")
    (row,) = rows.values()
    assert round(100 * row["shape_bias"], 2) == percent
    assert row["n_conflict"] == 1200


def test_human_trials_of_both_repositories_count_once(mirror, first):
    paths = [*(mirror / FIRST / EXPERIMENT).glob("*subject*")]
    paths += (mirror / SECOND / "cue-conflict").glob("*subject*")
    assert len(paths) == 20
    rows, warnings = score(*sorted(paths), resamples=0)
    assert rows["humans"]["n_trials"] == first["humans"]["n_trials"]
    assert rows["humans"]["n_shape"] == first["humans"]["n_shape"]
    assert warnings.count("counted once") == 10


ANSWERS = "github/paulgavrikov/vlm_shapebias/459198f81c7d64584ed57bf3fd27c392d425478a/raw-data"


@pytest.mark.parametrize(
    ("name", "bias", "match", "unnamed"),
    [("vlm/vqa/20240228_002836_openai_vision", "47.9", "69.8", 131),
     ("vlm/vqa/20240209_115809_gemini_pro_vision", "64.1", "82.3", 7),
     ("vlm/vqa/20240205_203014_llava_1_6_34b", "56.0", "73.8", 0),
     ("clip/ViT_L_14_336_openai_a_photo_of_a_CLS.", "60.6", "86.4", 0),
     ("clip/clip_RN50_openai_a_photo_of_a_CLS.", "21.0", "72.8", 0),
     ("inet_classifier/tv_resnet50", "22.3", "67.3", 0)],
)  # fmt: skip
def test_answers_of_models_and_networks(mirror, name, bias, match, unnamed):
    rows, warnings = score(mirror / ANSWERS / f"{name}.csv", resamples=0)
    (row,) = rows.values()
    assert (percent(row["shape_bias"]), percent(row["cue_match_rate"])) == (bias, match)
    assert (row["n_trials"], row["n_conflict"]) == (1280, 1200)
    assert warnings.count(f"{unnamed} of 1280 answers name no class") == (unnamed > 0)
