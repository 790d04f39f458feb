"""Claims at other levels: what reads a level runs again in a folder beside, and the results stay."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tests.workflow import tiny
from tests.workflow.conftest import jobs
from texshape import levels, parameters

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(1500)]

CLAIMS = f"{tiny.RESULTS}/claims.json"
# Every technique that an experiment cannot leave out, at its least.
LEAST = {
    "techniques": [],
    "readout": {"folds": 2, "penalties": [0.1], "resamples": 100},
    "dimensionality": {"null_draws": 2, "resamples": 20},
    "erasure": {"random_draws": 1, "resamples": 100},
    "receptive_field": {"images": 4},
    "feature_visualization": {"steps": 2, "channels": 1},
    "segmentation": {
        "targets": ["binary"],
        "heads": ["conv1"],
        "end_to_end": [],
        "train_images": 24,
        "test_images": 24,
        "epochs": 1,
        "resamples": 20,
    },
    "probes": {
        "patches": [1, 4],
        "strengths": [0, 0.5, 1],
        "shuffling_images": 24,
        "strength_images": 48,
        "resamples": 100,
    },
    "corruptions": {"severities": [3], "images": 24},
    "comparison": {"permutations": 100, "resamples": 100},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tiny.Tiny:
    """The tiny workflow up to its claims."""
    finished, _ = tiny.finished(tmp_path_factory.getbasetemp())
    made = tiny.copy(finished, tmp_path_factory.mktemp("levels") / "project")
    path = made.folder / "params.yaml"
    values = parameters.overlay(parameters.read_yaml(path), LEAST)
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    made.snakemake(CLAIMS)
    return made


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> dict[float, dict[str, pd.DataFrame]]:
    """Tables of the folder beside by level, kept before it goes."""
    kept: dict[float, dict[str, pd.DataFrame]] = {}
    claims = levels._Again.claims

    def keep(self: Any, parameters: Any) -> Any:
        found = claims(self, parameters)
        place = self.folder / tiny.RESULTS / "tables"
        kept[parameters["bootstrap"]["level"]] = {
            name: pd.read_csv(place / f"{name}.csv") for name in ("accuracy", "readout")
        }
        return found

    monkeypatch.setattr(levels._Again, "claims", keep)
    return kept


def test_what_reads_a_level_runs_again_and_the_results_stay(
    project: tiny.Tiny, tables: dict[float, dict[str, pd.DataFrame]],
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for assignment in project.settings():
        monkeypatch.setenv(*assignment.split("=", 1))
    results, records = project.folder / tiny.RESULTS, project.folder / ".snakemake" / "metadata"
    before = tiny.hashes(results), tiny.times(results), tiny.hashes(records)

    said: list[str] = []
    levels.decide(results, [0.99], options=["--cores", "2"], say=said.append)
    ran = jobs("".join(capfd.readouterr()))
    concatenated = ran.pop("concatenate")
    assert ran == {
        "measure_rf9--plain_0": 1,  # no train, no trials, no features, no render
        "readout_pixels": 1,
        "tabulate_trials": 1,
        "corruption_errors": 1,
        "compare": 1,
        "provenance": 1,  # the parameters, which claims read
        "claims": 1,
    }
    assert concatenated > 4
    total = sum(ran.values()) + concatenated
    assert len(said) == 1
    assert said[0].startswith(f"level 0.99: {total} jobs (concatenate {concatenated}, claims, ")

    kept = json.loads((results / "levels.json").read_text(encoding="utf-8"))
    (results / "levels.json").rename(project.folder / "levels.json")
    assert (tiny.hashes(results), tiny.times(results), tiny.hashes(records)) == before
    assert not list(project.folder.glob(".levels-*"))

    # The same numbers with wider intervals.
    assert set(tables) == {0.95, 0.99}
    for name in ("accuracy", "readout"):
        own, other = tables[0.95][name], tables[0.99][name]
        assert own["accuracy"].equals(other["accuracy"])
        known = own["ci_low"].notna()
        assert known.equals(other["ci_low"].notna())
        assert known.sum() >= 3
        assert (other["ci_low"] <= own["ci_low"])[known].all()
        assert (other["ci_high"] >= own["ci_high"])[known].all()
        assert (other["ci_low"] < own["ci_low"]).any()

    claims = json.loads((project.folder / CLAIMS).read_text(encoding="utf-8"))["claims"]
    assert list(kept["levels"]) == ["0.99"]
    verdicts = kept["levels"]["0.99"]
    assert set(verdicts) == {claim["id"] for claim in claims}
    for claim in claims:
        assert verdicts[claim["id"]] in {*claim["alternatives"], "not run", "undefined"}

    # The file comes, and the claims are made anew with it; it is as it was found for these very claims.
    (project.folder / "levels.json").rename(results / "levels.json")
    made = project.snakemake(CLAIMS)
    assert jobs(made.stdout + made.stderr) == {"claims": 1}
    again = json.loads((project.folder / CLAIMS).read_text(encoding="utf-8"))["claims"]
    assert [claim | {"levels": {}} for claim in again] == claims
    assert {claim["id"]: claim["levels"]["0.99"] for claim in again} == verdicts
    # Another level would join it: the folder beside has the same claims, without the file.
    planned = project.run("texshape", "levels", tiny.RESULTS, "--dry-run", "--level", "0.9")
    assert planned.stdout.startswith(f"level 0.9: {total} jobs (concatenate {concatenated}, ")


def test_results_that_are_not_up_to_date_are_no_ground(project: tiny.Tiny, tmp_path: Path) -> None:
    """Else the folder beside would train what the parameters ask for since."""
    made = tiny.copy(project, tmp_path / "project")
    given = made.folder / tiny.RESULTS / "parameters.json"
    values = json.loads(given.read_text(encoding="utf-8"))
    values["training"]["weight_decay"] = 0.123
    given.write_text(json.dumps(values), encoding="utf-8")
    before = tiny.hashes(made.folder / tiny.RESULTS)
    done = made.run("texshape", "levels", tiny.RESULTS, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert re.search(r"error: results/procedural: not up to date: \d+ jobs \(.*train", done.stderr)
    assert tiny.hashes(made.folder / tiny.RESULTS) == before
