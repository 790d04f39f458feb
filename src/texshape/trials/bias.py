"""Shape bias from decisions on cue-conflict images (Geirhos et al. 2019, arXiv 1811.12231).

Only images whose shape class differs from their texture class count. Each decision is for the shape
(S), for the texture (T), or for neither; the bias is S / (S + T) and says nothing without the share
of decisions it rests on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ShapeBias:
    """Counts of decisions and the rates they make.

    Attributes
    ----------
    n_trials : int
        All trials, conflict or not.
    n_conflict : int
        Trials whose shape class differs from the texture class.
    n_shape, n_texture : int
        Decisions for the shape's and for the texture's class among those.
    """

    n_trials: int
    n_conflict: int
    n_shape: int
    n_texture: int

    @property
    def shape_bias(self) -> float:
        """S / (S + T), a fraction; NaN where no decision was for either cue."""
        return ratio(self.n_shape, self.n_shape + self.n_texture)

    @property
    def cue_match_rate(self) -> float:
        """(S + T) / N: the share of conflict trials the bias rests on; NaN without conflict."""
        return ratio(self.n_shape + self.n_texture, self.n_conflict)


def ratio(part: float, whole: float) -> float:
    """Divide, with NaN (undefined) for an empty whole."""
    return part / whole if whole else math.nan


def outcomes(
    shape: Sequence[str], texture: Sequence[str], response: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Say of each trial whether its cues conflict and which of them the decision followed.

    Parameters
    ----------
    shape, texture, response : sequence of n str
        Class of either cue and the decision; ``na`` is a decision for neither.

    Returns
    -------
    conflict, for_shape, for_texture : ndarray of shape (n,), bool
        The latter two are false wherever the cues agree.
    """
    shape, texture, response = (
        np.asarray(values, dtype=str) for values in (shape, texture, response)
    )
    conflict = shape != texture
    return conflict, conflict & (response == shape), conflict & (response == texture)


def shape_bias(shape: Sequence[str], texture: Sequence[str], response: Sequence[str]) -> ShapeBias:
    """Count the decisions of n trials; see `outcomes` for the arguments."""
    conflict, for_shape, for_texture = outcomes(shape, texture, response)
    return ShapeBias(
        len(conflict), int(conflict.sum()), int(for_shape.sum()), int(for_texture.sum())
    )


def shape_bias_by_class(
    shape: Sequence[str], texture: Sequence[str], response: Sequence[str], classes: Sequence[str]
) -> dict[str, ShapeBias]:
    """Count the decisions apart for each shape class, as the 2019 paper draws them."""
    conflict, for_shape, for_texture = outcomes(shape, texture, response)
    shape = np.asarray(shape, dtype=str)
    found = {}
    for name in classes:
        of_class = shape == name
        counts = (of_class, conflict & of_class, for_shape & of_class, for_texture & of_class)
        found[name] = ShapeBias(*(int(chosen.sum()) for chosen in counts))
    return found


def response_entropy(response: Sequence[str]) -> float:
    """Entropy of the distribution of decisions in bits; ``na`` is left out, NaN without decisions.

    A network that gives one answer throughout has 0 bits, one that uses all K classes alike log2 K.
    """
    response = np.asarray(response, dtype=str)
    counts = np.unique(response[response != "na"], return_counts=True)[1]
    if not counts.size:
        return math.nan
    share = counts / counts.sum()
    return float(max(0.0, -(share * np.log2(share)).sum()))
