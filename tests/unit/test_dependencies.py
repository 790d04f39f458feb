"""docs/dependencies.md says of each declared dependency what it is for; and each is used."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tools.audit import outcome

ROOT = Path(__file__).resolve().parents[2]
# Names under which sources import a package, where they differ; None: run as a program, or a plugin.
IMPORTED = {
    "pillow": "PIL", "pyyaml": "yaml", "scikit-image": "skimage", "dvc": None,
    "snakemake": None, "snakemake-executor-plugin-slurm": None,
}  # fmt: skip


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(lines: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in lines}


def listed() -> dict[tuple[str, str], str]:
    """Extra (or nothing) and package to purpose."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "package":
            extra, purpose = cells[1:] if len(cells) == 3 else ("", cells[1])
            found[extra, canonicalize_name(cells[0])] = purpose
    return found


def test_the_list_is_that_of_the_project() -> None:
    for extra, lines in {
        "": project()["dependencies"],
        **project()["optional-dependencies"],
    }.items():
        assert {name for group, name in listed() if group == extra} == names(lines), extra
    assert all(len(purpose) > 5 for purpose in listed().values())


def test_each_package_that_the_program_needs_is_used_by_it() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    workflow = project()["optional-dependencies"]["workflow"]
    for name in names(project()["dependencies"] + workflow):
        module = IMPORTED.get(name, name)
        if module is not None:
            assert re.search(rf"^\s*(import|from) {module}\b", sources, re.M), name
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    assert "cmd: snakemake" in text


@pytest.mark.parametrize(
    ("status", "output", "expected", "says"),
    [
        (0, "No known vulnerabilities found", 0, "no known vulnerability"),
        (1, "Found 2 known vulnerabilities in 1 package", 1, "see above"),
        (
            1,
            "ERROR: service error: HTTPSConnectionPool: failed to resolve",
            0,
            "NOTHING WAS AUDITED",
        ),
        (
            0,
            "pillow  Dependency not found on PyPI and could not be audited: pillow",
            0,
            "1 packages could NOT",
        ),
        (2, "usage: pip-audit", 2, "pip-audit failed"),
    ],
)
def test_what_the_audit_says(status: int, output: str, expected: int, says: str) -> None:
    found, line = outcome(status, output)
    assert found == expected
    assert says in line
