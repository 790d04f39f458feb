"""MLflow: runs are made from files, once, and are replaced when the files change."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import synthetic_tables
from tests.whole_tables import complete

from texshape import tracking
from texshape.catalogue import declared
from texshape.errors import InputError
from texshape.files import write_csv, write_json, write_text
from texshape.tables import Column, Logged, Table
from texshape.techniques import registry

CONFIG = {"experiment": "tiny", "training": {"epochs": 2}, "arms": {"plain": {"sets": ["plain"]}}}


def whole(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A table with every declared column."""
    return complete({name: frame})[name]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """An experiment of two networks with a history, a table and a figure."""
    folder = tmp_path / "results" / "tiny"
    rows = []
    for seed in (0, 1):
        run = folder / "cnn--plain" / f"seed-{seed}"
        history = pd.DataFrame(
            {"epoch": [1, 2], "train_loss": [1.0, 0.5], "validation_set": "validation-plain",
             "validation_accuracy": [0.5, 0.75 + seed / 8]}
        )  # fmt: skip
        write_csv(run / "history.csv", history)
        write_text(run / "trials" / "cue-conflict.csv", "subj,session\n")
        rows.append({"model": "cnn--plain", "architecture": "cnn", "arm": "plain", "seed": seed,
                     "shape_bias": 0.25 * seed, "ci_low": None, "n_trials": 10})  # fmt: skip
    write_csv(folder / "tables" / "shape_bias.csv", whole("shape_bias", pd.DataFrame(rows)))
    write_json(folder / "parameters.json", CONFIG)
    (folder / "figures").mkdir()
    (folder / "figures" / "bias.png").write_bytes(b"png")
    return folder


def test_collect_reads_history_measures_and_artifacts(results: Path) -> None:
    record = {
        "data": {"base/test": "abc"},
        "git": {"commit": "c" * 40, "dirty": True},
        "versions": {},
    }
    runs = tracking.collect(results, CONFIG, record)
    assert [run.key for run in runs] == ["tiny/cnn--plain/seed-0", "tiny/cnn--plain/seed-1"]
    run = runs[1]
    assert run.parameters["training.epochs"] == "2"
    assert run.measures == {"shape_bias.shape_bias": 0.25, "shape_bias.n_trials": 10.0}
    assert ("validation_accuracy.validation-plain", 0.875, 2) in run.history
    assert ("train_loss", 0.5, 2) in run.history
    assert run.tags == {"data.base/test": "abc", "git.commit": "c" * 40, "git.dirty": "True"}
    assert {path.name for path in run.artifacts} == {"cue-conflict.csv", "bias.png", "history.csv"}


def test_publishing_twice_changes_nothing_and_a_changed_file_replaces_its_run(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    monkeypatch.chdir(tmp_path)  # artifacts go beside the store
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    runs = tracking.collect(results, CONFIG)
    assert tracking.publish(runs, "tiny", uri) == {"created": 2, "replaced": 0, "unchanged": 0}
    assert tracking.publish(runs, "tiny", uri) == {"created": 0, "replaced": 0, "unchanged": 2}

    write_text(results / "cnn--plain" / "seed-1" / "trials" / "cue-conflict.csv", "changed\n")
    runs = tracking.collect(results, CONFIG)
    assert tracking.publish(runs, "tiny", uri) == {"created": 0, "replaced": 1, "unchanged": 1}

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("tiny")
    found = client.search_runs([experiment.experiment_id])
    assert sorted(run.info.run_name for run in found) == ["cnn--plain/seed-0", "cnn--plain/seed-1"]
    second = next(run for run in found if run.info.run_name.endswith("1"))
    assert second.data.metrics["shape_bias.shape_bias"] == 0.25
    history = client.get_metric_history(second.info.run_id, "validation_accuracy.validation-plain")
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.5), (2, 0.875)]
    assert {"version.torch", "git.commit", "git.dirty"} <= set(second.data.tags)
    assert any(a.path == "figures" for a in client.list_artifacts(second.info.run_id))


