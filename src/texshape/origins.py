"""Where each table and each figure of an experiment comes from, for the article.

``results/EXPERIMENT/origins.json`` (tables: the job, and the jobs behind it) and ``figures.json`` (figures:
tables, command, commit) are written before the article is set, from what Snakemake has noted by then;
`texshape.records` writes the whole record when the run has ended. No time stands in them, so the same run gives
the same article.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from texshape.techniques.base import Figure

NAME = "origins.json"
FIGURES = "figures.json"
Jobs = Callable[[str], Mapping[str, Any] | None]


def of_tables(tables: Mapping[str, str], job_of: Jobs) -> dict[str, dict[str, Any]]:
    """What made each table.

    Parameters
    ----------
    tables : mapping
        Name of a table to its file, as the workflow names it.
    job_of : callable
        Name of a file to the job that made it (`texshape.records.jobs.so_far`).

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


def of_figures(
    figures: Mapping[str, str], declared: Callable[[str], Figure | None], job_of: Jobs, results: str
) -> dict[str, dict[str, Any]]:
    """What each figure was drawn from, and how it is drawn again.

    Parameters
    ----------
    figures : mapping
        Name of a figure to its SVG file, as the workflow names it.
    declared : callable
        Name of a figure to its declaration; None for one that has none.
    job_of : callable
        As in `of_tables`.
    results : str
        Folder of the experiment, as the workflow names it.

    Returns
    -------
    dict
        Name of a figure to ``file``, ``tables`` (names: those that it declares, else those that its job read),
        ``inputs`` (other files that its job read, below the folder of results; empty where it declares tables),
        ``pictures`` (whether pictures of the image sets are in it), ``command`` (one that draws it again from
        the folder that `results` is relative to), ``rule``, ``commit`` and ``dirty`` (of the job that drew it;
        None where no job is known to have).
    """
    found = {}
    for name, file in figures.items():
        about, job = declared(name), job_of(file)
        read = sorted((job or {}).get("inputs") or {})
        below = [str(PurePosixPath(one).relative_to(results)) for one in read if _in(one, results)]
        tables = list(about.tables if about else ()) or [
            PurePosixPath(one).stem for one in below if one.startswith("tables/")
        ]
        run = (job or {}).get("run") or {}
        found[name] = {
            "file": file,
            "tables": tables,
            "inputs": []
            if about and about.tables
            else [one for one in below if one[:7] != "tables/"],
            "pictures": bool(about and about.pictures),
            "command": _redraw(name, file, about, run, results),
            "rule": job["rule"] if job else None,
            "commit": run.get("commit"),
            "dirty": run.get("dirty"),
        }
    return found


def _in(file: str, folder: str) -> bool:
    return PurePosixPath(file).is_relative_to(folder)


def _redraw(
    name: str, file: str, about: Figure | None, run: Mapping[str, Any], results: str
) -> str:
    """The step by itself where tables are all that it needs, else the workflow's target."""
    if about and about.draw:
        words = ["texshape", "run", "figure", name, "--tables", f"{results}/tables",
                 "--parameters", f"{results}/parameters.json",
                 "--output-stem", file.removesuffix(".svg")]  # fmt: skip
        return shlex.join(words)
    words = ["snakemake", "--cores", "all", "--force", file]
    if files := [one for one in run.get("configfiles") or [] if one != "params.yaml"]:
        words += ["--configfile", *files]
    if values := run.get("config"):
        words += ["--config", *(f"{key}={json.dumps(value)}" for key, value in values.items())]
    return shlex.join(words)


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
