"""MLflow: each network of an experiment as one run, made from the result files.

Metrics live in files first; this module copies them. A run carries the digest of what it was made from,
so copying twice changes nothing, and a run whose files changed is replaced. Many processes may copy at once:
each writes runs of its own, and all of them agree which run of a network stays. The only module that knows
MLflow.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import math
import os
import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from texshape.catalogue import declared
from texshape.errors import InputError
from texshape.experiment import unavailable
from texshape.experiment.runs import RunId, find_runs
from texshape.files import file_sha256, read_csv
from texshape.provenance import git_commit, versions

DEFAULT_STORE = "sqlite:///mlflow.db"
# Columns that say which network a row is of; a run is of one network.
IDENTITY = ("model", "architecture", "arm", "seed")
ALL_NETWORKS = "all-networks"
KEY, DIGEST, WRITER = "texshape.run", "texshape.digest", "texshape.writer"
_ABANDONED = (
    24 * 3600 * 1000
)  # ms after which an unfinished run of another machine counts as given up


@dataclass
class TrackedRun:
    """What MLflow shows of one network, or of what belongs to none: all of it comes from result files."""

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
            digest.update(f"{artifact.name} {file_sha256(artifact)}\n".encode())
        return digest.hexdigest()


def collect(
    results: Path,
    config: dict[str, Any],
    record: Mapping[str, Any] | None = None,
    networks: Sequence[str] | None = None,
) -> list[TrackedRun]:
    """Read one experiment's result files.

    Parameters
    ----------
    results : Path
        Folder of the experiment: ``MODEL/seed-S/``, ``tables/``, ``figures/``.
    config : dict
        The experiment's parameters; they become the runs' parameters.
    record : mapping, optional
        ``provenance.json``: ``data`` (name of an image set to its hash), ``git`` and ``versions``.
    networks : sequence of str, optional
        ``MODEL/seed-S``; every network in the folder by default. Files of former parameters may lie there.

    Returns
    -------
    list of TrackedRun
        One a network and seed, in order of their names; then one of what belongs to none, if anything does.

    Raises
    ------
    InputError
        If a table is none of ours or not as declared, so that two of its cells could be one metric.
    """
    tables = {path.stem: read_csv(path) for path in sorted((results / "tables").glob("*.csv"))}
    figures = sorted((results / "figures").glob("*.png"))
    tables.pop("training", None)  # the histories, which are metrics by epoch
    keys = {name: _key_columns(name, table) for name, table in tables.items()}
    record = record or {}
    commit = record.get("git") or git_commit()
    tags = {f"data.{name}": value for name, value in record.get("data", {}).items()}
    tags |= {f"version.{name}": value for name, value in record.get("versions", versions()).items()}
    tags |= {"git.commit": str(commit["commit"]), "git.dirty": str(commit["dirty"])}
    runs = []
    there = find_runs(results)
    asked = [RunId.parse(name) for name in networks] if networks else there
    asked = unavailable.without(results, asked)
    # Networks in the folder are networks, whether they are asked for or not.
    named = {(own.model, own.seed) for own in [*there, *asked]}
    told = {name: _belongs_to(named, table) for name, table in tables.items()}
    for own in sorted(asked):
        folder = results / str(own)
        run = TrackedRun(key=f"{results.name}/{own}")
        run.parameters = {
            "model": own.model,
            "architecture": own.architecture,
            "arm": own.arm,
            "seed": str(own.seed),
        }
        for section in ("training", "evaluation", "bootstrap"):
            run.parameters |= dict(_flatten(config.get(section, {}), section))
        run.parameters |= dict(_flatten(config.get("arms", {}).get(own.arm, {}), "arm"))
        run.tags = dict(tags)
        run.artifacts = sorted(folder.glob("trials/*.csv")) + figures
        if (history := folder / "history.csv").exists():
            run.history = list(_history(history))
            run.artifacts.append(history)
        for name, table in tables.items():
            if {"model", "seed"} <= set(table.columns):
                chosen = (table["model"] == own.model) & (table["seed"] == own.seed)
                _add(run, _measures(name, table[chosen], keys[name]))
        runs.append(run)
    rest = _of_all_networks(results, config, tags, tables, told, keys)
    return [*runs, rest] if rest.measures else runs


def _belongs_to(networks: set[tuple[str, int]], table: pd.DataFrame) -> pd.Series:
    """Which rows are of one of these networks, ``(MODEL, seed)``."""
    if not {"model", "seed"} <= set(table.columns):
        return pd.Series(False, index=table.index)
    pairs = zip(table["model"], table["seed"], strict=True)
    return pd.Series([pair in networks for pair in pairs], index=table.index, dtype=bool)


def _of_all_networks(
    results: Path,
    config: Mapping[str, Any],
    tags: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame],
    told: Mapping[str, pd.Series],
    keys: Mapping[str, list[str]],
) -> TrackedRun:
    """The run that holds what belongs to no network's: pairs, correlations, humans, published networks."""
    run = TrackedRun(key=f"{results.name}/{ALL_NETWORKS}", tags=dict(tags))
    for section in ("evaluation", "bootstrap", "comparison"):
        run.parameters |= dict(_flatten(config.get(section, {}), section))
    for name, table in tables.items():
        rest = table[~told[name]]
        front = [column for column in IDENTITY if column in table.columns]
        # Here the names of networks tell rows apart as well.
        renamed = rest.rename(columns={column: f"{column} " for column in front})
        _add(run, _measures(name, renamed, [*(f"{column} " for column in front), *keys[name]]))
    return run


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


