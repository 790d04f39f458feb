"""The 16 entry-level categories and the 207 ImageNet classes behind them.

`imagenet16.csv` holds the table: WordNet id, index among the 1,000 classes of ILSVRC 2012 (ids in
alphabetical order), category. The assignment is that of Geirhos et al. (2018, arXiv 1808.08750;
2019, arXiv 1811.12231), read from the index lists in ``code/helper/human_categories.py`` of
github.com/rgeirhos/texture-vs-shape (commit 6468a0e4), which are the ones its decisions rest on.
(Some WordNet ids named there are not classes of ILSVRC 2012.)
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files
from typing import Any

from texshape.errors import InputError, nearest

CATEGORIES = (
    "airplane", "bear", "bicycle", "bird", "boat", "bottle", "car", "cat",
    "chair", "clock", "dog", "elephant", "keyboard", "knife", "oven", "truck",
)  # fmt: skip
AGGREGATIONS = ("mean", "sum", "max", "mean_logits")
N_CLASSES = 1000


@lru_cache
def table() -> tuple[tuple[str, int, str], ...]:
    """Rows (WordNet id, index, category) in the order of the index."""
    with files("texshape.trials").joinpath("imagenet16.csv").open(encoding="utf-8") as lines:
        return tuple((r["wnid"], int(r["index"]), r["category"]) for r in csv.DictReader(lines))


def indices() -> dict[str, list[int]]:
    """Indices of the ImageNet classes of each category, categories in alphabetical order."""
    found: dict[str, list[int]] = {category: [] for category in CATEGORIES}
    for _, index, category in table():
        found[category].append(index)
    return found


def aggregate(logits: Any, method: str = "mean") -> Any:
    """Turn the outputs of an ImageNet network into scores of the 16 categories.

    Parameters
    ----------
    logits : ndarray or Tensor of shape (n, 1000)
    method : str
        ``mean`` (the published one), ``sum`` or ``max`` of the class probabilities within a
        category, or ``mean_logits``.

    Returns
    -------
    ndarray or Tensor of shape (n, 16)
        Scores in the order of `CATEGORIES`; the largest is the decision.

    Raises
    ------
    InputError
        For an unknown method or another number of outputs than 1,000.
    """
    if method not in AGGREGATIONS:
        raise InputError(f"aggregation '{method}' is unknown{nearest(method, AGGREGATIONS)}")
    if logits.ndim != 2 or logits.shape[1] != N_CLASSES:
        raise InputError(
            f"the 16 categories need (n, {N_CLASSES}) logits, found shape {tuple(logits.shape)}"
        )
    if type(logits).__module__.split(".")[0] == "torch":
        import torch

        # Half precision cannot tell small probabilities apart.
        values = logits.float()
        values = values if method == "mean_logits" else values.softmax(dim=1)
        stack, largest = (lambda columns: torch.stack(columns, dim=1)), (lambda v: v.amax(dim=1))
    else:
        import numpy as np

        values = np.asarray(logits, dtype=np.float64)
        if method != "mean_logits":
            values = np.exp(values - values.max(axis=1, keepdims=True))
            values = values / values.sum(axis=1, keepdims=True)
        stack, largest = (lambda columns: np.stack(columns, axis=1)), (lambda v: v.max(axis=1))
    reduce = {"sum": lambda v: v.sum(1), "max": largest}.get(method, lambda v: v.mean(1))
    return stack([reduce(values[:, chosen]) for chosen in indices().values()])
