"""A network that a technique cannot measure: it is left out with its reason, and all else goes on."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests import article_world, synthetic_tables

from texshape import tables
from texshape.cli.technique import list_techniques, step
from texshape.config import whole
from texshape.errors import InputError
from texshape.experiment import left_out
from texshape.experiment.columns import LEFT_OUT
from texshape.experiment.filled_tables import filled
from texshape.experiment.layout import Layout
from texshape.figures.registry import draw
from texshape.files import read_csv, read_npz
from texshape.tables import Column, Table
from texshape.techniques import registry
from texshape.techniques.base import Figure, File, Technique
from texshape.techniques.named import named

ROOT = Path(__file__).parents[2]
SHARE = Column("share", "number", "of blue", "fraction")
BLUE = Table("blue", "a state", (SHARE,), front=(*tables.FRONT, "epoch"))
TECHNIQUE = Technique(
    "blue", "blue", "How blue?", "nobody", f"{__name__}:run", (BLUE,),
    files=(File("maps.npz", "maps"), File("notes.txt", "notes")), applies=f"{__name__}:only_seed_0",
    figures=(Figure("blue", ("blue",), f"{__name__}:fail"),),
)  # fmt: skip
GREY = "it has no colour"


def run(inputs):
    return {
        "blue": pd.DataFrame({"epoch": [1], "share": [0.25]}),
        "maps.npz": lambda path: np.savez(path, map=np.ones(2)),
        "notes.txt": lambda path: path.write_text("blue"),
    }


def only_seed_0(inputs):
    return "" if inputs.network_seed == 0 else GREY


def fail(*_):
    raise AssertionError("nothing to draw")


def measured(folder: Path, *seeds: int) -> pd.DataFrame:
    """The table over networks, as the step and the rule of tables make it."""
    layout = Layout(str(folder))
    runs = [f"cnn--plain/seed-{seed}" for seed in seeds]
    for name in runs:
        words = ["--results", str(folder), "--run", name, "--parameters", '{"seed": 0}']
        step(TECHNIQUE).main(words, standalone_mode=False)
    reasons = tables.concatenate([layout.left_out(run, "blue") for run in runs], folder, LEFT_OUT)
    LEFT_OUT.write(folder / left_out.FILE, reasons, networks=True)
    found = tables.concatenate([layout.measure(run, "blue") for run in runs], folder, BLUE)
    BLUE.write(folder / "tables" / "blue.csv", found, networks=True)
    return read_csv(folder / "tables" / "blue.csv")


def test_the_others_are_measured_and_the_reason_stands_in_a_table(tmp_path, capsys):
    table = measured(tmp_path, 0, 1)
    assert table[["seed", "epoch", "share"]].to_numpy().tolist() == [[0, 1, 0.25]]
    (row,) = read_csv(tmp_path / left_out.FILE).to_dict("records")
    assert (row["model"], row["seed"]) == ("cnn--plain", 1)
    assert (row["technique"], row["tables"], row["reason"]) == ("blue", "blue", GREY)
    assert f"warning: cnn--plain/seed-1: blue: left out, since {GREY}" in capsys.readouterr().err
    kept, gone = tmp_path / "cnn--plain/seed-0", tmp_path / "cnn--plain/seed-1"
    assert read_npz(kept / "maps.npz")["map"].tolist() == [1, 1]
    assert read_npz(gone / "maps.npz") == {}
    assert [(place / "notes.txt").read_text() for place in (kept, gone)] == ["blue", ""]
    files = ["tables/blue.csv", left_out.FILE, "metrics.json"]
    assert filled(tmp_path, files) == files


def test_a_table_without_any_network_counts_as_not_there(tmp_path):
    table = measured(tmp_path, 1, 2)
    assert len(table) == 0
    assert list(table) == [*tables.FRONT, "epoch", "share"]
    files = ["tables/blue.csv", "tables/red.csv", left_out.FILE, "metrics.json"]
    assert filled(tmp_path, files) == files[1:]


def test_its_figure_says_that_nothing_was_measured(monkeypatch):
    monkeypatch.setattr(registry, "installed", lambda: {"blue": None})
    monkeypatch.setattr(registry, "get", lambda name: TECHNIQUE)
    figure = draw("blue", {"blue": pd.DataFrame(columns=["share"])})
    texts = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert texts == ["undefined: no network could be measured"]
    with pytest.raises(AssertionError, match="nothing to draw"):
        draw("blue", {"blue": pd.DataFrame({"share": [0.5]})})


def test_missing_images_are_an_error_and_no_reason(tmp_path):
    needs = replace(TECHNIQUE, images=("plain",))
    words = [
        "--results",
        str(tmp_path),
        "--run",
        "cnn--plain/seed-1",
        "--parameters",
        '{"seed": 0}',
    ]
    with pytest.raises(InputError, match="there are no images 'plain'"):
        step(needs).main(words, standalone_mode=False)
    assert not list(tmp_path.iterdir())


def test_the_article_names_them_and_goes_on_without_an_empty_table(tmp_path):
    made = synthetic_tables.procedural()
    before = article_world.project(tmp_path / "before", made)
    whole_page = article_world.words_of(article_world.page_of(before))
    assert "What could not be measured" not in whole_page
    arguments = article_world.project(tmp_path / "after", made)
    place = arguments["results"] / "tables"
    erasure = read_csv(place / "erasure.csv")
    rows = [{"model": "cnn--plain", "architecture": "cnn", "arm": "plain", "seed": 0, "technique": "erasure",
             "tables": "erasure", "reason": GREY}]  # fmt: skip
    LEFT_OUT.write(place / "left_out.csv", LEFT_OUT.frame(rows, networks=True), networks=True)
    erasure.iloc[:0].to_csv(place / "erasure.csv", index=False)
    page = article_world.words_of(article_world.page_of(arguments))
    assert "What could not be measured" in page
    assert f"plain (seed 0), since {GREY}." in page
    assert len(page) < len(whole_page)
    sections = {claim.section for claim in article_world.claims_of(arguments)}
    assert "erasure" not in sections
    assert "erasure" in {claim.section for claim in article_world.claims_of(before)}


# --- names that are taken ------------------------------------------------------------------------


@pytest.fixture
def taken(monkeypatch):
    entry = EntryPoint("training", "foreign:TECHNIQUE", registry.GROUP)
    monkeypatch.setattr(registry, "installed", lambda: {"training": entry})


def test_a_technique_with_the_name_of_a_section_is_refused_in_one_line(taken):
    line = (
        "technique 'training' of foreign:TECHNIQUE: the parameters have a section 'training' already; "
        "expected another name"
    )
    given = whole.read([ROOT / "params.yaml"])
    assert named(["training"]) == ([], {"training": line})
    kept = registry.without_sections(given | {"techniques": ["training"]})
    assert kept["training"] == given["training"]
    # Who does not name it is not concerned.
    assert registry.without_sections(given) == given


def test_the_others_are_listed_all_the_same(taken, capsys):
    with pytest.raises(InputError, match="have a section 'training' already"):
        list_techniques()
    said = capsys.readouterr().out
    assert [f"\n{name}: " in f"\n{said}" for name in registry.ALWAYS] == [True] * len(
        registry.ALWAYS
    )
