"""What made each file, from Snakemake's records: the part that the workflow calls.

A run notes itself when it begins and writes the record when it ends; between runs a folder adopts what the
record of another one says.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import platform
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from texshape import __version__
from texshape.core import snakemake_private
from texshape.core.snakemake_private import FileRecord, Records, Storage
from texshape.files import file_sha256, write_json, write_text
from texshape.provenance import git_commit
from texshape.records.stored import NAME, Entry, content_of, entries_of, files_of, load

_RUNS, _ADOPTED = "texshape-runs.jsonl", "texshape-adopted"  # beside Snakemake's records
_LIST = "manifest.csv"  # a declared file that names others beside or below it
# Of an option, or within the parameters of a technique.
_SEED = re.compile(r"""(?:--seed[ =]|"seed": )(\d+)""")


def begin(
    snakemake: Records,
    *,
    configuration: str,
    files: Iterable[str | Path],
    overrides: Mapping[str, Any],
    touch: bool,
) -> None:
    """Note that the workflow starts, so that its jobs can be told from those of other runs.

    Parameters
    ----------
    snakemake : Records
        Snakemake's records.
    configuration : str
        All parameters, as JSON with sorted keys.
    files : iterable of path
        The configuration files of the command line.
    overrides : mapping
        The single values of the command line.
    touch : bool
        Whether this run only takes files for its own (``--touch``).
    """
    packages = {item.name: item.version for item in metadata.distributions() if item.name}
    packages["texshape"] = __version__  # of the clone, whatever was noted when it was installed
    run = {
        "started": time.time(),
        "touch": touch,
        **git_commit(),
        "parameters_sha256": hashlib.sha256(configuration.encode()).hexdigest(),
        "configfiles": [os.path.relpath(file) for file in files],
        "config": dict(overrides),
        "machine": {"system": platform.system(), "architecture": platform.machine(),
                    "cores": os.cpu_count()},
        "packages": {"python": platform.python_version(), **dict(sorted(packages.items()))},
    }  # fmt: skip
    with open(snakemake.folder / _RUNS, "a", encoding="utf-8") as file:
        file.write(json.dumps(run, sort_keys=True) + "\n")


def update(results: str | Path, snakemake: Records, temporary: Iterable[str] = ()) -> None:
    """Write the records of an experiment's files; a file whose job has not run since is not read again.

    Parameters
    ----------
    results : path
        Folder of the experiment, as the workflow names it: relative to the working folder.
    snakemake : Records
        Snakemake's records.
    temporary : iterable of str
        Files that are removed when no job needs them any more. What they were made from is kept.
    """
    results = Path(results)
    known = entries_of(load(results)) if (results / NAME).exists() else {}
    runs = _read_runs(snakemake.folder / _RUNS)
    temporary = set(map(str, temporary))
    snakemake.forget()
    present = [name for name in files_of(results) if name not in temporary]
    entries: dict[str, Entry] = {}
    for name in present:
        record = snakemake.read(name)
        if record is not None and record.rule is not None:
            entries[name] = _entry(name, record, known.get(name), runs)
    lists: dict[Path, set[str]] = {}
    for name in sorted(set(present) - set(entries)):
        if (owner := _listed_by(name, entries, lists)) is not None:
            facts = _facts(name, owner.file["started"], known.get(name))
            entries[name] = Entry(owner.job, {**facts, "listed": True})
    passed = [
        (name, value)
        for entry in list(entries.values())
        for name, value in entry.job["inputs"].items()
        if name in temporary
    ]
    while passed:
        name, value = passed.pop()
        record = snakemake.read(name)
        if name in entries or record is None or record.rule is None:
            continue
        job = known[name].job if name in known else _job(record, name, runs)
        facts = {"sha256": value, "started": record.starttime, "temporary": True}
        entries[name] = known.get(name) or Entry(job, facts)
        passed += [item for item in job["inputs"].items() if item[0] in temporary]
    # A lost file stays named as long as something that is there was made from it.
    needed = {name for entry in entries.values() for name in entry.job["inputs"]}
    entries |= {name: known[name] for name in (set(known) & needed) - set(entries)}
    for entry in entries.values():
        for name, value in entry.job["inputs"].items():
            if value is None and name in entries:  # too large for Snakemake to hash
                entry.job["inputs"][name] = entries[name].file["sha256"]
    content = content_of(results, entries)
    if content["jobs"] and not (known and load(results) == content):
        write_json(results / NAME, content)
        if snakemake.storage is not None:
            snakemake.storage.store(f"{results}/{NAME}")
    if (results / NAME).exists():
        write_text(_mark_path(results, snakemake.folder), _mark_of(results))


def so_far(results: str | Path, snakemake: Records) -> Callable[[str], dict[str, Any] | None]:
    """What made a file, to be asked while the workflow still runs; nothing is hashed.

    Parameters
    ----------
    results : path
        Folder of the experiment, as the workflow names it: relative to the working folder.
    snakemake : Records
        Snakemake's records.

    Returns
    -------
    callable
        Name of a file to ``rule``, ``command``, ``inputs`` (name to SHA-256, None where Snakemake took
        none), ``seeds`` and ``run`` of its job; None for what no job is known to have made.
    """
    results = Path(results)
    known = entries_of(load(results)) if (results / NAME).exists() else {}
    runs = _read_runs(snakemake.folder / _RUNS)

    def job(name: str) -> dict[str, Any] | None:
        record, entry = snakemake.read(name), known.get(name)
        if record is None or record.rule is None:
            return None if entry is None else entry.job
        same = entry is not None and entry.file["started"] == record.starttime
        sums = record.input_checksums or {}
        return {
            "rule": record.rule,
            "command": record.shellcmd,
            "inputs": {
                file: sums.get(file, "").removeprefix("sha256:") or None
                for file in record.input or []
            },
            "seeds": _seeds(record),
            # That of a file of another folder is not noted here.
            "run": entry.job["run"] if same else _run_of(record, runs),
        }

    return job


def adopt(results: str | Path, storage: Storage | None = None) -> int:
    """Tell Snakemake what made the files that came from elsewhere; return how many that were.

    A file is taken only if its content is what was recorded. Whether its parameters, code and inputs are
    those of this folder is Snakemake's to decide, as always.

    Parameters
    ----------
    results : path
        Folder of the experiment, as the workflow names it: relative to the working folder.
    storage : Storage, optional
        That the results lie in. Each recorded file is fetched once, to be compared.
    """
    results = Path(results)
    mark = _mark_path(results, ".snakemake")
    if storage is not None:
        storage.fetch(f"{results}/{NAME}")
    if not (results / NAME).exists():
        return 0
    if mark.exists() and mark.read_text(encoding="utf-8") == _mark_of(results):
        return 0
    snakemake = snakemake_private.records_in(storage=storage)
    taken = 0
    for name, entry in entries_of(load(results)).items():
        job, facts = entry.job, entry.file
        found = snakemake.read(name)
        if facts.get("listed") or (found is not None and found.starttime == facts["started"]):
            continue
        if facts.get("temporary"):
            ended = facts["started"]
        elif _is_here(name, storage) and file_sha256(name) == facts["sha256"]:
            ended = os.stat(name).st_mtime
        else:
            continue
        record = FileRecord(
            rule=job["rule"], input=sorted([*job["inputs"], *job["repeated"]]),
            log=job["log"], shellcmd=job["command"],
            params=job["params"], code=job["template"], software_stack_hash=job["software"],
            starttime=facts["started"], endtime=ended,
            input_checksums={file: f"sha256:{value}" for file, value in job["inputs"].items() if value},
        )  # fmt: skip
        snakemake.write(name, record)
        taken += 1
    snakemake.forget()
    write_text(mark, _mark_of(results))
    return taken


def _is_here(name: str, storage: Storage | None) -> bool:
    return Path(name).is_file() or (storage is not None and storage.fetch(name))


def _entry(name: str, record: FileRecord, known: Entry | None, runs: list[dict]) -> Entry:
    if known is not None and known.file["started"] == record.starttime:
        return known
    job = _job(record, name, runs)
    if known is not None and job["run"] is not None and job["run"]["touch"]:
        return known  # nothing made it anew, whatever `snakemake --touch` claims
    return Entry(job, _facts(name, record.starttime, None))


def _job(record: FileRecord, name: str, runs: list[dict]) -> dict[str, Any]:
    """The job that made a file, in words of the record; `runs` in the order of their starts."""
    sums = record.input_checksums or {}
    inputs = {}
    for file in record.input or []:
        value = sums.get(file, "").removeprefix("sha256:") or None
        if value is None and not _below(file, name) and Path(file).is_file():
            value = file_sha256(file)
        inputs[file] = value
    log = record.log or []
    return {
        "rule": record.rule,
        "command": record.shellcmd,
        "template": record.code,
        "params": record.params,
        "software": record.software_stack_hash,
        "inputs": inputs,
        # Named twice by its rule: to Snakemake another set of inputs.
        "repeated": sorted((Counter(record.input or []) - Counter(inputs.keys())).elements()),
        "log": log,
        "seeds": _seeds(record),
        "device": _device(log),
        **_resources(log, record.endtime - record.starttime),
        "run": _run_of(record, runs),
    }


def _seeds(record: FileRecord) -> list[int]:
    return sorted({int(seed) for seed in _SEED.findall(record.shellcmd or "")})


def _run_of(record: FileRecord, runs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The run that a file was made in; `runs` in the order of their starts."""
    # A marker's modification time and the clock may differ by the file system's grain.
    return next((run for run in reversed(runs) if run["started"] <= record.starttime + 1), None)


