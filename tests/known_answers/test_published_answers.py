"""Answers that others published: their bias as checked, consistency as recomputed, and what cannot be had."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import texshape.cli.published  # noqa: F401 (registers the steps)
from texshape import api
from texshape.cli.main import app
from texshape.data import imageset, published, published_answers
from texshape.data.published_answers import Answers
from texshape.files import read_csv
from texshape.stats.proportions import percent
from texshape.survey import parameters, survey
from texshape.survey.stimuli import Stimuli
from texshape.techniques.human_consistency import answers as others
from texshape.techniques.human_consistency.tables import PUBLISHED_ANSWERS
from texshape.trials.files import COLUMNS, Trials
from texshape.trials.names import image_id, parse
from texshape.trials.subjects import read_published

TRIALS = "github/bethgelab/model-vs-human/93ee6766db71bc99de23a16cf5216acff181b470/raw-data"


@pytest.fixture(scope="module")
def trials(mirror, tmp_path_factory) -> Path:
    """A folder of published trials, as far as the step looks into it."""
    folder = tmp_path_factory.mktemp("trials")
    shutil.copytree(mirror / TRIALS / "cue-conflict", folder / "model-vs-human" / "cue-conflict")
    return folder


@pytest.fixture(scope="module")
def humans(trials) -> list[Trials]:
    return others.human_trials(read_published(trials))


@pytest.fixture(scope="module")
def table(trials, tmp_path_factory) -> pd.DataFrame:
    """What the step writes of all subjects."""
    folder = tmp_path_factory.mktemp("answers")
    arguments = ["run", "published-answers", "--published", str(trials), "--seed", "1"]
    arguments += ["--cache", str(folder), "--settings", '{"resamples": 50}']
    arguments += ["--output", str(folder / "published_answers.csv")]
    CliRunner().invoke(app, arguments, catch_exceptions=False)
    found = PUBLISHED_ANSWERS.check(read_csv(folder / "published_answers.csv"))
    return found.fillna({"date": "", "wording": "", "decides_by": "", "reason": ""}).set_index(
        ["name", "wording"]
    )


def test_kinds_dates_and_checked_numbers(table):
    assert len(table) == 48
    asked = table.loc["GPT-4V", "published neutral"]
    assert (percent(asked["shape_bias"]), percent(asked["cue_match_rate"])) == ("47.9", "69.8")
    assert (asked["date"], asked["decides_by"]) == ("2024-02-28", "asked")
    assert (asked["n_unnamed"], asked["n_shared"], asked["n_conflict"]) == (131, 1280, 1200)
    assert asked["ci_low"] < asked["shape_bias"] < asked["ci_high"]
    clip = table.loc["CLIP RN50", "a photo of a CLS."]
    assert (percent(clip["shape_bias"]), clip["decides_by"]) == ("21.0", "zero-shot")
    assert percent(table.loc[("humans", ""), "shape_bias"]) == "95.9"


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
    row = table.loc["ResNet-50 (torchvision)", ""]
    assert row["error_consistency"] == pytest.approx(np.mean(found), abs=1e-6)
    assert row["error_consistency_low"] < row["error_consistency"] < row["error_consistency_high"]
    assert table.loc[("humans", ""), "error_consistency"] > row["error_consistency_high"]


def test_what_a_mirror_lacks_is_a_row_with_the_reason(table):
    row = table.loc["Qwen-VL-Max", "published neutral"]
    assert row["reason"] == published_answers.LACKING
    assert (table["shape_bias"].isna() == (table["reason"] != "")).all()
    assert (table["reason"] == "").sum() == 42  # 41 files and humans


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


def test_a_survey_has_them_on_its_leaderboard(trials, tmp_path):
    """Beside a function that calls every picture a cat; one of two files is not in the mirror."""
    known = read_published(trials)
    names = [image_id(name) for name in others.human_trials(known)[0]["imagename"]]
    cues = [parse(name) for name in names]
    rows = [[str(one), one.shape, one.texture, one.shape_exemplar, one.texture_exemplar, "cue-conflict"]
            for one in cues]  # fmt: skip
    labels = pd.DataFrame(rows, columns=imageset.LABEL_COLUMNS)
    pictures = imageset.ImageSet(np.zeros((len(names), 8, 8, 3), np.uint8), labels)
    answers = [
        one for one in published_answers.bring(tmp_path) if one.name in ("GPT-4V", "Qwen-VL-Max")
    ]
    shown = Stimuli("published", {"cue-conflict": pictures}, "key", known, answers=answers)
    values = parameters.read(None)
    values["bootstrap"]["resamples"] = 50

    def mine(images: list) -> list[str]:
        return ["cat"] * len(images)

    candidate = api._candidate(mine, None, "mine", None, values["evaluation"])
    found = survey.run([candidate], shown, values, tmp_path / "out", quick=True, report=False)
    board = found.leaderboard.set_index("subject")
    asked = board.loc["vlm_shapebias/openai_vision"]
    assert (percent(asked["shape_bias"]), asked["decides_by"]) == ("47.9", "asked")
    assert (asked["kind"], asked["date"], asked["verdict"]) == (
        "published",
        "2024-02-28",
        "neither",
    )
    assert "vlm_shapebias/qwen_vl_max" not in board.index
    assert board.loc["mine--given", "decides_by"] == "asked"
    assert board.loc["humans", "error_consistency"] > asked["error_consistency"] > 0
    written = read_csv(tmp_path / "out" / "tables" / "published_answers.csv")
    assert written["subject"].tolist()[-1] == "humans"
    assert len(written) == 3
