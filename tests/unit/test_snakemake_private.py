"""Snakemake's private parts are where they are looked for; where one is not, a line says so."""

from __future__ import annotations

import ast
import dataclasses
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from texshape.core import snakemake_private as private
from texshape.errors import InputError
from texshape.experiment import running

ROOT = Path(__file__).parents[2]
PARTS = [(place, name) for place, names in private.NEEDED.items() for name in names]


@pytest.mark.parametrize(("place", "name"), PARTS)
def test_the_snakemake_that_is_installed_has_it(place: str, name: str) -> None:
    private.check({place: (name,)})


def test_each_part_is_looked_for_when_the_snakefile_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rules = (ROOT / "rules" / "common.smk").read_text(encoding="utf-8")
    assert "running.planned(workflow, config)" in rules

    def lacks() -> None:
        raise InputError("Snakemake lacks a part")

    monkeypatch.setattr(private, "check", lacks)
    with pytest.raises(InputError, match="lacks a part"):  # before anything is planned
        running.planned(None, {})


class Stripped:
    """A class that lost all of it."""


@pytest.mark.parametrize(("place", "name"), PARTS)
def test_without_it_there_is_one_clear_line(
    place: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private, "_owner", lambda asked: Stripped)
    with pytest.raises(InputError) as error:
        private.check({place: (name,)})
    line = str(error.value)
    assert line == (
        f"Snakemake {version('snakemake')} has no {place.replace(':', '.')}.{name}, which texshape needs; "
        f"install one that is {private.RANGE}, best that of requirements.lock"
    )


@pytest.mark.parametrize(
    "place", ["snakemake.moved:Workflow", "snakemake.workflow:Moved", "snakemake.moved"]
)
def test_a_module_or_class_that_moved_gives_the_same_line(place: str) -> None:
    with pytest.raises(InputError, match=r"has no snakemake\.\w+[.\w]*, which texshape needs"):
        private.check({place: ("touch",)})


def nothing() -> SimpleNamespace:
    return SimpleNamespace()


@pytest.mark.parametrize(
    ("use", "lacking"),
    [
        (lambda: private.configuration(nothing()), "config_settings"),
        (lambda: private.configuration(SimpleNamespace(config_settings=nothing())), "configfiles"),
        (lambda: private.only_touches(nothing()), "touch"),
        (lambda: private.temporary_files(nothing()), "dag"),
        (
            lambda: private.temporary_files(SimpleNamespace(dag=SimpleNamespace(jobs=[1]))),
            "temp_output",
        ),
        (lambda: private.limit(nothing(), "gpu"), "global_resources"),
        (lambda: private.start_jobs_at_once(nothing()), "scheduling_settings"),
        (lambda: private.records_of(nothing()), "persistence"),
        (lambda: private.Records(nothing()).read("a"), "_read_record"),
        (lambda: private.Records(nothing()).write("a", private.FileRecord()), "_write_record"),
        (lambda: private.Records(nothing()).forget(), "_clear_cache"),
        (lambda: private.Records(nothing()).folder, "path"),
    ],
)
def test_each_use_says_what_it_misses(use: Callable[[], object], lacking: str) -> None:
    with pytest.raises(InputError, match=rf"has no \w+\.{lacking}, which texshape needs"):
        use()


def run(max_jobs: int, timespan: int) -> SimpleNamespace:
    rate = SimpleNamespace(max_jobs=max_jobs, timespan=timespan)
    return SimpleNamespace(
        scheduling_settings=SimpleNamespace(max_jobs_per_timespan=rate),
        scheduler=SimpleNamespace(job_rate_limiter="limiter"),
    )


def test_only_the_default_rate_is_lifted() -> None:
    default, own = run(100, 1), run(5, 1)
    for one in (default, own):
        private.start_jobs_at_once(one)
    assert default.scheduler.job_rate_limiter is None
    assert own.scheduler.job_rate_limiter == "limiter"


def test_the_default_is_still_snakemake_s() -> None:
    from snakemake.settings.types import SchedulingSettings

    rate = SchedulingSettings().max_jobs_per_timespan
    assert rate is None or (rate.max_jobs, rate.timespan) == private._DEFAULT_RATE


def test_a_limit_is_a_number_or_nothing() -> None:
    workflow = SimpleNamespace(global_resources={"gpu": SimpleNamespace(value=4), "mem_mb": 8})
    assert [private.limit(workflow, name) for name in ("gpu", "mem_mb", "disk_mb")] == [4, 8, None]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    (tmp_path / ".snakemake").mkdir()
    records = private.records_in(tmp_path)
    assert records.folder == tmp_path / ".snakemake"
    assert records.read("a.csv") is None
    written = private.FileRecord(rule="tabulate", input=["b"], starttime=1.0, endtime=2.0)
    records.write("a.csv", written)
    assert records.read("a.csv") is None  # it remembers that there was none
    records.forget()
    assert records.read("a.csv") == written


