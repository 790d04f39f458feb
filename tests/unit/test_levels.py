"""Claims at other levels of the intervals: the parameters, the folder beside, the file, the article."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests import synthetic_tables
from tests.article_world import at, page_of, project, results_of, words_of
from tests.unit.test_plan import EXPERIMENTS, plan

from texshape.article import list_files
from texshape.claims import Claim, compute, compute_firm, levels, write
from texshape.claims.difference import load
from texshape.config import whole
from texshape.config.base import resolve
from texshape.errors import InputError
from texshape.experiment import job_settings
from texshape.experiment.levels import at_level, own_level, paths
from texshape.experiment.plan import Plan
from texshape.experiment.shared_copy import shared_copy
from texshape.files import write_text
from texshape.levels import _Again, decide
from texshape.techniques import registry

# --- the parameters ------------------------------------------------------------------------------


def declared(schema: dict[str, Any], node: dict[str, Any], path: tuple) -> Iterator[tuple]:
    """Keys that a schema says to be the coverage of intervals."""
    node = resolve(node, schema)
    for key, inner in node.get("properties", {}).items():
        if inner.get("description", "").startswith("Coverage of the interval"):
            yield (*path, key)
        yield from declared(schema, inner, (*path, key))


def flat(values: Any, path: tuple = ()) -> dict[tuple, Any]:
    if not isinstance(values, dict):
        return {path: values}
    return {
        place: value
        for key, inner in values.items()
        for place, value in flat(inner, (*path, key)).items()
    }


@pytest.mark.parametrize("experiment", ["", *EXPERIMENTS])
def test_every_declared_level_changes_and_nothing_else(experiment: str) -> None:
    made = plan(experiment)
    schema = whole.json_schema()
    wanted = set(declared(schema, schema, ())) - {("vlm", "level")}
    for technique in made.foreign:
        own = registry.optional_sections()[technique.name].model_json_schema()
        wanted |= set(declared(own, own, (technique.name,)))
    assert len(wanted) > 8
    assert {path for path in paths(made) if path[-1] == "level"} == wanted

    changed = flat(at_level(made, 0.99))
    before = flat(made.parameters)
    assert {changed[path] for path in wanted} == {0.99}
    assert changed["comparison", "alpha"] == 0.01  # that of two one-sided tests
    differing = {path for path in changed if changed[path] != before.get(path)}
    assert differing == wanted | {("comparison", "alpha")}


def test_an_error_of_a_test_that_was_chosen_by_itself_stays() -> None:
    made = plan(comparison={"alpha": 0.01})
    assert at_level(made, 0.9)["comparison"] | {"level": 0} == made.parameters["comparison"] | {
        "level": 0
    }
    assert made.parameters["comparison"]["alpha"] == 0.01


def test_a_level_reaches_what_an_experiment_leaves_to_its_defaults() -> None:
    made = plan(techniques=["triplets"])
    assert "level" not in made.parameters.get("triplets", {})
    other = Plan(at_level(made, 0.9))
    run = other.measured_runs[0]
    told = json.loads(job_settings.technique(other, registry.get("triplets"), run))
    assert (told["triplets"]["level"], own_level(other)) == (0.9, 0.9)
    assert paths(other) != []


def test_trainings_decisions_and_activations_read_no_level() -> None:
    made = plan("smoke")
    other = Plan(at_level(made, 0.9))
    for one, two in ((made, other),):
        for model in one.trained:
            assert one.recipe(model) == two.recipe(model)
        assert job_settings.features(one) == job_settings.features(two)
        assert job_settings.section(one, "evaluation") == job_settings.section(two, "evaluation")
        assert job_settings.corruptions(one) == job_settings.corruptions(two)
        for name, stylization in one.stylizations.items():
            assert job_settings.engine(stylization) == job_settings.engine(two.stylizations[name])
        assert job_settings.section(one, "bootstrap") != job_settings.section(two, "bootstrap")


# --- the folder beside ---------------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A project with results, records and a log."""
    folder = tmp_path / "project"
    for name in (
        "Snakefile",
        "paper/main.typ",
        "results/tiny/tables/bias.csv",
        "results/tiny/levels.json",
        "results/other/tables/bias.csv",
        "logs/tiny/train.log",
        "mlflow.db",
        ".snakemake/metadata/record",
        ".snakemake/texshape-runs.jsonl",
        ".snakemake/log/a.log",
    ):
        write_text(folder / name, name)
    return folder


