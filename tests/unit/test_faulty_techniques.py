"""Techniques of other packages that are broken, each in its way: one line each, and all else goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests import synthetic_tables
from typer.testing import CliRunner

from texshape import parameters
from texshape.catalogue import catalogue, declared
from texshape.cli import figures as figure_steps
from texshape.cli.run import run as steps
from texshape.cli.technique import list_techniques
from texshape.config import whole
from texshape.devices import LostDeviceError, failures
from texshape.errors import InputError, MachineError, UnmeasurableError
from texshape.experiment import left_out
from texshape.experiment.layout import Layout
from texshape.experiment.plan import Plan
from texshape.experiment.runs import WILDCARDS, RunId
from texshape.experiment.technique_job import TechniqueJob
from texshape.figures.registry import declaration
from texshape.files import read_csv
from texshape.source_code import technique_hash
from texshape.survey import steps as survey_steps
from texshape.techniques import registry
from texshape.techniques.named import named

ROOT = Path(__file__).parents[2]
PACKAGE = "texshape-faulty"
RUN = RunId("cnn", "plain", 0)

MODULE = """
import pandas as pd
from texshape.tables import Column, Table
from texshape.techniques.base import Figure, Measure, Technique

def table(name):
    return Table(name, "a network", (Column("share", "number", "of blue", "fraction"),))

def technique(name, run="", tables=None, **more):
    tables = (table(f"{name}_shares"),) if tables is None else tables
    return Technique(name, name, "How?", "nobody", run or f"faulty:run_{name}", tables, **more)

def frame(**columns):
    return pd.DataFrame({key: [value] for key, value in columns.items()})

def run_good(inputs):
    return {"good_shares": frame(share=0.25)}

def run_nothing(inputs):
    return None

def run_empty(inputs):
    return {}

def run_columns(inputs):
    return {"columns_shares": frame(share=0.25, shade=0.5)}

def run_other(inputs):
    return {"other_shares": frame(shade=0.5)}

def run_list(inputs):
    return {"list_shares": [0.25]}

def run_crash(inputs):
    return {}["no such key"]

def run_input(inputs):
    from texshape.errors import InputError
    raise InputError("shares: expected some")

def draw_crash(tables, settings):
    raise ValueError("no ink")

