"""Which name a shape bias gets, and when it gets none: one rule for tables, article and report.

A bias is a share of the decisions that follow either cue. It describes a network only where the
pictures can be read at all, so three things are asked before the bias itself is looked at:

- **the pictures are recognised**: on the congruent ones, made in the same way of exemplars of one
  class, the right class is named more often than guessing would (1 / K);
- **decisions follow the cues**: they match one of the two more often than guessing would (2 / K);
  of two classes this is not asked, as there every decision matches a cue;
- **decisions are spread**: conflict pictures show each class as often as another, so whoever
  follows shape, texture or any mixture of them gives all answers alike. Entropy that falls a bit
  below what the labels have leaves the equivalent of half the answers: what is counted then is
  mostly a habit of answering, which falls to the shape in one picture and to the texture in another.

The first two ask their interval, not the value, as the name itself does. Where congruent pictures are
fewer than `FEW_CONGRUENT`, a name that is lacking for them is too few pictures to tell by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from texshape.stats import bootstrap
from texshape.stats.proportions import wilson
from texshape.trials.bias import ratio, response_entropy
from texshape.trials.columns import EVIDENCE
from texshape.trials.names import ABSENT
from texshape.trials.score import Decisions

#: What `evidence` finds of a subject.
FIELDS = tuple(column.name for column in EVIDENCE)

TEXTURE, SHAPE, NEITHER = NAMES = "texture-biased", "shape-biased", "neither"
UNDEFINED = "undefined"
UNRECOGNISED, NO_CUE, FEW_ANSWERS = "not recognised", "follows no cue", "few answers"
#: Bits that decisions may lack of the entropy of the labels: a bit halves the answers.
LOST_BITS = 1.0
#: Congruent pictures below which *not recognised* tells of the pictures, not of the network: right in
#: three times as many as guessing among 16 classes, 15 pictures are needed to show it (Wilson), and
#: about twice as many where pictures share exemplars.
FEW_CONGRUENT = 30


def name(
    bias: float,
    low: float,
    high: float,
    *,
    match_low: float,
    n_classes: int,
    congruent_low: float = math.nan,
    n_congruent: int = 0,
    response_entropy: float = math.nan,
    label_entropy: float = math.nan,
) -> str:
    """Name of a shape bias.

    Parameters
    ----------
    bias, low, high : float
        The share of shape decisions and its interval.
    match_low : float
        Lower end of the interval of the cue match rate.
    n_classes : int
        K: classes that the pictures show or that it answers, over which guessing is spread.
    congruent_low : float
        Lower end of the interval of the accuracy on congruent pictures.
    n_congruent : int
        How many there are; without any, nothing is asked of them.
    response_entropy, label_entropy : float
        Bits; without either, nothing is asked of them.

    Returns
    -------
    str
        ``undefined`` without a bias or an interval; ``not recognised``, ``follows no cue``, ``few
        answers`` by the module's three questions, in this order; ``texture-biased`` where the
        interval lies below one half, ``shape-biased`` above; else ``neither``.
    """
    if n_congruent and math.isnan(congruent_low):
        return UNDEFINED
    if n_congruent and not congruent_low > 1 / n_classes:
        return UNRECOGNISED
    if any(math.isnan(value) for value in (bias, low, high, match_low)):
        return UNDEFINED
    if n_classes > 2 and not match_low > 2 / n_classes:
        return NO_CUE
    if response_entropy <= label_entropy - LOST_BITS:
        return FEW_ANSWERS
    return TEXTURE if high < 0.5 else SHAPE if low > 0.5 else NEITHER


def few_congruent(row: Mapping) -> bool:
    """Whether a row is *not recognised* since there are too few congruent pictures to tell."""
    return row["verdict"] == UNRECOGNISED and row["n_congruent"] < FEW_CONGRUENT


def named(row: Mapping) -> str:
    """`name` of a row that holds ``shape_bias, ci_low, ci_high`` and `FIELDS`."""
    return name(
        row["shape_bias"],
        row["ci_low"],
        row["ci_high"],
        match_low=row["match_low"],
        n_classes=row["n_classes"],
        congruent_low=row["congruent_low"],
        n_congruent=row["n_congruent"],
        response_entropy=row["response_entropy"],
        label_entropy=row["label_entropy"],
    )


def evidence(
    groups: Mapping[str, Sequence[Decisions]],
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, dict]:
    """What the rule asks for beside the bias.

    Parameters
    ----------
    groups : mapping of str to sequence of Decisions
        A subject's decisions; several observers are pooled, and resampled too.
    resamples : int
        0 leaves the intervals undefined.
    level, seed
        As in `texshape.trials.score.score`.

    Returns
    -------
    dict of str to dict
        `FIELDS` of each: interval of the cue match rate; accuracy on congruent pictures with its
        interval (Wilson's where all or none are right, as resampling finds no spread then) and
        their number; entropy of the decisions on conflict pictures and of their labels (the smaller
        of shape and texture), in bits; number of classes that the pictures show or that it answers: of
        those between which it decides, the ones that are known here.
    """
    found = {}
    for subject, observers in groups.items():
        trials = _columns(observers)
        shape, texture, response = trials.shape, trials.texture, trials.response
        conflict = shape != texture
        matched = (response == shape) | (response == texture)
        limits = math.nan, math.nan
        if resamples and conflict.any():
            limits = trials.interval(matched, conflict, resamples, level, seed)
        right, n_congruent = int((response == shape)[~conflict].sum()), int((~conflict).sum())
        congruent = math.nan, math.nan
        if resamples and n_congruent and right in (0, n_congruent):
            low, high = wilson(right / n_congruent, n_congruent, level)
            congruent = float(low), float(high)
        elif resamples and n_congruent:
            congruent = trials.interval(response == shape, ~conflict, resamples, level, seed)
        labels = [response_entropy(values[conflict]) for values in (shape, texture)]
        values = (
            *limits, ratio(right, n_congruent), *congruent, n_congruent,
            response_entropy(response[conflict]), min(labels),
            len({*shape, *texture, *response} - {ABSENT}),
        )  # fmt: skip
        found[subject] = dict(zip(FIELDS, values, strict=True))
    return found


def _columns(observers: Sequence[Decisions]) -> _Trials:
    joined = [
        np.array([value for own in observers for value in getattr(own, column)], dtype=str)
        for column in ("shape", "texture", "response", "shape_exemplar", "texture_exemplar")
    ]
    whose = [i for i, own in enumerate(observers) for _ in own.response]
    return _Trials(*joined, np.array(whose, dtype=int))


@dataclass(frozen=True)
class _Trials:
    """Trials of all observers: classes and exemplars of either cue, decisions, whose trial it is."""

    shape: np.ndarray
    texture: np.ndarray
    response: np.ndarray
    shape_exemplar: np.ndarray
    texture_exemplar: np.ndarray
    observer: np.ndarray

    def interval(
        self, counted: np.ndarray, among: np.ndarray, resamples: int, level: float, seed: int
    ) -> tuple[float, float]:
        """Interval of the share of counted trials among some, over both cues' exemplars."""
        names = [values[among] for values in (self.shape_exemplar, self.texture_exemplar)]
        (shapes, first, row), (textures, other, column) = (
            np.unique(values, return_index=True, return_inverse=True) for values in names
        )
        size = (len(shapes), len(textures))
        counted, whose = counted[among], self.observer[among]
        tables = [
            bootstrap.count_table(row, column, size, chosen & (whose == one))
            for one in np.unique(whose)
            for chosen in (counted, np.ones_like(counted))
        ]
        totals = bootstrap.resample_totals(
            np.stack(tables),
            strata=(self.shape[among][first], self.texture[among][other]),
            resamples=resamples,
            seed=seed,
        )
        pooled = bootstrap.pool_observers(totals.reshape(resamples, -1, 2), seed=seed)
        return bootstrap.interval(bootstrap.divide(pooled[:, 0], pooled[:, 1]), level)