def test_the_other_folder_shares_files_that_never_change_in_place(clone: Path) -> None:
    results = clone / "results/tiny"
    (results / "led.csv").symlink_to("tables/bias.csv")
    before = {path: path.read_bytes() for path in clone.rglob("*") if path.is_file()}
    with shared_copy(results, without="levels.json") as folder:
        assert folder.parent == clone  # hard links need one disk
        table = folder / "results/tiny/tables/bias.csv"
        assert table.samefile(results / "tables/bias.csv")
        assert table.stat().st_mtime_ns == (results / "tables/bias.csv").stat().st_mtime_ns
        assert (folder / "results/tiny/led.csv").samefile(table)
        assert not (folder / "results/tiny/levels.json").exists()
        assert (folder / "results/other/tables/bias.csv").exists()
        assert (folder / "paper/main.typ").exists()
        assert not (folder / "logs").exists()
        assert not (folder / "mlflow.db").exists()
        # What Snakemake writes in place is its own copy.
        for name in (".snakemake/metadata/record", ".snakemake/texshape-runs.jsonl"):
            (folder / name).write_text("written in place", encoding="utf-8")
        write_text(table, "made anew")
        assert table.read_text(encoding="utf-8") == "made anew"
    assert {path: path.read_bytes() for path in clone.rglob("*") if path.is_file()} == before


def test_the_other_folder_goes_where_something_fails(clone: Path) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        shared_copy(clone / "results/tiny", without="levels.json"),
    ):
        _ = 1 / 0
    assert not list(clone.glob(".levels-*"))


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("results/none", None, "expected the folder results/NAME"),
        ("paper", None, "expected the folder results/NAME"),
        ("results/tiny", "Snakefile", "beside its Snakefile"),
        ("results/tiny", "lock", "a run goes on there"),
        ("results/led", "storage", "lies in a storage"),
    ],
)
def test_what_has_no_other_folder(clone: Path, name: str, spoil: str | None, message: str) -> None:
    if spoil == "Snakefile":
        (clone / spoil).unlink()
    elif spoil == "lock":
        write_text(clone / ".snakemake/locks/0.input.lock", "")
    elif spoil == "storage":
        (clone / name).symlink_to("tiny", target_is_directory=True)
    with (
        pytest.raises(InputError, match=message),
        shared_copy(clone / name, without="levels.json") as _,
    ):
        pytest.fail("made")
    assert not list(clone.glob(".levels-*"))


# --- the command before Snakemake ----------------------------------------------------------------


def test_the_own_level_is_no_other_one(clone: Path) -> None:
    results = clone / "results/tiny"
    write_text(results / "parameters.json", json.dumps(plan("smoke").parameters))
    with pytest.raises(InputError, match=r"its own level is 0\.95; expected another one"):
        decide(results, [0.95], say=pytest.fail)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder of results"):
        decide(tmp_path / "none", say=pytest.fail)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"parameters\.json: no such file"):
        decide(tmp_path / "empty", say=pytest.fail)


def test_a_workflow_that_cannot_be_read_is_one_line_and_changes_nothing(clone: Path) -> None:
    results = clone / "results/tiny"
    write_text(results / "parameters.json", json.dumps(plan("smoke").parameters))
    write_text(clone / "Snakefile", "rule:\n")
    before = sorted(clone.rglob("*"))
    with pytest.raises(InputError, match="snakemake --dry-run failed there") as error:
        decide(results, options=["--cores", "1"], say=pytest.fail)
    assert "\n" not in str(error.value)
    assert sorted(clone.rglob("*")) == before


# --- the file ------------------------------------------------------------------------------------


