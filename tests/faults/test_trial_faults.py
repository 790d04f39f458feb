"""Bad trial files: one line that names file and row, and a status other than zero."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import texshape.cli.score
import texshape.cli.trials  # noqa: F401 (both register commands)
from texshape.cli.main import app
from texshape.errors import InputError

HEADER = "subj,session,trial,rt,object_response,category,condition,imagename"
GOOD = "net,1,1,NaN,bear,airplane,0,airplane1-bear2.png"


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def trial_file(folder, *rows, header=HEADER, name="trials.csv"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["net,1,1,NaN,bear,airplane,0,airplane1.png"], "row 2: stimulus name 'airplane1.png'"),
        ([GOOD, "net,1,2,NaN,bare,airplane,0,airplane1-bear2.png"], "did you mean 'bear'"),
        ([GOOD, "net,1,2,NaN,bear,aeroplane,0,airplane1-bear2.png"], "row 3: category 'aeroplane'"),
        (["net,1,2,NaN,bear,house,0,house1-bear2.png"], "'house' belongs to no known set"),
        ([GOOD, "net,1,2,NaN,bear,airplane,0,airplane1-beer2.png"], "row 3: texture 'beer'"),
        ([GOOD, "net,1,2,NaN,bear,airplane,0,airplane1-na0.png"], "no cue-conflict image"),
        ([GOOD, "net,1,2,NaN,bear,airplane,0,truck1-bear2.png"], "shows the shape 'truck'"),
        ([GOOD, "net,1,2,NaN,bear,airpl"], "row 3: 6 of 8 values; is the file truncated?"),
        ([GOOD, "net,1,2,NaN,bear,airplane,0,airplane1-bea"], "row 3: stimulus name"),
        ([], "holds no trial"),
    ],
)
def test_bad_rows(tmp_path, rows, expected):
    path = trial_file(tmp_path, *rows)
    result = invoke("score", path)
    assert isinstance(result.exception, InputError)
    assert result.stdout == ""
    message = str(result.exception)
    assert expected in message
    assert str(path) in message
    assert "\n" not in message


@pytest.mark.parametrize("column", HEADER.split(","))
def test_missing_column(tmp_path, column):
    header = ",".join(name for name in HEADER.split(",") if name != column)
    path = trial_file(tmp_path, GOOD, header=header)
    assert f"column '{column}' is missing" in str(invoke("score", path).exception)


def test_missing_and_binary_files(tmp_path):
    assert "no such file" in str(invoke("score", tmp_path / "none.csv").exception)
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    assert "not a readable CSV" in str(invoke("score", binary).exception)
    (tmp_path / "empty.csv").touch()
    assert "the file is empty" in str(invoke("score", tmp_path / "empty.csv").exception)


def test_status_and_single_line_of_the_program(tmp_path):
    path = trial_file(tmp_path, GOOD, header="a,b")
    code = "import texshape.cli.main as m; m.COMMANDS = ['score']; m.main()"
    command = [sys.executable, "-c", code, "score", str(path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("texshape: error: ")


def test_undefined_bias_is_null_with_a_warning(tmp_path):
    path = trial_file(tmp_path, "net,1,1,NaN,na,airplane,0,airplane1-bear2.png")
    result = invoke("score", path, "--format", "json")
    assert result.exit_code == 0
    (row,) = json.loads(result.stdout)
    assert [row[name] for name in ("shape_bias", "ci_low", "ci_high")] == [None] * 3
    assert row["cue_match_rate"] == 0
    assert "shape bias is undefined" in result.stderr
    table = invoke("score", path, "--format", "table")
    assert table.stdout.splitlines()[1].split()[:2] == ["net", "-"]


def test_congruent_trials_only(tmp_path):
    path = trial_file(tmp_path, "net,1,1,NaN,bear,bear,0,bear1-bear2.png")
    (row,) = json.loads(invoke("score", path, "--format", "json").stdout)
    assert row["n_conflict"] == 0
    assert row["shape_bias"] is row["cue_match_rate"] is None


def test_same_file_twice_counts_once_and_sessions_pool(tmp_path):
    first = trial_file(tmp_path, GOOD, name="a.csv")
    copy = trial_file(tmp_path, GOOD, name="b.csv")
    other = trial_file(tmp_path, "net,2,1,NaN,truck,truck,0,x_truck1-bear2.png", name="c.csv")
    result = invoke("score", first, copy, other, "--format", "json")
    (row,) = json.loads(result.stdout)
    assert (row["n_trials"], row["n_shape"], row["n_texture"]) == (2, 1, 1)
    assert "counted once" in result.stderr


def test_one_subject_with_the_same_images_in_two_files_is_warned_of(tmp_path):
    first = trial_file(tmp_path, GOOD, name="a.csv")
    second = trial_file(tmp_path, GOOD.replace(",0,", ",1,"), name="b.csv")
    result = invoke("score", first, second)
    assert "saw 1 of its images in" in result.stderr


def test_benchmark_names_what_is_missing(tmp_path):
    human = GOOD.replace("net", "subject-01")
    trial_file(tmp_path, GOOD, human.replace("bear,", "airplane,"), name="cue-conflict/a.csv")
    trial_file(tmp_path, GOOD, human, name="cue-conflickt/a.csv")
    trial_file(tmp_path, GOOD, name="edge/a.csv")
    result = invoke("benchmark", tmp_path, "--format", "json")
    (row,) = json.loads(result.stdout)
    assert (row["subject"], row["n_datasets"]) == ("net", 1)
    assert row["accuracy_difference"] == 1
    assert "15 of 17 data sets are missing: colour," in result.stderr
    assert "'cue-conflickt' is none of the 17" in result.stderr
    assert "did you mean 'cue-conflict'" in result.stderr
    assert "edge: no human observer" in result.stderr


def test_benchmark_without_any_data(tmp_path):
    assert "no such folder" in str(invoke("benchmark", tmp_path / "none").exception)
    assert "holds no trials" in str(invoke("benchmark", tmp_path).exception)


HUMAN = GOOD.replace("net", "subject-01")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # Two observers together have one row, which no subject can take.
        (["humans,1,1,NaN,bear,airplane,0,airplane1-bear2.png"], "row 2: subj 'humans' stands for"),
        # An image shows one class, whoever sees it; a name's last part alone does not tell two apart.
        (
            [HUMAN, "net,1,1,NaN,bear,bear,0,airplane1-bear2.png"],
            "row 3: image 'airplane1-bear2.png' has category 'bear', and 'airplane' for another subject",
        ),
        (
            [
                "subject-01,1,1,NaN,bear,airplane,0,airplane_1.png",
                "net,1,1,NaN,bear,bear,0,bear_1.png",
            ],
            "row 3: image '1.png' has category 'bear', and 'airplane' for another subject",
        ),
        # No answer is right where nothing is said to be shown.
        ([HUMAN, "net,1,1,NaN,na,na,0,bear1.png"], "row 3: category 'na'; expected the class"),
    ],
)
def test_benchmark_refuses_what_would_count_wrongly(tmp_path, rows, expected):
    trial_file(tmp_path, *rows, name="cue-conflict/a.csv")
    assert expected in str(invoke("benchmark", tmp_path).exception)


def test_benchmark_counts_data_sets_in_which_something_was_compared(tmp_path):
    trial_file(tmp_path, HUMAN, GOOD, name="cue-conflict/a.csv")
    other = GOOD.replace("airplane1-bear2", "airplane3-bear4")
    trial_file(tmp_path, HUMAN, other, name="sketch/a.csv")
    result = invoke("benchmark", tmp_path, "--format", "json")
    (row,) = json.loads(result.stdout)
    assert row["n_datasets"] == 1
    assert "sketch: subject 'net' lacks 1 of 1 images" in result.stderr


def test_files_of_a_folder_are_all_read_or_named(tmp_path):
    trial_file(tmp_path, HUMAN, name="cue-conflict/a.csv")
    trial_file(tmp_path, GOOD, name="cue-conflict/B.CSV")
    trial_file(tmp_path, "nothing", name="cue-conflict/._a.csv")  # macOS writes such
    (row,) = json.loads(invoke("benchmark", tmp_path, "--format", "json").stdout)
    assert row["subject"] == "net"
    trial_file(tmp_path, GOOD, name="cue-conflict/c.csv.gz")
    assert "c.csv.gz: a packed file; expected it unpacked, as c.csv" in str(
        invoke("benchmark", tmp_path).exception
    )


def test_benchmark_of_one_observer_alone(tmp_path):
    trial_file(tmp_path, HUMAN, name="cue-conflict/a.csv")
    for more in ([], ["--format", "json"]):
        assert "holds no network, and no second human" in str(
            invoke("benchmark", tmp_path, *more).exception
        )
    message = str(invoke("benchmark", tmp_path, "--differences").exception)
    assert "holds nothing to compare two by two" in message
    assert "a file; expected one folder" in str(
        invoke("benchmark", tmp_path / "cue-conflict" / "a.csv").exception
    )


def test_benchmark_of_conditions_that_do_not_count_says_so(tmp_path):
    trial_file(tmp_path, HUMAN.replace(",0,air", ",cr,air"), name="colour/a.csv")
    trial_file(tmp_path, HUMAN, name="Sketch/a.csv")
    message = str(invoke("benchmark", tmp_path).exception)
    assert "colour: no condition that counts" in message
    assert "did you mean 'sketch'" in message


@pytest.mark.parametrize("more", [[], ["--resamples", 10]])
def test_a_quote_swallows_no_trial(tmp_path, more):
    rows = [
        'n,1,1,"a,bear,airplane,0,airplane1-bear2.png',
        "n,1,2,b,airplane,bear,0,bear1-airplane2.png",
        'n,1,3,"c,airplane,bear,0,bear2-airplane2.png',
    ]
    assert "not a readable CSV table" in str(
        invoke("score", trial_file(tmp_path, *rows), *more).exception
    )
    rows[2] = 'n,1,3,c",airplane,bear,0,bear2-airplane2.png'
    assert "row 2: a value in quotes holds a line break" in str(
        invoke("score", trial_file(tmp_path, *rows), *more).exception
    )


@pytest.mark.parametrize("answer", ["NA", "", "NaN", "None"])
def test_what_stands_for_no_answer_is_said(tmp_path, answer):
    path = trial_file(tmp_path, GOOD, GOOD.replace("NaN,bear", f"NaN,{answer}"))
    message = str(invoke("score", path).exception)
    assert f"row 3: object_response '{answer}'; expected na where no class was chosen" in message


def test_a_class_is_one_however_its_accent_is_written(tmp_path):
    apart, one = "cafe\u0301", "caf\u00e9"
    rows = [
        f"net,1,{i},NaN,{answer},{apart},0,{shown}{i}-the1.png"
        for i, (answer, shown) in enumerate([(one, apart), (apart, one), ("the", one)], start=1)
    ]
    for classes in (f"{apart},the", f"{one},the"):
        result = invoke(
            "score", trial_file(tmp_path, *rows), "--classes", classes, "--format", "json"
        )
        (row,) = json.loads(result.stdout)
        assert (row["n_shape"], row["n_texture"]) == (2, 1)


def test_a_number_of_thousands_of_digits_is_one_line(tmp_path):
    path = trial_file(tmp_path, GOOD.replace("airplane1", f"airplane{'1' * 5000}"))
    message = str(invoke("score", path).exception)
    assert "row 2: stimulus name" in message
    assert len(message) < 600


def test_benchmark_refuses_an_image_seen_twice(tmp_path):
    trial_file(tmp_path, GOOD, GOOD, name="edge/a.csv")
    message = str(invoke("benchmark", tmp_path).exception)
    assert "a.csv, row 3: subject 'net' saw image 'airplane1-bear2.png' twice" in message


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("{", "not JSON"),
        ("[]", "expected a JSON object"),
        ('{"resample": 5}', "unknown parameter 'bootstrap.resample'; did you mean 'resamples'"),
        ('{"resamples": 0}', "bootstrap.resamples: expected a whole number of at least 1, found 0"),
        ('{"resamples": "many"}', "bootstrap.resamples: expected a whole number of at least 1"),
        ('{"level": 95}', "bootstrap.level: expected a number between 0 and 1, found 95"),
    ],
)
def test_bad_settings_leave_no_table(tmp_path, settings, expected):
    trial_file(tmp_path, GOOD, name="net--arm/seed-0/trials/cue-conflict.csv")
    result = invoke(
        "run", "tabulate-trials", "--results", tmp_path, "--network", "net--arm/seed-0",
        "--output-dir", tmp_path / "tables", "--settings", settings,
    )  # fmt: skip
    assert expected in str(result.exception)
    assert not (tmp_path / "tables").exists()


@pytest.mark.parametrize("network", ["net--arm", "net--arm/0", "net--arm/seed-x", "/seed-0"])
def test_bad_network_names(tmp_path, network):
    result = invoke(
        "run", "tabulate-trials", "--results", tmp_path, "--network", network,
        "--output-dir", tmp_path / "tables",
    )  # fmt: skip
    assert "expected ARCHITECTURE--ARM/seed-S" in str(result.exception)


def test_network_without_trials(tmp_path):
    result = invoke(
        "run", "tabulate-trials", "--results", tmp_path, "--network", "net--arm/seed-0",
        "--output-dir", tmp_path / "tables",
    )  # fmt: skip
    assert "holds no trial file" in str(result.exception)
