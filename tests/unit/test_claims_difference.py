"""`texshape claims A B`: which sentences differ between two folders of results, and by which cells."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests import synthetic_tables
from tests.article_world import at, claims_of, results_of
from typer.testing import CliRunner

from texshape.claims import Cell, Claim, write
from texshape.claims.difference import ABSENT, differences, lines, load
from texshape.cli import claims as command
from texshape.cli.main import app
from texshape.errors import InputError


def made(
    id: str = "bias", verdict: str = "high", value: float | None = 0.5, seed: str = "0"
) -> Claim:
    cell = Cell("shape_bias", {"architecture": "cnn", "seed": seed}, "ci_low", value)
    return Claim(
        id,
        "trained",
        "a cell",
        (cell,),
        "high: above",
        verdict,
        ("high", "low"),
        f"It is *{verdict}*.",
    )


def folder(path: Path, claims: list[Claim]) -> Path:
    path.mkdir()
    write(path / "claims.json", claims)
    return path


def asked(*words: object) -> tuple[int, str]:
    assert command
    done = CliRunner().invoke(app, ["claims", *map(str, words)])
    if isinstance(done.exception, InputError):
        return done.exception.status, str(done.exception)
    return done.exit_code, done.output


def test_the_same_claims_do_not_differ(tmp_path):
    first, second = (folder(tmp_path / name, [made(), made("other")]) for name in "ab")
    assert asked(first, second) == (0, "2 claims, all the same\n")
    assert load(first) == [made(), made("other")]  # nothing is lost on the way


def test_a_claim_that_turns_is_shown_with_both_sentences_and_both_cells(tmp_path):
    first = folder(tmp_path / "a", [made(), made("same")])
    second = folder(tmp_path / "b", [made(verdict="low", value=0.25), made("same")])
    status, text = asked(first, second)
    assert status == 1
    assert text.splitlines() == [
        "bias: high | low",
        f"  {first}: It is high.",
        f"  {second}: It is low.",
        "    shape_bias.csv cnn 0 ci_low: 0.5 | 0.25",
        "1 of 2 claims differ",
    ]


def test_a_cell_alone_does_not_make_a_sentence_differ():
    assert differences([made(value=0.5)], [made(value=0.6)]) == []


def test_a_number_in_a_sentence_does():
    first, second = (replace(made(), sentence=f"It is {x}.") for x in (0.5, 0.6))
    (found,) = differences([first], [second])
    assert next(lines(found, ("a", "b"), 0)) == "bias: high"


def test_what_one_side_alone_says_is_named_with_its_cells():
    gone, come = differences([made("gone")], [made("come", value=None)])
    assert (gone.id, gone.second) == ("gone", None)
    assert [(cell.first, cell.second) for cell in gone.cells()] == [(0.5, ABSENT)]
    assert (come.id, come.first) == ("come", None)
    assert list(lines(come, ("a", "b"), 5)) == [
        "come: not made | high",
        "  a: (not made)",
        "  b: It is high.",
        f"    shape_bias.csv cnn 0 ci_low: {ABSENT} | empty",
    ]


def test_cells_beyond_the_asked_for_are_counted():
    first = replace(made(), cells=tuple(made(seed=str(seed)).cells[0] for seed in range(5)))
    (found,) = differences([first], [made(verdict="low", value=0.1)])
    assert len(found.cells()) == 5
    assert list(lines(found, ("a", "b"), 2))[-1] == "    and 3 more cells"


def test_json_has_every_cell(tmp_path):
    first = folder(tmp_path / "a", [made()])
    second = folder(tmp_path / "b", [made(verdict="low", value=None)])
    status, text = asked(first, second, "--format", "json", "--cells", 0)
    found = json.loads(text)
    assert (status, found["claims"]) == (1, 1)
    assert found["differ"][0]["first"] == {"verdict": "high", "sentence": "It is *high*."}
    assert found["differ"][0]["cells"] == [
        {"table": "shape_bias", "row": {"architecture": "cnn", "seed": "0"}, "column": "ci_low",
         "first": 0.5, "second": None}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"b/claims\.json: no such file; make it with texshape run claims --results \S+b "),
        ("{", r"b/claims\.json: not readable JSON"),
        ("[]", r"b/claims\.json: not a file of claims"),
        ('{"claims": [{"id": "a"}]}', r"b/claims\.json: not a file of claims \('section'\)"),
        ("no text", r"b/claims\.json: not a file of claims \(sentence is None, expected a text\)"),
        ("twice", r"b/claims\.json: expected each claim once"),
    ],
)
def test_a_folder_without_usable_claims_is_one_line(tmp_path, content, message):
    first, second = folder(tmp_path / "a", [made()]), tmp_path / "b"
    second.mkdir()
    if content == "twice":
        write(second / "claims.json", [made(), made()])
    elif content == "no text":
        write(second / "claims.json", [replace(made(), sentence=None)])
    elif content is not None:
        (second / "claims.json").write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        load(second)
    assert "\n" not in str(caught.value)
    assert asked(first, second) == (2, str(caught.value))


def test_a_mistyped_folder_is_named_with_the_nearest(tmp_path):
    first = folder(tmp_path / "procedural", [made()])
    assert asked(first, tmp_path / "procedual")[0] == 2
    with pytest.raises(InputError, match=r"no such folder of results; did you mean '.*procedural'"):
        load(tmp_path / "procedual")


def test_in_results_a_moved_seed_changes_the_sentences_that_rest_on_it(tmp_path):
    tables = synthetic_tables.procedural()
    arguments = results_of(tmp_path / "before", tables)
    before = claims_of(arguments)
    frame = synthetic_tables.named(tables["shape_bias"], 12).drop(columns="verdict")
    tables["shape_bias"] = frame
    frame.loc[at(tables, "shape_bias", seed=1), "congruent_low"] = 0.08
    after = claims_of(results_of(tmp_path / "after", tables))
    found = {one.id: one for one in differences(before, after)}
    assert found["bias-plain"].second.verdict == "not recognised"
    (cell,) = found["bias-plain"].cells()
    assert (cell.row["seed"], cell.column) == ("1", "verdict")
    assert (cell.first, cell.second) == ("texture-biased", "not recognised")
    assert "known-not-used" in found  # what is built on it
    assert "decoder" not in found


def test_the_command_exits_as_diff_does(tmp_path):
    """As a shell sees it: bad input is one line on stderr."""
    first = folder(tmp_path / "a", [made()])
    call = [sys.executable, "-m", "texshape", "claims", str(first), str(tmp_path)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "claims.json: no such file" in done.stderr
