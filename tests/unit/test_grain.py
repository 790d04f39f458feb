"""Jobs of the size of a network: which techniques go together, and their steps in one process."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from texshape.cli import main as commands
from texshape.cli.run import run
from texshape.config import whole
from texshape.errors import InputError
from texshape.experiment.grain import measured_together
from texshape.experiment.plan import Plan
from texshape.experiment.runs import RunId
from texshape.experiment.words import chained

ROOT = Path(__file__).resolve().parents[2]
for name in commands.COMMANDS:  # each registers its commands when it is imported
    import_module(f"texshape.cli.{name}")
EXPERIMENTS = ["", *sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml"))]


def plan(experiment: str) -> Plan:
    over = [ROOT / "experiments" / f"{experiment}.yaml"] if experiment else []
    return Plan(whole.read([ROOT / "params.yaml", *over]))


def plan_by(grain: str) -> Plan:
    values = whole.read([ROOT / "params.yaml"])
    return Plan({**values, "jobs": {**values["jobs"], "grain": grain}})


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_technique_measures_its_networks_in_one_job(experiment: str) -> None:
    made = plan(experiment)
    groups = list(measured_together(made))
    names = [group.name for group in groups]
    assert len(names) == len(set(names))
    found = [
        (technique.name, run)
        for group in groups
        for run in group.runs
        for technique in group.techniques
    ]
    expected = [
        (technique.name, run) for technique in made.techniques for run in made.runs_of(technique)
    ]
    assert len(found) == len(set(found))
    assert set(found) == set(expected)
    jobs = [run for group in groups for run in group.runs]
    assert (len(jobs) == len(set(jobs))) == (made.grain == "network")


def test_each_network_is_held_by_one_job_whose_rule_takes_no_other() -> None:
    made = plan_by("network")
    groups = list(measured_together(made))
    runs = {run for technique in made.techniques for run in made.runs_of(technique)}
    assert Counter(run for group in groups for run in group.runs) == Counter(runs)
    assert runs >= set(made.measured_runs)
    for group in groups:
        taken = {RunId.of_model(model, seed) for model in group.models for seed in group.seeds}
        assert taken == set(group.runs)
    assert [group.priority for group in groups if made.measured_runs[0] in group.runs] == [1]
    assert sum(group.priority for group in groups) == 1


def test_each_technique_has_a_job_a_network_where_asked() -> None:
    made = plan_by("technique")
    groups = list(measured_together(made))
    assert [group.name for group in groups] == [technique.name for technique in made.techniques]
    for group, technique in zip(groups, made.techniques, strict=True):
        assert group.techniques == (technique,)
        assert list(group.runs) == made.runs_of(technique)
        assert not group.priority


def test_a_job_takes_what_its_techniques_take() -> None:
    for group in measured_together(plan("")):
        assert group.memory == max(technique.memory for technique in group.techniques)
        assert group.minutes == sum(technique.minutes for technique in group.techniques)
        assert group.gpu == int(any(technique.gpu for technique in group.techniques))
    assert {group.gpu for group in measured_together(plan(""))} == {0, 1}


# --- several steps in one process ----------------------------------------------------------------


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list:
    """Two steps more, which note what they are called with; the second fails where it is told to."""
    called: list = []
    monkeypatch.setattr(run, "registered_commands", list(run.registered_commands))

    @run.command("first-of-two")
    def first(words: list[str], times: int = 1) -> None:
        called.append(("first", words, times))

    @run.command("second-of-two")
    def second(fails: bool = False) -> None:
        called.append(("second", fails))
        if fails:
            raise InputError("a file: expected another")

    return called


def several(*words: str):
    return CliRunner().invoke(commands.app, ["run", "several", *words])


def test_steps_run_in_order_each_with_its_own_words(steps: list) -> None:
    words = chained(
        [["first-of-two", "a word", "--times", "2"], ["second-of-two"], ["first-of-two", "{}"]]
    )
    done = several(*words)
    assert done.exit_code == 0, done.output
    assert steps == [("first", ["a word"], 2), ("second", False), ("first", ["{}"], 1)]
    costs = re.findall(r"^(\S+): \d+\.\d s of processor time$", done.stderr, re.MULTILINE)
    assert costs == ["first-of-two", "second-of-two", "first-of-two"]


def test_the_first_step_that_fails_ends_it(steps: list) -> None:
    done = several(*chained([["second-of-two", "--fails"], ["first-of-two", "x"]]))
    assert done.exit_code != 0
    assert str(done.exception) == "a file: expected another"
    assert steps == [("second", True)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "found no step"),
        (["then"], "found no step"),
        (["first-of-two", "x", "then"], "found no step"),
        (["first-of-two", "x", "then", "no-such"], "there is no step 'no-such'"),
    ],
)
def test_what_is_no_step_is_said_before_any_runs(steps: list, words: list, message: str) -> None:
    done = several(*words)
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)
    assert steps == []


def test_an_option_that_a_step_does_not_know_ends_it(steps: list) -> None:
    done = several("first-of-two", "x", "--no-such", "then", "second-of-two")
    assert done.exit_code == 2
    assert "--no-such" in done.output
    assert steps == []