def test_a_server_that_is_down_costs_a_warning_and_no_result(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # discard port: refuses
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    command = [Path(sys.executable).with_name("texshape"), "track", results]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("warning: MLflow was not reached")
    assert "Traceback" not in done.stderr
    assert '"reached": false' in (results / "tracking.json").read_text(encoding="utf-8")

    strict = subprocess.run(
        [*command, "--resync"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert strict.returncode == 2
    assert strict.stderr.startswith("texshape: error: MLflow cannot be brought up to date")


def run_of(identifier: str, start: int, digest: str | None, writer: str = "") -> SimpleNamespace:
    tags = {tracking.WRITER: writer} | ({tracking.DIGEST: digest} if digest else {})
    return SimpleNamespace(
        info=SimpleNamespace(run_id=identifier, start_time=start), data=SimpleNamespace(tags=tags)
    )


@given(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from("xyz")), min_size=1, max_size=6),
    st.data(),
)
def test_writers_that_delete_at_once_keep_the_same_run(
    made: list[tuple[int, str]], data: st.DataObject
) -> None:
    """Two of them, each by the list it saw: however their deletions interleave, one run stays."""
    runs = [run_of(f"{number}", start, digest) for number, (start, digest) in enumerate(made)]
    latest = max(runs, key=tracking._order).data.tags[tracking.DIGEST]
    first = tracking._superseded(runs)
    done = data.draw(st.integers(0, len(first)))
    seen = [run for run in runs if run not in first[:done]]  # by the second, halfway
    left = [run for run in runs if run not in first and run not in tracking._superseded(seen)]
    assert len(left) == 1
    assert left[0].data.tags[tracking.DIGEST] == latest


def test_an_unfinished_run_is_given_up_when_its_writer_is_dead() -> None:
    own = tracking._writer(os.getpid())
    parent = tracking._writer(os.getppid())
    dead = subprocess.Popen([sys.executable, "-c", ""])
    gone = tracking._writer(dead.pid)
    dead.wait()
    now = int(time.time() * 1000)
    cases = [
        (own, now, True),  # this process starts anew
        (parent, now, False),
        (parent + "1", now, True),  # the number was given to another process
        (gone, now, True),
        ("another-machine:1:1", now, False),
        ("another-machine:1:1", now - 2 * 24 * 3600 * 1000, True),
        ("", now, True),
    ]
    for writer, start, given_up in cases:
        run = run_of("a", start, None, writer)
        assert tracking._superseded([run]) == ([run] if given_up else []), writer


def numeric_cells(table: pd.DataFrame, key: list[str]) -> int:
    """Finite numbers of a table, but for those that say which row it is."""
    numbers = table.drop(columns=[*key, "model", "architecture", "arm", "seed"], errors="ignore")
    return int(numbers.select_dtypes("number").notna().to_numpy().sum())


KEYS = {
    "comparison": ["measure"],
    "erasure": ["stage", "cue", "erased", "draw"],
    "disagreement": ["cue", "decision", "readout"],
    "readout": ["epoch", "stage", "cue", "input"],
    "shuffling": ["k", "set"],
    "segmentation": ["epoch", "stage", "head", "target", "bound"],
    "cue_strength": ["strength"],
    "shape_bias": [],
}


def example(name: str) -> pd.DataFrame:
    """A table of two networks of two seeds with all combinations of its key; values repeat."""
    choices = {
        "epoch": [0, 10],
        "draw": [None, 0, 1],
        "strength": [0.0, 0.5, 1.0],
        "k": [1, 2],
    }
    rows: list[dict] = [
        {"model": model, "architecture": "cnn", "arm": model[5:], "seed": seed}
        for model in ("cnn--plain", "cnn--stylized")
        for seed in (0, 1)
    ]
    for column in KEYS[name]:
        rows = [row | {column: v} for row in rows for v in choices.get(column, ["a", "b", "a b"])]
    table = declared(name)
    numbers = {
        kind: [c.name for c in table.columns if c.kind == kind and c.name not in table.keys]
        for kind in ("number", "whole")
    }
    values = {numbers["number"][0]: 0.5, numbers["whole"][-1]: 10}
    return whole(name, pd.DataFrame(rows).assign(**values))


@pytest.mark.parametrize("name", KEYS)
def test_every_number_of_a_table_is_a_metric_of_its_own(tmp_path: Path, name: str) -> None:
    table = example(name)
    write_csv(tmp_path / "tables" / f"{name}.csv", table)
    table = pd.read_csv(tmp_path / "tables" / f"{name}.csv")
    networks = ["cnn--plain/seed-0", "cnn--plain/seed-1", "cnn--stylized/seed-0"]  # one is not ours
    runs = tracking.collect(tmp_path, {}, {}, networks)
    assert tracking._key_columns(name, table) == KEYS[name]
    assert len(runs[0].measures) == len(runs[2].measures) == numeric_cells(table, KEYS[name]) / 4
    assert runs[-1].key.endswith("/all-networks")
    assert sum(len(run.measures) for run in runs) == numeric_cells(table, KEYS[name])


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("correlations", {"measure_x": ["a", "a", "b"], "measure_y": ["b", "c", "c"]}),
        ("controls", {"variant": ["a", "a", "b"], "effect": ["both", "training", "both"]}),
        ("comparison_wide", {"model": ["x", "y", "z"], "n_seeds": [1, 1, 2], "n_least": [1, 1, 2]}),
    ],
)
def test_tables_of_no_network_have_their_metrics(tmp_path: Path, name: str, columns: dict) -> None:
    value = {"correlations": "rho", "controls": "difference"}.get(name, "shape_bias")
    table = pd.DataFrame({**columns, value: [0.1, 0.1, None]})
    if name != "comparison_wide":
        table = whole(name, table)
    write_csv(tmp_path / "tables" / f"{name}.csv", table.assign(architecture="x", arm="y"))
    (run,) = tracking.collect(tmp_path, {}, {}, [])
    assert len(run.measures) == 2 + 3 * len({"n_seeds", "n_least"} & columns.keys())
    assert {found for key, found in run.measures.items() if key.endswith(value)} == {0.1}