def _key_columns(name: str, frame: pd.DataFrame) -> list[str]:
    """The columns that tell the rows of one network apart, in the order in which they name a metric.

    Raises
    ------
    InputError
        If the table is none of ours, or is not as declared: two of its values could have one name.
    """
    table = declared(name)
    table.check(frame, f"tables/{name}.csv", networks=True)
    return [key for key in (*table.front, *table.keys) if key not in IDENTITY]


def _measures(
    table: str, rows: pd.DataFrame, columns: Sequence[str]
) -> Iterator[tuple[str, float]]:
    """One metric a numeric cell, named by the table, the row's key and the column.

    Where the declaration names what is logged, of these cells alone.
    """
    skipped = {*IDENTITY, *columns}
    if (logged := declared(table).logged) is not None:
        rows = logged.of(rows)
        skipped |= set(rows.columns) - {*logged.columns}
    for row in rows.to_dict("records"):
        key = ["-" if pd.isna(row[column]) else f"{row[column]}" for column in columns]
        for column, value in row.items():
            if column in skipped or isinstance(value, bool) or not isinstance(value, int | float):
                continue
            if math.isfinite(value):
                yield _metric_name(".".join([table, *key, column])), float(value)


def _add(run: TrackedRun, measures: Iterable[tuple[str, float]]) -> None:
    """Add metrics to a run; two values never share a name.

    Raises
    ------
    InputError
        If they would.
    """
    for name, value in measures:
        if name in run.measures:
            raise InputError(f"MLflow: two values of {run.key} would be called '{name}'")
        run.measures[name] = value


def _metric_name(name: str) -> str:
    # No slash and no dot in front: a store in a folder takes the name for a path.
    allowed = "".join(c if c.isalnum() or c in "_-. " else "_" for c in name).lstrip(".") or "_"
    if len(allowed) > 250:
        return f"{allowed[:240]}.{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return allowed


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
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_STORE
    try:
        from mlflow.tracking import MlflowClient
    except ModuleNotFoundError as error:
        if error.name != "mlflow":
            raise
        raise InputError("MLflow is not installed; pip install 'texshape[workflow]'") from None

    with _alone_in(uri):
        client = MlflowClient(uri)
        identifier = _experiment(client, experiment)
        counts = {"created": 0, "replaced": 0, "unchanged": 0}
        known = _known_runs(client, identifier)
        for run in runs:
            existing = known.get(run.key, [])
            kept = _kept(existing)
            if kept is not None and kept.data.tags[DIGEST] == run.digest:
                counts["unchanged"] += 1
                continue
            # Later than any other, whatever the clock says: the latest start decides which run stays.
            start = max([int(time.time() * 1000), *(old.info.start_time + 1 for old in existing)])
            _write(client, identifier, run, start)
            counts["created" if kept is None else "replaced"] += 1
        found = _known_runs(client, identifier)
        for run in runs:
            for old in _superseded(found.get(run.key, [])):
                client.delete_run(old.info.run_id)
    return counts


