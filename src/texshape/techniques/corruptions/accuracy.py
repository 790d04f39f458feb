"""Decisions and accuracy of networks on images that exist only in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from texshape.errors import InputError
from texshape.techniques.corruptions.errors import CLEAN
from texshape.techniques.corruptions.types import NUMBER, SEVERITIES, TYPES, corrupt
from texshape.trials.evaluate import decide

if TYPE_CHECKING:
    from texshape.models.network import Network


def balanced(labels: Sequence[str], most: int | None, *, seed: int) -> np.ndarray:
    """Rows of at most so many images, the classes in equal shares, drawn at random.

    Returns
    -------
    ndarray of int
        In order. With more classes than images, the first so many classes drawn have one each.
    """
    labels = np.asarray(labels)
    if most is None or most >= len(labels):
        return np.arange(len(labels))
    order = np.random.default_rng([seed, 61]).permutation(len(labels))
    turn = pd.Series(labels[order]).groupby(labels[order]).cumcount().to_numpy()
    return np.sort(order[np.argsort(turn, kind="stable")][:most])


def under_corruption(
    networks: Sequence[Network],
    images: np.ndarray,
    labels: Sequence[str],
    *,
    seed: int,
    types: Sequence[str] = TYPES,
    severities: Sequence[int] = SEVERITIES,
    table: str | None = None,
    block: int = 300,
    speed: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] = lambda line: None,
    wrong: list[dict[str, np.ndarray]] | None = None,
) -> list[pd.DataFrame]:
    """Accuracy of several networks on the same corrupted images, each made once.

    Parameters
    ----------
    networks : sequence of Network
        Each with decision classes.
    images : ndarray of shape (n, height, width, 3), uint8
    labels : sequence of n str
        The right class.
    seed : int
    types, severities : sequence
    table : str, optional
        Constants by name, see `corruptions.CONSTANTS`.
    block : int
        Images that are corrupted at a time; the result does not depend on it.
    speed : mapping, optional
        How images are pushed through, see `texshape.trials.evaluate.speed`.
    progress : callable
        Gets a line a type.
    wrong : list of dict, optional
        One a network, filled: by type, at how many severities each image was decided wrongly.

    Returns
    -------
    list of DataFrame
        One a network: ``corruption, severity, accuracy, n``, the uncorrupted images first.
    """
    for name in types:
        if name not in NUMBER:
            corrupt(images[:0], name, 1, seed=seed)  # says what is wrong
    labels = np.asarray(labels)
    for network in networks:
        unknown = set(labels) - set(network.require_classes())
        if unknown:
            raise InputError(f"{network.name}: class '{sorted(unknown)[0]}' is none of its classes")
    rows: list[list[dict]] = [[] for _ in networks]
    for name, severity in _cells(types, severities):
        right = np.zeros(len(networks))
        for start in range(0, len(images), block):
            part = np.asarray(images[start : start + block])
            if name != CLEAN:
                part = corrupt(part, name, severity, seed=seed, first=start, table=table)
            for index, network in enumerate(networks):
                chosen = decide(network, part, **speed or {})
                correct = chosen == labels[start : start + block]
                right[index] += correct.sum()
                if wrong is not None:
                    counts = wrong[index].setdefault(name, np.zeros(len(images), int))
                    counts[start : start + block] += ~correct
        for index in range(len(networks)):
            accuracy = right[index] / len(images) if len(images) else np.nan
            rows[index].append(
                {
                    "corruption": name,
                    "severity": severity,
                    "accuracy": accuracy,
                    "n": len(images),
                }
            )
        if severity in (0, severities[-1]):
            progress(f"{name}: severity {severity}, accuracy {rows[0][-1]['accuracy']:.3f}")
    return [pd.DataFrame(each) for each in rows]


def _cells(types: Sequence[str], severities: Sequence[int]) -> Iterator[tuple[str, int]]:
    yield CLEAN, 0
    for name in types:
        for severity in severities:
            yield name, severity
