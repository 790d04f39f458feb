"""Consistency with humans over 17 data sets (Geirhos et al. 2021, arXiv 2106.07411).

A response is correct when it equals the category; ``na`` is wrong. Two observers of the same n
images agree on the share o of images on which both are right or both wrong. With accuracies p1, p2
chance alone gives e = p1 p2 + (1 - p1)(1 - p2), and the error consistency is kappa = (o - e) / (1 -
e) (Geirhos et al. 2020, arXiv 2006.16736). A network is compared with each human observer in each
condition; the values are averaged over conditions, then observers, then data sets. Conditions that
are no test of generalisation (no manipulation) or in which humans are near chance (mean accuracy
below 0.2) are left out, as published.

The row ``humans`` is the ceiling: each observer in the network's place, compared with every other
observer of the same data set; its accuracy is the observers' mean, on the images that each has in
common with others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from texshape.errors import InputError, nearest
from texshape.stats.bootstrap import divide, draw_weights, interval, interval_of_defined
from texshape.techniques.human_consistency import tables
from texshape.trials import files as trial_files
from texshape.trials.files import Trials
from texshape.trials.names import ABSENT, HUMANS, image_id, is_human

MEASURES = tuple(tables.MEASURES)
FIELDS = ("subject", *MEASURES, "n_datasets")

# None: all trials form one condition. Else: the conditions that are left out.
EXCLUDED: dict[str, tuple[str, ...] | None] = {
    "colour": ("cr",),
    "contrast": ("c100", "c03", "c01"),
    "high-pass": ("inf", "0.55", "0.45", "0.4"),
    "low-pass": ("0", "15", "40"),
    "phase-scrambling": ("0", "150", "180"),
    "power-equalisation": ("0",),
    "false-colour": ("True",),
    "rotation": ("0",),
    "eidolonI": ("1-10-10", "64-10-10", "128-10-10"),
    "eidolonII": ("1-3-10", "32-3-10", "64-3-10", "128-3-10"),
    "eidolonIII": ("1-0-10", "16-0-10", "32-0-10", "64-0-10", "128-0-10"),
    "uniform-noise": ("0.0", "0.6", "0.9"),
    "edge": None,
    "silhouette": None,
    "cue-conflict": None,
    "sketch": None,
    "stylized": None,
}
DATASETS = tuple(EXCLUDED)


@dataclass(frozen=True)
class Responses:
    """Who was right on which image, in one condition of one data set.

    Attributes
    ----------
    condition : str
    images : tuple of str
    categories : tuple of str
        Class of each image: images are resampled within it.
    correct : ndarray of shape (subjects, images), float32
        1 right, 0 wrong, NaN where a subject did not see the image.
    """

    condition: str
    images: tuple[str, ...]
    categories: tuple[str, ...]
    correct: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """The conditions of one data set, all with the same subjects in the same order."""

    name: str
    subjects: tuple[str, ...]
    conditions: tuple[Responses, ...]


def condition_name(text: str) -> str:
    """One spelling for a condition: numbers by value (``0.60`` is ``0.6``), words in lower case."""
    try:
        return repr(float(text))
    except ValueError:
        return text.lower()


def align(name: str, files: Sequence[Trials]) -> Dataset:
    """Bring the trials of a data set's subjects into the same order of images.

    Raises
    ------
    InputError
        If a subject saw an image twice in one condition, or an image has no category or two.
    """
    excluded = EXCLUDED[name]
    skipped = {condition_name(text) for text in excluded or ()}
    answers: dict[str, dict[tuple[str, str], bool]] = {}
    shown: dict[tuple[str, str], str] = {}  # (condition, image) to category
    first_copy = set()
    for trials in files:
        digest = trials.digest()
        if digest in first_copy:
            continue
        first_copy.add(digest)
        rows = zip(
            trials["subj"], trials["object_response"], trials["category"],
            trials["condition"], trials["imagename"], strict=True,
        )  # fmt: skip
        spelled = {text: condition_name(text) for text in set(trials["condition"])}
        for row, (subject, response, category, condition, image) in enumerate(rows):
            known = "all" if excluded is None else spelled[condition]
            if known in skipped:
                continue
            own = answers.setdefault(subject, {})
            key = (known, image_id(image))
            if key in own:
                raise InputError(
                    f"{trials.place(row)}: subject '{subject}' saw image '{key[1]}' twice "
                    f"in condition '{condition}'"
                )
            if category == ABSENT:
                raise InputError(
                    f"{trials.place(row)}: category '{ABSENT}'; expected the class that image '{key[1]}' shows"
                )
            if shown.setdefault(key, category) != category:
                raise InputError(
                    f"{trials.place(row)}: image '{key[1]}' has category '{category}', and '{shown[key]}' for "
                    f"another subject in condition '{condition}'"
                )
            own[key] = response == category
    subjects = tuple(sorted(answers))
    places: dict[str, dict[str, int]] = {}
    for own in answers.values():
        for condition, image in own:
            known = places.setdefault(condition, {})
            known.setdefault(image, len(known))
    conditions = []
    for condition, images in sorted(places.items()):
        correct = np.full((len(subjects), len(images)), np.nan, dtype=np.float32)
        categories = tuple(shown[condition, image] for image in images)
        conditions.append(Responses(condition, tuple(images), categories, correct))
    by_name = {responses.condition: responses.correct for responses in conditions}
    for i, subject in enumerate(subjects):
        for (condition, image), right in answers[subject].items():
            by_name[condition][i, places[condition][image]] = right
    return Dataset(name, subjects, tuple(conditions))


def compare(
    first: np.ndarray, second: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Compare each of m observers with each of h on the images that both saw.

    Parameters
    ----------
    first : ndarray of shape (m, n)
        1 right, 0 wrong, NaN not seen.
    second : ndarray of shape (h, n)
    weights : ndarray of shape (r, n), optional
        How often an image counts in each of r resamples; by default once (r = 1).

    Returns
    -------
    dict of str to ndarray of shape (r, m, h)
        ``accuracy_difference`` (squared), ``observed_consistency``, ``error_consistency``, and
        ``ood_accuracy`` (of the first observer); NaN where undefined: no image in common, or, for
        kappa, both always right or both always wrong (0/0, to which others may give a value).
    """
    m, h, n = len(first), len(second), first.shape[1]
    if weights is None:
        weights = np.ones((1, n), dtype=np.float32)
    seen = ~np.isnan(first[:, None]) & ~np.isnan(second[None])
    right_first = np.where(seen, first[:, None], 0)
    right_second = np.where(seen, second[None], 0)
    kinds = np.stack([seen, right_first, right_second, right_first * right_second])
    kinds = kinds.reshape(4 * m * h, n).astype(np.float32)
    total, one, two, both = (weights @ kinds.T).reshape(len(weights), 4, m, h).swapaxes(0, 1)
    p1, p2 = divide(one, total), divide(two, total)
    agreed = divide(total - one - two + 2 * both, total)
    expected = p1 * p2 + (1 - p1) * (1 - p2)
    unexplained = 1 - expected
    unexplained[unexplained < 1e-9] = 0  # rounding: p1 = p2 = 1
    return {
        "accuracy_difference": (p1 - p2) ** 2,
        "observed_consistency": agreed,
        "error_consistency": divide(agreed - expected, unexplained),
        "ood_accuracy": p1,
    }


