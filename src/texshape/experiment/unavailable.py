"""Networks of an experiment that others publish and that could not be had: what says so, and why.

One job looks for each such network before any other asks for it, and writes its answer; so all that follows
takes the network as there, or as absent.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from texshape.experiment.layout import Layout
from texshape.experiment.runs import RunId

Run = TypeVar("Run", RunId, str)


def reason_in(path: str | Path) -> str:
    """The reason in such an answer; empty where it holds none, or there is no such file.

    Parameters
    ----------
    path : path
        Table `texshape.experiment.columns.LEFT_OUT` of one network.
    """
    try:
        with open(path, encoding="utf-8", newline="") as lines:
            return next((row["reason"] for row in csv.DictReader(lines)), "")
    except FileNotFoundError:
        return ""


def reason(results: str | Path, run: RunId | str) -> str:
    """Why a network cannot be had; empty where it can, or nobody had to look.

    Parameters
    ----------
    results : path
        Folder of the experiment.
    run : RunId or str
        ``ARCHITECTURE--ARM/seed-S``.
    """
    return reason_in(Layout(str(results)).unavailable(run))


def without(results: str | Path, runs: Iterable[Run]) -> list[Run]:
    """The networks that are left once those that cannot be had are gone, in their order."""
    return [run for run in runs if not reason(results, run)]
