"""Hashes of code: what changes the numbers changes the hash, comments do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from texshape import provenance


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "step").mkdir()
    (tmp_path / "step" / "a.py").write_text('"""Doc."""\ndef f(x):\n    return x + 1\n')
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    return tmp_path


def fresh_hash(*places: str) -> str:
    provenance.source_hash.cache_clear()
    provenance._syntax_hash.cache_clear()
    return provenance.source_hash(*places)


def test_comments_docstrings_and_formatting_do_not_matter(package: Path) -> None:
    before = fresh_hash("step")
    text = '"""Other."""\n# why\n\ndef f( x ):\n    """Say."""\n    return (x + 1)\n'
    (package / "step" / "a.py").write_text(text)
    assert fresh_hash("step") == before
    assert fresh_hash("step/a.py") == before


def test_code_and_data_beside_it_matter(package: Path) -> None:
    before = fresh_hash("step")
    (package / "step" / "a.py").write_text("def f(x):\n    return x + 2\n")
    changed = fresh_hash("step")
    (package / "step" / "table.csv").write_text("a\n1\n")
    assert len({before, changed, fresh_hash("step")}) == 3


def test_versions_and_commit() -> None:
    found = provenance.versions()
    assert found["torch"].startswith("2.")
    assert found["python"].count(".") == 2
    commit = provenance.git_commit(Path(__file__).parent)
    assert commit["commit"] is None or len(str(commit["commit"])) == 40
    assert provenance.git_commit("/") == {"commit": None, "dirty": None}
