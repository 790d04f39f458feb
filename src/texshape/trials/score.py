"""Shape bias of every subject in a number of trial files, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from texshape.errors import InputError, nearest
from texshape.stats import bootstrap
from texshape.trials.bias import ShapeBias, outcomes, shape_bias
from texshape.trials.columns import SCORE
from texshape.trials.files import Trials, trials_once
from texshape.trials.names import ABSENT, HUMANS, is_human, natural, parse

FIELDS = ("subject", *(column.name for column in SCORE))


@dataclass
class Decisions:
    """All cue-conflict trials of one subject; lists of one length.

    Attributes
    ----------
    subject : str
    shape, texture, response : list of str
        Classes.
    shape_exemplar, texture_exemplar : list of str
    """

    subject: str
    shape: list[str] = field(default_factory=list)
    texture: list[str] = field(default_factory=list)
    response: list[str] = field(default_factory=list)
    shape_exemplar: list[str] = field(default_factory=list)
    texture_exemplar: list[str] = field(default_factory=list)

    def counts(self) -> ShapeBias:
        """Decisions for either cue."""
        return shape_bias(self.shape, self.texture, self.response)


def gather(files: Sequence[Trials]) -> tuple[dict[str, Decisions], list[str]]:
    """Join the trials of each subject over files and sessions, each file and each trial once.

    A trial that a file repeats word for word (a run that was started anew) counts once. An image
    that a subject saw in several trials counts each time, with a warning.

    Returns
    -------
    decisions : dict of str to Decisions
        By subject, in order of appearance.
    warnings : list of str
        One line for each file that repeats another or its own trials, or that shows the same
        images again, and the notes of each.

    Raises
    ------
    InputError
        If an image's name cannot be read, names an unknown class, or contradicts `category`; if
        one trial stands in a file with two answers.
    """
    decisions: dict[str, Decisions] = {}
    warnings: list[str] = []
    first_copy: dict[str, str] = {}
    seen: dict[tuple[str, str], str] = {}
    for trials in files:
        digest = trials.digest()
        if digest in first_copy:
            warnings.append(
                f"{trials.source}: holds the same trials as {first_copy[digest]}; counted once"
            )
            continue
        first_copy[digest] = trials.source
        warnings += trials.notes
        trials, repeated = trials_once(trials)
        if repeated:
            warnings.append(
                f"{trials.source}: {repeated} of {len(trials) + repeated} rows repeat a trial; "
                "each is counted once"
            )
        again: dict[tuple[str, str], int] = {}
        classes = set(trials.classes)
        for row, image in enumerate(trials["imagename"]):
            try:
                name = parse(image)
            except InputError as error:
                raise InputError(f"{trials.place(row)}: {error}") from None
            for cue, value in (("shape", name.shape), ("texture", name.texture)):
                if value not in classes:
                    raise InputError(
                        f"{trials.place(row)}: {cue} '{value}' of stimulus '{image}' is no known "
                        + ("class; no cue-conflict image" if value == ABSENT else "class")
                        + nearest(value, trials.classes)
                        + trials.hint
                    )
            if name.shape != trials["category"][row]:
                raise InputError(
                    f"{trials.place(row)}: category is '{trials['category'][row]}', but stimulus "
                    f"'{image}' shows the shape '{name.shape}'"
                )
            subject = trials["subj"][row]
            key = (subject, f"{name.shape_exemplar}-{name.texture_exemplar}")
            other = seen.get(key)
            if other is not None:
                again[subject, other] = again.get((subject, other), 0) + 1
            seen.setdefault(key, trials.source)
            own = decisions.setdefault(subject, Decisions(subject))
            own.shape.append(name.shape)
            own.texture.append(name.texture)
            own.response.append(trials["object_response"][row])
            own.shape_exemplar.append(name.shape_exemplar)
            own.texture_exemplar.append(name.texture_exemplar)
        warnings += [
            f"{trials.source}: subject '{subject}' saw "
            + (
                f"{count} of its images in {other} too; the trials of both are pooled"
                if other != trials.source
                else f"images again in {count} of its trials; all are pooled"
            )
            for (subject, other), count in again.items()
        ]
    return decisions, warnings


@dataclass(frozen=True)
class Levels:
    """The exemplars that occur in a conflict trial of any of some subjects, in natural order.

    The order is that of `texshape.stats.exemplars`, so that resamples are the same everywhere.

    Attributes
    ----------
    shapes, textures : ndarray of str
        Names of the exemplars.
    strata : (ndarray of str, ndarray of str)
        The class of each: exemplars are resampled within their class.
    """

    shapes: np.ndarray
    textures: np.ndarray
    strata: tuple[np.ndarray, np.ndarray]

    @property
    def size(self) -> tuple[int, int]:
        """Numbers of shape and of texture exemplars."""
        return len(self.shapes), len(self.textures)

    def count(self, own: Decisions, chosen: np.ndarray) -> np.ndarray:
        """Count a subject's chosen trials on each pair of exemplars.

        Parameters
        ----------
        own : Decisions
            Of n trials.
        chosen : ndarray of shape (n,), bool
            Conflict trials alone.

        Returns
        -------
        ndarray of shape `size`, float32
        """
        chosen = np.flatnonzero(chosen)
        rows, columns = (
            np.array([place[exemplars[trial]] for trial in chosen], dtype=int)
            for place, exemplars in (
                ({name: i for i, name in enumerate(self.shapes.tolist())}, own.shape_exemplar),
                ({name: i for i, name in enumerate(self.textures.tolist())}, own.texture_exemplar),
            )
        )
        return bootstrap.count_table(rows, columns, self.size, np.ones(len(chosen), dtype=bool))


def conflict_levels(subjects: Sequence[Decisions]) -> Levels:
    """Find the exemplars of the conflict trials of all subjects, with their classes."""
    classes: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for own in subjects:
        rows = zip(own.shape, own.texture, own.shape_exemplar, own.texture_exemplar, strict=True)
        for shape, texture, shape_exemplar, texture_exemplar in rows:
            if shape != texture:
                classes[0][shape_exemplar] = shape
                classes[1][texture_exemplar] = texture
    names = [np.array(sorted(one, key=natural), dtype=str) for one in classes]
    strata = [
        np.array([one[name] for name in ordered], dtype=str)
        for one, ordered in zip(classes, names, strict=True)
    ]
    return Levels(names[0], names[1], (strata[0], strata[1]))


def exemplar_tables(subjects: Sequence[Decisions], levels: Levels) -> tuple[np.ndarray, np.ndarray]:
    """Count decisions for shape and for texture on each pair of exemplars.

    Only conflict trials count, and only exemplars that occur in one are levels.

    Returns
    -------
    for_shape, for_texture : ndarray of shape (subjects, shape exemplars, texture exemplars)
    """
    tables = np.zeros((2, len(subjects), *levels.size), dtype=np.float32)
    for i, own in enumerate(subjects):
        _, *followed = outcomes(own.shape, own.texture, own.response)
        for cue in (0, 1):
            tables[cue, i] = levels.count(own, followed[cue])
    return tables[0], tables[1]


def resample_bias(
    subjects: Sequence[Decisions], *, resamples: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Resample exemplars within their classes and count the decisions for either cue.

    Returns
    -------
    n_shape, n_texture : ndarray of shape (resamples, subjects)
    """
    levels = conflict_levels(subjects)
    totals = bootstrap.resample_totals(
        np.concatenate(exemplar_tables(subjects, levels)),
        strata=levels.strata, resamples=resamples, seed=seed,
    )  # fmt: skip
    return totals[:, : len(subjects)], totals[:, len(subjects) :]


