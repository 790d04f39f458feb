"""Train by test: what a change of the data does through training and what through the test pictures.

A network trained on a variant of the data and tested on the same variant differs from the base one
in both. The variants hold the same exemplars picture for picture, so each network is also tested on
the other one, and the effects are differences over the same exemplars, resampled alike.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from texshape.errors import InputError
from texshape.stats import bootstrap
from texshape.trials.columns import CONTROLS
from texshape.trials.score import Decisions, conflict_levels, exemplar_tables

BASE = "base"


def effects(variant: str) -> list[tuple[str, tuple[str, str], tuple[str, str]]]:
    """Name, first and second cell (trained on, tested on) of the differences for one variant."""
    return [
        ("both", (variant, variant), (BASE, BASE)),
        ("training, base pictures", (variant, BASE), (BASE, BASE)),
        ("training, variant's pictures", (variant, variant), (BASE, variant)),
        ("pictures, base network", (BASE, variant), (BASE, BASE)),
        ("pictures, variant's network", (variant, variant), (variant, BASE)),
    ]


def differences(
    cells: Mapping[tuple[str, str], Mapping[int, Decisions]],
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Differences of shape bias between cells of training by test.

    Parameters
    ----------
    cells : mapping of (trained on, tested on) to mapping of seed to Decisions
        Variants by name, ``base`` among them; all on the same conflict exemplars.
    resamples, level, seed
        Of the bootstrap: exemplars within classes, the same for all cells, and the trainings of each
        variant, the same whatever they are tested on.

    Returns
    -------
    DataFrame of `columns.CONTROLS`
        The bias of a cell pools its seeds. ``effect`` is one of `effects`.
    """
    subjects = [own for group in cells.values() for own in group.values()]
    shown = {
        frozenset(zip(own.shape_exemplar, own.texture_exemplar, strict=True)) for own in subjects
    }
    if len(shown) > 1:
        raise InputError(
            "train by test: the variants' conflict pictures are not of the same exemplars"
        )
    levels = conflict_levels(subjects)
    tables = np.stack(exemplar_tables(subjects, levels))  # (cue, subject, rows, columns)
    totals = bootstrap.resample_totals(
        tables.reshape(-1, *tables.shape[2:]), strata=levels.strata, resamples=resamples, seed=seed
    ).reshape(resamples, 2, len(subjects))
    variants = list(dict.fromkeys(trained for trained, _ in cells))
    values, draws, start = {}, {}, 0
    for (trained, tested), group in cells.items():
        part = slice(start, start := start + len(group))
        stream = bootstrap.OBSERVERS + variants.index(trained)
        drawn = bootstrap.pool_observers(
            totals[:, :, part].transpose(0, 2, 1), seed=seed, stream=stream
        )
        n_shape, n_texture = tables[:, part].sum(axis=(1, 2, 3))
        values[trained, tested] = float(bootstrap.divide(n_shape, n_shape + n_texture))
        draws[trained, tested] = bootstrap.divide(drawn[:, 0], drawn.sum(1))
    rows = []
    for variant in variants:
        for effect, first, second in effects(variant) if variant != BASE else []:
            low, high = bootstrap.interval(draws[first] - draws[second], level)
            rows.append(
                (variant, effect, *first, *second, values[first], values[second],
                 values[first] - values[second], low, high,
                 next(iter(cells[first].values())).counts().n_conflict,
                 len(cells[first]), len(cells[second]))
            )  # fmt: skip
    return pd.DataFrame(rows, columns=CONTROLS.names)
