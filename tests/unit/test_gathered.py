"""Sections of the article that techniques bring: where each stands, and what a faulty one costs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests import synthetic_tables
from tests.article_world import PAPER, page_of, project, words_of

from texshape import gathered, techniques
from texshape.article import compile_article
from texshape.errors import InputError
from texshape.gathered import described, gather, said_hash, text_hash
from texshape.techniques import registry
from texshape.techniques.sections import PARTS, Typst

OWN = {path.parent.name: path for path in Path(techniques.__file__).parent.glob("*/article.typ")}
PACKAGE = "texshape-faulty"


def sources() -> list[str]:
    paths = [*PAPER.rglob("*.typ"), *OWN.values()]
    return [path.read_text(encoding="utf-8") for path in paths]


def test_what_every_experiment_runs_has_its_section_in_its_folder() -> None:
    assert set(OWN) == set(registry.ALWAYS)
    for name in registry.ALWAYS:
        section = registry.get(name).section
        assert isinstance(section, Typst)
        assert section.place == f"texshape.techniques.{name}:article.typ"
        assert section.text() == OWN[name].read_text(encoding="utf-8")
        assert bool(section.tells) == (section.part == "side-by-side")


def test_each_part_is_set_at_one_place_and_no_technique_is_named_there() -> None:
    set_at = [part for text in sources() for part in re.findall(r'#sections-of\("([\w-]+)"', text)]
    assert sorted(set_at) == sorted(PARTS)
    main = (PAPER / "main.typ").read_text(encoding="utf-8")
    assert not [name for name in registry.OURS if re.search(rf"\b{name}\b", main)]
    included = [file for text in sources() for file in re.findall(r'include "(\S+)"', text)]
    there = [path.relative_to(PAPER).as_posix() for path in (PAPER / "sections").iterdir()]
    assert sorted(included) == sorted(there)  # the article's own


def test_those_with_a_table_are_set_in_the_order_of_the_techniques(tmp_path: Path) -> None:
    def names(*files: str) -> list[str]:
        return [one.name for one in gather(tmp_path, files)]

    assert names() == ["shape_bias"]  # what others build on
    tables = [f"tables/{name}.csv" for name in ("erasure", "readout", "cue_strength")]
    assert names(*tables) == ["readout", "cue_strength", "erasure", "shape_bias"]
    assert names("tables/corruption_errors.csv") == ["shape_bias", "corruptions"]
    # Drawings are left over from any run; they count where a technique writes no table.
    assert names("figures/readout.svg", "figures/feature_visualization.png") == [
        "feature_visualization", "shape_bias",
    ]  # fmt: skip


def test_a_part_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no part 'knowlege'; did you mean 'knowledge'"):
        Typst("a:article.typ", part="knowlege")
    with pytest.raises(ValueError, match=r"expected package:NAME\.typ, found 'article\.typ'"):
        Typst("article.typ")


def test_the_hashes_follow_text_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    technique = registry.get("triplets")
    before = text_hash(), said_hash([technique])
    assert before == (text_hash(), said_hash([technique]))
    monkeypatch.setattr(Typst, "text", lambda self: "= Other")
    assert text_hash() != before[0]
    assert said_hash([technique]) == before[1]
    assert said_hash([registry.get("readout")]) != before[1]


def say(arguments: dict, *named: dict) -> None:
    """What techniques of another package say of themselves."""
    path = arguments["results"] / gathered.NAMED
    path.write_text(json.dumps({"techniques": list(named)}), encoding="utf-8")


def written(name: str, text: str, part: str = "further") -> dict:
    own = {"package": PACKAGE, "part": part, "tells": "", "place": f"{name}:article.typ",
           "shown": ["tables/shape_bias.csv"], "text": text}  # fmt: skip
    return {**described(registry.get("triplets")), "name": name, "typst": own}


def test_a_section_of_another_package_that_cannot_be_set_costs_itself_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    tables = synthetic_tables.published()
    arguments = project(tmp_path, tables, kind="published")
    lib = '#import "../lib.typ": *\n'
    say(
        arguments,
        written(
            "good", lib + '= All is well\n#(rows("shape_bias").len()) rows, @bias.', "knowledge"
        ),
        written("broken", lib + "= Broken\n#no-such-thing"),
        written("twice", "= Twice <bias>", "meaning"),  # a label of ours
        written("silent", '#figure(image("/paper/none.png"))'),
        {**written("absent", "= Absent"), "typst": {**written("absent", "")["typst"], "shown": []}},
    )
    text, warned = words_of(page_of(arguments)), capsys.readouterr().err
    assert f"{len(tables['shape_bias'])} rows, Section" in text
    for name, why in (("broken", "unknown variable: no-such-thing (broken:article.typ:3:1)"),
                      ("twice", "label `<bias>` occurs multiple times in the document"),
                      ("silent", "file not found")):  # fmt: skip
        line = f"technique '{name}' of {PACKAGE}: its section cannot be set: {why}"
        assert line in warned, name
        assert line in text, name
    assert "Twice" not in text
    assert "Absent" not in text
    assert "What a shape bias is, exactly" in text


def test_a_fault_in_ours_is_one_line_that_names_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = project(tmp_path, synthetic_tables.published(), kind="published")
    page_of(arguments)
    say(arguments, written("good", "= All is well"))
    monkeypatch.setattr(Typst, "text", lambda self: "\n#no-such-thing")
    files = {"pdf": tmp_path / "a.pdf", "html": tmp_path / "a.html"}
    with pytest.raises(
        InputError,
        match=r"unknown variable: no-such-thing \(texshape\.techniques\.\w+:article\.typ:2:1\)",
    ):
        compile_article(**arguments, **files)
    assert not (tmp_path / "a.pdf").exists()


def test_corruptions_stand_with_either_of_their_tables(tmp_path: Path) -> None:
    arguments = project(tmp_path, synthetic_tables.procedural())
    some = ["parameters.json", "tables/shape_bias.csv", "tables/accuracy.csv"]
    text = words_of(page_of(arguments, files=[*some, "tables/corruptions.csv"]))
    assert "with what else is known of it: how it withstands corrupted pictures." in text
    assert "Accuracy without and under corruption" in text
    assert "corruption error ratio" not in text
    text = words_of(page_of(arguments, files=[*some, "tables/corruption_errors.csv"]))
    assert "the corruption error ratio is" in text
    assert "The same networks, side by side" not in words_of(page_of(arguments, files=some))