def compare_dataset(
    dataset: Dataset, *, resamples: int = 0, seed: int = 0
) -> tuple[dict[str, np.ndarray], int]:
    """Compare the subjects of a data set with its human observers, averaged over conditions.

    Parameters
    ----------
    dataset : Dataset
    resamples : int
        0: the values themselves; else images are drawn anew within each condition and category.
    seed : int

    Returns
    -------
    values : dict of str to ndarray of shape (max(resamples, 1), subjects, humans)
        NaN on the pairs of a human with itself.
    undefined : int
        Pairs and conditions whose error consistency is undefined and left out of the means.
    """
    humans = [i for i, subject in enumerate(dataset.subjects) if is_human(subject)]
    values: dict[str, list[np.ndarray]] = {measure: [] for measure in MEASURES}
    undefined = 0
    generator = np.random.default_rng([seed, DATASETS.index(dataset.name)])
    for responses in dataset.conditions:
        weights = None
        if resamples:
            count, strata = len(responses.images), responses.categories
            weights = draw_weights(generator, count, resamples, strata)
        found = compare(responses.correct, responses.correct[humans], weights)
        for measure, value in found.items():
            value[:, humans, range(len(humans))] = np.nan
            values[measure].append(value)
        kappa, agreed = found["error_consistency"], found["observed_consistency"]
        undefined += int((np.isnan(kappa[0]) & ~np.isnan(agreed[0])).sum())
    return {measure: mean_defined(np.stack(each), 0) for measure, each in values.items()}, undefined


