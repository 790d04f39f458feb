"""The record of an experiment's files, ``records.json``, as it is stored and read."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from texshape.errors import InputError

NAME = "records.json"
FORMAT = 1


@dataclass
class Entry:
    """A result file: what the record says of its job, and of the file itself."""

    job: dict[str, Any]
    file: dict[str, Any]


def load(results: str | Path) -> dict[str, Any]:
    """Read an experiment's record.

    Raises
    ------
    InputError
        If there is none, or it is none of this format.
    """
    path = Path(results) / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; expected the folder of an experiment that the workflow has run"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable JSON ({error})") from None
    keys = {"format", "jobs", "packages", "results", "runs", "templates"}
    if not isinstance(content, dict) or content.get("format") != FORMAT or set(content) != keys:
        raise InputError(f"{path}: not a record of format {FORMAT}")
    return content


def content_of(results: Path, entries: Mapping[str, Entry]) -> dict[str, Any]:
    """The record as it is stored: a job once for all its files, long texts once for all jobs."""
    shared: dict[str, dict[str, Any]] = {"packages": {}, "runs": {}, "templates": {}}

    def store(kind: str, value: Any) -> str | None:
        if value is None:
            return None
        key = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
        shared[kind][key] = value
        return key

    jobs: dict[str, dict[str, Any]] = {}
    for name, entry in sorted(entries.items()):
        run = entry.job["run"]
        if run is not None:
            run = {**run, "packages": store("packages", run["packages"])}
        job = {
            **entry.job,
            "run": store("runs", run),
            "template": store("templates", entry.job["template"]),
        }
        key = json.dumps(job, sort_keys=True)
        jobs.setdefault(key, {**job, "outputs": {}})["outputs"][name] = entry.file
    return {"format": FORMAT, "results": results.as_posix(), "jobs": list(jobs.values()), **shared}


def entries_of(content: Mapping[str, Any]) -> dict[str, Entry]:
    entries = {}
    for stored in content["jobs"]:
        job = {key: value for key, value in stored.items() if key != "outputs"}
        if (run := content["runs"].get(job["run"])) is not None:
            job["run"] = {**run, "packages": content["packages"].get(run["packages"])}
        job["template"] = content["templates"].get(job["template"])
        for name, facts in stored["outputs"].items():
            entries[name] = Entry(job, facts)
    return entries


def files_of(results: Path) -> list[str]:
    """Every visible file of an experiment but the record itself."""
    found = []
    for folder, folders, names in os.walk(results):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(folder, name).as_posix() for name in names if not name.startswith(".")]
    return sorted(set(found) - {(results / NAME).as_posix()})