def unsure() -> dict[str, pd.DataFrame]:
    """Results at a level at which the interval of one bias reaches one half."""
    tables = synthetic_tables.procedural()
    bias = synthetic_tables.named(tables["shape_bias"], 12).drop(columns="verdict")
    bias.loc[at({"shape_bias": bias}, "shape_bias", seed=1), "ci_high"] = 0.51
    return tables | {"shape_bias": bias}


def at_others(arguments: dict, folder: Path, **tables: dict[str, pd.DataFrame]) -> levels.Levels:
    """What is decided of tables at other levels, kept beside results."""
    own = compute(arguments["results"], list_files(arguments["results"]))
    found = levels.Levels(levels.check_sum(own))
    for name, at_this in tables.items():
        results = results_of(folder / name, at_this)["results"]
        level = float(name.removeprefix("at_")) / 100
        found = found.with_level(level, compute(results, list_files(results)))
    levels.write(arguments["results"] / levels.FILE, found)
    return found


def firm(arguments: dict) -> dict[str, Claim]:
    results = arguments["results"]
    return {claim.id: claim for claim in compute_firm(results, list_files(results))}


def test_a_claim_turns_at_the_level_at_which_it_is_decided_otherwise(tmp_path: Path) -> None:
    own = synthetic_tables.procedural()
    arguments = results_of(tmp_path / "own", own)
    at_others(arguments, tmp_path, at_90=own, at_99=unsure())
    found = firm(arguments)
    plain, stylized = found["bias-plain"], found["bias-stylized"]
    assert plain.levels == {"0.9": "texture-biased", "0.99": "neither"}
    assert levels.turns(plain) == {"0.99": "neither"}
    assert stylized.levels == dict.fromkeys(("0.9", "0.99"), "shape-biased")
    assert levels.turns(stylized) == {}
    assert {id for id, one in found.items() if levels.turns(one)} >= {"bias-plain"}

    other = results_of(tmp_path / "unsure", unsure())  # turns with narrower intervals alone
    at_others(other, tmp_path / "b", at_90=own, at_99=unsure())
    assert levels.turns(firm(other)["bias-plain"]) == {"0.9": "texture-biased"}


def test_without_the_file_no_claim_has_another_level(tmp_path: Path) -> None:
    arguments = results_of(tmp_path, synthetic_tables.procedural())
    assert all(claim.levels == {} for claim in firm(arguments).values())


def test_a_claim_that_other_tables_do_not_make_says_so(tmp_path: Path) -> None:
    own = synthetic_tables.procedural()
    arguments = results_of(tmp_path / "own", own)
    found = at_others(arguments, tmp_path, at_90=own)
    del found.verdicts["0.9"]["bias-plain"]
    levels.write(arguments["results"] / levels.FILE, found)
    assert levels.turns(firm(arguments)["bias-plain"]) == {"0.9": "not made"}


def test_a_file_of_other_claims_is_left_out_with_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = synthetic_tables.procedural()
    arguments = results_of(tmp_path / "own", own)
    at_others(arguments, tmp_path, at_99=unsure())
    assert levels.turns(firm(arguments)["bias-plain"]) == {"0.99": "neither"}
    assert capsys.readouterr().err == ""
    own["readout"].loc[own["readout"]["stage"] == "stage3", "ci_low"] -= (
        0.01  # other limits, same verdicts
    )
    results = arguments["results"]
    synthetic_tables.write(own, results / "tables")
    found = firm(arguments)
    assert {claim.verdict for claim in found.values()} >= {"texture-biased"}
    assert all(claim.levels == {} for claim in found.values())
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{results / 'levels.json'}: is of other claims than these, and left out" in said


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kept: "{",
        lambda kept: "[]",
        lambda kept: json.dumps(kept | {"format": 2}),
        lambda kept: json.dumps(kept | {"more": 1}),
        lambda kept: json.dumps(kept | {"levels": {"high": {}}}),
        lambda kept: json.dumps(kept | {"levels": {"95": {}}}),
        lambda kept: json.dumps(kept | {"levels": {"0.9": ["bias-plain"]}}),
        lambda kept: json.dumps(kept | {"levels": {"0.9": {"bias-plain": None}}}),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path: Path, spoil: Any) -> None:
    path = tmp_path / levels.FILE
    kept = levels.Levels("0" * 64, {"0.9": {"bias-plain": "neither"}})
    levels.write(path, kept)
    assert levels.read(path) == kept
    write_text(path, spoil(json.loads(path.read_text(encoding="utf-8"))))
    expected = r"levels\.json: not (what texshape levels writes|readable JSON)"
    with pytest.raises(InputError, match=expected) as error:
        levels.read(path)
    assert "\n" not in str(error.value)