def score(
    decisions: dict[str, Decisions],
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[list[dict], list[str]]:
    """Shape bias of each subject, and of the humans together where there are several.

    Parameters
    ----------
    decisions : dict of str to Decisions
        From `gather`.
    resamples : int
        0 leaves the intervals undefined.
    level : float
        Coverage of the percentile intervals.
    seed : int

    Returns
    -------
    rows : list of dict
        `FIELDS` of each subject; rates are fractions, undefined ones NaN. The row ``humans`` pools
        the trials of all observers, who are resampled too.
    warnings : list of str
        One line for each undefined bias.
    """
    rows, warnings = [], []
    # Subjects who saw the same images share one product.
    groups: dict[tuple, list[Decisions]] = {}
    for own in decisions.values():
        saw = (frozenset(own.shape_exemplar), frozenset(own.texture_exemplar))
        groups.setdefault(saw, []).append(own)
    intervals: dict[str, tuple[float, float]] = {}
    for group in groups.values():
        group = [own for own in group if own.counts().n_conflict]
        if resamples and group:
            n_shape, n_texture = resample_bias(group, resamples=resamples, seed=seed)
            values = _bias(n_shape, n_texture)
            for i, own in enumerate(group):
                intervals[own.subject] = bootstrap.interval(values[:, i], level)
    for own in decisions.values():
        rows.append(_row(own.subject, own.counts(), intervals.get(own.subject)))
    humans = [own for own in decisions.values() if is_human(own.subject)]
    if len(humans) > 1:
        counts = [own.counts() for own in humans]
        pooled = ShapeBias(
            *(
                sum(getattr(own, name) for own in counts)
                for name in ("n_trials", "n_conflict", "n_shape", "n_texture")
            )
        )
        limits = None
        if resamples and pooled.n_conflict:
            totals = np.stack(resample_bias(humans, resamples=resamples, seed=seed), axis=-1)
            totals = bootstrap.pool_observers(totals, seed=seed)
            limits = bootstrap.interval(_bias(totals[:, 0], totals[:, 1]), level)
        rows.append(_row(HUMANS, pooled, limits))
    for row in rows:
        if math.isnan(row["shape_bias"]):
            warnings.append(
                f"subject '{row['subject']}': shape bias is undefined, no decision for either cue "
                f"in {row['n_conflict']} conflict trials"
            )
    return rows, warnings


def decision_draws(
    models: Sequence[Sequence[Decisions]], *, resamples: int = 10_000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Count decisions of models on the same stimuli, and how they vary from resample to resample.

    A model may come with several trainings (seeds), or observers, whose decisions are pooled. A
    resample takes the same exemplars for all models, and draws the trainings of each anew, so the
    difference of two models is a paired difference.

    Parameters
    ----------
    models : sequence of sequence of Decisions
        The trainings of each model.
    resamples, seed : int

    Returns
    -------
    totals : ndarray of shape (models, 3)
        Decisions for shape, for texture, and conflict trials.
    draws : ndarray of shape (resamples, models, 3)
    """
    subjects = [own for trainings in models for own in trainings]
    ends = np.cumsum([len(trainings) for trainings in models])
    parts = [slice(end - len(own), end) for own, end in zip(models, ends, strict=True)]
    levels = conflict_levels(subjects)
    conflicts = [
        levels.count(own, outcomes(own.shape, own.texture, own.response)[0]) for own in subjects
    ]
    # (kind, subject, shape exemplar, texture exemplar)
    tables = np.stack([*exemplar_tables(subjects, levels), np.stack(conflicts)])
    drawn = bootstrap.resample_totals(
        tables.reshape(-1, *tables.shape[2:]),
        strata=levels.strata, resamples=resamples, seed=seed,
    )  # fmt: skip
    drawn = drawn.reshape(resamples, 3, len(subjects)).transpose(0, 2, 1)
    totals = np.stack([tables[:, part].sum(axis=(1, 2, 3)) for part in parts])
    # The trainings of two models have nothing in common: each model has a stream of its own.
    draws = [
        bootstrap.pool_observers(drawn[:, part], seed=seed, stream=bootstrap.OBSERVERS + i)
        for i, part in enumerate(parts)
    ]
    return totals, np.stack(draws, axis=1)


def bias_draws(
    models: Sequence[Sequence[Decisions]], *, resamples: int = 10_000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Shape bias of models on the same stimuli, and how it varies; see `decision_draws`.

    Returns
    -------
    bias : ndarray of shape (models,)
    draws : ndarray of shape (resamples, models)
        NaN where no decision is for either cue.
    """
    totals, draws = decision_draws(models, resamples=resamples, seed=seed)
    return _bias(totals[:, 0], totals[:, 1]), _bias(draws[..., 0], draws[..., 1])


def differences(
    models: dict[str, Sequence[Decisions]],
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> list[dict]:
    """Differences of shape bias between all pairs of models, on the images that a pair shares.

    Parameters
    ----------
    models : dict of str to sequence of Decisions
        The trainings (or observers) of each model; see `bias_draws`.
    resamples, level, seed
        As in `score`.

    Returns
    -------
    list of dict
        ``model_a, model_b, difference`` (a minus b), ``ci_low, ci_high, n`` (conflict images in
        common) of each pair; NaN where a bias is undefined or no image is shared.
    """
    images = {name: set.intersection(*map(images_of, own)) for name, own in models.items()}
    names = list(models)
    draws: dict[frozenset, tuple[list[str], np.ndarray, np.ndarray]] = {}
    rows = []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            common = frozenset(images[first] & images[second])
            row = {"model_a": first, "model_b": second, "difference": math.nan}
            row |= {"ci_low": math.nan, "ci_high": math.nan, "n": len(common)}
            rows.append(row)
            if not common:
                continue
            if common not in draws:
                group = [name for name in names if images[name] >= common]
                kept = [[restrict(own, common) for own in models[name]] for name in group]
                draws[common] = (group, *bias_draws(kept, resamples=resamples, seed=seed))
            group, bias, drawn = draws[common]
            a, b = group.index(first), group.index(second)
            row["difference"] = float(bias[a] - bias[b])
            row["ci_low"], row["ci_high"] = bootstrap.interval(drawn[:, a] - drawn[:, b], level)
    return rows


def same_network_differences(
    pairs: Sequence[tuple[Decisions, Decisions]],
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> list[tuple[float, float, float, int]]:
    """How the bias of single networks differs between two ways to show the same conflicts.

    Parameters
    ----------
    pairs : sequence of (Decisions, Decisions)
        Of one network each, on two sets whose images bear the same names.
    resamples, level, seed
        As in `score`.

    Returns
    -------
    list of tuple
        Difference (first minus second), ends of its interval, number of conflict images in common;
        NaN where no image is.
    """
    common = [frozenset(images_of(first) & images_of(second)) for first, second in pairs]
    found = [(math.nan, math.nan, math.nan, len(shared)) for shared in common]
    for shared in set(common):
        chosen = [i for i, own in enumerate(common) if own == shared and shared]
        if not chosen:
            continue
        models = [[restrict(own, shared)] for i in chosen for own in pairs[i]]
        bias, draws = bias_draws(models, resamples=resamples, seed=seed)
        for place, i in enumerate(chosen):
            first, second = 2 * place, 2 * place + 1
            limits = bootstrap.interval(draws[:, first] - draws[:, second], level)
            found[i] = (float(bias[first] - bias[second]), *limits, len(shared))
    return found


def _bias(n_shape: np.ndarray, n_texture: np.ndarray) -> np.ndarray:
    return bootstrap.divide(n_shape, n_shape + n_texture)


def images_of(own: Decisions) -> set[tuple[str, str]]:
    """Exemplars of shape and texture of each conflict image."""
    rows = zip(own.shape, own.texture, own.shape_exemplar, own.texture_exemplar, strict=True)
    return {(i, j) for shape, texture, i, j in rows if shape != texture}


def restrict(own: Decisions, images: frozenset[tuple[str, str]]) -> Decisions:
    """The trials of some images, named by their exemplars."""
    keys = zip(own.shape_exemplar, own.texture_exemplar, strict=True)
    kept = [row for row, key in enumerate(keys) if key in images]
    columns = ("shape", "texture", "response", "shape_exemplar", "texture_exemplar")
    return Decisions(own.subject, *([getattr(own, c)[row] for row in kept] for c in columns))


def _row(subject: str, counts: ShapeBias, limits: tuple[float, float] | None) -> dict:
    low, high = limits or (math.nan, math.nan)
    values = (
        subject, counts.shape_bias, low, high, counts.cue_match_rate,
        counts.n_trials, counts.n_conflict, counts.n_shape, counts.n_texture,
    )  # fmt: skip
    return dict(zip(FIELDS, values, strict=True))
