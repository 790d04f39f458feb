"""What the record of an experiment says of a file, and whether that still holds: the part that people call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from texshape.deposit import listing
from texshape.errors import InputError
from texshape.files import file_sha256
from texshape.records.stored import NAME, entries_of, files_of, load

STATES = ("altered", "missing", "stale", "unrecorded")
# Statuses in Snakemake's summary. Changed inputs are found by their hashes instead.
_CHANGES = {
    "params changed": "made with other parameters or code than those here",
    "rule implementation changed": "made by another command than the one here",
    "set of input files changed": "made from another set of files than those asked for here",
}


@dataclass(frozen=True)
class Finding:
    """One result file that is not as recorded: its state (one of `STATES`) and why."""

    state: str
    file: str
    why: str


def origin(file: str | Path) -> dict[str, Any]:
    """What made one file: its job, its own hash and size, and the run.

    Raises
    ------
    InputError
        If the file lies in no recorded experiment or the record does not name it.
    """
    path = Path(os.path.abspath(file))
    results = next((folder for folder in path.parents if (folder / NAME).is_file()), None)
    if results is None:
        raise InputError(f"{file}: no {NAME} in any folder above it")
    content = load(results)
    name = (Path(content["results"]) / path.relative_to(results)).as_posix()
    entry = entries_of(content).get(name)
    if entry is None:
        raise InputError(f"{file}: not named in {results / NAME}")
    job = {
        key: value
        for key, value in entry.job.items()
        if key not in ("repeated", "software", "template")
    }
    return {"file": name, **entry.file, **job}


def verify(results: str | Path) -> tuple[int, list[Finding]]:
    """Compare an experiment's files with its record, by hashing all of them.

    Returns
    -------
    int
        How many files the record names.
    list of Finding
        By state and name: ``altered`` (other content than recorded), ``missing``, ``stale`` (made from
        other inputs than those recorded now) and ``unrecorded``. What an altered file was used for is no
        finding of its own: with the file restored it is right; nor is what an unpacked archive leaves out.

    Raises
    ------
    InputError
        If there is no record.
    """
    results = Path(results)
    content = load(results)
    root = content["results"]
    base = Path(os.path.abspath(results)).parents[len(Path(root).parts) - 1]
    absent = listing.read(base)
    entries = entries_of(content)
    inner = [Path(name).relative_to(results).as_posix() for name in files_of(results)]
    present = {f"{root}/{name}": results / name for name in inner}
    findings = []
    for name, entry in entries.items():
        if entry.file.get("temporary"):
            continue
        recorded = entry.file["sha256"]
        if name not in present:
            if absent.get(name) != recorded:
                findings.append(Finding("missing", name, f"expected SHA-256 {recorded[:12]}"))
        elif (found := file_sha256(present[name])) != recorded:
            why = f"expected SHA-256 {recorded[:12]}, found {found[:12]}"
            size = os.stat(present[name]).st_size
            if size != entry.file["bytes"]:
                why += f"; expected {entry.file['bytes']} bytes, found {size}"
            findings.append(Finding("altered", name, why))
    outside: dict[str, str | None] = {}
    for name, entry in entries.items():
        changed = []
        for file, used in entry.job["inputs"].items():
            if file in entries:
                now = entries[file].file["sha256"]
            else:
                if file not in outside:
                    outside[file] = file_sha256(base / file) if (base / file).is_file() else None
                now = outside[file]
            if used is not None and now is not None and used != now:
                changed.append(file)
        if changed:
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            findings.append(Finding("stale", name, f"made from another {changed[0]}{more}"))
    findings += [
        Finding("unrecorded", name, "no job of the workflow is known to have made it")
        for name in present
        if name not in entries and name not in outside  # what a job read has a check sum there
    ]
    count = sum(not entry.file.get("temporary") for entry in entries.values())
    count -= sum(name in entries and name not in present for name in absent)
    return count, sorted(findings, key=lambda finding: (finding.state, finding.file))


def compare_with_workflow(results: str | Path) -> tuple[list[Finding], str | None]:
    """Ask Snakemake which files were made by other code, parameters or sets of inputs than now asked for.

    Returns
    -------
    list of Finding
        All ``stale``.
    str or None
        Why nothing was compared.
    """
    content = load(results)
    base = Path(os.path.abspath(results)).parents[len(Path(content["results"]).parts) - 1]
    if not (base / "Snakefile").is_file():
        return [], f"no Snakefile in {base}"
    runs = sorted(content["runs"].values(), key=lambda run: run["started"])
    files = runs[-1]["configfiles"] if runs else []
    lost = [file for file in files if not (base / file).is_file()]
    if lost:
        return [], f"{base / lost[0]}: no such file"
    command = [sys.executable, "-m", "snakemake", "--summary", "--nolock"]
    command += ["--configfile", *files] if files else []
    if values := runs[-1]["config"] if runs else {}:
        command += ["--config", *(f"{key}={json.dumps(value)}" for key, value in values.items())]
    done = subprocess.run(command, cwd=base, capture_output=True, text=True, check=False)
    rows = [line.split("\t") for line in done.stdout.splitlines() if line.count("\t") == 5]
    if done.returncode != 0 or not rows:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return [], f"snakemake --summary failed: {last}"
    return [
        Finding("stale", row[0], _CHANGES[row[4]]) for row in rows[1:] if row[4] in _CHANGES
    ], None
