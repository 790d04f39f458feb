"""Where each table of an experiment comes from, for the article: its job and the jobs behind it.

``results/EXPERIMENT/origins.json`` is written before the article is set, from what Snakemake has noted by
then; `texshape.records` writes the whole record when the run has ended. No time stands in it, so the same
run gives the same article.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

NAME = "origins.json"
Jobs = Callable[[str], Mapping[str, Any] | None]


def of_tables(tables: Mapping[str, str], job_of: Jobs) -> dict[str, dict[str, Any]]:
    """What made each table.

    Parameters
    ----------
    tables : mapping
        Name of a table to its file, as the workflow names it.
    job_of : callable
        Name of a file to the job that made it (`texshape.records.so_far`).

    Returns
    -------
    dict
        Name of a table to ``file``, ``rule``, ``command``, ``inputs`` (file to SHA-256 or None), ``commit``,
        ``dirty`` (whether tracked files differed from it), ``parameters_sha256`` (these three None outside
        a recorded run), ``seeds`` (of its job and of all behind it) and ``behind``: for each rule whose jobs
        its inputs came from, near ones first, ``rule``, ``jobs`` (how many), ``seeds`` and ``command`` (of
        the first job). A table that no job is known to have made is left out.
    """
    found = {}
    for table, file in tables.items():
        if (job := job_of(file)) is not None:
            found[table] = _origin(file, job, job_of)
    return found


def _origin(file: str, job: Mapping[str, Any], job_of: Jobs) -> dict[str, Any]:
    run = job["run"] or {}
    behind = _behind(job["inputs"], job_of)
    seeds = set(job["seeds"]).union(*(one["seeds"] for one in behind))
    return {
        "file": file,
        "rule": job["rule"],
        "command": job["command"],
        "inputs": dict(sorted(job["inputs"].items())),
        **{key: run.get(key) for key in ("commit", "dirty", "parameters_sha256")},
        "seeds": sorted(seeds),
        "behind": behind,
    }


def _behind(files: Iterable[str], job_of: Jobs) -> list[dict[str, Any]]:
    """The jobs that made files, the jobs that made their inputs, and so on, by rule."""
    rules: dict[str, dict[str, Any]] = {}
    asked, made = set(files), set()
    level = sorted(asked)
    while level:
        further: set[str] = set()
        for file in level:
            if (job := job_of(file)) is None:
                continue
            further |= set(job["inputs"]) - asked
            one = (job["rule"], job["command"])
            if one in made:  # another file of the same job
                continue
            made.add(one)
            entry = rules.setdefault(
                job["rule"],
                {"rule": job["rule"], "jobs": 0, "seeds": set(), "command": job["command"]},
            )
            entry["jobs"] += 1
            entry["seeds"] |= set(job["seeds"])
        asked |= further
        level = sorted(further)
    return [{**entry, "seeds": sorted(entry["seeds"])} for entry in rules.values()]