def benchmark(
    datasets: Sequence[Dataset], *, resamples: int = 0, level: float = 0.95, seed: int = 0
) -> tuple[list[dict], list[str]]:
    """Mean of each measure over conditions, human observers and data sets, a row a subject.

    Parameters
    ----------
    datasets : sequence of Dataset
        Each with human observers.
    resamples : int
        0: no intervals. Else images within conditions and categories and observers within data sets
        are resampled (data sets and categories are fixed: they are the benchmark).
    level : float
        Coverage of the intervals.
    seed : int

    Returns
    -------
    rows : list of dict
        `FIELDS`, then ``MEASURE_low`` and ``MEASURE_high`` if resampled; networks in
        alphabetical order, then ``humans``.
    warnings : list of str
    """
    networks = sorted({s for d in datasets for s in d.subjects if not is_human(s)})
    warnings = []
    point = {name: [] for name in (*networks, HUMANS)}  # of dicts of measure to (1,) arrays
    draws = {name: [] for name in (*networks, HUMANS)}
    for dataset in datasets:
        humans = [i for i, subject in enumerate(dataset.subjects) if is_human(subject)]
        values, undefined = compare_dataset(dataset)
        if undefined:
            warnings.append(
                f"{dataset.name}: error consistency is undefined for {undefined} comparisons "
                "(both always right or always wrong); left out of the mean"
            )
        warnings += _unmatched(dataset, humans)
        resampled = weights = None
        if resamples:
            resampled, _ = compare_dataset(dataset, resamples=resamples, seed=seed)
            generator = np.random.default_rng([seed, len(DATASETS), DATASETS.index(dataset.name)])
            weights = draw_weights(generator, len(humans), resamples)
        for i, subject in enumerate(dataset.subjects):
            if i in humans:
                continue
            point[subject].append({k: mean_defined(v[:, i], 1) for k, v in values.items()})
            if resampled is not None:
                draws[subject].append({k: weighted(v[:, i], weights) for k, v in resampled.items()})
        if len(humans) > 1:
            point[HUMANS].append({k: mean_defined(v[:, humans], (1, 2)) for k, v in values.items()})
            if resampled is not None:
                pairs = weights[:, :, None] * weights[:, None, :]
                pairs = pairs.reshape(resamples, -1)
                draws[HUMANS].append(
                    {
                        k: weighted(v[:, humans].reshape(resamples, -1), pairs)
                        for k, v in resampled.items()
                    }
                )
    rows = []
    for name, found in point.items():
        if not found:
            continue
        row: dict = {"subject": name}
        for measure in MEASURES:
            row[measure] = float(mean_defined(np.stack([each[measure] for each in found]), 0)[0])
        # Without an image in common nothing is compared, whatever was shown.
        row["n_datasets"] = sum(
            any(np.isfinite(each[measure]).all() for measure in MEASURES) for each in found
        )
        if resamples:
            for measure in MEASURES:
                drawn = mean_defined(np.stack([each[measure] for each in draws[name]]), 0)
                row[f"{measure}_low"], row[f"{measure}_high"] = limits(drawn, level, name)
        rows.append(row)
    return rows, warnings


def read_folder(folder: str | Path) -> tuple[list[Dataset], list[str]]:
    """Read trial files laid out as the published ``raw-data``: a folder a data set.

    Returns
    -------
    datasets : list of Dataset
        Those of the 17 that are there, with human observers.
    warnings : list of str
        Missing data sets, unknown folders, data sets without humans.

    Raises
    ------
    InputError
        If the folder or all data sets are missing, or a trial file is bad.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "a file" if folder.exists() else "no such folder"
        raise InputError(f"{folder}: {what}; expected one folder of trial files for each data set")
    found = {path.name: path for path in sorted(folder.iterdir()) if path.is_dir()}
    warnings = [
        f"{folder / name}: '{name}' is none of the 17 data sets and is left out"
        f"{nearest(name, DATASETS)}"
        for name in found
        if name not in DATASETS
    ]
    datasets, missing = [], []
    for name in DATASETS:
        paths = trial_files.in_folder(found[name]) if name in found else []
        if not paths:
            missing.append(name)
            continue
        dataset = align(name, [trial_files.read(path) for path in paths])
        if any(is_human(subject) for subject in dataset.subjects):
            datasets.append(dataset)
        elif dataset.subjects:
            warnings.append(f"{folder / name}: no human observer (subject-NN); left out")
        else:
            warnings.append(f"{folder / name}: no condition that counts; left out")
    if not datasets:
        raise InputError(
            f"{folder}: holds no trials of the 17 data sets with human observers; expected folders "
            f"named {', '.join(DATASETS)}" + "".join(f"; {line}" for line in warnings)
        )
    if missing:
        warnings.append(f"{len(missing)} of 17 data sets are missing: {', '.join(missing)}")
    return datasets, warnings


def _unmatched(dataset: Dataset, humans: list[int]) -> list[str]:
    lines = []
    for i, subject in enumerate(dataset.subjects):
        lacking = total = 0
        for responses in dataset.conditions:
            shown = ~np.isnan(responses.correct[humans]).all(axis=0)
            lacking += int((np.isnan(responses.correct[i]) & shown).sum())
            total += int(shown.sum())
        if lacking:
            lines.append(
                f"{dataset.name}: subject '{subject}' lacks {lacking} of {total} images; "
                "compared on the others"
            )
    return lines


def limits(drawn: np.ndarray, level: float, *subjects: str) -> tuple[float, float]:
    """Interval of a value of one subject, or of the difference of two.

    Observers who are drawn anew may be one and the same, and no pair: what is said of the observers together
    is undefined there by its design, what is said of a network by its data (`bootstrap.interval_of_defined`).

    Parameters
    ----------
    drawn : ndarray of shape (resamples,)
    level : float
    *subjects : str
        Whose value it is, or whose values.
    """
    return (interval_of_defined if HUMANS in subjects else interval)(drawn, level)


def mean_defined(values: np.ndarray, axis: int | tuple[int, ...] | None = None) -> np.ndarray:
    """Mean of the defined values; NaN where none is."""
    defined = ~np.isnan(values)
    return divide(np.where(defined, values, 0).sum(axis=axis), defined.sum(axis=axis))


def weighted(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of the defined values in each row; both of shape (r, n)."""
    weights = np.where(np.isnan(values), 0, weights)
    return divide((np.nan_to_num(values) * weights).sum(axis=1), weights.sum(axis=1))
