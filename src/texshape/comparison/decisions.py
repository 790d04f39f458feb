"""Intervals that tables do not hold, from the decisions: cue match rate, entropy of decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from texshape.stats import bootstrap
from texshape.trials.bias import outcomes
from texshape.trials.score import Decisions, Levels, conflict_levels, exemplar_tables

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
        levels = conflict_levels(group)
        tables = np.stack(exemplar_tables(group, levels)).sum(0)  # S + T
        everything = _count(group, levels, None)
        totals = _totals(np.stack([tables, everything]), levels, resamples, seed)
        rate = bootstrap.divide(totals[:, 0], totals[:, 1])
        found[model, training, "cue_match_rate"] = bootstrap.interval(rate, level)
        if len(group) > 1:
            continue  # the table has the mean of the observers' entropies
        answers = sorted({name for own in group for name in own.response} - {"na"})
        chosen = [_count(group, levels, answer) for answer in answers]
        if not chosen:
            continue
        counts = _totals(np.stack(chosen), levels, resamples, seed)
        share = bootstrap.divide(counts, counts.sum(1, keepdims=True))
        logarithm = np.log2(share, out=np.zeros_like(share), where=share > 0)
        entropy = (share * -logarithm).sum(1)
        found[model, training, "response_entropy"] = bootstrap.interval(entropy, level)
    return found


def _count(group: Sequence[Decisions], levels: Levels, answer: str | None) -> np.ndarray:
    """Conflict trials of an answer (None: all), (subjects, shape exemplars, texture exemplars)."""
    tables = []
    for own in group:
        conflict, _, _ = outcomes(own.shape, own.texture, own.response)
        given = True if answer is None else np.asarray(own.response) == answer
        tables.append(levels.count(own, conflict & given))
    return np.stack(tables)


def _totals(tables: np.ndarray, levels: Levels, resamples: int, seed: int) -> np.ndarray:
    """Resampled totals of tables (kinds, subjects, rows, columns), summed over the subjects."""
    kinds, subjects = tables.shape[:2]
    totals = bootstrap.resample_totals(
        tables.reshape(kinds * subjects, *tables.shape[2:]),
        strata=levels.strata, resamples=resamples, seed=seed,
    )  # fmt: skip
    by_subject = totals.reshape(resamples, kinds, subjects).transpose(0, 2, 1)
    return bootstrap.pool_observers(by_subject, seed=seed)