def test_networks_that_are_not_asked_for_are_not_of_no_network(results: Path) -> None:
    """Each of several writers publishes some; rows of a network without a folder are of none."""
    (run,) = tracking.collect(results, CONFIG, {}, ["cnn--plain/seed-1"])
    assert run.key == "tiny/cnn--plain/seed-1"
    path = results / "tables" / "shape_bias.csv"
    table = pd.read_csv(path)
    humans = {"model": "humans", "architecture": "humans", "arm": "published", "shape_bias": 0.9}
    write_csv(path, pd.concat([table, whole("shape_bias", pd.DataFrame([humans]))]))
    *_, rest = tracking.collect(results, CONFIG, {}, ["cnn--plain/seed-1"])
    assert rest.key.endswith(tracking.ALL_NETWORKS)
    assert set(rest.measures.values()) == {0.9}


@pytest.mark.parametrize("other", [{}, {"shape_share": 0.25}, {"n_units": 11}])
def test_two_cells_of_one_name_are_an_error(tmp_path: Path, other: dict) -> None:
    table = example("erasure")
    table = pd.concat([table, table.iloc[[5]].assign(**other)])
    write_csv(tmp_path / "tables" / "erasure.csv", table)
    with pytest.raises(InputError, match=rf"tables/erasure\.csv: rows 6 and {len(table)} are both"):
        tracking.collect(tmp_path, {}, {})
    with pytest.raises(InputError, match="would be called 'a_b'"):
        tracking._add(tracking.TrackedRun("x", measures={"a_b": 1.0}), [("a_b", 2.0)])


def test_a_table_that_nobody_declared_is_named(tmp_path: Path) -> None:
    write_csv(tmp_path / "tables" / "readuot.csv", pd.DataFrame({"value": [1]}))
    with pytest.raises(InputError, match="table 'readuot' is not known; did you mean 'readout'"):
        tracking.collect(tmp_path, {}, {})


