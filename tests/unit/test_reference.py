"""Comparison with kept tables: what counts as the same number."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from texshape import reference
from texshape.catalogue import declared
from texshape.cli.main import app
from texshape.cli.reference import deviations, keep_reference  # registers the commands
from texshape.errors import InputError
from texshape.files import write_csv

assert deviations
assert keep_reference
BIAS = [("cnn--plain", 0, 0.2, 0.75), ("cnn--plain", 1, 0.2512, 0.76), ("rf9--plain", 0, 0.1, 0.9)]


def write(folder: Path, rows: list[tuple], **tables: pd.DataFrame) -> Path:
    columns = ["model", "seed", "shape_bias", "cue_match_rate"]
    write_csv(folder / "tables" / "shape_bias.csv", pd.DataFrame(rows, columns=columns))
    for name, frame in tables.items():
        write_csv(folder / "tables" / f"{name}.csv", frame)
    return folder


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    reference.keep(write(tmp_path / "first", BIAS), tmp_path / "kept")
    return tmp_path / "kept"


def largest(results: Path, kept: Path) -> dict[str, float]:
    frame = reference.deviations(results, kept)
    return dict(zip(frame["measure"], frame["largest"], strict=True))


def test_the_tolerance_is_what_another_seed_changes(kept: Path) -> None:
    tolerances = pd.read_csv(kept / reference.TOLERANCES).set_index("measure")["tolerance"]
    # One pair of seeds differs by 0.0512 and 0.01; three rows are compared. By a table of the normal
    # distribution z(1 - 0.01 / 6) = 2.935 and z(1 - 0.5 / 2) = 0.6745: 4.351 times as much.
    assert tolerances.to_dict() == {"shape_bias": 0.23, "cue_match_rate": 0.044}


def test_another_run_seldom_lies_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs that differ as seeds do: networks of one to three seeds as in the embedded experiment."""
    generator = np.random.default_rng(3)
    seeds = [3] * 4 + [2] * 5 + [1] * 7
    frame = pd.DataFrame(
        [(f"net{i}", s, row) for i, n in enumerate(seeds) for s in range(n) for row in range(6)],
        columns=["model", "seed", "row"],
    )

    def share_beyond() -> float:
        beyond = 0
        for _ in range(200):
            kept, again = generator.normal(size=(2, len(frame)))
            tolerance = reference._between_seeds(
                frame.assign(value=kept), ["model", "seed", "row"], "value"
            )
            beyond += bool((abs(again - kept) > tolerance).any())
        return beyond / 200

    assert share_beyond() < 0.06
    monkeypatch.setattr(reference, "_ALARM", 36.0)  # factor 1: the largest difference as it is
    assert share_beyond() > 0.4


def test_a_measure_without_two_seeds_may_differ_by_rounding_alone(tmp_path: Path) -> None:
    reference.keep(write(tmp_path / "first", BIAS[1:]), tmp_path / "kept")
    assert set(pd.read_csv(tmp_path / "kept" / reference.TOLERANCES)["tolerance"]) == {1e-4}


def test_deviations_are_the_largest_of_each_measure(kept: Path, tmp_path: Path) -> None:
    rows = [
        ("cnn--plain", 0, 0.23, 0.75),
        ("cnn--plain", 1, 0.2412, 0.76),
        ("rf9--plain", 0, 0.1, 0.95),
    ]
    frame = reference.deviations(write(tmp_path / "again", rows), kept).set_index("measure")
    assert frame["largest"].tolist() == pytest.approx([0.03, 0.05])
    assert frame["equal"].tolist() == [1, 2]
    assert frame["where"].tolist() == ["cnn--plain 0", "rf9--plain 0"]
    assert frame["within"].tolist() == [True, False]


def test_the_same_tables_do_not_deviate_and_new_rows_are_left_alone(
    kept: Path, tmp_path: Path
) -> None:
    rows = [*BIAS[::-1], ("vit--plain", 0, 0.9, 0.9)]  # in another order, and one more
    assert largest(write(tmp_path / "again", rows), kept) == {"shape_bias": 0, "cue_match_rate": 0}


@pytest.mark.parametrize(
    "rows",
    [BIAS[1:], [("cnn--plain", 0, math.nan, 0.75), *BIAS[1:]]],
    ids=["a row is gone", "a number is gone"],
)
def test_what_is_gone_is_beyond_every_tolerance(
    kept: Path, tmp_path: Path, rows: list[tuple]
) -> None:
    assert largest(write(tmp_path / "again", rows), kept)["shape_bias"] == math.inf


def test_undefined_in_both_is_the_same(tmp_path: Path) -> None:
    first = write(tmp_path / "first", [("cnn--plain", 0, math.nan, 0.5)])
    reference.keep(first, tmp_path / "kept")
    assert largest(first, tmp_path / "kept")["shape_bias"] == 0
    other = write(tmp_path / "other", [("cnn--plain", 0, 0.5, 0.5)])
    assert largest(other, tmp_path / "kept")["shape_bias"] == math.inf


def test_only_the_end_of_training_is_kept(tmp_path: Path) -> None:
    rows = [{"model": "cnn--plain", "seed": 0, "epoch": epoch, "stage": "stem", "cue": "shape",
             "input": "pooled", "accuracy": epoch / 10} for epoch in (0, 3)]  # fmt: skip
    results = write(tmp_path / "first", BIAS, readout=pd.DataFrame(rows))
    reference.keep(results, tmp_path / "kept")
    assert pd.read_csv(tmp_path / "kept" / "readout.csv")["epoch"].tolist() == [3]
    assert largest(results, tmp_path / "kept")["accuracy"] == 0


