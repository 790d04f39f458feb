"""Tables over many networks, made of their trial files: shape bias, accuracy, differences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from texshape.errors import InputError
from texshape.experiment import unavailable
from texshape.experiment.runs import RunId
from texshape.stats import bootstrap, seeds
from texshape.trials import columns, naming
from texshape.trials import files as trial_files
from texshape.trials.bias import outcomes, response_entropy, shape_bias_by_class
from texshape.trials.files import Trials, is_human
from texshape.trials.names import ABSENT, parse
from texshape.trials.score import (
    HUMANS,
    Decisions,
    differences,
    gather,
    same_network_differences,
    score,
)

if TYPE_CHECKING:
    import pandas as pd

IDENTITY = ["model", "architecture", "arm", "seed"]
CUE_CONFLICT = "cue-conflict"
PUBLISHED = "published"
# Folders of published trials, by the name of the set whose images they show.
PUBLISHED_SETS = {
    ("texture-vs-shape", "style-transfer-512-nomask-experiment"): CUE_CONFLICT,
    ("texture-vs-shape", "style-transfer-512-nomask-experiment-trained-CNNs"): CUE_CONFLICT,
    ("texture-vs-shape", "edge-experiment"): "edges",
    ("texture-vs-shape", "silhouette-filled-experiment"): "silhouettes",
    ("model-vs-human", "cue-conflict"): CUE_CONFLICT,
    ("model-vs-human", "edge"): "edges",
    ("model-vs-human", "silhouette"): "silhouettes",
}


@dataclass(frozen=True)
class Subject:
    """A trained network, a published one, or a human observer.

    Attributes
    ----------
    model, architecture, arm : str
        A published network is called ``SOURCE/NAME``, its arm is ``published``; a human observer's
        model is its name (``subject-01``).
    seed : int or None
        None for what was not trained here.
    """

    model: str
    architecture: str
    arm: str
    seed: int | None

    @property
    def name(self) -> str:
        """What tells it from all others: a network trained here is one of several seeds."""
        if self.seed is None:
            return self.model
        return str(RunId.of_model(self.model, self.seed))

    def identity(self) -> dict[str, Any]:
        """The columns `IDENTITY`."""
        return {name: getattr(self, name) for name in IDENTITY}


def network_subject(name: str) -> Subject:
    """Read ``ARCHITECTURE--ARM/seed-S``."""
    run = RunId.parse(name)
    return Subject(run.model, run.architecture, run.arm, run.seed)


def read_network(
    results: Path, name: str, *, classes: Sequence[str] | None = None
) -> dict[tuple[Subject, str], Trials]:
    """Read all trial files of one network of an experiment.

    Parameters
    ----------
    results : Path
        The experiment's folder.
    name : str
        ``SLUG/seed-S``; the files are ``trials/SET.csv`` in it.
    classes : sequence of str, optional
        As in `texshape.trials.files.read`; by default those that each set shows.

    Returns
    -------
    dict of (Subject, set) to Trials

    Raises
    ------
    InputError
        If there is none, or one holds several subjects or an image twice in one condition.
    """
    subject = network_subject(name)
    paths = sorted((results / name / "trials").glob("*.csv"))
    if not paths:
        raise InputError(f"{results / name / 'trials'}: holds no trial file (SET.csv)")
    return {
        (subject, path.stem): _one_subject(trial_files.read(path, classes=classes, own=True))
        for path in paths
    }


def read_networks(
    results: Path, names: Iterable[str], *, classes: Sequence[str] | None = None
) -> dict[tuple[Subject, str], Trials]:
    """Read all trial files of several networks, but for those that could not be had; see `read_network`."""
    found: dict[tuple[Subject, str], Trials] = {}
    for name in unavailable.without(results, names):
        found |= read_network(results, name, classes=classes)
    return found


def read_published(folder: Path) -> dict[tuple[Subject, str], Trials]:
    """Read the published trials on cue conflict, edges and silhouettes.

    Trials of identical content (the human files of the two repositories) are taken once.

    Parameters
    ----------
    folder : Path
        As the step ``published-trials`` writes it.

    Raises
    ------
    InputError
        If none of the folders of `PUBLISHED_SETS` is there.
    """
    found: dict[tuple[Subject, str], Trials] = {}
    digests = set()
    for (source, experiment), images in PUBLISHED_SETS.items():
        for path in sorted((folder / source / experiment).glob("*.csv")):
            trials = _one_subject(trial_files.read(path))
            digest = trials.digest()
            if digest in digests:
                continue
            digests.add(digest)
            name = trials["subj"][0]
            model = name if is_human(name) else f"{source}/{name}"
            key = (Subject(model, name, PUBLISHED, None), images)
            if key in found:
                raise InputError(f"{path}: second file of '{name}' on {images}")
            found[key] = trials
    if not found:
        raise InputError(f"{folder}: holds no published trials; run the step published-trials")
    return found


def shape_bias_tables(
    trials: dict[tuple[Subject, str], Trials],
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
    compare: Sequence[str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Shape bias of each subject, by class, and the differences between models.

    Parameters
    ----------
    trials : dict of (Subject, set) to Trials
        Those of the set ``cue-conflict`` are used.
    resamples, level, seed
        Of the bootstrap.
    compare : sequence of str, optional
        Models that are compared in pairs; by default all but single human observers. Name only
        those that saw the very same images.

    Returns
    -------
    bias : DataFrame
        `columns.SHAPE_BIAS`. Human observers also together, as model ``humans``.
    by_class : DataFrame
        `columns.SHAPE_BIAS_BY_CLASS`.
    pairs : DataFrame
        `columns.SHAPE_BIAS_DIFFERENCES`.
    """
    subjects = {}
    decisions: dict[str, Decisions] = {}
    classes: dict[str, tuple[str, ...]] = {}
    for (subject, images), own in trials.items():
        if images != CUE_CONFLICT:
            continue
        key = subject.name
        (gathered,) = gather([own])[0].values()
        # `score` knows the human observers by their names, and the networks by model and seed.
        gathered.subject = key
        subjects[key], decisions[key], classes[key] = subject, gathered, own.classes
    subjects[HUMANS] = Subject(HUMANS, HUMANS, PUBLISHED, None)
    scored, _ = score(decisions, resamples=resamples, level=level, seed=seed)
    humans = [own for key, own in decisions.items() if is_human(key)]
    observers = {key: [own] for key, own in decisions.items()} | {HUMANS: humans}
    bias = [
        subjects[row["subject"]].identity() | row
        for row in with_names(scored, observers, resamples=resamples, level=level, seed=seed)
    ]
    for row in bias:
        row.pop("subject")
    by_class = []
    groups = [(subjects[key], [own], classes[key]) for key, own in decisions.items()]
    if humans:
        groups.append((subjects[HUMANS], humans, classes[humans[0].subject]))
    for subject, group, names in groups:
        shape, texture, response = (
            [v for own in group for v in getattr(own, c)] for c in ("shape", "texture", "response")
        )
        shown = [name for name in names if name in set(shape)]  # others may be answered
        for name, counts in shape_bias_by_class(shape, texture, response, shown).items():
            by_class.append(
                subject.identity()
                | {
                    "class": name,
                    "shape_bias": counts.shape_bias,
                    "cue_match_rate": counts.cue_match_rate,
                    "n_conflict": counts.n_conflict,
                    "n_shape": counts.n_shape,
                    "n_texture": counts.n_texture,
                }
            )
    models: dict[str, list[Decisions]] = {}
    for key, own in decisions.items():
        models.setdefault(HUMANS if is_human(key) else subjects[key].model, []).append(own)
    for name in compare or []:
        if name not in models:
            raise InputError(f"model '{name}' to compare is not among {', '.join(models)}")
    chosen = {name: own for name, own in models.items() if compare is None or name in compare}
    pairs = differences(chosen, resamples=resamples, level=level, seed=seed)
    by_model: dict[str, list[float]] = {}
    for row in bias:
        if row["seed"] is not None:
            by_model.setdefault(row["model"], []).append(row["shape_bias"])
    for row in pairs:
        trained = (by_model.get(row[name], []) for name in ("model_a", "model_b"))
        row |= seeds.welch(*trained, level)
    return (
        columns.SHAPE_BIAS.frame(bias, networks=True),
        columns.SHAPE_BIAS_BY_CLASS.frame(by_class, networks=True),
        columns.SHAPE_BIAS_DIFFERENCES.frame(pairs),
    )