def all_pairs(names: list[str], who: str) -> list[dict]:
    """Rows of the agreement of all pairs of measures, a number in each of their cells."""
    numbers = {c.name: 1 for c in declared("agreement").columns if c.kind in ("number", "whole")}
    return [
        {"measured_by": who, "measure_x": x, "measure_y": y,
         "family": "shape_bias" if x == "shape_bias" else "others", **numbers}
        for x, y in combinations(names, 2)
    ]  # fmt: skip


def test_of_all_pairs_mlflow_shows_what_a_person_compares(tmp_path: Path) -> None:
    """Five numbers of each pair with the bias: fifty measures have 245 metrics, not 29,400."""
    names = ["shape_bias", *(f"m{number}" for number in range(49))]
    pairs = [row for who in ("here", "A and B 2023") for row in all_pairs(names, who)]
    networks = [f"network {number}--plain" for number in range(20)]
    differences = [
        {"model_a": a, "model_b": b, "difference": 0.1, "ci_low": 0.0, "ci_high": 0.2, "n": 100,
         "seed_difference": 0.1, "seed_p": 0.5}
        for a, b in combinations(networks, 2)
    ]  # fmt: skip
    by_others = [
        {"measured_by": "A and B 2023", "network": network, "measure": measure, "value": 0.5}
        for network in networks for measure in names
    ]  # fmt: skip
    tables = {"agreement": pairs, "shape_bias_differences": differences,
              "published_measures": by_others}  # fmt: skip
    for name, rows in tables.items():
        write_csv(tmp_path / "tables" / f"{name}.csv", whole(name, pd.DataFrame(rows)))
    (run,) = tracking.collect(tmp_path, {}, {})
    count = Counter(name.partition(".")[0] for name in run.measures)
    assert count == {"agreement": 49 * 5, "shape_bias_differences": 190 * 3}
    shown = {name.rpartition(".")[2] for name in run.measures if name.startswith("agreement")}
    assert shown == {"rho", "ci_low", "ci_high", "p_holm", "within_rho"}
    assert all(name.startswith("agreement.here.shape_bias.") for name in [*run.measures][: 49 * 5])


def test_a_whole_experiment_shows_few_numbers_of_what_is_no_network(tmp_path: Path) -> None:
    """Every table at once, with the pairs of all measures: a run that a browser can still show."""
    tables = synthetic_tables.procedural() | synthetic_tables.optional()
    named = [name for name in registry.names() if registry.get(name).measures]
    measured = [measure.name for name in named for measure in registry.get(name).measures]
    assert len(measured) > 40
    pairs = all_pairs([*dict.fromkeys(["shape_bias", *measured])], "here")
    tables["agreement"] = pd.DataFrame(pairs)
    for name, frame in tables.items():
        write_csv(tmp_path / "tables" / f"{name}.csv", whole(name, frame))
    networks = {(row.model, row.seed) for row in tables["shape_bias"].itertuples()}
    runs = tracking.collect(
        tmp_path, {}, {}, [f"{model}/seed-{seed:g}" for model, seed in networks]
    )
    assert runs[-1].key.endswith(tracking.ALL_NETWORKS)
    assert len(runs[-1].measures) < 1500
    assert max(len(run.measures) for run in runs[:-1]) < 3000


def test_what_is_logged_must_be_numbers_of_the_table() -> None:
    columns = (Column("name", "text", "n"), Column("value", "number", "v"))
    for logged, message in (
        (Logged(("vlaue",)), "'vlaue' is no number that can be logged"),
        (Logged(("name",)), "'name' is no number that can be logged"),
        (Logged(("value",), (("kind", "a"),)), "no column 'kind' to choose rows by"),
    ):
        with pytest.raises(ValueError, match=message):
            Table("t", "a row", columns, logged=logged)


@pytest.mark.parametrize("name", synthetic_tables.optional())
def test_states_of_a_network_are_told_apart(name: str) -> None:
    """A table of several states has the epoch among its keys; else two of its values share a name."""
    frame = synthetic_tables.optional()[name]
    keys = tracking._key_columns(name, frame)
    assert ("epoch" in frame.columns) == ("epoch" in keys)
    if "triplets" in name:
        assert "epoch" in keys
