"""The type of a result table: columns, kinds and keys."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import texshape
from texshape.catalogue import catalogue, declared, modules
from texshape.errors import InputError
from texshape.files import read_csv
from texshape.reference import COMPARED
from texshape.tables import Column, Table
from texshape.techniques import registry

KEPT = Path(__file__).parents[1] / "reference" / "procedural"
TABLE = Table(
    "reading",
    "a stage and cue",
    (
        Column("stage", "text", "the stage"),
        Column("cue", "text", "the cue"),
        Column("accuracy", "number", "share of images read rightly", "fraction"),
        Column("n_images", "whole", "images"),
        Column("linear", "flag", "whether the reader is linear"),
    ),
    keys=("stage", "cue"),
)
ROWS = [
    {"stage": "s0", "cue": "shape", "accuracy": 0.5, "n_images": 4, "linear": True},
    {"stage": "s0", "cue": "texture", "accuracy": float("nan"), "n_images": 4, "linear": False},
    {"stage": "s1", "cue": "shape", "accuracy": 0.25, "n_images": 4, "linear": True},
]
NETWORK = {"model": "cnn--plain", "architecture": "cnn", "arm": "plain", "seed": 0}


def over_networks() -> pd.DataFrame:
    """The same rows of two seeds."""
    return TABLE.frame([NETWORK | {"seed": seed} | row for seed in (0, 1) for row in ROWS])


def test_a_frame_has_the_declared_columns_in_their_order():
    assert list(TABLE.frame(reversed(ROWS)).columns) == TABLE.names
    assert list(TABLE.frame([]).columns) == TABLE.names
    assert list(over_networks().columns) == [*NETWORK, *TABLE.names]


def test_a_right_table_passes_as_made_and_as_read_back(tmp_path):
    for networks, frame in ((False, TABLE.frame(ROWS)), (True, over_networks())):
        path = tmp_path / f"{networks}.csv"
        TABLE.write(path, frame, networks=networks)
        assert len(TABLE.check(read_csv(path), path, networks=networks)) == len(frame)


def test_an_undeclared_column_of_a_row_is_an_error_of_the_code():
    with pytest.raises(ValueError, match="declares no column 'acuracy'"):
        TABLE.frame([ROWS[0] | {"acuracy": 1}])


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.rename(columns={"accuracy": "acc"}),
        lambda frame: frame.assign(more=1),
        lambda frame: frame.drop(columns="n_images"),
        lambda frame: frame[[*reversed(frame.columns)]],
    ],
)
def test_no_table_with_other_columns_is_written(tmp_path, change):
    with pytest.raises(ValueError, match="table 'reading': columns") as caught:
        TABLE.write(tmp_path / "reading.csv", change(TABLE.frame(ROWS)))
    assert not isinstance(caught.value, InputError)  # of our code, not of what a user gave
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("accuracy", "much", "expected a number, found 'much'"),
        ("n_images", 2.5, "expected a whole number, found '2.5'"),
        ("linear", "perhaps", "expected True or False, found 'perhaps'"),
    ],
)
def test_a_cell_of_another_kind_is_named(column, cell, expected):
    frame = TABLE.frame(ROWS).astype(object)
    frame.loc[1, column] = cell
    with pytest.raises(InputError, match=rf"there\.csv: column '{column}', row 2: {expected}"):
        TABLE.check(frame, "there.csv")


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match=r"reading\.csv: column 'cue' is missing; found stage, "):
        TABLE.check(TABLE.frame(ROWS).drop(columns="cue"))
    with pytest.raises(InputError, match="column 'model' is missing"):
        TABLE.check(TABLE.frame(ROWS), networks=True)


def test_a_second_row_with_the_same_keys_is_named():
    with pytest.raises(InputError, match="rows 1 and 4 are both of stage 's0', cue 'shape'"):
        TABLE.check(TABLE.frame([*ROWS, ROWS[0]]))
    frame = over_networks()
    with pytest.raises(InputError, match=r"rows 2 and 5 are both of .*seed '0', stage 's0'"):
        TABLE.check(frame.assign(seed=0, stage="s0", cue=[*"abcdbe"]), networks=True)
    one = replace(TABLE, keys=())
    assert len(one.check(TABLE.frame(ROWS[:1]))) == 1
    with pytest.raises(InputError, match="3 rows; expected one"):
        one.check(TABLE.frame(ROWS))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"keys": ("epoch",)}, "key 'epoch' is none of its columns"),
        ({"columns": TABLE.columns * 2}, "declared twice"),
        ({"front": ("modell",)}, "'modell' cannot stand in front"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        replace(TABLE, **wrong)
    with pytest.raises(ValueError, match="no kind 'word'"):
        Column("stage", "word", "the stage")


def test_declaring_a_table_loads_no_library():
    code = (
        "import sys; from texshape.catalogue import catalogue; catalogue();"
        "print(*{'numpy', 'pandas', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_the_catalogue_has_every_table_that_a_module_declares():
    root = Path(texshape.__file__).parent
    made = re.compile(r"^[A-Z_]+ = Table\(", re.MULTILINE)
    found = [path for path in root.rglob("*.py") if made.search(path.read_text("utf-8"))]
    assert {".".join(("texshape", *path.relative_to(root).with_suffix("").parts))
            for path in found} == set(modules())  # fmt: skip
    assert len(catalogue()) > len(modules())
    with pytest.raises(InputError, match="table 'readuot' is not known; did you mean 'readout'"):
        declared("readuot")


def test_a_table_of_an_installed_technique_is_known_too(monkeypatch):
    own = SimpleNamespace(tables=(replace(TABLE, name="luminance"),))
    monkeypatch.setattr(registry, "installed", lambda: {"luminance": None})
    monkeypatch.setattr(registry, "get", {"luminance": own}.__getitem__)
    assert declared("luminance") is own.tables[0]
    with pytest.raises(
        InputError, match="table 'luminanec' is not known; did you mean 'luminance'"
    ):
        declared("luminanec")


@pytest.mark.parametrize("table", catalogue().values(), ids=catalogue())
def test_every_declaration_says_what_its_columns_mean(table):
    for column in (*table.columns, *([table.more] if table.more else [])):
        assert column.meaning, column.name
        assert "|" not in column.meaning  # it stands in a table of the reference page
        assert not column.unit or column.kind in ("number", "whole"), column.name
    assert table.about


@pytest.mark.parametrize("name", sorted(COMPARED))
def test_the_keys_are_unique_in_the_kept_tables(name):
    """Of a real run. Only some of its columns are kept."""
    frame = read_csv(KEPT / f"{name}.csv")
    keys, measures = COMPARED[name]
    assert set(frame.columns) == {*keys, *measures}
    assert len(frame) > 1
    assert not frame.duplicated(keys).any()
    table = declared(name)
    kept = tuple(column for column in table.columns if column.name in frame.columns)
    replace(table, columns=kept).check(frame, KEPT / f"{name}.csv")
    double = pd.concat([frame, frame.tail(1)])
    with pytest.raises(InputError, match=f"rows {len(frame)} and {len(double)} are both of"):
        replace(table, columns=kept).check(double)


def test_the_state_of_a_network_is_written_where_the_table_declares_it_alone(tmp_path):
    """Without the declaration nothing would tell two states apart that have the same keys."""
    rows = [{"epoch": epoch, **row} for epoch in (0, 1) for row in ROWS]
    frame = pd.DataFrame(rows, columns=["epoch", *TABLE.names])
    with pytest.raises(ValueError, match=r"expected .* \(wrong: epoch\)"):
        TABLE.write(tmp_path / "reading.csv", frame)
    assert not list(tmp_path.iterdir())
    assert TABLE.undeclared(frame) == ["epoch"]
    with pytest.raises(ValueError, match="declares no column 'epoch'"):
        TABLE.frame(rows)
    states = replace(TABLE, front=(*TABLE.front, "epoch"))
    assert states.frame(rows).equals(frame)
    states.write(tmp_path / "reading.csv", frame)
    assert len(states.check(pd.read_csv(tmp_path / "reading.csv"))) == 2 * len(ROWS)
