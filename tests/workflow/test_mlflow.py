"""MLflow's own server on PostgreSQL, and SQLite: eight writers at once, and a server that dies."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from tools.workflow_copy import ROOT
from typer.testing import CliRunner

from tests import servers
from tests.whole_tables import complete
from texshape import tracking
from texshape.files import write_csv, write_json, write_text

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(1800)]

WRITERS = 8
RUNS = [f"cnn--plain/seed-{seed}" for seed in range(WRITERS + 1)]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nine networks: one for each writer, and one that all of them write."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    folder = tmp_path / "results" / "tiny"
    for run in RUNS:
        history = {"epoch": [1, 2], "train_loss": [1.0, 0.5]}
        write_csv(folder / run / "history.csv", pd.DataFrame(history))
        write_text(folder / run / "trials" / "cue-conflict.csv", f"subj,session\n{run},1\n")
    rows = [
        {"model": "cnn--plain", "seed": seed, "shape_bias": seed / 8} for seed in range(len(RUNS))
    ]
    table = complete({"shape_bias": pd.DataFrame(rows)})["shape_bias"]
    write_csv(folder / "tables" / "shape_bias.csv", table)
    write_json(folder / "parameters.json", {"experiment": "tiny", "training": {"epochs": 2}})
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[servers.MLflowServer]:
    with servers.postgresql() as database:
        started = servers.MLflowServer(database, tmp_path)
        try:
            started.start()
            yield started
        finally:
            started.kill()


def write_all_at_once(results: Path, uri: str) -> None:
    command = [sys.executable, ROOT / "tests" / "workflow" / "eight_writers.py", results, uri]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=results.parents[1]
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert "locked" not in done.stderr + done.stdout


def assert_complete(uri: str) -> set[str]:
    """Each network once, finished, with all that belongs to it; returns the runs' identifiers."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    (experiment,) = [item for item in client.search_experiments() if item.name == "tiny"]
    found = client.search_runs([experiment.experiment_id])
    assert Counter(run.info.run_name for run in found) == Counter(RUNS)
    for run in found:
        seed = int(run.info.run_name.rpartition("-")[2])
        assert run.info.status == "FINISHED"
        assert run.data.metrics == {"train_loss": 0.5, "shape_bias.shape_bias": seed / 8}
        assert run.data.params["seed"] == str(seed)
        history = client.get_metric_history(run.info.run_id, "train_loss")
        assert sorted((point.step, point.value) for point in history) == [(1, 1.0), (2, 0.5)]
    last = next(run for run in found if run.info.run_name == RUNS[-1])  # the one all wrote
    kept = [item.path for item in client.list_artifacts(last.info.run_id, "trials")]
    assert kept == ["trials/cue-conflict.csv"]
    return {run.info.run_id for run in found}


def test_eight_writers_of_one_sqlite_file_that_none_has_made_yet(
    results: Path, tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    write_all_at_once(results, uri)
    kept = assert_complete(uri)
    runs = tracking.collect(results, {"experiment": "tiny", "training": {"epochs": 2}}, {})
    assert tracking.publish(runs, "tiny", uri) == {"created": 0, "replaced": 0, "unchanged": 9}
    assert assert_complete(uri) == kept


def test_eight_writers_of_a_server_on_postgresql_and_the_server_killed_in_the_middle(
    server: servers.MLflowServer, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test: the server costs more than all that is done with it."""
    from mlflow.tracking import MlflowClient

    from texshape.cli.main import app
    from texshape.cli.track import track  # registers the command

    assert track
    write_all_at_once(results, server.uri)
    before = assert_complete(server.uri)

    # All nine are out of date; the server dies while the fourth is written.
    write_json(results / "parameters.json", {"experiment": "tiny", "training": {"epochs": 3}})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    send, sent = MlflowClient.log_artifact, []

    def send_until_it_dies(client: MlflowClient, *arguments: object, **options: object) -> None:
        sent.append(arguments)
        if len(sent) == 7:  # two files a network
            server.kill()
        send(client, *arguments, **options)

    runner = CliRunner()
    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "log_artifact", send_until_it_dies)
        done = runner.invoke(app, ["track", str(results)])
    assert done.exit_code == 0, done.output  # the study goes on
    assert done.stderr.startswith("warning: MLflow was not reached")
    assert len(sent) == 7
    receipt = json.loads((results / "tracking.json").read_text(encoding="utf-8"))
    assert receipt == {"reached": False, "runs": 9}

    server.start()
    done = runner.invoke(app, ["track", "--resync", str(results)])
    assert "9 runs, 0 created, 6 replaced, 3 unchanged" in done.output
    after = assert_complete(server.uri)
    assert not after & before
    done = runner.invoke(app, ["track", "--resync", str(results)])
    assert "9 runs, 0 created, 0 replaced, 9 unchanged" in done.output
    assert assert_complete(server.uri) == after
    receipt = json.loads((results / "tracking.json").read_text(encoding="utf-8"))
    assert receipt == {"reached": True, "runs": 9}
