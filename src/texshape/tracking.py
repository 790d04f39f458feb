"""MLflow: each network of an experiment as one run, made from the result files.

Metrics live in files first; this module copies them. A run carries the digest of what it was made from,
so copying twice changes nothing, and a run whose files changed is replaced. The only module that knows MLflow.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from texshape.files import read_csv
from texshape.provenance import file_hash, git_commit, versions

DEFAULT_STORE = "sqlite:///mlflow.db"
KEY, DIGEST = "texshape.run", "texshape.digest"


@dataclass
class TrackedRun:
    """What MLflow shows of one network: everything in it comes from result files."""

    key: str
    parameters: dict[str, str] = field(default_factory=dict)
    history: list[tuple[str, float, int]] = field(default_factory=list)  # metric, value, epoch
    measures: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    artifacts: list[Path] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Hash of all values, and of the artifacts' content."""
        digest = hashlib.sha256()
        for part in (self.parameters, self.history, self.measures):
            digest.update(json.dumps(part, sort_keys=True).encode())
        for artifact in self.artifacts:
            digest.update(f"{artifact.name} {file_hash(artifact)}\n".encode())
        return digest.hexdigest()


def collect(
    results: Path,
    config: dict[str, Any],
    data_hashes: dict[str, str] | None = None,
    networks: Sequence[str] | None = None,
) -> list[TrackedRun]:
    """Read one experiment's result files.

    Parameters
    ----------
    results : Path
        Folder of the experiment: ``MODEL/seed-S/``, ``tables/``, ``figures/``.
    config : dict
        The experiment's parameters; they become the runs' parameters.
    data_hashes : dict, optional
        Name of an image set to its hash.
    networks : sequence of str, optional
        ``MODEL/seed-S``; every network in the folder by default. Files of former parameters may lie there.

    Returns
    -------
    list of TrackedRun
        One a network and seed, in order of their names.
    """
    tables = {path.stem: read_csv(path) for path in sorted((results / "tables").glob("*.csv"))}
    figures = sorted((results / "figures").glob("*.png"))
    runs = []
    folders = [results / name for name in networks] if networks else results.glob("*--*/seed-*")
    for folder in sorted(folders):
        model, seed = folder.parent.name, int(folder.name.removeprefix("seed-"))
        architecture, _, arm = model.partition("--")
        run = TrackedRun(key=f"{results.name}/{model}/{folder.name}")
        run.parameters = {
            "model": model,
            "architecture": architecture,
            "arm": arm,
            "seed": str(seed),
        }
        for section in ("training", "evaluation", "bootstrap"):
            run.parameters |= dict(_flatten(config.get(section, {}), section))
        run.parameters |= dict(_flatten(config.get("arms", {}).get(arm, {}), "arm"))
        run.tags = {f"data.{name}": value for name, value in (data_hashes or {}).items()}
        run.artifacts = sorted(folder.glob("trials/*.csv")) + figures
        if (history := folder / "history.csv").exists():
            run.history = list(_history(history))
            run.artifacts.append(history)
        for name, table in tables.items():
            if {"model", "seed"} <= set(table.columns) and name != "training":
                rows = table[(table["model"] == model) & (table["seed"] == seed)]
                run.measures |= dict(_measures(name, rows))
        runs.append(run)
    return runs


