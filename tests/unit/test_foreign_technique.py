"""A technique of another package: the one that docs/how-to/technique.md walks through, built and installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from tests import survey_world

from texshape import source_code
from texshape.cli.main import COMMANDS
from texshape.files import read_csv
from texshape.techniques.base import Technique

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "technique.md"
FILE = re.compile(r"^`([\w.]+)`.*?\n```(?:toml|python)\n(.*?)```", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the page's package is installed."""
    place = tmp_path_factory.mktemp("luminance")
    found = dict(FILE.findall(PAGE.read_text(encoding="utf-8")))
    assert set(found) == {"pyproject.toml", "texshape_luminance.py"}
    for name, text in found.items():
        (place / "package").mkdir(exist_ok=True)
        (place / "package" / name).write_text(text, encoding="utf-8")
    install(place / "site", place / "package")
    return place / "site"


def install(site: Path, package: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
         "--no-build-isolation", "--target", str(site), str(package)],
        check=True, capture_output=True,
    )  # fmt: skip


def run(installed: Path, *words: object, folder: Path = ROOT, ok: bool = True) -> str:
    environment = dict(os.environ)
    paths = [str(installed), str(ROOT / "src"), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        list(map(str, words)), cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode == 0) == ok, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def test_the_page_is_no_longer_than_it_promises() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    code = dict(FILE.findall("\n".join(lines)))["texshape_luminance.py"]
    assert len([line for line in code.splitlines() if line.strip()]) <= 60
    assert len(lines) < 100


def test_it_is_listed_and_has_a_command(installed: Path) -> None:
    listed = run(installed, "texshape", "techniques")
    assert "luminance: How much of each stage is mean brightness?" in listed
    assert "texshape run luminance" in run(installed, "texshape", "run", "luminance", "--help") or (
        "luminance" in run(installed, "texshape", "run", "--help")
    )
    assert "luminance" not in COMMANDS


def test_measure_runs_it(installed: Path, tmp_path: Path) -> None:
    stimuli = survey_world.write_stimuli(tmp_path)
    names = survey_world.write_networks(tmp_path)
    settings = survey_world.write_settings(tmp_path)
    out = tmp_path / "out"
    run(installed, "texshape", "measure", names[0], "--stimuli", stimuli, "--settings", settings,
        "-o", out, "--no-report", folder=tmp_path)  # fmt: skip
    table = read_csv(out / "tables" / "luminance.csv")
    assert set(table["epoch"]) == {0, 1}
    assert table["r2"].between(0, 1).all()
    assert (table["n_images"] == 32).all()
    # Shuffled pictures explain less than the pictures themselves, in the mean over stages.
    assert table["null"].mean() < table["r2"].mean()
    again = tmp_path / "own.yaml"
    again.write_text(settings.read_text() + "\nluminance: {shuffles: 0}\n")
    said = run(installed, "texshape", "measure", names[0], "--stimuli", stimuli, "--settings", again,
               "-o", out, "--no-report", folder=tmp_path, ok=False)  # fmt: skip
    assert "luminance.shuffles: expected a whole number of at least 1, found 0" in said
    assert "Traceback" not in said


def test_an_experiment_that_names_it_has_its_jobs(installed: Path, tmp_path: Path) -> None:
    words = ["snakemake", "-n", "--cores", "1", "--configfile", "experiments/smoke.yaml", "--config",
             'techniques=["luminance"]']  # fmt: skip
    said = run(installed, *words)
    for rule, count in (("luminance", r"\d+"), ("describe_techniques", "1")):
        assert re.search(rf"^{rule} +{count}$", said, re.MULTILINE), rule
    bad = run(installed, *words, 'luminance={"shuffles": "many"}', ok=False)
    assert 'luminance.shuffles: expected a whole number of at least 1, found "many"' in bad
    unknown = run(installed, *words[:-1], 'techniques=["luminence"]', ok=False)
    assert "technique 'luminence' is not known; did you mean 'luminance'?" in unknown
    twice = run(installed, *words[:-1], 'techniques=["readout"]', ok=False)
    assert "techniques: 'readout' is one of texshape's own, which measure anyway" in twice


COMPARE = """
import json, sys
from pathlib import Path
import pandas as pd
from tests import synthetic_tables
from texshape.comparison import measures
from texshape.config.comparison import ComparisonSettings
from texshape.figures.registry import draw
from texshape.techniques import registry
technique = registry.get("luminance")
measures.add(technique)
rows = [{"model": f"cnn--{arm}", "architecture": "cnn", "arm": arm, "seed": 0, "epoch": e, "stage": s,
         "r2": 0.1 * e + (s == "last") * 0.05, "null": 0.01, "n_images": 40}
        for arm in ("plain", "stylized") for e in (0, 1) for s in ("first", "last")]
table = pd.DataFrame(rows)
found = measures.collect({"luminance": table}, ComparisonSettings.of())
draw("luminance", {"luminance": table}).savefig(sys.argv[1])
print(found[["model", "measure", "value", "n", "unit"]].to_json(orient="records"))
"""


