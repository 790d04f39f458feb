"""Fitness of a stylization: how well networks do that train and test on it.

If a network of limited receptive field does as well as the full one, local patches tell the class
and the stylization has left a texture cue; if the full network fails too, shape is gone. The table
knows trials alone, no images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from texshape.errors import InputError
from texshape.experiment.runs import model_parts
from texshape.stylize.columns import STYLIZATION_FITNESS

ROLES = ("full", "limited")
DIFFERENCE = "difference"


@dataclass(frozen=True)
class Decided:
    """What one network, trained on a stylized set, decided on its test images.

    Attributes
    ----------
    role : str
        ``full`` or ``limited``.
    model : str
        Slug ``architecture--arm``.
    seed : int
    imagename, category, response : sequence of str
    """

    role: str
    model: str
    seed: int
    imagename: Sequence[str]
    category: Sequence[str]
    response: Sequence[str]


def fitness_table(
    name: str,
    decided: Sequence[Decided],
    *,
    engine: str,
    weights: str,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Accuracy of each network, and the difference of full and limited ones.

    Intervals resample images (a stylized test image is made from an exemplar of its own); the
    difference takes the same images for both and the mean over the trainings of either.

    Parameters
    ----------
    name : str
        Of the stylized set.
    decided : sequence of Decided
        All on the same images.
    engine, weights : str
        What made the set, as its manifest says.
    resamples, level, seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        `columns.STYLIZATION_FITNESS`; the row ``difference`` has no model, and its chance is 0.

    Raises
    ------
    InputError
        If the networks saw different images, or none.
    """
    if not decided:
        raise InputError(f"fitness of '{name}': no network")
    images = list(decided[0].imagename)
    right = []
    for own in decided:
        if list(own.imagename) != images:
            raise InputError(
                f"fitness of '{name}': {own.model} saw other images than {decided[0].model}"
            )
        right.append(np.asarray(own.category) == np.asarray(own.response))
    right = np.stack(right).astype(float)  # (networks, images)
    if right.shape[1] == 0:
        raise InputError(f"fitness of '{name}': no trial")
    rng = np.random.default_rng([seed, 41])
    draws = np.empty((resamples, len(decided)))
    for begin in range(0, resamples, 500):
        rows = rng.integers(right.shape[1], size=(min(500, resamples - begin), right.shape[1]))
        draws[begin : begin + len(rows)] = right[:, rows].mean(2).T
    tails = [50 * (1 - level), 50 * (1 + level)]
    chance = 1 / len(set(decided[0].category))
    common: Mapping[str, object] = {"set": name, "engine": engine, "weights": weights}
    table = []
    for place, own in enumerate(decided):
        architecture, arm = model_parts(own.model)
        low, high = np.percentile(draws[:, place], tails)
        table.append(
            {**common, "role": own.role, "model": own.model, "architecture": architecture,
             "arm": arm, "seed": own.seed, "accuracy": right[place].mean(), "ci_low": low,
             "ci_high": high, "n": right.shape[1], "chance": chance}
        )  # fmt: skip
    parts = {role: [i for i, own in enumerate(decided) if own.role == role] for role in ROLES}
    if all(parts.values()):
        full, limited = (parts[role] for role in ROLES)
        low, high = np.percentile(draws[:, full].mean(1) - draws[:, limited].mean(1), tails)
        table.append(
            {**common, "role": DIFFERENCE, "model": "", "architecture": "", "arm": "",
             "seed": None, "accuracy": right[full].mean() - right[limited].mean(), "ci_low": low,
             "ci_high": high, "n": right.shape[1], "chance": 0.0}
        )  # fmt: skip
    return STYLIZATION_FITNESS.frame(table).astype({"seed": "Int64"})
