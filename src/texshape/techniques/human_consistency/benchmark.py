"""Networks of ours beside the published trials of the 17 data sets that humans saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from texshape.errors import InputError
from texshape.techniques.human_consistency import humans
from texshape.techniques.human_consistency.tables import BENCHMARK
from texshape.trials import files as trial_files
from texshape.trials.files import Trials
from texshape.trials.names import HUMANS
from texshape.trials.subjects import CUE_CONFLICT, PUBLISHED, Subject

if TYPE_CHECKING:
    import pandas as pd

# Our sets that show images of the 17 data sets.
BENCHMARK_SETS = {CUE_CONFLICT: "cue-conflict", "edges": "edge", "silhouettes": "silhouette"}
ALL_DATASETS = "all-17"


def benchmark_groups(
    published: Path,
    trials: dict[tuple[Subject, str], Trials],
    further: Mapping[tuple[Subject, str], Trials] | None = None,
) -> tuple[dict[str, Subject], dict[str, list]]:
    """Published trials of the 17 data sets with those of our networks added.

    Parameters
    ----------
    published : Path
        As the step ``published-trials`` writes it.
    trials : dict of (Subject, set) to Trials
        Of our networks; sets other than the three are not used.
    further : dict of (Subject, data set) to Trials, optional
        Of our networks that were shown pictures of other data sets.

    Returns
    -------
    ours : dict of str to Subject
        Our networks by the name that they have in the data sets.
    groups : dict of str to list of Dataset
        ``all-17``, and ``cue-conflict+edge+silhouette``, which everyone has seen.
    """
    ours: dict[str, Subject] = {}
    added: dict[str, list[Trials]] = {}
    shown = [
        (subject, BENCHMARK_SETS[images], own)
        for (subject, images), own in trials.items()
        if images in BENCHMARK_SETS
    ]
    shown += [(subject, dataset, own) for (subject, dataset), own in (further or {}).items()]
    for subject, dataset, own in shown:
        name = subject.name
        ours[name] = subject
        columns = own.columns | {"subj": [name] * len(own)}
        renamed = replace(own, columns=columns)
        added.setdefault(dataset, []).append(renamed)
    folder = published / "model-vs-human"
    datasets = []
    for name in humans.DATASETS:
        paths = sorted((folder / name).glob("*.csv"))
        if not paths:
            raise InputError(f"{folder / name}: holds no published trials; run published-trials")
        files = [trial_files.read(path) for path in paths] + added.get(name, [])
        datasets.append(humans.align(name, files))
    three = [dataset for dataset in datasets if dataset.name in BENCHMARK_SETS.values()]
    return ours, {ALL_DATASETS: datasets, "+".join(BENCHMARK_SETS.values()): three}


def benchmark_tables(
    published: Path,
    trials: dict[tuple[Subject, str], Trials],
    further: Mapping[tuple[Subject, str], Trials] | None = None,
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare networks with human observers, beside the published networks and the human ceiling.

    Not every network of ours is shown the stimuli of all data sets, so there are two groups of rows:
    ``all-17`` (those with trials on all 17) and ``cue-conflict+edge+silhouette`` (everyone).

    Parameters
    ----------
    published : Path
        As the step ``published-trials`` writes it.
    trials : dict of (Subject, set) to Trials
        Of our networks; sets other than the three are not used.
    further : dict of (Subject, data set) to Trials, optional
        As in `benchmark_groups`.
    resamples, level, seed
        Of the bootstrap over images and observers.

    Returns
    -------
    means : DataFrame
        `BENCHMARK` of the technique's `tables`.
    by_dataset : DataFrame
        `BENCHMARK_BY_DATASET`: the same for each data set, its name in ``datasets``.
    """
    ours, groups = benchmark_groups(published, trials, further)
    datasets = groups[ALL_DATASETS]
    by_dataset = [({"datasets": dataset.name}, [dataset]) for dataset in datasets]
    means = [({"datasets": name}, group) for name, group in groups.items()]

    def rows(groups: list[tuple[dict, list]]) -> pd.DataFrame:
        found = []
        for label, group in groups:
            scored, _ = humans.benchmark(group, resamples=resamples, level=level, seed=seed)
            for row in scored:
                name = row.pop("subject")
                if row["n_datasets"] < len(group):
                    continue
                subject = ours.get(name)
                if subject is None:
                    model = name if name == HUMANS else f"model-vs-human/{name}"
                    subject = Subject(model, name, PUBLISHED, None)
                found.append(subject.identity() | label | row)
        return BENCHMARK.frame(found, networks=True)

    return rows(means), rows(by_dataset)