@contextmanager
def _alone_in(uri: str) -> Iterator[None]:
    """Hold a lock on the folder of an SQLite store: it bears one writer, and one that creates it.

    Without it eight processes at once fail to create the tables or find the database locked.
    """
    if not uri.startswith("sqlite:///"):
        yield
        return
    folder = Path(uri.removeprefix("sqlite:///").partition("?")[0]).absolute().parent
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _experiment(client: Any, name: str) -> str:
    """The identifier of an experiment, which somebody else may create at the same time."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name)
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    return found.experiment_id


def _write(client: Any, identifier: str, run: TrackedRun, start: int) -> None:
    """Write one run; `start` in ms. Without its digest, which comes last, it is unfinished."""
    from mlflow.entities import Metric, Param, RunTag

    created = client.create_run(
        identifier,
        start_time=start,
        run_name=run.key.partition("/")[2],
        tags={KEY: run.key, WRITER: _writer(os.getpid())},
    )
    run_id = created.info.run_id
    metrics = [Metric(metric, value, start, step) for metric, value, step in run.history]
    metrics += [Metric(metric, value, start, 0) for metric, value in run.measures.items()]
    for first in range(0, len(metrics), 1000):  # the server's limits for one batch
        client.log_batch(run_id, metrics=metrics[first : first + 1000])
    parameters = [Param(key, value[:500]) for key, value in run.parameters.items()]
    for first in range(0, len(parameters), 100):
        client.log_batch(run_id, params=parameters[first : first + 100])
    tags = [RunTag(key, value) for key, value in run.tags.items()]
    for first in range(0, len(tags), 100):
        client.log_batch(run_id, tags=tags[first : first + 100])
    for artifact in run.artifacts:
        client.log_artifact(run_id, str(artifact), artifact_path=artifact.parent.name)
    client.set_terminated(run_id)
    client.set_tag(run_id, DIGEST, run.digest)  # from here on others may delete it as a copy


def _order(run: Any) -> tuple[int, str]:
    return run.info.start_time, run.info.run_id


def _kept(found: Sequence[Any]) -> Any | None:
    """Which of one network's runs stays: the first with the content of the one that started last."""
    finished = [run for run in found if DIGEST in run.data.tags]
    if not finished:
        return None
    digest = max(finished, key=_order).data.tags[DIGEST]
    return min((run for run in finished if run.data.tags[DIGEST] == digest), key=_order)


def _superseded(found: Sequence[Any]) -> list[Any]:
    """The runs of one network to delete, in this order.

    Several processes may decide at once. Runs of other content go first: as long as one is there, so is
    the latest run, and everybody keeps the same one.
    """
    kept = _kept(found)
    given_up = [run for run in found if DIGEST not in run.data.tags and not _is_written(run)]
    if kept is None:
        return given_up
    finished = sorted((run for run in found if DIGEST in run.data.tags), key=_order)
    digest = kept.data.tags[DIGEST]
    other = [run for run in finished if run.data.tags[DIGEST] != digest]
    copies = [run for run in finished if run.data.tags[DIGEST] == digest and run is not kept]
    return given_up + other + copies


def _is_written(run: Any) -> bool:
    """Whether somebody else may still be writing a run without a digest."""
    writer = run.data.tags.get(WRITER, "")
    host, pid = [*writer.split(":"), ""][:2]
    if host == _host() and pid.isdigit():
        return int(pid) != os.getpid() and _writer(int(pid)) == writer
    return bool(host) and time.time() * 1000 - run.info.start_time < _ABANDONED


def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:12]


def _writer(pid: int) -> str:
    """A process: its machine (hashed), its number and when it started; no start where it is dead."""
    try:
        # The name in parentheses may hold spaces; the start time is the twentieth value after it.
        started = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
        )
    except (OSError, IndexError):
        started = "" if not _lives(pid) else "?"
    return f"{_host()}:{pid}:{started}"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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
