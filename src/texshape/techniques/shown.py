"""Pictures that a network is shown while something inside it is changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from texshape.models import changed
from texshape.stats.exemplars import ABSENT, conflicting
from texshape.techniques.corruptions.accuracy import balanced
from texshape.techniques.inputs import Ahead, Inputs
from texshape.trials.moved import Moves, moves

if TYPE_CHECKING:
    from texshape.data.imageset import ImageSet
    from texshape.models.network import Network

BATCH = 64  # images at a time, where the parameters leave it open


def in_conflict(images: ImageSet, most: int | None, *, seed: int) -> np.ndarray:
    """Rows of at most so many images whose cues disagree, shape classes in equal shares."""
    rows = np.flatnonzero(conflicting(images.labels))
    return rows[balanced(images.labels["shape"].to_numpy()[rows], most, seed=seed)]


def in_agreement(images: ImageSet, most: int | None, *, seed: int) -> np.ndarray:
    """Rows of at most so many images whose cues agree, classes in equal shares."""
    shape, texture = (images.labels[name].astype(str).to_numpy() for name in ("shape", "texture"))
    rows = np.flatnonzero((shape == texture) & (shape != ABSENT))
    return rows[balanced(shape[rows], most, seed=seed)]


def agreeing(inputs: Inputs) -> ImageSet:
    """Images among which are some whose cues agree: a set of such, or the conflict set itself.

    A conflict set often holds the pairs of one class too.
    """
    return inputs.images("agreeing" if inputs.has("agreeing") else "conflict")


def ahead(inputs: Inputs, versions: int, *, stages: int = 1, plays: bool = False) -> Ahead:
    """Both kinds of images as often as there are versions, at each stage, as `moves_by` shows them.

    Parameters
    ----------
    inputs : Inputs
    versions, stages : int
    plays : bool
        Whether the beginning of the network is played back, which is tried on a few pictures first.
    """
    most, other = inputs.settings.images, agreeing(inputs)
    sizes = [len(in_conflict(inputs.images("conflict"), most, seed=inputs.seed))]
    intact = in_agreement(other, most, seed=inputs.seed)
    classes = inputs.deciding("conflict").require_classes()
    sizes.append(int(other.labels["shape"].iloc[intact].isin(classes).sum()))
    tried = sum(3 * min(changed.TRIED, size) for size in sizes) if plays and versions > 1 else 0
    return Ahead(
        shown=stages * (versions * sum(sizes) + tried), batch=inputs.evaluation.batch_size or BATCH
    )


def moves_by(
    inputs: Inputs, network: Network, changes: Sequence[changed.Change], *, after: str = ""
) -> Moves:
    """What changes that look at no label do to the decisions on both kinds of images.

    Parameters
    ----------
    inputs : Inputs
        Whose settings have ``images`` (the most of either kind), ``resamples`` and ``level``.
    network : Network
        With decision classes.
    changes : sequence of callable
        The first leaves the network as it is.
    after : str
        See `changed.decisions`.
    """
    classes, settings = network.require_classes(), inputs.settings
    conflict, other = inputs.images("conflict"), agreeing(inputs)
    rows = in_conflict(conflict, settings.images, seed=inputs.seed)
    intact = in_agreement(other, settings.images, seed=inputs.seed)
    intact = intact[other.labels["shape"].iloc[intact].isin(classes).to_numpy()]
    decided = [
        changed.decisions(
            network, images.images[chosen], changes, after=after,
            batch_size=inputs.evaluation.batch_size or BATCH,
        )
        if len(chosen) else np.empty((len(changes), 0), dtype=int)
        for images, chosen in ((conflict, rows), (other, intact))
    ]  # fmt: skip
    return moves(
        decided[0], conflict.labels.iloc[rows], decided[1], other.labels.iloc[intact], classes,
        resamples=settings.resamples, level=settings.level, seed=inputs.seed,
    )  # fmt: skip
