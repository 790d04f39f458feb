"""Files of answers, `image, ..., pred_label`: read as trials, and one clear line where they cannot be."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

import texshape.cli.score  # noqa: F401 (registers the command)
from texshape.cli.main import app
from texshape.errors import InputError
from texshape.trials import files
from texshape.trials.score import gather

HEADER = "image,timestamp,response,pred_label,pred_conf\n"
ROWS = (
    'cat1-dog2,2024-02-05,"A,\nor so",cat,1\n'
    "cat2-dog1,2024-02-05,dog,dog,1\n"
    "bear1-bear2,2024-02-06,bear,bear,1\n"
    "oven1-car3,2024-02-06,no idea,None,0\n"
)


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "20240205_some_model.csv"
    found.write_text(HEADER + ROWS)
    return found


def test_answers_become_trials(path):
    trials = files.read(path)
    assert trials["subj"] == ["20240205_some_model"] * 4
    assert trials["object_response"] == ["cat", "dog", "bear", "na"]
    assert trials["category"] == ["cat", "cat", "bear", "oven"]
    assert trials["imagename"][3] == "oven1-car3.png"
    assert trials.notes == (
        f"{path}: 1 of 4 answers name no class ('None' 1); each counts as a decision for neither cue",
    )
    counts = gather([trials])[0]["20240205_some_model"].counts()
    assert (counts.n_trials, counts.n_conflict, counts.n_shape, counts.n_texture) == (4, 3, 1, 1)


def test_two_columns_are_enough_and_names_may_be_paths(tmp_path):
    path = tmp_path / "net.csv"
    path.write_text("image,pred_label\nshown/cat/cat1-dog2.png,Cat\nx\\cat1-dog3.JPEG,dog.\n")
    trials = files.read(path)
    assert trials["object_response"] == ["cat", "dog"]
    assert trials["imagename"] == ["cat1-dog2.png", "cat1-dog3.JPEG"]
    assert trials.notes == ()
    assert trials.classes == files.CATEGORIES  # an answer outside of what is shown is one, too


def test_score_says_how_many_name_no_class(path):
    result = CliRunner().invoke(app, ["score", str(path), "--format", "json", "--resamples", "0"])
    (row,) = json.loads(result.stdout)
    assert row == {
        "subject": "20240205_some_model", "shape_bias": 0.5, "ci_low": None, "ci_high": None,
        "cue_match_rate": pytest.approx(2 / 3), "n_trials": 4, "n_conflict": 3, "n_shape": 1,
        "n_texture": 1,
    }  # fmt: skip
    assert "1 of 4 answers name no class" in result.stderr


def test_a_picture_that_stands_there_again_counts_once(path):
    path.write_text(HEADER + ROWS + ROWS.splitlines()[2] + "\n")
    decisions, warnings = gather([files.read(path)])
    assert len(decisions["20240205_some_model"].shape) == 4
    assert any("1 of 5 rows repeat a trial" in line for line in warnings)


def test_classes_of_others_are_named(tmp_path):
    path = tmp_path / "net.csv"
    path.write_text("image,pred_label\ndeer1-frog2,frog\n")
    with pytest.raises(InputError, match="'deer' belongs to no known set"):
        files.read(path)
    assert files.read(path, classes=["deer", "frog"])["object_response"] == ["frog"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("image,response\ncat1-dog2,A\n", "column 'pred_label' is missing; found image, response"),
        ("name,pred_label\ncat1-dog2,cat\n", "column 'image' is missing; found name, pred_label"),
        ("image,pred_label\n", "holds no trial, only the header"),
        ("image,pred_label\ncat1-dog2\n", "row 2: 1 of 2 values; is the file truncated?"),
        ("image,pred_label\ncat1-dog2,cat\ncat,cat\n", "row 3: picture 'cat' cannot be read"),
        ("image,pred_label\ncat1-sofa2,cat\n", "texture 'sofa' of stimulus 'cat1-sofa2.png' is no"),
        ("image,pred_label\ncat1-dog2,A\n", "names no class in any row .found 'A'.; expected "),
        ("image,pred_label\ncat1-dog2,cat\ncat1-dog2,dog\n",
         "row 3: picture 'cat1-dog2.png' stands twice, answered 'cat' and 'dog'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line(tmp_path, text, line):
    path = tmp_path / "net.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=line) as caught:
        gather([files.read(path)])
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