def test_its_measure_is_compared_and_its_figure_drawn(installed: Path, tmp_path: Path) -> None:
    picture = tmp_path / "luminance.png"
    said = run(installed, sys.executable, "-c", COMPARE, picture)
    rows = pd.DataFrame(json.loads(said.strip().splitlines()[-1]))
    assert rows["model"].tolist() == ["cnn--plain", "cnn--stylized"]
    assert set(rows["measure"]) == {"luminance_r2"}
    assert rows["value"].round(6).tolist() == [0.15, 0.15]  # last stage of the last epoch
    assert rows["n"].tolist() == [40, 40]
    assert picture.stat().st_size > 1000


def test_what_it_says_of_itself_is_set_in_the_article(installed: Path, tmp_path: Path) -> None:
    path = tmp_path / "techniques.json"
    run(installed, "texshape", "run", "describe-techniques", "luminance", "--output", path)
    (said,) = json.loads(path.read_text())["techniques"]
    assert said["title"] == "Brightness"
    assert said["limits"] == "Only what is linear in the mean is seen."
    assert [figure["name"] for figure in said["figures"]] == ["luminance"]


TYPST = re.compile(r"```typst\n(.*?)```", re.DOTALL)
COMPILE = """
import sys
from pathlib import Path
import pandas as pd
from tests import synthetic_tables
from tests.article_world import page_of, project, words_of
tables = synthetic_tables.procedural()
rows = [{"model": f"cnn--{arm}", "architecture": "cnn", "arm": arm, "seed": 0, "epoch": e, "stage": s,
         "r2": 0.1 * e + (s == "last") * 0.05, "null": 0.01, "n_images": 40}
        for arm in ("plain", "stylized") for e in (0, 1) for s in ("first", "last")]
given = project(Path(sys.argv[1]), tables | {"luminance": pd.DataFrame(rows)})
said = Path(sys.argv[2]).read_text(encoding="utf-8")
(given["results"] / "techniques.json").write_text(said, encoding="utf-8")
print(words_of(page_of(given)))
"""


def test_typst_of_its_own_is_set_where_it_says(installed: Path, tmp_path: Path) -> None:
    """The page's package as a folder that brings its section."""
    found = dict(FILE.findall(PAGE.read_text(encoding="utf-8")))
    (typst,) = TYPST.findall(PAGE.read_text(encoding="utf-8"))
    code, count = re.subn(
        r"section=Section\(.*?\),\n\)\n",
        'section=Typst("texshape_luminance:article.typ", part="knowledge"),\n)\n',
        found["texshape_luminance.py"], flags=re.DOTALL,
    )  # fmt: skip
    assert count == 1
    package = tmp_path / "package" / "texshape_luminance"
    package.mkdir(parents=True)
    imported = "from texshape.techniques.sections import Typst\n"
    (package / "__init__.py").write_text(imported + code, encoding="utf-8")
    (package / "article.typ").write_text(typst, encoding="utf-8")
    project = found["pyproject.toml"].replace(
        'py-modules = ["texshape_luminance"]',
        'packages = ["texshape_luminance"]\npackage-data = { texshape_luminance = ["*.typ"] }',
    )
    (package.parent / "pyproject.toml").write_text(project, encoding="utf-8")
    site = tmp_path / "site"
    install(site, package.parent)
    said = tmp_path / "said.json"
    run(site, "texshape", "run", "describe-techniques", "luminance", "--output", said)
    # The article is compiled of results: the package need not be there any more.
    text = run(tmp_path, sys.executable, "-c", COMPILE, tmp_path / "world", said)
    (place,) = [at.start() for at in re.finditer("Brightness alone", text)]
    assert text.index("Known, whether used or not") < place < text.index("Do the measures agree?")
    assert "brightness explains 15.0 % (seeds 15.0 %, n = 40 each) of the variance" in text
    assert "Further measures" not in text  # nothing stands there
    # Without its file it is refused before any job.
    next(site.glob("texshape_luminance/*.typ")).unlink()
    listed = run(site, "texshape", "techniques", ok=False)
    assert (
        "technique 'luminance' of texshape-luminance cannot be imported (FileNotFoundError"
        in listed
    )


def test_its_jobs_rerun_when_its_code_changes(installed: Path, tmp_path: Path, monkeypatch) -> None:
    module = tmp_path / "foreign_measure.py"
    module.write_text("import texshape.stats.bootstrap\n\ndef run(inputs):\n    return {}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    technique = Technique("foreign", "", "", "", "foreign_measure:run", ())
    roots, others = source_code.technique_roots(technique)
    assert ("texshape.stats.bootstrap", None) in roots
    first = source_code.technique_hash(technique)
    module.write_text("import texshape.stats.bootstrap  # why\n\ndef run(inputs):\n    return {}\n")
    assert source_code.technique_hash(technique) == first
    module.write_text("import texshape.stats.bootstrap\n\ndef run(inputs):\n    return {1: 2}\n")
    assert source_code.technique_hash(technique) != first
    assert len(others) == 1
