"""Bad input to the comparison: one clear line, nothing half-written."""

from __future__ import annotations

import json
import sys

import pandas as pd
import pytest
from tests import comparison_world as world

from texshape.cli import main

NETWORKS = {name: world.NETWORKS[name] for name in ("cnn--plain", "rf9--plain")}


def fail(monkeypatch, capsys, folder, *arguments: str, settings: dict | str = "{}") -> str:
    """Run ``compare`` that must fail with status 2; returns its line."""
    import texshape.cli.comparison

    assert texshape.cli.comparison.run is not None
    text = settings if isinstance(settings, str) else json.dumps(settings)
    monkeypatch.setattr(sys, "argv", [
        "texshape", "run", "compare", "--tables", str(folder / "tables"), "--settings", text,
        "--output-dir", str(folder / "out"), *map(str, arguments),
    ])  # fmt: skip
    with pytest.raises(SystemExit) as stopped:
        main.main()
    assert stopped.value.code == 2
    assert not (folder / "out").exists()
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    return lines[0]


@pytest.fixture
def experiment(tmp_path):
    world.write(tmp_path, NETWORKS, seeds=(0, 1))
    return tmp_path


def test_no_tables(monkeypatch, capsys, tmp_path):
    line = fail(monkeypatch, capsys, tmp_path)
    assert "tables: holds none of the tables shape_bias, accuracy, readout" in line


@pytest.mark.parametrize(
    ("table", "column"),
    [("shape_bias", "n_shape"), ("readout", "stage"), ("erasure", "beyond_low"),
     ("dimensionality", "estimator"), ("shuffling", "k"), ("cue_strength", "balance_point")],
)  # fmt: skip
def test_missing_column(monkeypatch, capsys, experiment, table, column):
    path = experiment / "tables" / f"{table}.csv"
    pd.read_csv(path).drop(columns=column).to_csv(path, index=False)
    line = fail(monkeypatch, capsys, experiment)
    assert f"{table}.csv: column '{column}' is missing; found model" in line


def test_word_for_a_number(monkeypatch, capsys, experiment):
    path = experiment / "tables" / "readout.csv"
    frame = pd.read_csv(path).astype({"accuracy": object})
    frame.loc[3, "accuracy"] = "high"
    frame.to_csv(path, index=False)
    line = fail(monkeypatch, capsys, experiment)
    assert "readout.csv: column 'accuracy', row 4: expected a number, found 'high'" in line


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"margn": 0.1}, "unknown parameter 'comparison.margn'; did you mean 'margin'"),
        ({"margin": 0}, "comparison.margin: expected a number between 0 and 1, found 0"),
        ({"alpha": 0.6}, "comparison.alpha: expected a number between 0 and 0.5"),
        ({"least_networks": 2}, "comparison.least_networks: expected a whole number of at least 3"),
        ({"correlations": [["shape_bias"]]}, "comparison.correlations[0]: expected a list of 2"),
        ({"correlations": [["shape_bias", "readout_shap"]]}, "did you mean 'readout_shape'"),
        ({"correlations": [["shape_bias", "used_shape"], ["used_shape", "shape_bias"]]}, "twice"),
        ({"information": []}, "comparison.information: expected a list"),
        ({"choose_seeds": [-1]}, "comparison.choose_seeds[0]: expected a whole number"),
        ({"covariate": "age"}, "comparison.covariate: no measure 'age'"),
        ({"input": "poled"}, "did you mean 'pooled'"),
        ("[]", "--settings: expected a JSON object"),
        ("{", "--settings: not JSON"),
    ],
)
def test_settings(monkeypatch, capsys, experiment, settings, expected):
    assert expected in fail(monkeypatch, capsys, experiment, settings=settings)


def test_network_without_results(monkeypatch, capsys, experiment):
    line = fail(monkeypatch, capsys, experiment, "--network", "cnn--plain/seed-0")
    assert "--network needs --results" in line


def test_network_without_trials(monkeypatch, capsys, experiment):
    line = fail(monkeypatch, capsys, experiment, "--results", experiment, "--network",
                "cnn--plain/seed-7")  # fmt: skip
    assert "cue-conflict.csv: no such file" in line


def test_readings_without_network(monkeypatch, capsys, experiment):
    line = fail(monkeypatch, capsys, experiment, "--readings", "readout/images.csv")
    assert "--readings needs --network" in line


def test_readings_missing(monkeypatch, capsys, experiment):
    path = experiment / "cnn--plain" / "seed-0" / "readout" / "none.csv"
    line = fail(monkeypatch, capsys, experiment, "--results", experiment, "--network",
                "cnn--plain/seed-0", "--readings", path)  # fmt: skip
    assert "readout/none.csv: no such file" in line


def test_readings_of_another_network(monkeypatch, capsys, experiment):
    path = experiment / "rf9--plain" / "seed-0" / "readout" / "images.csv"
    line = fail(monkeypatch, capsys, experiment, "--results", experiment, "--network",
                "cnn--plain/seed-0", "--readings", path)  # fmt: skip
    assert f"{path}: its network is none of --network" in line


@pytest.mark.parametrize("place", ["images.csv", "elsewhere/cnn--plain/seed-0/images.csv"])
def test_readings_outside_the_results(monkeypatch, capsys, experiment, place):
    line = fail(monkeypatch, capsys, experiment, "--results", experiment, "--network",
                "cnn--plain/seed-0", "--readings", experiment.parent / place)  # fmt: skip
    assert "images.csv: expected a file below" in line


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda f: f.drop(columns="correct"), "column 'correct' is missing"),
        (lambda f: f[f["imagename"] != "disc1-star1.png"], "'disc1-star1.png' among them"),
        (lambda f: pd.concat([f, f]), "is read twice for shape"),
        (lambda f: f.assign(input="spatial"), "holds no reading of 'pooled' features"),
    ],
)
def test_bad_readings(monkeypatch, capsys, experiment, change, expected):
    path = experiment / "cnn--plain" / "seed-0" / "readout" / "images.csv"
    change(pd.read_csv(path)).to_csv(path, index=False)
    line = fail(monkeypatch, capsys, experiment, "--results", experiment, "--network",
                "cnn--plain/seed-0", "--readings", path)  # fmt: skip
    assert expected in line
    assert "images.csv" in line


def test_networks_that_saw_other_images(monkeypatch, capsys, experiment):
    path = experiment / "rf9--plain" / "seed-1" / "trials" / "cue-conflict.csv"
    pd.read_csv(path, keep_default_na=False).head(300).to_csv(path, index=False)
    runs = [f"{model}/seed-{seed}" for model in NETWORKS for seed in (0, 1)]
    arguments = [word for run in runs for word in ("--network", run)]
    line = fail(monkeypatch, capsys, experiment, "--results", experiment, *arguments,
                settings={"resamples": 50, "permutations": 50})  # fmt: skip
    assert "rf9--plain, seed 1 and cnn--plain, seed 0 saw different cue-conflict images" in line
    assert "--without-arm" in line