good = technique("good", figures=(Figure("good_picture", ("good_shares",), "faulty:draw_crash"),))
nothing = technique("nothing")
empty = technique("empty")
columns = technique("columns")
other = technique("other")
list_ = technique("list")
crash = technique("crash")
input_ = technique("input")
reason = technique("reason", applies="faulty:run_crash")
twice = technique("twice", tables=(table("twice_shares"),) * 2)
taken = technique("taken", tables=(table("readout"),))
again = technique("again", tables=(table("good_shares"),))
measure = technique("measure", measures=(Measure("shape_bias", "", "", "measure_shares", "share"),))
figure = technique("figure", figures=(Figure("training", ("figure_shares",)),))
training = technique("training")
elsewhere = technique("elsewhere", "faulty_parts.measure:run")
unset = technique("unset", settings="faulty:Settings")
misnamed = technique("another")
number = 3
"""

assert figure_steps  # registers `figures`

#: those that cannot be planned, and what is said of each
REFUSED = {
    "broken": "cannot be imported (ModuleNotFoundError: No module named 'no_such_module')",
    "twice": "a table 'twice_shares' is there already; expected another name",
    "taken": "a table 'readout' is there already; expected another name",
    "again": "a table 'good_shares' is there already; expected another name",
    "measure": "a measure 'shape_bias' is there already; expected another name",
    "figure": "a figure 'training' is there already; expected another name",
    "training": "the parameters have a section 'training' already; expected another name",
    "elsewhere": "cannot be imported (ModuleNotFoundError: No module named 'faulty_parts')",
    "unset": "cannot be imported (AttributeError: module 'faulty' has no attribute 'Settings')",
    "misnamed": "expected faulty:misnamed to be a Technique of that name, found the technique 'another'",
    "number": "expected faulty:number to be a Technique of that name, found int",
}
#: those whose fault shows when they run
FAULTS = {
    "nothing": "expected nothing_shares, found nothing",
    "empty": "expected empty_shares, found nothing",
    "columns": "column 'shade' is none of columns_shares's; expected share",
    "other": "other_shares.csv: column 'share' is missing; found shade",
    "list": "expected 'list_shares' to be a DataFrame, found list",
    "crash": "KeyError: 'no such key'",
    "input": "shares: expected some",
    "reason": "KeyError: 'no such key'",
}
PLACES = {"broken": "faulty_broken:TECHNIQUE", "list": "faulty:list_", "input": "faulty:input_"}


def install(folder: Path, package: str, places: dict[str, str]) -> None:
    """What an installation of a package leaves, of its entry points."""
    about = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {place}" for name, place in places.items()]
    (about / "entry_points.txt").write_text("\n".join([f"[{registry.GROUP}]", *lines, ""]))


def forget() -> None:
    registry.installed.cache_clear()
    registry.clashes.cache_clear()
    for name in ("faulty", "faulty_broken"):
        sys.modules.pop(name, None)


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an installed package of all of them."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "faulty.py").write_text(MODULE, encoding="utf-8")
    (site / "faulty_broken.py").write_text("import no_such_module\n", encoding="utf-8")
    names = ["good", *REFUSED, *FAULTS]
    install(site, PACKAGE, {name: PLACES.get(name, f"faulty:{name}") for name in names})
    monkeypatch.syspath_prepend(str(site))
    forget()
    yield site
    monkeypatch.undo()
    forget()


# --- before any job ------------------------------------------------------------------------------


def test_those_that_cannot_be_used_are_told_from_those_that_can(faulty: Path) -> None:
    found, refused = named(["suppression", "good", *REFUSED, *FAULTS])
    assert [technique.name for technique in found] == ["suppression", "good", *FAULTS]
    assert list(refused) == list(REFUSED)
    for name, said in REFUSED.items():
        assert refused[name].startswith(f"technique '{name}' of {PACKAGE}")
        assert refused[name].endswith(said)
        assert "\n" not in refused[name]


def test_a_name_that_no_package_brings_is_still_an_error(faulty: Path) -> None:
    with pytest.raises(InputError, match="technique 'goood' is not known; did you mean 'good'"):
        named(["good", "goood"])


def test_an_experiment_goes_on_without_them_and_says_so_of_each_network(faulty: Path) -> None:
    files = [ROOT / "params.yaml", ROOT / "experiments" / "smoke.yaml"]
    given = whole.read(files)
    before = Plan(parameters.overlay(given, {"techniques": ["good", "crash"]}))
    given = parameters.overlay(given, {"techniques": ["good", "crash", *REFUSED]})
    plan = Plan(given | {"broken": {"any": 1}})  # what it would read, nobody knows
    assert [technique.name for technique in plan.foreign] == ["good", "crash"]
    assert list(plan.refused) == list(REFUSED)
    assert plan.tables == before.tables
    assert {"good_shares", "crash_shares", "left_out"} <= set(plan.tables)
    listed = set(plan.per_run["left_out"]) - set(before.per_run["left_out"])
    assert listed == {
        plan.layout.left_out(run, name) for name in REFUSED for run in plan.measured_runs
    }
    good = plan.foreign[0]
    assert TechniqueJob(plan, good).outputs(WILDCARDS) == [
        plan.layout.measure(WILDCARDS, "good_shares"), plan.layout.left_out(WILDCARDS, "good"),
    ]  # fmt: skip
    assert technique_hash(good)


def test_who_names_none_of_them_is_not_concerned(faulty: Path) -> None:
    assert [technique.name for technique in registry.usable()] == sorted(
        ["good", "again", "figure", "measure", "taken", "twice", *FAULTS]
    )
    assert declared("good_shares").name == "good_shares"
    with pytest.raises(InputError, match="table 'gooood' is not known"):
        declared("gooood")
    with pytest.raises(InputError, match="figure 'gooood' is not known"):
        declaration("gooood")
    assert "readout" in catalogue()
    given = whole.read([ROOT / "params.yaml"])
    assert registry.without_sections(given)["training"] == given["training"]


def test_a_name_of_ours_or_of_two_packages_concerns_who_asks_for_it(
    faulty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    more = tmp_path / "more"
    more.mkdir()
    install(more, "texshape-more", {"readout": "faulty:good", "good": "more:TECHNIQUE"})
    monkeypatch.syspath_prepend(str(more))
    forget()
    assert registry.get("readout").title != "good"
    line = f"technique 'good': of both {PACKAGE} and texshape-more; remove one"
    assert named(["good", "crash"])[1] == {"good": line}
    with pytest.raises(InputError) as error:
        list_techniques()
    assert line in str(error.value)
    assert "technique 'readout' of texshape-more: texshape has one of that name" in str(error.value)
    said = capsys.readouterr().out
    assert "crash: How? (nobody)" in said
    assert "readout: " in said


def test_the_workflow_plans_its_jobs_and_warns(faulty: Path) -> None:
    words = ["snakemake", "-n", "--cores", "1", "--configfile", "experiments/smoke.yaml",
             "--config", 'techniques=["good","broken"]']  # fmt: skip
    paths = [str(faulty), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, paths)))
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-3000:]
    counts = dict(line.split() for line in said.splitlines() if len(line.split()) == 2)
    assert counts["leave_out_broken"] == counts["good"] == "5"
    assert f"techniques: left out: technique 'broken' of {PACKAGE} cannot be imported" in said


# --- in its job ----------------------------------------------------------------------------------


def measured(folder: Path, name: str) -> dict[str, str]:
    """Run a technique's step: what the network's file of reasons says; empty where it was measured."""
    words = [name, "--results", str(folder), "--run", str(RUN), "--parameters", '{"seed": 0}']
    done = CliRunner().invoke(steps, words)
    assert done.exit_code == 0, (done.output, done.exception)
    rows = read_csv(Layout(str(folder)).left_out(RUN, name)).to_dict("records")
    assert len(rows) <= 1
    return rows[0] if rows else {}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_a_job_is_the_reason_for_an_empty_table(
    faulty: Path, tmp_path: Path, name: str
) -> None:
    row = measured(tmp_path, name)
    assert (row["technique"], row["tables"]) == (name, f"{name}_shares")
    assert row["reason"].startswith(f"technique '{name}' of {PACKAGE}: ")
    assert row["reason"].endswith(FAULTS[name])
    table = read_csv(tmp_path / str(RUN) / f"{name}_shares.csv")
    assert (len(table), list(table)) == (0, ["share"])


def test_a_good_one_beside_them_is_measured(faulty: Path, tmp_path: Path) -> None:
    assert measured(tmp_path, "good") == {}
    table = read_csv(tmp_path / str(RUN) / "good_shares.csv")
    assert table["share"].tolist() == [0.25]


def test_one_that_is_refused_has_a_file_that_says_so(tmp_path: Path) -> None:
    output = tmp_path / "broken.csv"
    words = ["leave-out", "--technique", "broken", "--reason", "it's broken", "--output", output]
    assert CliRunner().invoke(steps, list(map(str, words))).exit_code == 0
    (row,) = json.loads(read_csv(output).to_json(orient="records"))
    assert row == {"technique": "broken", "tables": None, "reason": "it's broken"}


class Inputs:
    """As much of a network as these techniques look at."""

    settings = None

    def has(self, role: str) -> bool:
        return True


def attempt(
    folder: Path, error: BaseException, package: str, monkeypatch: pytest.MonkeyPatch
) -> str:
    def fail(inputs: object) -> None:
        with failures("batch_size"):
            raise error

    monkeypatch.setattr(f"{__name__}.run_it", fail, raising=False)
    technique = replace(registry.get("suppression"), run=f"{__name__}:run_it", applies="")
    return left_out.attempt(technique, Inputs(), folder.joinpath, package)[1]  # type: ignore[arg-type]


UNFINITE = UnmeasurableError("stage 'stem': its activations are not finite")


def test_what_is_wrong_with_a_network_is_a_reason_for_each_technique(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("", PACKAGE):
        assert attempt(tmp_path, UNFINITE, package, monkeypatch) == str(UNFINITE)


@pytest.mark.parametrize("error", [KeyError("k"), InputError("erasure.stages: none"), TypeError()])
def test_a_fault_of_ours_fails_its_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with pytest.raises(type(error)):
        attempt(tmp_path, error, "", monkeypatch)
    assert f"of {PACKAGE}: " in attempt(tmp_path, error, PACKAGE, monkeypatch)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), MachineError),
        (RuntimeError("CUDA out of memory"), MachineError),
        (RuntimeError("CUDA error: unspecified"), LostDeviceError),
        (MachineError("features: damaged"), MachineError),
    ],
)
def test_no_memory_and_damaged_files_are_no_reason_to_leave_a_network_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]
) -> None:
    for package in ("", PACKAGE):
        with pytest.raises(kind):
            attempt(tmp_path, error, package, monkeypatch)


# --- its figure ----------------------------------------------------------------------------------


def test_a_figure_that_raises_is_a_line_and_the_others_are_drawn(
    faulty: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    place, figures = tmp_path / "tables", tmp_path / "figures"
    front = {"model": "cnn--plain", "architecture": "cnn", "arm": "plain", "seed": 0}
    shares = declared("good_shares").frame([{**front, "share": 0.25}], networks=True)
    synthetic_tables.write({"accuracy": synthetic_tables.procedural()["accuracy"]}, place)
    declared("good_shares").write(place / "good_shares.csv", shares, networks=True)
    words = ["figures", "good_picture", "accuracy", "--tables", place, "--output-dir", figures]
    reasons = figures / "left_out.csv"
    done = CliRunner().invoke(steps, [*map(str, [*words, "--left-out", reasons])])
    assert done.exit_code == 0, (done.output, done.exception)
    line = f"technique 'good' of {PACKAGE}: ValueError: no ink (figure 'good_picture')"
    (row,) = read_csv(reasons).to_dict("records")
    assert (row["technique"], row["reason"]) == ("good", line)
    assert "could not be drawn" in (figures / "good_picture.svg").read_text()
    assert "could not be drawn" not in (figures / "accuracy.svg").read_text()
    for name in ("good_picture", "accuracy"):
        assert (figures / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    # Who asks for it by itself is told; and what is wrong with a table fails whoever draws it.
    assert isinstance(CliRunner().invoke(steps, [*map(str, words)]).exception, ValueError)
    (place / "good_shares.csv").write_text("share\n1\n")
    done = CliRunner().invoke(steps, [*map(str, [*words, "--left-out", reasons])])
    assert isinstance(done.exception, InputError)


def test_a_figure_of_ours_that_raises_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("cell")

    monkeypatch.setattr("texshape.figures.registry.draw", fail)
    synthetic_tables.write({"accuracy": synthetic_tables.procedural()["accuracy"]}, tmp_path)
    words = ["figures", "accuracy", "--tables", tmp_path, "--output-dir", tmp_path / "figures",
             "--left-out", tmp_path / "left_out.csv"]  # fmt: skip
    assert isinstance(CliRunner().invoke(steps, [*map(str, words)]).exception, KeyError)
    assert not (tmp_path / "left_out.csv").exists()


def test_the_table_of_undrawn_figures_is_planned_where_a_package_draws(faulty: Path) -> None:
    given = whole.read([ROOT / "params.yaml", ROOT / "experiments" / "smoke.yaml"])

    def plan(*names: str) -> Plan:
        return Plan(parameters.overlay(given, {"techniques": [*names]}))

    assert plan("cue_rank", "crash").undrawn == []
    assert plan("good").undrawn == [f"{plan().layout.figures}/left_out.csv"]


# --- a survey ------------------------------------------------------------------------------------


def test_a_survey_says_whose_fault_it_was(faulty: Path, tmp_path: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError("by nothing")

    subject = SimpleNamespace(folder=tmp_path, network=SimpleNamespace(name="a network"))
    failed: list[str] = []
    for name in ("good", "readout"):
        one = survey_steps.Step(name, name, [], lambda: "", lambda: None, fail)
        reason, ran = survey_steps._apply(one, subject, failed)  # type: ignore[arg-type]
        assert ran
        start = f"technique 'good' of {PACKAGE}: " if name == "good" else ""
        assert reason == f"failed: {start}ZeroDivisionError: by nothing"
    assert [line.split(",")[0] for line in failed] == ["a network", "a network"]
    assert PACKAGE in failed[0]
    assert PACKAGE not in failed[1]
