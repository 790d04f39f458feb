"""Tables over networks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from texshape import tables
from texshape.cli.tables import concatenate as step
from texshape.errors import InputError
from texshape.files import read_csv, write_csv
from texshape.techniques.shuffling.tables import SHUFFLING


def write(folder, name, frame):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(frame).to_csv(path, index=False)


@pytest.fixture
def results(tmp_path):
    for slug, seed, value in (
        ("cnn--plain", 0, 1),
        ("cnn--plain", 1, 2),
        ("rf9-wide--mixed", 0, 3),
    ):
        folder = tmp_path / slug / f"seed-{seed}"
        write(folder, "readout.csv", {"stage": ["stem", "stage1"], "accuracy": [value, ""]})
        for epoch in (0, 10):
            write(folder, f"epochs/epoch-{epoch:03d}.csv", {"stage": ["stem"], "value": [epoch]})
    return tmp_path


NETWORKS = ["cnn--plain/seed-0", "cnn--plain/seed-1", "rf9-wide--mixed/seed-0"]


def concatenate(results, *names):
    files = [results / network / name for network in NETWORKS for name in names]
    return tables.concatenate(files, results)


def test_columns_come_from_the_path(results):
    found = concatenate(results, "readout.csv")
    assert list(found.columns) == ["model", "architecture", "arm", "seed", "stage", "accuracy"]
    assert found["seed"].tolist() == [0, 0, 1, 1, 0, 0]
    assert found["architecture"].tolist()[-1] == "rf9-wide"
    assert found["arm"].tolist()[-1] == "mixed"
    assert found["accuracy"].isna().sum() == 3


def test_epochs_come_from_names_of_files(results):
    found = concatenate(results, "epochs/epoch-000.csv", "epochs/epoch-010.csv")
    assert list(found.columns)[:5] == ["model", "architecture", "arm", "seed", "epoch"]
    assert found["epoch"].tolist() == [0, 10] * 3
    assert (found["epoch"] == found["value"]).all()


def test_files_with_other_columns_meet(results):
    write(results / "cnn--plain" / "seed-0", "readout.csv", {"stage": ["stem"], "extra": [5]})
    found = concatenate(results, "readout.csv")
    assert found["extra"].tolist()[0] == 5
    assert found["extra"].isna().sum() == 4


def test_an_empty_table_keeps_its_columns(results):
    path = results / "cnn--plain" / "seed-0" / "readout.csv"
    path.write_text("stage,accuracy\n")
    found = tables.concatenate([path], results)
    assert len(found) == 0
    assert list(found.columns)[-1] == "accuracy"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.rename(columns={"accuracy": "acc"}), "column 'accuracy' is missing"),
        (lambda frame: frame.assign(more=1), "column 'more' is none of shuffling's"),
        (lambda frame: frame.assign(k="two"), "column 'k', row 1: expected a whole number"),
        (lambda frame: pd.concat([frame, frame]), "rows 1 and 3 are both of k '1', set 'plain'"),
    ],
)
def test_a_file_that_is_not_as_declared_is_named(tmp_path, change, message):
    """By the step that makes the table over networks, which writes nothing then."""
    rows = [dict.fromkeys(SHUFFLING.names, 1) | {"k": k, "set": "plain"} for k in (1, 2)]
    for seed in (0, 1):
        frame = SHUFFLING.frame(rows)
        frame = change(frame) if seed else frame
        write(tmp_path / "cnn--plain" / f"seed-{seed}", "shuffling.csv", frame)
    files = [tmp_path / "cnn--plain" / f"seed-{seed}" / "shuffling.csv" for seed in (0, 1)]
    output = tmp_path / "tables" / "shuffling.csv"
    with pytest.raises(InputError, match=f"seed-1/shuffling.csv: {message}"):
        step(files, tmp_path, output)
    assert not output.exists()
    step(files[:1], tmp_path, output)
    assert list(read_csv(output).columns) == [*tables.FRONT, *SHUFFLING.names]
    with pytest.raises(InputError, match="table 'shufling' is not known; did you mean 'shuffling'"):
        step(files[:1], tmp_path, tmp_path / "shufling.csv")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cnn-plain/seed-0/readout.csv", "expected ARCHITECTURE--ARM/seed-S"),
        ("cnn--plain/seed-x/readout.csv", "expected ARCHITECTURE--ARM/seed-S"),
        ("cnn--plain/seed-7/readout.csv", "seed-7/readout.csv: no such file"),
        ("../elsewhere.csv", "expected"),
    ],
)
def test_bad_input_is_named(results, name, message):
    with pytest.raises(InputError, match=message):
        tables.concatenate([results / name], results)


def test_nothing_to_concatenate_is_an_error(results):
    with pytest.raises(InputError, match="no file to concatenate"):
        tables.concatenate([], results)


def test_whole_numbers_stay_whole_where_some_are_missing(tmp_path):
    path = tmp_path / "table.csv"
    table = pd.DataFrame(
        {
            "model": ["cnn--plain", "published/resnet50"],
            "seed": [0, None],  # a published network was not trained here
            "epoch": [3.0, np.nan],
            "n_units": [np.nan, 64],
            "n_mean": [1.5, 2.0],
            "shape_bias": [1.0, np.nan],
        }
    )
    assert table["seed"].dtype == float
    write_csv(path, table)
    assert path.read_text().splitlines()[1:] == [
        "cnn--plain,0,3,,1.5,1.0",
        "published/resnet50,,,64,2.0,",
    ]
    write_csv(path, read_csv(path))  # and again where a step reads and writes it
    assert path.read_text().splitlines()[1] == "cnn--plain,0,3,,1.5,1.0"


def test_a_count_that_is_not_finite_stays_what_it_is(tmp_path):
    write_csv(tmp_path / "table.csv", pd.DataFrame({"n": [1.0, np.inf]}))
    assert (tmp_path / "table.csv").read_text() == "n\n1.0\ninf\n"


@pytest.mark.parametrize(
    "text", ["a,b,a\n1,2,3\n", "\ufeffa,a,b\r\n1,1,2\r\n", '"a",b,b,b\n1,2,3,4\n', "\nc,c\n1,2\n"]
)
def test_a_table_with_a_column_twice_is_refused(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text, newline="")
    with pytest.raises(InputError, match=r"table\.csv: column '[abc]' stands there [23] times"):
        read_csv(path)


def test_a_column_may_be_called_like_a_second_one(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,a.1\n1,2\n")
    assert list(read_csv(path).columns) == ["a", "a.1"]
