"""What measures and scores needs no workflow: it runs where Snakemake, DVC and MLflow are not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests import survey_world

from texshape.files import read_csv

SOURCES = Path(__file__).resolve().parents[2] / "src"
# Read by Python when it starts: from then on none of them can be found.
ABSENT = """
import sys
from importlib.abc import MetaPathFinder

class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("snakemake", "dvc", "mlflow"):
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

sys.meta_path.insert(0, Absent())
"""


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment without the packages of the extra ``workflow``."""
    place = tmp_path_factory.mktemp("light")
    (place / "sitecustomize.py").write_text(ABSENT, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(place), str(SOURCES)])}


def texshape(light: dict[str, str], *words: object, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "texshape", *map(str, words)],
        env=light, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_they_are_absent(light: dict[str, str], tmp_path: Path) -> None:
    for name in ("snakemake", "dvc", "mlflow"):
        done = subprocess.run([sys.executable, "-c", f"import {name}"], env=light, cwd=tmp_path,
                              capture_output=True, text=True, check=False)  # fmt: skip
        assert "ModuleNotFoundError" in done.stderr


def test_a_network_is_measured_without_them(light: dict[str, str], tmp_path: Path) -> None:
    stimuli = survey_world.write_stimuli(tmp_path)
    name = survey_world.write_networks(tmp_path)[0]
    settings = survey_world.write_settings(tmp_path)
    done = texshape(light, "measure", name, "--stimuli", stimuli, "--settings", settings, "--quick",
                    "-o", "out", folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(read_csv(tmp_path / "out" / "tables" / "shape_bias.csv")) == 1
    trials = next((tmp_path / "out").glob("*/seed-0/trials/cue-conflict.csv"))
    scored = texshape(light, "score", trials, folder=tmp_path)
    assert scored.returncode == 0, scored.stderr[-2000:]
    assert "benchmark" in texshape(light, "--help", folder=tmp_path).stdout


def test_what_needs_one_of_them_says_so_in_a_line(light: dict[str, str], tmp_path: Path) -> None:
    code = "from texshape import tracking; tracking.publish([], 'name')"
    done = subprocess.run([sys.executable, "-c", code], env=light, cwd=tmp_path,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert "MLflow is not installed; pip install 'texshape[workflow]'" in done.stderr
    assert not list(tmp_path.iterdir())
