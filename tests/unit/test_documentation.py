"""The documentation builds without a warning, and has every page; the notebook runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from texshape.catalogue import catalogue
from texshape.techniques import registry
from texshape.techniques.base import HEADINGS

pytestmark = pytest.mark.timeout(3000)  # a crowded machine takes its time
ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "notebooks" / "measure_your_network.ipynb"


def test_every_page_is_built(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for page in (ROOT / "docs").rglob("*.md"):
        inner = page.relative_to(ROOT / "docs")
        built = inner.parent if inner.stem == "index" else inner.with_suffix("")
        assert (tmp_path / built / "index.html").is_file(), page
    reference = (tmp_path / "reference" / "api" / "index.html").read_text(encoding="utf-8")
    assert "texshape.api.measure" in reference
    assert "One PIL image to the network" in reference  # from its docstring


def test_the_page_on_files_is_what_the_tables_declare(tmp_path: Path) -> None:
    """A column that is renamed, added or removed is so in the page; what is not declared stays."""
    from scripts import reference_pages

    assert reference_pages.stale() == []
    page = (ROOT / "docs" / "reference" / "files.md").read_text(encoding="utf-8")
    for table in catalogue().values():
        part = page.partition(f"### {table.name}.csv\n")[2].partition("\n### ")[0]
        part = part.partition("<!-- end -->")[0]
        told = [name for line in re.findall(r"^\| (`.+?`) \|", part, re.MULTILINE)
                for name in re.findall(r"`(\w+)`", line)]  # fmt: skip
        assert told == [*table.names, *([table.more.name] if table.more else [])], table.name
    changed = page.replace("| `verdict` |", "| `name` |").replace("## Trials", "## Decisions")
    copy = tmp_path / "docs" / "reference" / "files.md"
    copy.parent.mkdir(parents=True)
    copy.write_text(changed, encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(readme.replace("`readout.csv`", ""), encoding="utf-8")
    for name in ("which-measure.md", "how-to/network.md"):
        copied = tmp_path / "docs" / name
        copied.parent.mkdir(exist_ok=True)
        copied.write_text((ROOT / "docs" / name).read_text(encoding="utf-8"), encoding="utf-8")
    command = [sys.executable, ROOT / "scripts" / "reference_pages.py", "--check"]
    assert subprocess.run(command, check=False).returncode == 0
    pages = ["docs/reference/files.md", "README.md"]
    assert reference_pages.stale(tmp_path) == pages
    assert reference_pages.stale(tmp_path, write=True) == pages
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == readme
    again = copy.read_text(encoding="utf-8")
    assert again == page.replace("## Trials", "## Decisions")


def test_every_technique_names_the_page_that_explains_it() -> None:
    for name in (*registry.ALWAYS, *registry.OPTIONAL):
        page = ROOT / "docs" / "explanation" / f"{registry.get(name).explanation}.md"
        assert page.is_file(), name


def test_the_page_that_chooses_a_measure_has_each_technique() -> None:
    """Once, with its question, a file or column to read and one of its limits."""
    from scripts import reference_pages

    chosen = reference_pages.ALL
    assert sorted(chosen) == sorted((*registry.ALWAYS, *registry.OPTIONAL))
    assert {registry.get(name).heading for name in chosen} == set(HEADINGS)
    page = (ROOT / "docs" / "which-measure.md").read_text(encoding="utf-8")
    columns = {table.name: table.names for table in catalogue().values()}
    for name in chosen:
        each = registry.get(name)
        part = page.partition(f"<!-- generated: {each.heading} -->")[2].partition("<!-- end -->")[0]
        (row,) = (line for line in part.splitlines() if line.startswith(f"| {each.question} |"))
        assert page.count(f"| {each.question} |") == 1
        _, technique, read, mind = (cell.strip() for cell in row.strip("| ").split(" | "))
        assert f"[{each.title}](explanation/{each.explanation}.md)" in technique
        assert technique.endswith("*") == (name in registry.OPTIONAL)
        assert re.fullmatch(r".{20,}\.", mind), name
        for place in read.split("; "):
            file, _, named = place.partition(": ")
            table = file.strip("`").removesuffix(".csv")
            if table in columns:
                assert set(re.findall(r"`(\w+)`", named)) <= set(columns[table]), place
            else:
                assert file.strip("`") in each.outputs, place


def test_pages_for_people_of_other_tools_name_what_there_is() -> None:
    """Each file, column, command and parameter of ours that they name exists."""
    columns = {f"{table.name}.csv": table.names for table in catalogue().values()}
    commands = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    for name in ("model-vs-human", "brain-score"):
        page = (ROOT / "docs" / "migrate" / f"{name}.md").read_text(encoding="utf-8")
        named = re.findall(r"`(?:tables/)?(\w+\.csv)`(?:: `(\w+)`)?", page)
        assert len(named) > 5
        for file, column in named:
            assert file in columns, file
            assert not column or column in columns[file], column
        for command in re.findall(r"`texshape (\w+)", page):
            assert f"texshape {command}" in commands, command


def test_the_notebook_runs(mirror: Path, survey_cache: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    pytest.importorskip("efficientnet_lite_pytorch")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code), "outputs are stripped"
    assert "EXEMPLARS = 3" in code[0].source
    code[0].source = code[0].source.replace("EXEMPLARS = 3", "EXEMPLARS = 1")  # a tenth
    client = nbclient.NotebookClient(
        notebook, timeout=600, startup_timeout=600, kernel_name="python3"
    )  # a crowded machine takes its time to start a kernel too
    client.execute()
    shown = [output for cell in code for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in shown), "the figure is shown"
    assert any("cropped" in str(output) or "shape_bias" in str(output) for output in shown)
