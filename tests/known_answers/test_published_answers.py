"""Answers that others published: their bias as checked, consistency as recomputed, and what cannot be had."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from texshape.data import published, published_answers
from texshape.data.published_answers import Answers
from texshape.stats.proportions import percent
from texshape.techniques.human_consistency import answers as others
from texshape.techniques.human_consistency.tables import PUBLISHED_ANSWERS
from texshape.trials.files import COLUMNS, Trials
from texshape.trials.names import image_id
from texshape.trials.tables import read_published

TRIALS = "github/bethgelab/model-vs-human/93ee6766db71bc99de23a16cf5216acff181b470/raw-data"


def answers_of(mirror, tmp_path_factory, subjects: Sequence[str]) -> list[Answers]:
    found = published_answers.bring(tmp_path_factory.mktemp("answers"))
    return [one for one in found if one.subject.partition("/")[2] in subjects]


@pytest.fixture(scope="module")
def humans(mirror, tmp_path_factory) -> list[Trials]:
    folder = tmp_path_factory.mktemp("trials")
    shutil.copytree(mirror / TRIALS / "cue-conflict", folder / "model-vs-human" / "cue-conflict")
    return others.human_trials(read_published(folder))


@pytest.fixture(scope="module")
def table(mirror, humans, tmp_path_factory) -> pd.DataFrame:
    chosen = ("openai_vision", "tv_resnet50", "clip_RN50_openai_a_photo_of_a_CLS.", "qwen_vl_max")
    answers = answers_of(mirror, tmp_path_factory, chosen)
    assert len(answers) == 4
    return others.answers_table(answers, humans, resamples=100, seed=1).set_index("name")


def test_kinds_dates_and_checked_numbers(table):
    assert list(table["decides_by"]) == ["zero-shot", "classes", "asked", "asked", ""]
    asked = table.loc["GPT-4V"]
    assert (percent(asked["shape_bias"]), percent(asked["cue_match_rate"])) == ("47.9", "69.8")
    assert (asked["date"], asked["wording"]) == ("2024-02-28", "published neutral")
    assert (asked["n_unnamed"], asked["n_shared"], asked["n_conflict"]) == (131, 1280, 1200)
    assert asked["ci_low"] < asked["shape_bias"] < asked["ci_high"]
    clip = table.loc["CLIP RN50"]
    assert (percent(clip["shape_bias"]), clip["wording"]) == ("21.0", "a photo of a CLS.")
    assert percent(table.loc["humans", "shape_bias"]) == "95.9"


def test_consistency_is_that_of_the_definition(table, humans, mirror):
    """Kappa of each observer and the classifier, by hand; the mean over observers."""
    (path,) = (mirror / "github/paulgavrikov").glob("*/*/raw-data/inet_classifier/tv_resnet50.csv")
    own = pd.read_csv(path).set_index("image")["pred_label"]
    found = []
    for trials in humans:
        right = {
            image.rpartition("_")[2].removesuffix(".png"): answer == category
            for image, answer, category in zip(
                trials["imagename"], trials["object_response"], trials["category"], strict=True
            )
        }
        theirs = np.array(list(right.values()))
        ours = np.array([own[name] == name.split("-")[0].rstrip("0123456789") for name in right])
        p, q = theirs.mean(), ours.mean()
        chance = p * q + (1 - p) * (1 - q)
        found.append(((theirs == ours).mean() - chance) / (1 - chance))
    row = table.loc["ResNet-50 (torchvision)"]
    assert row["error_consistency"] == pytest.approx(np.mean(found), abs=1e-6)
    assert row["error_consistency_low"] < row["error_consistency"] < row["error_consistency_high"]
    assert table.loc["humans", "error_consistency"] > row["error_consistency_high"]


def test_what_a_mirror_lacks_is_a_row_with_the_reason(table):
    row = table.loc["Qwen-VL-Max"]
    assert row["reason"] == published_answers.LACKING
    assert np.isnan(row["shape_bias"])
    assert (table.drop("Qwen-VL-Max")["reason"] == "").all()
    PUBLISHED_ANSWERS.check(table.reset_index())


def test_only_pictures_that_humans_saw_count(humans, tmp_path):
    """Answers to some of the pictures of fewer humans' trials; one file has none of them."""
    few = []
    for trials in humans[:2]:
        rows = [i for i, name in enumerate(trials["imagename"]) if "_cat" in name]
        cells = {column: [trials[column][row] for row in rows] for column in COLUMNS}
        few.append(Trials(trials.source, trials.classes, cells))
    path, other = tmp_path / "a.csv", tmp_path / "b.csv"
    shown = [image_id(name).removesuffix(".png") for name in few[0]["imagename"]]
    conflicts = [name for name in shown if "-cat" not in name][:2]
    lines = [f"{name},cat\n" for name in (*conflicts, "dog1-cat1")]
    path.write_text("".join(["image,pred_label\n", *lines]))
    other.write_text("image,pred_label\ndog1-cat1,cat\n")
    answers = [
        Answers(f"x/{file.stem}", file.stem, "classes", "", "", "x", file) for file in (path, other)
    ]
    found = others.answers_table(answers, few, resamples=10).set_index("name")
    assert (found.loc["a", "n_shared"], found.loc["a", "n_shape"]) == (2, 2)
    assert found.loc["b", "reason"] == others.NO_PICTURES
    assert found.loc["humans", "n_shared"] == 80


def test_every_listed_file_has_a_name(monkeypatch, tmp_path):
    """The list is known without a file: 19 asked, seven of each prompt, seven classifiers."""
    monkeypatch.setenv("TEXSHAPE_MIRROR", str(tmp_path / "empty"))
    found = pd.DataFrame(vars(one) for one in published_answers.bring(tmp_path))
    assert found["file"].isna().all()
    assert found["decides_by"].value_counts().to_dict() == {
        "zero-shot": 21,
        "asked": 19,
        "classes": 7,
    }
    assert set(found["name"]) == set(published_answers.NAMES.values())
    assert found["subject"].is_unique
    assert not found.duplicated(["name", "wording"]).any()
    dated = found[found["decides_by"] == "asked"]
    assert dated["date"].between("2024-02-05", "2024-02-28").all()
    shown = found[found["wording"].isin(published_answers.SHOWN)]
    assert shown["name"].is_unique
    assert published.sources()["vlm-shapebias"].licence == "CC BY-SA 4.0"
