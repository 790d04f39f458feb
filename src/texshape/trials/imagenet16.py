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
from typing import get_args

from texshape.config.evaluation import Aggregation

CATEGORIES = (
    "airplane", "bear", "bicycle", "bird", "boat", "bottle", "car", "cat",
    "chair", "clock", "dog", "elephant", "keyboard", "knife", "oven", "truck",
)  # fmt: skip
AGGREGATIONS: tuple[str, ...] = get_args(Aggregation)


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
