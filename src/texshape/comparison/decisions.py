"""Intervals that tables do not hold, from the decisions: cue match rate, entropy of decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from texshape.trials import bootstrap
from texshape.trials.bias import outcomes
from texshape.trials.score import Decisions, exemplar_tables

Key = tuple[str, int | None]


def rate_intervals(
    subjects: Mapping[Key, Sequence[Decisions]],
    *,
    resamples: int,
    level: float,
    seed: int,
) -> dict[tuple[str, int | None, str], tuple[float, float]]:
    """Intervals over resamples of the exemplars of both cues, observers too where there are several.

    Parameters
    ----------
    subjects : mapping of (model, seed or None) to sequence of Decisions
        A network's training, or all human observers.
    resamples, level, seed
        Of the bootstrap.

    Returns
    -------
    dict of (model, seed or None, measure) to (low, high)
        Measures ``cue_match_rate`` and ``response_entropy`` (bits; the resampled entropy of few
        decisions is biased downwards, and the interval with it).
    """
    found = {}
    for (model, training), group in subjects.items():
        tables = np.stack(exemplar_tables(group)).sum(0)  # S + T
        everything = _count(group, lambda own: np.ones(len(own.response), dtype=bool))
        totals = _totals(np.stack([tables, everything]), resamples, seed)
        rate = bootstrap.divide(totals[:, 0], totals[:, 1])
        found[model, training, "cue_match_rate"] = bootstrap.interval(rate, level)
        if len(group) > 1:
            continue  # the table has the mean of the observers' entropies
        answers = sorted({name for own in group for name in own.response} - {"na"})
        chosen = [_count(group, lambda own, a=a: np.asarray(own.response) == a) for a in answers]
        if not chosen:
            continue
        counts = _totals(np.stack(chosen), resamples, seed)
        share = bootstrap.divide(counts, counts.sum(1, keepdims=True))
        logarithm = np.log2(share, out=np.zeros_like(share), where=share > 0)
        entropy = (share * -logarithm).sum(1)
        found[model, training, "response_entropy"] = bootstrap.interval(entropy, level)
    return found


def _count(group: Sequence[Decisions], marked) -> np.ndarray:
    """Conflict trials with a property on each pair of exemplars, shape (subjects, rows, columns)."""
    conflicts = [outcomes(own.shape, own.texture, own.response)[0] for own in group]
    names = [
        (np.asarray(own.shape_exemplar)[kept], np.asarray(own.texture_exemplar)[kept])
        for own, kept in zip(group, conflicts, strict=True)
    ]
    shapes = np.unique(np.concatenate([shape for shape, _ in names]))
    textures = np.unique(np.concatenate([texture for _, texture in names]))
    return np.stack(
        [
            bootstrap.count_table(
                np.searchsorted(shapes, shape),
                np.searchsorted(textures, texture),
                (len(shapes), len(textures)),
                marked(own)[kept],
            )
            for own, kept, (shape, texture) in zip(group, conflicts, names, strict=True)
        ]
    )


def _totals(tables: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Resampled totals of tables (kinds, subjects, rows, columns), summed over the subjects."""
    kinds, subjects = tables.shape[:2]
    totals = bootstrap.resample_totals(
        tables.reshape(kinds * subjects, *tables.shape[2:]), resamples=resamples, seed=seed
    )
    by_subject = totals.reshape(resamples, kinds, subjects).transpose(0, 2, 1)
    return bootstrap.pool_observers(by_subject, seed=seed)
