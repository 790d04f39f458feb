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

from texshape.claims.claim import Cell, Claim
from texshape.claims.experiment import Experiment
from texshape.claims.firmness import decided_again
from texshape.claims.sections import (
    agreement,
    comparison,
    controls,
    limits,
    local_patches,
    neural,
    published,
    summary,
    trained,
)
from texshape.errors import InputError
from texshape.experiment.filled_tables import filled
from texshape.files import atomic_path
from texshape.models.printed_names import NAMES
from texshape.techniques.attention_radius import claims as attention_radius
from texshape.techniques.configural_shape import claims as configural_shape
from texshape.techniques.corruptions import claims as corruptions
from texshape.techniques.cue_rank import claims as cue_rank
from texshape.techniques.cue_strength import claims as cue_strength
from texshape.techniques.dimensionality import claims as dimensionality
from texshape.techniques.erasure import claims as erasure
from texshape.techniques.frequency_channel import claims as frequency_channel
from texshape.techniques.human_consistency import claims as human_consistency
from texshape.techniques.readout import claims as readout
from texshape.techniques.receptive_field import claims as receptive_field
from texshape.techniques.segmentation import claims as segmentation
from texshape.techniques.sensitivity import claims as sensitivity
from texshape.techniques.shuffling import claims as shuffling
from texshape.techniques.steering import claims as steering
from texshape.techniques.suppression import claims as suppression
from texshape.techniques.top_k import claims as top_k
from texshape.techniques.triplets import claims as triplets

__all__ = ["FILE", "SECTIONS", "Cell", "Claim", "compute", "compute_firm", "write"]

FILE = "claims.json"

#: Section of the article to the module of its claims; a later one may build on verdicts of those before.
SECTIONS = {
    "trained": trained,
    "local-patches": local_patches,
    "fields": receptive_field,
    "shuffling": shuffling,
    "published": published,
    "sensitivity": sensitivity,
    "readout": readout,
    "dimensionality": dimensionality,
    "segmentation": segmentation,
    "comparison": comparison,
    "corruptions": corruptions,
    "humans": human_consistency,
    "controls": controls,
    "neural": neural,
    "cue-strength": cue_strength,
    "erasure": erasure,
    "cue_rank": cue_rank,
    "suppression": suppression,
    "triplets": triplets,
    "frequency_channel": frequency_channel,
    "configural_shape": configural_shape,
    "steering": steering,
    "top_k": top_k,
    "attention_radius": attention_radius,
    "agreement": agreement,
    "limits": limits,
    "summary": summary,
}


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
        In the order of `SECTIONS`.

    Raises
    ------
    InputError
        If the folder is missing, or a table lacks a column or cannot be read.
    """
    return _decide(_experiment(results, files))


def compute_firm(results: Path, files: Iterable[str]) -> list[Claim]:
    """The same, each decided again with each seed left out (`texshape.claims.firmness`)."""
    experiment = _experiment(results, files)
    return decided_again(experiment, _decide(experiment), _decide)


def _experiment(results: Path, files: Iterable[str]) -> Experiment:
    if not results.is_dir():
        raise InputError(f"{results}: no such folder of results")
    return Experiment(results.resolve(), filled(results, files))


def _decide(experiment: Experiment) -> list[Claim]:
    made: dict[str, Claim] = {}
    for section, source in SECTIONS.items():
        if source.applies(experiment):
            for claim in source.claims(experiment, made):
                if claim.id in made:
                    raise ValueError(f"two claims are called {claim.id}")
                made[claim.id] = replace(claim, section=section)
    return list(made.values())


def write(path: Path, claims: Iterable[Claim]) -> None:
    """Write claims as JSON, with the names by which text and tables call networks and measures.

    The file is an object with ``claims`` (a list, see `Claim`) and ``names`` (``networks`` and
    ``measures``: name in the tables to name in words).
    """
    found = {
        "claims": [claim.as_dict() for claim in claims],
        "names": {"networks": NAMES, "measures": comparison.WORDS},
    }
    with atomic_path(path) as temporary:
        text = json.dumps(found, indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
