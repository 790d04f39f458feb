"""Versions and the commit that a result names."""

from __future__ import annotations

from pathlib import Path

from texshape import provenance


def test_versions_and_commit() -> None:
    found = provenance.versions()
    assert found["torch"].startswith("2.")
    assert found["python"].count(".") == 2
    commit = provenance.git_commit(Path(__file__).parent)
    assert commit["commit"] is None or len(str(commit["commit"])) == 40
    assert provenance.git_commit("/") == {"commit": None, "dirty": None}