def with_names(
    scored: Sequence[dict],
    observers: Mapping[str, Sequence[Decisions]],
    *,
    resamples: int,
    level: float,
    seed: int,
) -> list[dict]:
    """Rows of `score` with what the name of the bias rests on, and the name."""
    kept = {row["subject"]: observers[row["subject"]] for row in scored}
    found = naming.evidence(kept, resamples=resamples, level=level, seed=seed)
    rows = [row | found[row["subject"]] for row in scored]
    return [row | {"verdict": naming.named(row)} for row in rows]


DIFFERENCE = ("difference", "difference_low", "difference_high", "n_common")


def shape_bias_by_set(
    trials: dict[tuple[Subject, str], Trials],
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Shape bias of each network on each set of conflict images, however these were made.

    Only networks that were shown a set beside ``cue-conflict``. Sets made of the same exemplars are
    compared network by network on the images that they have in common, by name.

    Parameters
    ----------
    trials : dict of (Subject, set) to Trials
        Sets whose name begins with ``cue-conflict``.
    resamples, level, seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        `columns.SHAPE_BIAS_BY_SET`; the difference is undefined for ``cue-conflict`` itself.
    """
    subjects: dict[str, list[Subject]] = {}
    for subject, images in trials:
        if images.startswith(CUE_CONFLICT) and images != CUE_CONFLICT:
            subjects.setdefault(images, []).append(subject)
    shown = list(dict.fromkeys(subject for group in subjects.values() for subject in group))
    groups: dict[str, dict[Subject, Decisions]] = {}
    for images in (CUE_CONFLICT, *sorted(subjects)):
        for subject in shown:
            if (subject, images) in trials:
                (gathered,) = gather([trials[subject, images]])[0].values()
                gathered.subject = subject.name
                groups.setdefault(images, {})[subject] = gathered
    rows = []
    for images, decided in groups.items():
        by_name = {own.subject: own for own in decided.values()}
        scored, _ = score(by_name, resamples=resamples, level=level, seed=seed)
        one_each = {key: [own] for key, own in by_name.items()}
        scored = with_names(scored, one_each, resamples=resamples, level=level, seed=seed)
        drawn = groups.get(CUE_CONFLICT, {}) if images != CUE_CONFLICT else {}
        both = [
            (subject, own, drawn[subject]) for subject, own in decided.items() if subject in drawn
        ]
        found = same_network_differences(
            [(own, other) for _, own, other in both], resamples=resamples, level=level, seed=seed
        )
        difference = {subject: row for (subject, _, _), row in zip(both, found, strict=True)}
        for subject, row in zip(decided, scored, strict=True):
            rows.append(
                subject.identity()
                | {"set": images}
                | {key: value for key, value in row.items() if key != "subject"}
                | dict(zip(DIFFERENCE, difference.get(subject, (math.nan,) * 4), strict=True))
            )
    frame = columns.SHAPE_BIAS_BY_SET.frame(rows, networks=True)
    frame = frame.astype({"seed": "Int64", "n_common": "Int64"})
    return frame.sort_values(["model", "seed", "set"], ignore_index=True, kind="stable")


@dataclass(frozen=True)
class _Correct:
    """Correct and all trials of a subject on each pair of exemplars, for one set and cue."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    strata: tuple[tuple[str, ...], tuple[str, ...]]  # classes of either
    right: np.ndarray
    total: np.ndarray
    entropy: float


def accuracy_table(
    trials: dict[tuple[Subject, str], Trials],
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Accuracy of each subject on each set of images, for each cue that shows a class.

    Shape counts wherever it is a class; texture where it is a class other than the shape's. On a
    set with conflict only the trials in conflict count. Exemplars of the cue in question are
    resampled within their classes, those of the other cue too where they recur with several.

    Parameters
    ----------
    trials : dict of (Subject, set) to Trials
    resamples, level, seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        `columns.ACCURACY`; no entropy counts ``na``. Human observers also together as ``humans``,
        with the mean of their entropies.
    """
    cells: dict[tuple, list[tuple[Subject, _Correct]]] = {}
    for (subject, images), own in trials.items():
        for cue, correct in _correct(own).items():
            key = (images, cue, correct.rows, correct.columns)
            cells.setdefault(key, []).append((subject, correct))
    rows = []
    for (images, cue, _, _), group in cells.items():
        subjects, found = zip(*group, strict=True)
        tables = np.stack([own.right for own in found] + [own.total for own in found])
        totals = bootstrap.resample_totals(
            tables, strata=found[0].strata, resamples=resamples, seed=seed
        )
        draws = totals.reshape(resamples, 2, len(group)).transpose(0, 2, 1)
        cells_of = [(subject, [own], draws[:, i]) for i, (subject, own) in enumerate(group)]
        humans = [i for i, subject in enumerate(subjects) if is_human(subject.model)]
        if len(humans) > 1:
            pooled = bootstrap.pool_observers(draws[:, humans], seed=seed)
            members = [found[i] for i in humans]
            cells_of.append((Subject(HUMANS, HUMANS, PUBLISHED, None), members, pooled))
        for subject, members, drawn in cells_of:
            right = sum(float(own.right.sum()) for own in members)
            total = sum(float(own.total.sum()) for own in members)
            low, high = bootstrap.interval(bootstrap.divide(drawn[:, 0], drawn[:, 1]), level)
            rows.append(
                subject.identity()
                | {
                    "set": images,
                    "cue": cue,
                    "accuracy": right / total if total else math.nan,
                    "ci_low": low,
                    "ci_high": high,
                    "n": int(total),
                    "response_entropy": float(np.mean([own.entropy for own in members])),
                }
            )
    frame = columns.ACCURACY.frame(rows, networks=True)
    return frame.sort_values(["model", "seed", "set", "cue"], ignore_index=True, kind="stable")


def _correct(trials: Trials) -> dict[str, _Correct]:
    names = []
    for i, image in enumerate(trials["imagename"]):
        try:
            names.append(parse(image, one_cue=True))
        except InputError as error:
            raise InputError(f"{trials.place(i)}: {error}") from None
    classes = set(trials.classes)
    response = np.array(trials["object_response"])
    truth = {
        "shape": np.array([name.shape for name in names]),
        "texture": np.array([name.texture for name in names]),
    }
    exemplar = {
        "shape": np.array([name.shape_exemplar for name in names]),
        "texture": np.array([name.texture_exemplar for name in names]),
    }
    shown = {cue: np.isin(values, list(classes)) for cue, values in truth.items()}
    conflict, _, _ = outcomes(truth["shape"], truth["texture"], response)
    both = shown["shape"] & shown["texture"]
    found = {}
    for cue, other in (("shape", "texture"), ("texture", "shape")):
        counted = shown[cue]
        if (both & conflict).any():
            counted = counted & conflict
        elif cue == "texture":
            counted = counted & ~both  # congruent images: the same answer as for shape
        if not counted.any():
            continue
        rows, first, row = np.unique(exemplar[cue][counted], return_index=True, return_inverse=True)
        row_classes = truth[cue][counted][first]
        columns, first, column = np.unique(
            exemplar[other][counted], return_index=True, return_inverse=True
        )
        column_classes = truth[other][counted][first]
        if not _recurs(row, column):
            columns, column = np.array([ABSENT]), np.zeros_like(row)
            column_classes = columns
        size = (len(rows), len(columns))
        right = (response == truth[cue])[counted]
        found[cue] = _Correct(
            tuple(rows.tolist()),
            tuple(columns.tolist()),
            (tuple(row_classes.tolist()), tuple(column_classes.tolist())),
            bootstrap.count_table(row, column, size, right),
            bootstrap.count_table(row, column, size, np.ones_like(right)),
            response_entropy(response[counted]),
        )
    return found


def _recurs(row: np.ndarray, column: np.ndarray) -> bool:
    """Whether exemplars of the other cue occur with several of this cue: crossed, not nested."""
    pairs = np.unique(np.stack([row, column]), axis=1)
    partners = np.bincount(pairs[1])
    return len(partners) > 1 and bool((partners > 1).any())


def _one_subject(trials: Trials) -> Trials:
    subjects = sorted(set(trials["subj"]))
    if len(subjects) > 1:
        raise InputError(
            f"{trials.source}: expected the trials of one subject, found {', '.join(subjects)}"
        )
    shown: set[tuple[str, str]] = set()
    for row, image in enumerate(zip(trials["condition"], trials["imagename"], strict=True)):
        if image in shown:
            raise InputError(
                f"{trials.place(row)}: subject '{subjects[0]}' saw image '{image[1]}' twice in "
                f"condition '{image[0]}'; expected each image once"
            )
        shown.add(image)
    return trials


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
    from texshape.techniques.human_consistency import humans

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
        `BENCHMARK` of `texshape.techniques.human_consistency.tables`.
    by_dataset : DataFrame
        `BENCHMARK_BY_DATASET`: the same for each data set, its name in ``datasets``.
    """
    from texshape.techniques.human_consistency import humans
    from texshape.techniques.human_consistency.tables import BENCHMARK

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
