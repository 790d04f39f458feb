"""The record of what made each result file: what it says, what it finds, what it gives back to Snakemake."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from texshape.cli.main import app
from texshape.cli.provenance import origins  # registers the step
from texshape.cli.records import origin, verify  # registers the commands
from texshape.cli.run import run
from texshape.core import snakemake_private
from texshape.core.snakemake_private import FileRecord
from texshape.errors import InputError
from texshape.files import file_sha256, write_text
from texshape.records import jobs, stored, verification

RESULTS = Path("results/tiny")
TABLE = "results/tiny/tables/bias.csv"
FIGURE = "results/tiny/figures/bias.svg"
CHECKPOINT = "results/tiny/cnn--plain/seed-3/checkpoints/final.pt"
FEATURES = "results/tiny/cnn--plain/seed-3/features/manifest.csv"
SOURCE = "paper/main.typ"
assert verify
assert origins
assert origin


@pytest.fixture
def workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A working folder, and how a job ends in it as Snakemake sees it: files, and a record of each."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake").mkdir()

    def finish(rule: str, outputs: dict[str, str], inputs: list[str], **parts: Any) -> None:
        for name, text in outputs.items():
            write_text(name, text)
        sums = {name: f"sha256:{file_sha256(name)}" for name in inputs}
        for name in outputs:
            record = FileRecord(
                rule=rule, input=sorted(inputs), input_checksums=sums, code=f"texshape run {rule}",
                params=["'0123456789ab'"], log=[f"logs/{rule}.log"],
                shellcmd=f"texshape run {rule} --seed 3", starttime=time.time(), endtime=time.time(),
            )  # fmt: skip
            snakemake_private.records_in().write(name, replace(record, **parts))

    return finish


def start(touch: bool = False) -> None:
    snakemake = snakemake_private.records_in()
    jobs.begin(
        snakemake, configuration='{"seed": 3}', files=["params.yaml"], overrides={}, touch=touch
    )


def update() -> None:
    jobs.update(RESULTS, snakemake_private.records_in())


@pytest.fixture
def study(workflow: Callable[..., None]) -> Callable[..., None]:
    """A network, its features, a table of them and a figure of that, recorded."""
    start()
    write_text("logs/train.log", "device: cuda:1, a GPU\n{}\n")
    write_text("logs/train.benchmark.tsv", "s\tmax_rss\tcpu_time\n12.5\t-\t20.25\n")
    write_text(SOURCE, "= Title")
    workflow("train", {CHECKPOINT: "weights"}, [])
    write_text(Path(FEATURES).with_name("stem.npy"), "array")
    workflow("features", {FEATURES: "stage,file\nstem,stem.npy\n"}, [CHECKPOINT])
    workflow("tabulate", {TABLE: "bias\n0.25\n"}, [FEATURES])
    figures = {FIGURE: "<svg/>", FIGURE.replace("svg", "png"): "png"}
    workflow("figures", figures, [TABLE, SOURCE, SOURCE])  # a rule may name a file twice
    update()
    return workflow


def found() -> list[tuple[str, str]]:
    return [(finding.state, finding.file) for finding in verification.verify(RESULTS)[1]]


def test_every_file_names_what_made_it(study: object) -> None:
    made = verification.origin(CHECKPOINT)
    assert made["sha256"] == file_sha256(CHECKPOINT)
    assert made["bytes"] == 7
    assert (made["rule"], made["seeds"], made["device"]) == ("train", [3], "cuda:1, a GPU")
    assert (made["seconds"], made["cpu_seconds"], made["max_rss_mb"]) == (12.5, 20.25, None)
    assert made["params"] == ["'0123456789ab'"]
    assert made["command"] == "texshape run train --seed 3"
    assert verification.origin(FIGURE)["inputs"] == {
        TABLE: file_sha256(TABLE), SOURCE: file_sha256(SOURCE)
    }  # fmt: skip
    run = made["run"]
    assert run["commit"] is None
    assert run["dirty"] is None
    assert run["parameters_sha256"] == hashlib.sha256(b'{"seed": 3}').hexdigest()
    assert {"python", "torch", "numpy", "snakemake"} <= set(run["packages"])
    array = verification.origin(Path(FEATURES).with_name("stem.npy"))  # listed, not declared
    assert (array["rule"], array["sha256"]) == (
        "features",
        file_sha256(Path(FEATURES).parent / "stem.npy"),
    )
    assert verification.verify(RESULTS) == (6, [])


def test_an_altered_table_is_altered_and_nothing_else_is(study: object) -> None:
    write_text(TABLE, "bias\n0.75\n")
    assert found() == [("altered", TABLE)]
    update()  # a later run of other jobs must not take it for its own
    assert found() == [("altered", TABLE)]


def test_a_truncated_checkpoint_is_named_with_its_size(study: object) -> None:
    os.truncate(CHECKPOINT, 3)
    (finding,) = verification.verify(RESULTS)[1]
    assert finding.state == "altered"
    assert "expected 7 bytes, found 3" in finding.why


def test_a_figure_of_a_former_table_is_stale(study: Callable[..., None]) -> None:
    study("tabulate", {TABLE: "bias\n0.5\n"}, [FEATURES])
    update()
    assert found() == [("stale", FIGURE.replace("svg", "png")), ("stale", FIGURE)]
    assert verification.verify(RESULTS)[1][0].why == f"made from another {TABLE}"
    study("figures", {FIGURE: "<svg/>", FIGURE.replace("svg", "png"): "png"}, [TABLE, SOURCE])
    update()
    assert found() == []


def test_a_figure_of_a_former_source_is_stale(study: object) -> None:
    write_text(SOURCE, "= Other")
    assert {finding.why for finding in verification.verify(RESULTS)[1]} == {
        f"made from another {SOURCE}"
    }


def test_a_lost_file_is_missing_as_long_as_something_was_made_from_it(study: object) -> None:
    os.unlink(CHECKPOINT)
    assert found() == [("missing", CHECKPOINT)]
    update()
    assert found() == [("missing", CHECKPOINT)]
    for name in (FIGURE, FIGURE.replace("svg", "png")):
        os.unlink(name)
    update()
    assert found() == [("missing", CHECKPOINT)]


def test_a_file_nobody_recorded(study: object) -> None:
    write_text(RESULTS / "tables" / "mine.csv", "x\n")
    write_text(Path(FEATURES).with_name("other.npy"), "array in no list")
    update()
    assert found() == [
        ("unrecorded", str(Path(FEATURES).with_name("other.npy"))),
        ("unrecorded", "results/tiny/tables/mine.csv"),
    ]


def test_a_file_that_no_job_made_is_recorded_by_what_read_it(study: Callable[..., None]) -> None:
    levels = "results/tiny/levels.json"
    write_text(levels, "{}")
    assert found() == [("unrecorded", levels)]
    study("claims", {"results/tiny/claims.json": "{}"}, [TABLE, levels])
    update()
    assert found() == []
    write_text(levels, "other verdicts")
    assert found() == [("stale", "results/tiny/claims.json")]


def test_touching_makes_nothing_anew(study: Callable[..., None]) -> None:
    write_text(TABLE, "bias\n0.75\n")
    start(touch=True)
    study("tabulate", {TABLE: "bias\n0.75\n"}, [FEATURES])  # what Snakemake records for --touch
    update()
    assert found() == [("altered", TABLE)]


def test_jobs_keep_the_run_that_they_ran_in(study: Callable[..., None]) -> None:
    first = verification.origin(TABLE)["run"]
    later = time.time() + 10
    with open(".snakemake/texshape-runs.jsonl", "a", encoding="utf-8") as file:
        file.write('{"cut off by a ki\n')
        file.write(json.dumps({**first, "started": later, "commit": "c" * 40}) + "\n")
    study("tabulate", {TABLE: "bias\n0.5\n"}, [FEATURES], starttime=later + 5)
    update()
    assert verification.origin(TABLE)["run"]["commit"] == "c" * 40
    assert verification.origin(FIGURE)["run"] == first


def test_the_last_job_of_a_run_is_recorded(study: Callable[..., None]) -> None:
    """Snakemake asks for the record that it is about to write, and remembers that there was none."""
    snakemake = snakemake_private.records_in()
    last = "results/tiny/metrics.json"
    assert snakemake.read(last) is None
    study("summarize", {last: "{}"}, [TABLE])
    jobs.update(RESULTS, snakemake)
    assert verification.origin(last)["rule"] == "summarize"


def test_what_made_a_file_is_known_while_the_workflow_runs(
    workflow: Callable[..., None], tmp_path: Path
) -> None:
    """Before any record is written, after it, and in a folder that the file came to."""
    start()
    write_text("pictures", "by hand")
    workflow("train", {CHECKPOINT: "weights"}, ["pictures"])
    workflow("tabulate", {TABLE: "bias\n0.25\n"}, [CHECKPOINT], shellcmd="texshape run tabulate")
    written = tmp_path / "origins.json"

    def told() -> dict[str, Any]:
        words = ["origins", "--results", RESULTS, "--table", TABLE, "--output", written]
        assert CliRunner().invoke(run, [*map(str, words)]).exit_code == 0
        return json.loads(written.read_text(encoding="utf-8"))["bias"]

    assert not (RESULTS / stored.NAME).exists()
    first = told()
    assert (first["rule"], first["command"]) == ("tabulate", "texshape run tabulate")
    assert first["inputs"] == {CHECKPOINT: file_sha256(CHECKPOINT)}
    assert first["parameters_sha256"] == hashlib.sha256(b'{"seed": 3}').hexdigest()
    assert first["seeds"] == [3]  # of the training behind it
    assert [(one["rule"], one["jobs"]) for one in first["behind"]] == [("train", 1)]
    update()
    assert told() == first
    os.rename(".snakemake", "elsewhere")
    os.mkdir(".snakemake")
    assert told() == first  # from the record alone
    assert jobs.adopt(RESULTS) == 2
    assert told() == first
    job_of = jobs.so_far(RESULTS, snakemake_private.records_in())
    assert job_of("pictures") is None


def test_an_update_without_news_writes_nothing(study: object) -> None:
    before = os.stat(RESULTS / stored.NAME)
    update()
    assert os.stat(RESULTS / stored.NAME).st_ino == before.st_ino


def test_another_folder_learns_what_made_the_files(study: object) -> None:
    kept = snakemake_private.records_in().read(FIGURE)
    os.rename(".snakemake", "elsewhere")  # as in a clone
    os.mkdir(".snakemake")
    write_text(TABLE, "altered on the way\n")
    assert jobs.adopt(RESULTS) == 4  # neither the table nor what is only listed
    assert jobs.adopt(RESULTS) == 0
    given = snakemake_private.records_in().read(FIGURE)
    for part in ("rule", "input", "params", "code", "input_checksums", "starttime", "shellcmd"):
        assert getattr(given, part) == getattr(kept, part), part
    assert snakemake_private.records_in().read(TABLE) is None
    update()
    assert found() == [("altered", TABLE)]


def test_a_file_of_another_state_gets_its_own_record_back(study: Callable[..., None]) -> None:
    """After `git checkout` and `dvc checkout` of an older state."""
    old, table = (RESULTS / stored.NAME).read_text("utf-8"), Path(TABLE).read_text("utf-8")
    study("tabulate", {TABLE: "bias\n0.5\n"}, [FEATURES], params=["'changed'"])
    update()
    write_text(TABLE, table)
    write_text(RESULTS / stored.NAME, old)
    assert jobs.adopt(RESULTS) == 1
    assert snakemake_private.records_in().read(TABLE).params == ["'0123456789ab'"]


def test_what_temporary_files_were_made_from_is_kept(study: Callable[..., None]) -> None:
    shard, merged = "results/tiny/data/a.shard-0.npy", "results/tiny/data/a.npy"
    study("stylize", {shard: "half"}, [CHECKPOINT])
    study("merge", {merged: "whole"}, [shard])
    os.unlink(shard)
    jobs.update(RESULTS, snakemake_private.records_in(), temporary=[shard])
    assert found() == []
    made = {name: entry.job for name, entry in stored.entries_of(stored.load(RESULTS)).items()}
    assert made[shard]["inputs"] == {CHECKPOINT: file_sha256(CHECKPOINT)}
    assert verification.verify(RESULTS)[0] == 7
    os.rename(".snakemake", "elsewhere")
    os.mkdir(".snakemake")
    jobs.adopt(RESULTS)
    assert snakemake_private.records_in().read(shard).rule == "stylize"


def test_exit_status_and_formats_of_the_command(study: object) -> None:
    runner = CliRunner()
    done = runner.invoke(app, ["verify", str(RESULTS)])
    assert done.exit_code == 0
    assert "code and parameters were not compared: no Snakefile in" in done.output
    assert "6 files recorded, all as recorded" in done.output
    write_text(TABLE, "bias\n0.75\n")
    os.unlink(FIGURE)
    done = runner.invoke(app, ["verify", str(RESULTS), "--format", "json"])
    assert done.exit_code == 1
    report = json.loads(done.output)
    assert report["counts"] == {"altered": 1, "missing": 1, "stale": 0, "unrecorded": 0}
    assert report["findings"][0]["file"] == TABLE
    done = runner.invoke(app, ["verify", str(RESULTS), "--no-workflow"])
    assert done.output.splitlines()[0].startswith(f"altered     {TABLE}: expected SHA-256")
    assert json.loads(runner.invoke(app, ["origin", TABLE, "--json"]).output)["rule"] == "tabulate"
    lines = runner.invoke(app, ["origin", TABLE]).output.splitlines()
    assert [line.split()[0] for line in lines] == [
        "file", "sha256", "rule", "made", "command", "inputs", "parameters", "commit", "packages",
        "machine",
    ]  # fmt: skip
    assert lines[0].split()[1] == TABLE
    assert lines[2].split() == ["rule", "tabulate"]
    assert max(map(len, lines)) <= 110


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file; expected the folder of an experiment"),
        ("{", "not readable JSON"),
        ("[]", "not a record of format 1"),
        ('{"format": 2}', "not a record of format 1"),
    ],
)
def test_no_record_is_one_line(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        write_text(tmp_path / stored.NAME, text)
    with pytest.raises(InputError, match=message):
        verification.verify(tmp_path)


def test_the_origin_of_a_stranger(study: object, tmp_path: Path) -> None:
    write_text(RESULTS / "mine.csv", "x\n")
    with pytest.raises(InputError, match="not named in"):
        verification.origin(RESULTS / "mine.csv")
    with pytest.raises(InputError, match=r"no records\.json in any folder above"):
        verification.origin(SOURCE)