def _below(file: str, name: str) -> bool:
    """Whether two files lie in one experiment, ``results/NAME``."""
    return Path(file).parts[:2] == Path(name).parts[:2]


def _facts(name: str, started: float, known: Entry | None) -> dict[str, Any]:
    if known is not None and known.file["started"] == started:
        return known.file
    return {"sha256": file_sha256(name), "bytes": os.stat(name).st_size, "started": started}


def _listed_by(
    name: str, entries: Mapping[str, Entry], lists: dict[Path, set[str]]
) -> Entry | None:
    """The entry of the list that a file stands in, which lies beside it or above; `lists` is a cache."""
    path = Path(name)
    for folder in path.parents:
        listing = folder / _LIST
        if (entry := entries.get(listing.as_posix())) is None:
            continue
        if listing not in lists:
            lists[listing] = _cells(listing)
        if {path.relative_to(folder).as_posix(), path.name} & lists[listing]:
            return entry
    return None


def _cells(path: Path) -> set[str]:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return {cell for row in csv.reader(file) for cell in row}
    except (OSError, UnicodeDecodeError, csv.Error):
        return set()


def _device(log: Iterable[str]) -> str | None:
    """What the step's log says about its device; None for a step that uses no network."""
    for name in log:
        try:
            with open(name, encoding="utf-8", errors="replace") as file:
                lines = [line for line in file if line.startswith("device: ")]
        except OSError:
            continue
        if lines:
            return lines[-1].removeprefix("device: ").strip()
    return None


