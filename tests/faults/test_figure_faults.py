"""Bad input to the figure and article commands: one clear line, nothing half-written."""

from __future__ import annotations

import sys

import pytest
from tests import synthetic_tables

from texshape.cli import main


def run(monkeypatch, capsys, *arguments: str) -> str:
    """Run the command line; returns the line on stderr of a run that must fail with status 2."""
    import texshape.cli.figures

    assert texshape.cli.figures.run is not None
    monkeypatch.setattr(sys, "argv", ["texshape", "run", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main.main()
    assert stopped.value.code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    return lines[0]


def test_unknown_figure(monkeypatch, capsys, tmp_path):
    line = run(monkeypatch, capsys, "figures", "shape_bais", "--tables", tmp_path,
               "--output-dir", tmp_path / "figures")  # fmt: skip
    assert "shape_bais" in line
    assert "'shape_bias'" in line
    assert not (tmp_path / "figures").exists()


def test_missing_table(monkeypatch, capsys, tmp_path):
    line = run(monkeypatch, capsys, "figure", "accuracy", "--tables", tmp_path,
               "--output-stem", tmp_path / "accuracy")  # fmt: skip
    assert "accuracy.csv: no such file" in line
    assert list(tmp_path.iterdir()) == []


def test_missing_column(monkeypatch, capsys, tmp_path):
    tables = synthetic_tables.procedural()
    synthetic_tables.write({"accuracy": tables["accuracy"].drop(columns="n")}, tmp_path)
    line = run(monkeypatch, capsys, "figure", "accuracy", "--tables", tmp_path,
               "--output-stem", tmp_path / "accuracy")  # fmt: skip
    assert "accuracy.csv: column 'n' is missing" in line


@pytest.mark.parametrize(("settings", "expected"), [("{", "not valid JSON"), ("[]", "object")])
def test_settings(monkeypatch, capsys, tmp_path, settings, expected):
    line = run(monkeypatch, capsys, "figure", "accuracy", "--tables", tmp_path,
               "--output-stem", tmp_path / "accuracy", "--settings", settings)  # fmt: skip
    assert "--settings" in line
    assert expected in line


def test_parameters_of_an_experiment(monkeypatch, capsys, tmp_path):
    words = ("figure", "accuracy", "--tables", tmp_path, "--output-stem", tmp_path / "accuracy")
    path = tmp_path / "parameters.json"
    line = run(monkeypatch, capsys, *words, "--parameters", path)
    assert "parameters.json: no such file" in line
    path.write_text("{", encoding="utf-8")
    assert "parameters.json: not readable JSON" in run(
        monkeypatch, capsys, *words, "--parameters", path
    )
    path.write_text('{"arms": {}}', encoding="utf-8")
    line = run(monkeypatch, capsys, *words, "--parameters", path)
    assert "parameters.json: expected all parameters of an experiment" in line
    line = run(monkeypatch, capsys, *words, "--parameters", path, "--settings", '{"arms": {}}')
    assert "--settings and --parameters: expected one of them" in line


def test_words_where_numbers_belong(monkeypatch, capsys, tmp_path):
    tables = synthetic_tables.procedural()
    frame = tables["accuracy"].astype({"accuracy": object})
    frame.loc[3, "accuracy"] = "high"
    synthetic_tables.write({"accuracy": frame}, tmp_path)
    line = run(monkeypatch, capsys, "figure", "accuracy", "--tables", tmp_path,
               "--output-stem", tmp_path / "accuracy")  # fmt: skip
    assert "accuracy.csv: column 'accuracy'" in line
    assert "'high'" in line


def test_article_without_results(monkeypatch, capsys, tmp_path):
    line = run(monkeypatch, capsys, "article", "--results", tmp_path / "nowhere", "--source",
               "paper/main.typ", "--output", tmp_path / "a.pdf", "--html", tmp_path / "a.html")  # fmt: skip
    assert "nowhere: no such folder" in line
    assert list(tmp_path.iterdir()) == []
