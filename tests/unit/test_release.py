"""One version everywhere, and what `make release` refuses."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tools import release

import texshape

ROOT = Path(__file__).resolve().parents[2]
NAMED = ("pyproject.toml", "CITATION.cff", "CHANGELOG.md", "src/texshape/__init__.py")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in NAMED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_one_version_everywhere() -> None:
    assert release.version_of(ROOT) == texshape.__version__
    assert release.disagreements(ROOT) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("CITATION.cff", f"version: {texshape.__version__}", "version: 9.9.9",
         f"CITATION.cff: expected version {texshape.__version__}, found 9.9.9"),
        ("CHANGELOG.md", f"## {texshape.__version__} ", "## Next\n\n- More.\n\n## 0.0 ",
         f"CHANGELOG.md: expected ## {texshape.__version__} first, found Next"),
        ("CHANGELOG.md", f"## {texshape.__version__} (", f"## {texshape.__version__} (1 May 2020, was ",
         "CHANGELOG.md: expected the day of CITATION.cff"),
        ("pyproject.toml", 'dynamic = ["version"]', 'version = "0.2.0"',
         "pyproject.toml: expected the version of texshape.__version__, found 0.2.0"),
    ],
)  # fmt: skip
def test_another_version_is_named(copy: Path, name: str, old: str, new: str, says: str) -> None:
    assert release.disagreements(copy) == []
    edit(copy / name, old, new)
    wrong = release.disagreements(copy)
    assert any(line.startswith(says) for line in wrong), wrong


def test_of_another_package_version_all_others_are_named(copy: Path) -> None:
    edit(copy / "src/texshape/__init__.py", f'"{texshape.__version__}"', '"9.9.9"')
    assert [line.partition(":")[0] for line in release.disagreements(copy)] == [
        "CITATION.cff",
        "CHANGELOG.md",
    ]


def test_changes_and_a_tag_that_is_taken_are_named(copy: Path) -> None:
    def git(*words: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        subprocess.run(["git", *identity, *words], cwd=copy, check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "-m", "All")
    assert release.unready(copy, "0.2.0") == []
    git("tag", "v0.2.0")
    assert release.unready(copy, "0.2.1") == []
    assert release.unready(copy, "0.2.0") == [
        "tag v0.2.0 is there already: raise __version__ first"
    ]
    built_of = release.head_of(copy)
    assert release.moved(copy, built_of) == []
    (copy / "new.txt").write_text("new", encoding="utf-8")
    edit(copy / "CITATION.cff", "MIT", "none")
    assert release.unready(copy, "0.3.0") == [
        "not committed:  M CITATION.cff",
        "not committed: ?? new.txt",
    ]
    assert release.moved(copy, built_of) == [
        "changed meanwhile:  M CITATION.cff",
        "changed meanwhile: ?? new.txt",
    ]
    git("add", ".")
    git("commit", "-m", "More")
    assert release.moved(copy, built_of) == [
        f"built of commit {built_of}, but {release.head_of(copy)} is checked out now"
    ]
