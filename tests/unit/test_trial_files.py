"""Reading and writing trial files."""

from __future__ import annotations

import pandas as pd
import pytest

from texshape.errors import InputError
from texshape.trials import files

ROW = {
    "subj": "cnn--plain", "session": 1, "trial": 1, "rt": "NaN", "object_response": "star",
    "category": "disc", "condition": "cue-conflict", "imagename": "disc1-star2.png",
}  # fmt: skip
HEADER = ",".join(files.COLUMNS)


def test_columns_stand_in_the_published_order(tmp_path):
    path = tmp_path / "trials.csv"
    files.write(path, pd.DataFrame([ROW])[sorted(ROW)])
    assert path.read_text().splitlines() == [
        "subj,session,trial,rt,object_response,category,condition,imagename",
        "cnn--plain,1,1,NaN,star,disc,cue-conflict,disc1-star2.png",
    ]


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "trials.csv"
    files.write(path, {column: [value] * 3 for column, value in ROW.items()})
    trials = files.read(path)
    assert len(trials) == 3
    assert trials["object_response"] == ["star"] * 3
    assert trials.classes == files.PROCEDURAL_CLASSES


def test_no_response_and_capital_header_and_crlf(tmp_path):
    path = tmp_path / "trials.csv"
    text = f"{HEADER.replace('session', 'Session')}\na,1,1,0.5,na,boat,0,x_boat1-bear2.png\n"
    path.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    trials = files.read(path)
    assert trials["session"] == ["1"]
    assert trials["object_response"] == ["na"]


def test_named_classes_replace_the_known_ones(tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text(f"{HEADER}\na,1,1,,frog,deer,0,deer1-frog2.png\n")
    with pytest.raises(InputError, match="'deer' belongs to no known set"):
        files.read(path)
    assert files.read(path, classes=["deer", "frog"])["category"] == ["deer"]


def test_digest_depends_on_content_only(tmp_path):
    for name, end in (("a", "\n"), ("b", "\r\n")):
        (tmp_path / name).write_text(f"{HEADER}{end}a,1,1,,na,boat,0,boat1-bear2.png{end}")
    (tmp_path / "c").write_text(f"{HEADER}\na,1,1,,bear,boat,0,boat1-bear2.png\n")
    a, b, c = (files.read(tmp_path / name).digest() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    ("name", "human"), [("subject-01", True), ("subject-1x", False), ("vgg", False)]
)
def test_who_is_human(name, human):
    assert files.is_human(name) is human
