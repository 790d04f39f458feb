"""Claims: every sentence of the article that the results choose, with its rule and its cells.

A section of the article, or a technique that has a section of its own, brings a module of pure functions
from result tables to `Claim`. `compute` asks them all in the order of the text, and ``claims.json`` keeps
what they say; the article sets those sentences and decides nothing itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from texshape.claims import levels
from texshape.claims.claim import Cell, Claim
from texshape.claims.experiment import Experiment
from texshape.claims.firmness import decided_again
from texshape.claims.order import modules
from texshape.claims.sections.comparison import WORDS
from texshape.claims.sections.local_patches import LIMITED
from texshape.errors import InputError
from texshape.experiment.filled_tables import filled
from texshape.files import atomic_path
from texshape.models.printed_names import NAMES

__all__ = ["FILE", "Cell", "Claim", "compute", "compute_firm", "write"]

FILE = "claims.json"


def compute(results: Path, files: Iterable[str]) -> list[Claim]:
    """Every claim that the results of an experiment allow.

    Parameters
    ----------
    results : Path
        Folder of the experiment.
    files : iterable of str
        Result files that may be read, relative to `results`; one that is not among them counts as
        missing.

    Returns
    -------
    list of Claim
        In the order of the text (`texshape.claims.order`).

    Raises
    ------
    InputError
        If the folder is missing, or a table lacks a column or cannot be read.
    """
    return _decide(_experiment(results, files))


def compute_firm(results: Path, files: Iterable[str]) -> list[Claim]:
    """The same, each decided again with each seed left out, and at the levels that were asked for.

    See `texshape.claims.firmness` and `texshape.claims.levels`, whose file is read if it is among `files`.
    """
    listed = list(files)
    experiment = _experiment(results, listed)
    found = decided_again(experiment, _decide(experiment), _decide)
    return levels.with_levels(results, found) if levels.FILE in listed else found


def _experiment(results: Path, files: Iterable[str]) -> Experiment:
    if not results.is_dir():
        raise InputError(f"{results}: no such folder of results")
    return Experiment(results.resolve(), filled(results, files))


def _decide(experiment: Experiment) -> list[Claim]:
    made: dict[str, Claim] = {}
    for section, source in modules().items():
        if source.applies(experiment):
            for claim in source.claims(experiment, made):
                if claim.id in made:
                    raise ValueError(f"two claims are called {claim.id}")
                made[claim.id] = replace(claim, section=section)
    return list(made.values())


def write(path: Path, claims: Iterable[Claim]) -> None:
    """Write claims as JSON, with the names by which text and tables call networks and measures.

    The file is an object with ``claims`` (a list, see `Claim`) and ``names`` (``networks`` and
    ``measures``: name in the tables to name in words; ``limited``: networks of limited field, smallest first).
    """
    found = {
        "claims": [claim.as_dict() for claim in claims],
        "names": {"networks": NAMES, "measures": WORDS, "limited": list(LIMITED)},
    }
    with atomic_path(path) as temporary:
        text = json.dumps(found, indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
