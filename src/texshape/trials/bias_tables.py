"""Tables of the shape bias over many networks, made of their trials: each, by class, differences, by set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from texshape.errors import InputError
from texshape.stats import seeds
from texshape.trials import columns, naming
from texshape.trials.bias import shape_bias_by_class
from texshape.trials.files import Trials
from texshape.trials.names import HUMANS, is_human
from texshape.trials.score import (
    Decisions,
    differences,
    gather,
    same_network_differences,
    score,
)
from texshape.trials.subjects import CUE_CONFLICT, PUBLISHED, Subject

if TYPE_CHECKING:
    import pandas as pd


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
