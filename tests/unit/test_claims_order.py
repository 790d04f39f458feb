"""All modules of claims are asked, in the order of the article's text."""

from __future__ import annotations

from pathlib import Path

import texshape
from texshape.claims import order
from texshape.techniques.sections import PARTS

PACKAGE = Path(texshape.__file__).parent
FILES = {path.stem for path in (PACKAGE / "claims" / "sections").glob("*.py")} - {"__init__"}
FOLDERS = {path.parent.name for path in (PACKAGE / "techniques").glob("*/claims.py")}


def test_each_module_of_claims_is_asked_once() -> None:
    found = [module.__name__ for module in order.modules().values()]
    expected = {f"texshape.claims.sections.{name}" for name in FILES}
    expected |= {f"texshape.techniques.{name}.claims" for name in FOLDERS}
    assert len(FILES) > 8
    assert len(FOLDERS) > 15
    assert len(found) == len(expected)
    assert set(found) == expected


def test_each_part_of_the_article_has_a_place() -> None:
    assert [place for place in order.TEXT if place in PARTS] == list(PARTS)
    assert len(set(order.TEXT)) == len(order.TEXT)


def test_what_builds_on_verdicts_comes_after_them() -> None:
    """`limits` and `summary` repeat verdicts of techniques; techniques follow the parts of the article."""
    names = list(order.modules())
    assert names[-2:] == ["limits", "summary"]
    known = ["trained", "fields", "shuffling", "sensitivity", "readout", "dimensionality", "segmentation",
             "comparison", "corruptions", "humans", "cue-strength", "erasure", "cue_rank"]  # fmt: skip
    assert [name for name in names if name in known] == known