def _resources(log: Iterable[str], span: float) -> dict[str, float | None]:
    """Duration, processor time and memory from Snakemake's benchmark beside the log."""
    for name in log:
        try:
            with open(name.removesuffix(".log") + ".benchmark.tsv", encoding="utf-8") as file:
                row = list(csv.DictReader(file, delimiter="\t"))[-1]
            return {
                "seconds": _number(row["s"]),
                "cpu_seconds": _number(row["cpu_time"]),
                "max_rss_mb": _number(row["max_rss"]),
            }
        except (OSError, IndexError, KeyError):
            continue
    return {"seconds": round(span, 2), "cpu_seconds": None, "max_rss_mb": None}


def _number(cell: str | None) -> float | None:
    try:
        return float(cell or "")
    except ValueError:  # Snakemake writes a dash or NA where it measured nothing
        return None


def _read_runs(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    runs = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            runs.append(json.loads(line))
        except json.JSONDecodeError:  # cut off by a kill
            continue
    return sorted(runs, key=lambda run: run["started"])


def _mark_of(results: Path) -> str:
    state = os.stat(results / NAME)
    return f"{state.st_mtime_ns} {state.st_size}\n"


def _mark_path(results: Path, snakemake: str | Path) -> Path:
    """Where a folder keeps which state of the record it knows already."""
    return Path(snakemake) / f"{_ADOPTED}-{results.name}"
