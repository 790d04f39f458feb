"""What is built of the project, installed into an empty folder, measures there."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests import survey_world

from texshape.files import read_csv

ROOT = Path(__file__).resolve().parents[2]


def run(*words: object, folder: Path, **variables: str) -> str:
    environment = {**os.environ, **variables}
    done = subprocess.run(
        list(map(str, words)), cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the source archive makes, which the tracked files make, as `python -m build` does."""
    place = tmp_path_factory.mktemp("package")
    tracked = run("git", "ls-files", "-z", folder=ROOT).split("\0")
    with tarfile.open(place / "tracked.tar", "w") as archive:
        for name in filter(None, tracked):
            if (ROOT / name).exists() or (ROOT / name).is_symlink():
                archive.add(ROOT / name, name)
    with tarfile.open(place / "tracked.tar") as archive:
        archive.extractall(place / "clone", filter="data")
    code = "import sys; from setuptools import build_meta as b; b.build_sdist(sys.argv[1])"
    run(sys.executable, "-c", code, place, folder=place / "clone")
    (source,) = place.glob("texshape-*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(place, filter="data")
    code = code.replace("sdist", "wheel")
    run(sys.executable, "-c", code, place, folder=place / source.name.removesuffix(".tar.gz"))
    return next(place.glob("texshape-*.whl"))


def test_the_wheel_holds_the_package_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"texshape", f"{wheel.name.partition('-py3')[0]}.dist-info"}
    wanted = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    assert wanted <= set(names)
    typst = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.typ")}
    assert len(typst) > 12  # a section for each technique that every experiment runs
    assert typst <= set(names)
    for name in ("params.yaml", "published.yaml"):
        held = zipfile.ZipFile(wheel).read(f"texshape/config/defaults/{name}")
        assert held == (ROOT / "src/texshape/config/defaults" / name).read_bytes()


def test_it_measures_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target",
        site, wheel, folder=empty)  # fmt: skip
    stimuli = survey_world.write_stimuli(tmp_path)
    name = survey_world.write_networks(tmp_path)[0]
    where = "import texshape; print(texshape.__file__)"
    found = run(sys.executable, "-c", where, folder=empty, PYTHONPATH=str(site))
    assert Path(found.strip()).is_relative_to(site)
    run(sys.executable, "-m", "texshape", "measure", name, "--stimuli", stimuli, "--quick", "-o",
        "out", folder=empty, PYTHONPATH=str(site))  # fmt: skip
    assert len(read_csv(empty / "out" / "tables" / "shape_bias.csv")) == 1
    assert list((empty / "out").glob("*.pdf"))
    assert list((empty / "out").glob("*.html"))
