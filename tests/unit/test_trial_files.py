"""Reading and writing trial files."""

from __future__ import annotations

import pandas as pd
import pytest

from texshape.errors import InputError
from texshape.trials import files, names, subjects
from texshape.trials.score import gather

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
    assert names.is_human(name) is human


CONFLICT = [
    "a,1,1,,bear,boat,0,boat1-bear2.png",
    "a,1,2,,boat,boat,0,boat1-cat1.png",
    "a,1,3,,bear,bear,0,bear1-boat1.png",
]
EMPTY = "," * (len(files.COLUMNS) - 1)


@pytest.mark.parametrize(
    "lines",
    [
        [HEADER, CONFLICT[0], "", *CONFLICT[1:]],
        ["", "", HEADER, *CONFLICT, "", ""],
        [HEADER, "   ", *CONFLICT[:2], EMPTY, CONFLICT[2]],
        [HEADER + ",", *(f"{row}," for row in CONFLICT)],
        [HEADER, *(f"{row},," for row in CONFLICT)],
        [HEADER, CONFLICT[0], *(row.replace("a,", "a ,") for row in CONFLICT[1:])],
        [HEADER.replace(",", ", "), *(row.replace(",", ", ") for row in CONFLICT)],
        [HEADER, *(f" {row}\t" for row in CONFLICT)],
        [",".join(f'"{name}"' for name in files.COLUMNS), *CONFLICT],
        [HEADER, *(",".join(f'"{cell}"' for cell in row.split(",")) for row in CONFLICT)],
    ],
    ids=[
        "blank",
        "around",
        "separators",
        "trailing",
        "trailing rows",
        "quoted header",
        "quoted",
        "a space behind",
        "spaces before",
        "a tab at the end",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
def test_the_same_trials_however_they_are_laid_out(tmp_path, lines, end, mark):
    path = tmp_path / "trials.csv"
    path.write_bytes((mark + end.join(lines) + end).encode())
    trials = files.read(path)
    cells = [row.split(",") for row in CONFLICT]
    assert [trials[name] for name in files.COLUMNS] == [
        list(column) for column in zip(*cells, strict=True)
    ]
    decisions, warnings = gather([trials])
    assert decisions["a"].counts().n_shape == 2
    assert warnings == []


def test_a_row_is_named_by_its_line_in_the_file(tmp_path):
    path = tmp_path / "trials.csv"
    bad = "a,1,4,,house,boat,0,boat2-cat1.png"
    path.write_text("\n".join(["", HEADER, CONFLICT[0], "", "", CONFLICT[1], bad]) + "\n")
    with pytest.raises(InputError, match="row 7: object_response 'house' is no known class"):
        files.read(path)
    assert path.read_text().splitlines()[6] == bad


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        (HEADER + ",object_response", [f"{row},bear" for row in CONFLICT], "stands there 2 times"),
        ("Category," + HEADER, [f"boat,{row}" for row in CONFLICT], "'category' stands there 2"),
        (HEADER + ", subj ", [f"{row},b" for row in CONFLICT], "column 'subj' stands there 2"),
        (HEADER, [CONFLICT[0], "a,1,2,,boat,boat"], "row 3: 6 of 8 values; is the file truncated"),
        (HEADER, [CONFLICT[0] + ",x"], "row 2: 9 of 8 values; a value that holds a comma"),
        (HEADER, [*CONFLICT, HEADER, CONFLICT[0]], "row 5: the header stands there again"),
        (HEADER, [HEADER.upper(), *CONFLICT], "row 2: the header stands there again"),
        (
            HEADER + ",x",
            [*(f"{row},1" for row in CONFLICT), HEADER + ", x"],
            "row 5: the header st",
        ),
        ("", ["", EMPTY], "the file is empty"),
        (HEADER, ["", EMPTY, " "], "holds no trial, only the header"),
    ],
)
def test_tables_that_can_be_read_two_ways_are_refused(tmp_path, header, rows, expected):
    path = tmp_path / "trials.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    with pytest.raises(InputError, match=expected):
        files.read(path)


def test_other_columns_may_stand_twice(tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text("\n".join([f"note,{HEADER},note", *(f"x,{row},y" for row in CONFLICT)]))
    assert files.read(path)["subj"] == ["a"] * 3


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("cat,dog", ("cat", "dog")),
        ("cat, dog, horse", ("cat", "dog", "horse")),
        (" polar bear ,\tcat ", ("polar bear", "cat")),
    ],
)
def test_classes_named_by_an_option(text, classes):
    assert files.class_list(text) == classes


@pytest.mark.parametrize(
    ("text", "expected"),
    [("cat,,dog", "a name is empty"), ("", "a name is empty"), ("cat, dog ,cat", "'cat' stands"),
     ("cat,na", "'na' stands for no decision"),
     ("all, cat", "'all' stands for the classes together")],
)  # fmt: skip
def test_classes_that_an_option_cannot_name(text, expected):
    with pytest.raises(InputError, match=expected):
        files.class_list(text)