def test_claims_are_not_made_with_a_damaged_file(tmp_path: Path) -> None:
    results = results_of(tmp_path, synthetic_tables.procedural())["results"]
    write_text(results / levels.FILE, "{}")
    with pytest.raises(InputError, match=r"levels\.json: .*make it anew .* or delete it"):
        compute_firm(results, list_files(results))


def test_verdicts_are_kept_with_the_claims(tmp_path: Path) -> None:
    own = synthetic_tables.procedural()
    arguments = results_of(tmp_path / "own", own)
    at_others(arguments, tmp_path, at_99=unsure())
    found = firm(arguments)
    write(tmp_path / "claims.json", found.values())
    assert load(tmp_path) == list(found.values())
    # The sum is of what is decided and not of how firm that is: the file belongs to its claims still.
    assert (
        levels.check_sum(found.values()) == levels.read(arguments["results"] / levels.FILE).claims
    )
    assert levels.check_sum(load(tmp_path)) == levels.check_sum(found.values())


# --- the article ---------------------------------------------------------------------------------


def test_the_article_marks_and_lists_what_turns_at_a_level(tmp_path: Path) -> None:
    own = synthetic_tables.procedural()
    arguments = project(tmp_path / "own", own)
    at_others(arguments, tmp_path, at_90=own, at_99=unsure())
    turning = [id for id, one in firm(arguments).items() if levels.turns(one)]
    page = page_of(arguments)
    text = words_of(page)
    assert "(at 99 %: neither)" in text
    assert "bias-plain: texture-biased, at 99 %: neither" in text
    assert "At 90 % and 99 % in place of these 90 % intervals each claim is decided again" in text
    assert f"0 turn at 90 % and {len(turning)} turn at 99 %." in text
    assert "Decided otherwise at 99 %: neither." in page.replace("\u202f", " ")  # in the details
    listed = page[page.index("How firm they are") :]
    assert 'href="#claim-bias-plain"' in listed


def test_the_article_says_that_no_other_level_was_asked_for(tmp_path: Path) -> None:
    arguments = project(tmp_path, synthetic_tables.procedural())
    text = words_of(page_of(arguments))
    assert "At other levels than that of these 90 % intervals no claim is decided again" in text
    assert "is of other claims" not in text
    levels.write(arguments["results"] / levels.FILE, levels.Levels("0" * 64, {"0.9": {}}))
    text = words_of(page_of(arguments))
    assert "(levels.json) is of other claims than these and was left out" in text
    assert "no claim is decided again" in text


# --- what Snakemake would run --------------------------------------------------------------------

PRINTED = """\
Job stats:
job                     count
--------------------  -------
claims                      1
measure_rf9--plain_0        2
total                       3

"""


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        (PRINTED, {"claims": 1, "measure_rf9--plain_0": 2}),
        ("Nothing to be done (all requested files are present and up to date).", {}),
        (PRINTED.replace("claims  ", "a b   ."), "are not understood"),
        (PRINTED.replace("count", "number"), r"failed there: total +3"),
        ("", "failed there: no output"),
    ],
)
def test_every_job_that_would_run_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str, found: Any
) -> None:
    """Rules of networks have names of their own: one that is overlooked would train beside the results."""
    done = subprocess.CompletedProcess([], 0, printed, "")
    monkeypatch.setattr("texshape.levels.subprocess.run", lambda *_, **__: done)
    again = _Again(tmp_path, tmp_path / "results/tiny", ())
    if isinstance(found, dict):
        assert again.jobs({}) == found
    else:
        with pytest.raises(InputError, match=found):
            again.jobs({})
