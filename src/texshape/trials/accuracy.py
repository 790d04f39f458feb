"""Accuracy of subjects on sets of images, made of their trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from texshape.errors import InputError
from texshape.stats import bootstrap
from texshape.trials import columns
from texshape.trials.bias import outcomes, response_entropy
from texshape.trials.files import Trials
from texshape.trials.names import ABSENT, HUMANS, is_human, parse
from texshape.trials.subjects import PUBLISHED, Subject

if TYPE_CHECKING:
    import pandas as pd


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
    _together(cells)
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


def _together(cells: dict[tuple, list[tuple[Subject, _Correct]]]) -> None:
    """Put the human observers of a set into one cell, whatever exemplars each of them saw."""
    places: dict[tuple, list[tuple]] = {}
    for key, group in cells.items():
        if any(is_human(subject.model) for subject, _ in group):
            places.setdefault(key[:2], []).append(key)
    for (images, cue), keys in places.items():
        if len(keys) == 1:
            continue
        moved = []
        for key in keys:
            moved += [one for one in cells[key] if is_human(one[0].model)]
            cells[key] = [one for one in cells[key] if not is_human(one[0].model)]
            if not cells[key]:
                del cells[key]
        subjects, found = zip(*moved, strict=True)
        widened = _on_all_exemplars(found)
        key = (images, cue, widened[0].rows, widened[0].columns)
        cells.setdefault(key, []).extend(zip(subjects, widened, strict=True))


def _on_all_exemplars(found: Sequence[_Correct]) -> list[_Correct]:
    """Tables of all exemplars that anybody saw; no trial is on those that an observer did not see."""
    if any(own.columns == (ABSENT,) for own in found):  # of somebody the other cue does not recur
        found = [
            replace(
                own,
                columns=(ABSENT,),
                strata=(own.strata[0], (ABSENT,)),
                right=own.right.sum(1, keepdims=True),
                total=own.total.sum(1, keepdims=True),
            )
            for own in found
        ]
    names, strata = [], []
    for axis, called in enumerate(("rows", "columns")):
        classes = {
            name: label
            for own in found
            for name, label in zip(getattr(own, called), own.strata[axis], strict=True)
        }
        names.append(tuple(sorted(classes)))
        strata.append(tuple(classes[name] for name in names[-1]))
    widened = []
    for own in found:
        place = np.ix_(
            [names[0].index(name) for name in own.rows],
            [names[1].index(name) for name in own.columns],
        )
        tables = []
        for table in (own.right, own.total):
            whole = np.zeros((len(names[0]), len(names[1])), table.dtype)
            whole[place] = table
            tables.append(whole)
        widened.append(
            replace(own, rows=names[0], columns=names[1], strata=(strata[0], strata[1]),
                    right=tables[0], total=tables[1])
        )  # fmt: skip
    return widened


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
