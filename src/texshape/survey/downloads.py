"""What a survey brings from elsewhere, and what of it is there already; nothing is brought to know it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from texshape.data import model_vs_human, published, published_answers
from texshape.data.download import Item
from texshape.survey import stimuli


@dataclass(frozen=True)
class Files:
    """Files of one source.

    Attributes
    ----------
    name, where, licence : str
        Name of the source, its repository, its terms.
    files, bytes : int
        All of them; no bytes where their size is not known.
    missing, missing_bytes : int
        Those that are not there yet.
    """

    name: str
    where: str
    licence: str
    files: int
    bytes: int
    missing: int
    missing_bytes: int


def of_published(cache: Path, *, everything: bool) -> list[Files]:
    """The published stimuli, trials and answers.

    Parameters
    ----------
    cache : path
    everything : bool
        Trials on all 17 data sets, or on the shown pictures alone.
    """
    found = []
    for name in published.STIMULI:
        there = stimuli.packed(cache, name) is not None
        found.append(files(name, stimuli.stimulus_files(cache, name), there=there))
    for name in published.TRIALS:
        found.append(files(name, stimuli.trial_files(cache, name, everything)))
    source = published.sources()[published_answers.SOURCE]
    answers = published.items(published_answers.SOURCE, cache / source.repository / source.commit)
    found.append(files(published_answers.SOURCE, answers))
    return found


def files(name: str, items: Sequence[Item], *, there: bool = False) -> Files:
    """Sum up the files of a source of `texshape.data.published`.

    Parameters
    ----------
    name : str
        Of the source.
    items : sequence of Item
    there : bool
        Whether what was made of them is there, so that none is needed.
    """
    source = published.sources()[name]
    missing = [] if there else [item for item in items if not item.destination.is_file()]
    return Files(
        name, source.repository, source.licence, len(items), sum(item.size or 0 for item in items),
        len(missing), sum(item.size or 0 for item in missing),
    )  # fmt: skip


def by_source(items: Sequence[Item]) -> list[Files]:
    """Files of several sources, each told by its address."""
    found = []
    for name in published.sources() if items else ():
        listed = {item.url for item in published.items(name, "")}
        own = {item.url: item for item in items if item.url in listed}
        if own:
            found.append(files(name, list(own.values())))
    return found


def of_data_sets(names: Sequence[str]) -> list[Files]:
    """Archives of data sets that are not there; nobody says beforehand how large they are."""
    every = model_vs_human.data_sets()
    where = "bethgelab/model-vs-human, release v0.1"
    return [Files(name, where, every[name].licence, 1, 0, 1, 0) for name in names]