def _flatten(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in sorted(value.items()):
            yield from _flatten(inner, f"{name}.{key}")
    else:
        yield name, json.dumps(value) if not isinstance(value, str) else value


def _history(path: Path) -> Iterator[tuple[str, float, int]]:
    frame = read_csv(path, ["epoch"])
    for row in frame.to_dict("records"):
        suffix = f".{row['validation_set']}" if "validation_set" in row else ""
        for column, value in row.items():
            if column in ("epoch", "validation_set", "step") or not isinstance(value, int | float):
                continue
            if math.isfinite(value):
                name = column + (suffix if column.startswith("validation") else "")
                yield name, float(value), int(row["epoch"])


def _measures(table: str, rows: Any) -> Iterator[tuple[str, float]]:
    """One metric a numeric cell, named by the table, the row's units and the column."""
    units = [
        column
        for column in rows.columns
        if column in ("set", "cue", "class", "stage", "epoch", "estimator", "factor", "input", "target",
                      "head", "corruption", "severity", "k", "strength", "subspace", "aggregation")
    ]  # fmt: skip
    skipped = {"model", "architecture", "arm", "seed", *units}
    for row in rows.to_dict("records"):
        prefix = ".".join([table, *(f"{row[unit]}" for unit in units)])
        for column, value in row.items():
            if column in skipped or not isinstance(value, int | float) or not math.isfinite(value):
                continue
            yield _metric_name(f"{prefix}.{column}"), float(value)


def _metric_name(name: str) -> str:
    allowed = "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name)
    return allowed[:250]


def publish(runs: list[TrackedRun], experiment: str, uri: str | None = None) -> dict[str, int]:
    """Bring an MLflow store up to date with the runs; idempotent.

    Parameters
    ----------
    runs : list of TrackedRun
        What `collect` returned.
    experiment : str
        Name of the MLflow experiment.
    uri : str, optional
        Tracking store; ``MLFLOW_TRACKING_URI`` or SQLite in the working folder where not given.

    Returns
    -------
    dict
        Counts of runs ``created``, ``replaced`` and ``unchanged``.

    Raises
    ------
    Exception
        Whatever MLflow raises: the caller decides whether tracking may fail.
    """
    # A server that is down must fail in seconds: metrics are safe in files. The user's settings win.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE)
    found = client.get_experiment_by_name(experiment)
    identifier = found.experiment_id if found else client.create_experiment(experiment)
    commit, installed = git_commit(), versions()
    counts = {"created": 0, "replaced": 0, "unchanged": 0}
    known = _known_runs(client, identifier)
    for run in runs:
        existing = known.get(run.key, [])
        current = [old for old in existing if old.data.tags.get(DIGEST) == run.digest]
        for old in existing:
            if not current or old.info.run_id != current[0].info.run_id:
                client.delete_run(old.info.run_id)
        if current:
            counts["unchanged"] += 1
            continue
        now = int(time.time() * 1000)
        name = run.key.partition("/")[2]
        created = client.create_run(identifier, run_name=name, tags={KEY: run.key, **run.tags})
        run_id = created.info.run_id
        metrics = [Metric(metric, value, now, step) for metric, value, step in run.history]
        metrics += [Metric(metric, value, now, 0) for metric, value in run.measures.items()]
        for start in range(0, len(metrics), 1000):  # the server's limits for one batch
            client.log_batch(run_id, metrics=metrics[start : start + 1000])
        parameters = [Param(key, value[:500]) for key, value in run.parameters.items()]
        for start in range(0, len(parameters), 100):
            client.log_batch(run_id, params=parameters[start : start + 100])
        tags = {f"version.{package}": version for package, version in installed.items()}
        tags |= {"git.commit": str(commit["commit"]), "git.dirty": str(commit["dirty"])}
        client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
        for artifact in run.artifacts:
            client.log_artifact(run_id, str(artifact), artifact_path=artifact.parent.name)
        # Last: a run without a digest is unfinished and is replaced the next time.
        client.set_tag(run_id, DIGEST, run.digest)
        client.set_terminated(run_id)
        counts["replaced" if existing else "created"] += 1
    return counts


def _known_runs(client: Any, identifier: str) -> dict[str, list[Any]]:
    known: dict[str, list[Any]] = {}
    token = None
    while True:
        page = client.search_runs([identifier], max_results=1000, page_token=token)
        for run in page:
            if key := run.data.tags.get(KEY):
                known.setdefault(key, []).append(run)
        token = page.token
        if not token:
            return known