def test_an_unknown_class_beside_known_ones_says_how_to_name_it(tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text(
        f"{HEADER}\na,1,1,,bear,bear,0,bear1-boat1.png\na,1,2,,cow,cow,0,cow1-boat1.png"
    )
    with pytest.raises(InputError, match=r"row 3: category 'cow' .*; name other classes with --cl"):
        files.read(path)
    texture = tmp_path / "texture.csv"
    texture.write_text(f"{HEADER}\na,1,1,,bear,bear,0,bear1-cow1.png\n")
    with pytest.raises(InputError, match=r"texture 'cow' .*; name other classes with --classes"):
        gather([files.read(texture)])
    named = files.read(path, classes=["bear", "cow", "boat"])
    assert gather([named])[0]["a"].counts().n_shape == 2


@pytest.mark.parametrize(
    ("rows", "n_conflict", "n_shape", "warning"),
    [
        ([0, 1, 2], 3, 2, None),
        ([0, 0, 1, 2], 3, 2, "1 of 4 rows repeat a trial; each is counted once"),
        ([0, 1, 0, 1, 2], 3, 2, "2 of 5 rows repeat a trial"),
        ([2, 2, 2, 1, 0, 1], 3, 2, "3 of 6 rows repeat a trial"),
    ],
)
def test_a_trial_written_again_counts_once(tmp_path, rows, n_conflict, n_shape, warning):
    path = tmp_path / "trials.csv"
    path.write_text("\n".join([HEADER, *(CONFLICT[row] for row in rows)]))
    decisions, warnings = gather([files.read(path)])
    counts = decisions["a"].counts()
    assert (counts.n_trials, counts.n_conflict, counts.n_shape) == (3, n_conflict, n_shape)
    assert counts.shape_bias == pytest.approx(2 / 3)
    assert len(warnings) == (warning is not None)
    assert warning is None or warning in warnings[0]


def test_a_restart_with_other_times_is_the_same_trial(tmp_path):
    path = tmp_path / "trials.csv"
    again = CONFLICT[0].replace(",,", ",0.731,")
    path.write_text("\n".join([HEADER, *CONFLICT, again]))
    decisions, warnings = gather([files.read(path)])
    assert decisions["a"].counts().n_trials == 3
    assert "1 of 4 rows" in warnings[0]


def test_a_trial_with_two_answers_is_refused(tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text("\n".join([HEADER, *CONFLICT, "", CONFLICT[0].replace("bear,", "boat,")]))
    with pytest.raises(InputError, match=r"row 6: trial 1 of session 1 .*'bear' and 'boat'"):
        gather([files.read(path)])


def test_an_image_seen_in_several_trials_counts_each_time_and_is_said(tmp_path):
    path = tmp_path / "trials.csv"
    second = CONFLICT[0].replace("a,1,1,,bear", "a,2,7,,boat")
    path.write_text("\n".join([HEADER, *CONFLICT, second]))
    decisions, (warning,) = gather([files.read(path)])
    assert decisions["a"].counts().n_trials == 4
    assert "subject 'a' saw images again in 1 of its trials; all are pooled" in warning
    other = tmp_path / "other.csv"
    other.write_text("\n".join([HEADER, *CONFLICT]).replace("a,1", "b,1"))
    assert gather([files.read(path), files.read(other)])[1] == [warning]


def test_two_trainings_under_one_name_are_pooled_and_said(tmp_path):
    for name in ("one", "two"):
        rows = [row.replace("bear,boat", "boat,boat") if name == "two" else row for row in CONFLICT]
        (tmp_path / name).write_text("\n".join([HEADER, *rows]))
    decisions, (warning,) = gather([files.read(tmp_path / name) for name in ("one", "two")])
    # Two of three images were answered alike: these are no repetitions, but two trainings' trials.
    assert (decisions["a"].counts().n_trials, decisions["a"].counts().n_shape) == (6, 5)
    assert "saw 3 of its images in" in warning


def test_a_network_of_an_experiment_sees_each_image_once(tmp_path):
    folder = tmp_path / "net--arm/seed-0/trials"
    folder.mkdir(parents=True)
    path = folder / "cue-conflict.csv"
    path.write_text("\n".join([HEADER, *CONFLICT]))
    assert len(next(iter(subjects.read_network(tmp_path, "net--arm/seed-0").values()))) == 3
    path.write_text("\n".join([HEADER, *CONFLICT, CONFLICT[1].replace("a,1,2", "a,2,2")]))
    with pytest.raises(InputError, match=r"row 5: subject 'a' saw image 'boat1-cat1.png' twice"):
        subjects.read_network(tmp_path, "net--arm/seed-0")