def test_the_versions_allowed_are_those_that_have_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (ours,) = [
        one
        for one in map(Requirement, project["optional-dependencies"]["workflow"])
        if one.name == "snakemake"
    ]
    assert ours.specifier == SpecifierSet(private.RANGE)
    assert version("snakemake") in ours.specifier
    least = next(str(one.version) for one in ours.specifier if one.operator == ">=")
    assert f'min_version("{least}")' in (ROOT / "Snakefile").read_text(encoding="utf-8")


HIDDEN = {name for names in private.NEEDED.values() for name in names}
HIDDEN -= {field.name for field in dataclasses.fields(private.FileRecord)}
# Words of other things too.
HIDDEN -= {"benchmark", "config", "configfiles", "constrain", "dag", "evaluate", "incomplete", "jobs", "log",
           "modifier", "name", "output", "path", "persistence", "raw", "resources", "rules", "scheduler",
           "timespan", "touch", "value"}  # fmt: skip


def test_no_other_module_uses_a_private_part() -> None:
    own = Path(private.__file__)
    for path in sorted((ROOT / "src").rglob("*.py")):
        if path == own:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in HIDDEN, f"{path.relative_to(ROOT)}: {node.attr}"
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names]
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not any(name.split(".")[0] == "snakemake" for name in names), path
    for path in [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")]:
        text = path.read_text(encoding="utf-8")
        for name in HIDDEN | {"workflow.persistence", "workflow.dag", "workflow.scheduler"}:
            assert name not in text, f"{path.name}: {name}"


GROWING = """
from texshape.core import snakemake_private
if config.get("any"):
    snakemake_private.compare_with_any_record()
rule train:
    output: "final.txt", *[f"epoch-{epoch}.txt" for epoch in range(config["epochs"])]
    params: epochs=config["epochs"], rate=config["rate"]
    shell: "touch {output}"
"""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """A workflow that has run once, as a function that runs it with other values."""
    folder = tmp_path_factory.mktemp("growing")
    (folder / "Snakefile").write_text(GROWING, encoding="utf-8")

    def run(*arguments: str, **values: int) -> str:
        config = [f"{key}={value}" for key, value in ({"epochs": 1, "rate": 1} | values).items()]
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "1", *arguments, "--config", *config,
             "--", "final.txt"],
            cwd=folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    run()
    return run


@pytest.mark.parametrize(
    ("change", "with_it", "alone"),
    [
        ({}, False, False),
        ({"rate": 2}, True, True),
        ({"epochs": 2}, True, False),  # Snakemake alone takes the old state for the new one
        ({"epochs": 2, "rate": 2}, True, False),
        ({"epochs": 0}, True, True),
    ],
)
def test_an_output_more_hides_no_change(
    change: dict[str, int], with_it: bool, alone: bool, grown: Callable[..., str]
) -> None:
    assert ("Nothing to be done" not in grown("-n", any=1, **change)) == with_it
    assert ("Nothing to be done" not in grown("-n", **change)) == alone


LOGGED = """
from texshape.core import snakemake_private
rule every:
    input: "results/it/tables/all.csv", "results/it/own.txt"
rule table:
    input: expand("results/it/{model}/seed-{seed}/part.{shard}.txt", model="a-b", seed=[0, 1], shard="7")
    output: "results/it/tables/all.csv"
    shell: "touch {output}; echo table > {log}"
rule parts:
    output: "results/it/{model}/seed-{seed}/part.{shard}.txt", "results/it/{model}-{seed}/{shard}.csv"
    wildcard_constraints: seed="[0-9]{{1,2}}"
    shell: "touch {output}; echo part > {log}"
rule own:
    output: "results/it/own.txt"
    log: "elsewhere.log"
    shell: "touch {output}; echo own > {log}"
snakemake_private.log_each_rule(workflow, lambda job: (f"said/{job}.log", f"took/{job}.tsv"))
"""


def test_a_rule_that_names_no_log_has_one_by_its_name_and_first_output(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(
        LOGGED.replace("{{", "{").replace("}}", "}"), encoding="utf-8"
    )
    subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = {
        path.relative_to(tmp_path).as_posix(): path.read_text(encoding="utf-8").strip()
        for path in tmp_path.glob("**/*.log")
        if ".snakemake" not in path.parts
    }
    assert found == {
        "elsewhere.log": "own",
        "said/table.log": "table",
        "said/parts/a-b/seed-0/part.7.log": "part",
        "said/parts/a-b/seed-1/part.7.log": "part",
    }
    took = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("took/**/*.tsv")}
    assert took == {
        "took/table.tsv", "took/parts/a-b/seed-0/part.7.tsv", "took/parts/a-b/seed-1/part.7.tsv",
    }  # fmt: skip