def test_a_row_that_stands_twice_or_a_table_that_is_missing(kept: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the row 'cnn--plain 0' stands twice \(model, seed\)"):
        reference.deviations(write(tmp_path / "again", [BIAS[0], *BIAS]), kept)
    with pytest.raises(InputError, match=r"shape_bias\.csv: no such file"):
        reference.deviations(tmp_path / "nothing", kept)
    with pytest.raises(InputError, match="no table to keep"):
        reference.keep(tmp_path / "nothing", tmp_path / "other")


def test_what_cannot_be_kept_or_compared_writes_nothing(tmp_path: Path, kept: Path) -> None:
    results = write(tmp_path / "results", BIAS)
    out = tmp_path / "out"
    cases = [
        (
            {"networks": ["cnn--plane"]},
            "no network 'cnn--plane' in its tables; did you mean 'cnn--plain'",
        ),
        ({"tables": ["agreement"]}, "agreement.csv: no such file"),
        ({"tables": ["agreemnt"]}, "table 'agreemnt' is not known; did you mean 'agreement'"),
    ]
    for options, message in cases:
        with pytest.raises(InputError, match=message):
            reference.keep(results, out, **options)
        assert not out.exists()
    write(results, [*BIAS[:2], ("rf9--plain", 0, "abc", 0.9)])
    said = r"shape_bias\.csv, row 4: shape_bias 'abc'; expected a number or nothing"
    with pytest.raises(InputError, match=said):
        reference.keep(results, out)
    with pytest.raises(InputError, match=said):
        reference.deviations(results, kept)
    header = (kept / "shape_bias.csv").read_text().splitlines()[0]
    (kept / "shape_bias.csv").write_text(header + "\n")
    with pytest.raises(InputError, match=r"kept/shape_bias\.csv: holds no row to compare with"):
        reference.deviations(write(tmp_path / "again", BIAS), kept)
    with pytest.raises(InputError, match="holds no tables to compare"):
        reference.differing_files(results, tmp_path / "nosuch")


def test_the_command_prints_and_fails_beyond_a_tolerance_or_on_other_bytes(
    kept: Path, tmp_path: Path
) -> None:
    def run(folder: str, *more: str) -> tuple[int, str]:
        done = CliRunner().invoke(
            app, ["deviations", str(tmp_path / folder), "--reference", str(kept), *more]
        )
        return done.exit_code, done.output

    status, printed = run("first")
    assert status == 0
    assert "shape_bias.shape_bias" in printed
    write(tmp_path / "far", [("cnn--plain", 0, 0.5, 0.75), *BIAS[1:]])
    status, printed = run("far")
    assert status == 1
    assert "cnn--plain 0  BEYOND" in printed

    twin = write(tmp_path / "twin", BIAS)
    assert run("first", "--twin", str(twin))[0] == 0
    alone = CliRunner().invoke(app, ["deviations", str(tmp_path / "first"), "--twin", str(twin)])
    assert alone.output == "1 tables, the same bytes in both runs\n"
    nothing = CliRunner().invoke(app, ["deviations", str(twin)])
    assert isinstance(nothing.exception, InputError)
    with open(twin / "tables" / "shape_bias.csv", "a", encoding="utf-8") as file:
        file.write("\n")
    status, printed = run("first", "--twin", str(twin))
    assert status == 1
    assert "differing between two runs: shape_bias.csv" in printed


def test_the_kept_tables_of_an_experiment_are_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results = write(Path("results", "first"), BIAS)
    done = CliRunner().invoke(app, ["deviations", str(results)])
    assert isinstance(done.exception, InputError)
    assert "tests/reference/first: no such folder" in str(done.exception)
    reference.keep(results, Path("tests", "reference", "first"))
    done = CliRunner().invoke(app, ["deviations", str(results)])
    assert done.exit_code == 0, done.output
    assert "shape_bias.shape_bias" in done.output


def test_a_table_that_is_asked_for_is_kept_with_all_its_numbers(tmp_path: Path) -> None:
    def written(folder: str, **cells: object) -> Path:
        row = {
            "measure_x": "shape_bias",
            "measure_y": "readout_shape",
            "rho": 0.5,
            "n_networks": 13,
        }
        frame = declared("correlations").frame([row | cells])
        return write(tmp_path / folder, BIAS, correlations=frame)

    first, place = written("first"), tmp_path / "kept"
    runner = CliRunner()
    words = ["keep-reference", str(first), "--output", str(place)]
    assert (
        runner.invoke(app, [*words, "--model", "rf9--plain", "--table", "correlations"]).exit_code
        == 0
    )
    kept = pd.read_csv(place / "correlations.csv")
    assert kept[["measure_x", "measure_y", "n_networks", "rho"]].to_numpy().tolist() == [
        ["shape_bias", "readout_shape", 13, 0.5]
    ]
    assert "coupled" not in kept  # words that may be put better
    assert len(pd.read_csv(place / "shape_bias.csv")) == 1
    found = largest(written("again", rho=0.25, coupled="otherwise"), place)
    assert found["rho"] == 0.25
    assert found["p_value"] == 0
    fewer = largest(written("fewer", n_networks=12), place)
    assert fewer["rho"] == math.inf
    with pytest.raises(InputError, match="table 'correlation' is not"):
        reference.keep(first, place, tables=["correlation"])
    with pytest.raises(InputError, match=r"agreement\.csv"):
        reference.keep(first, place, tables=["agreement"])
