"""The 207 ImageNet classes of the 16 categories."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
import torch

from texshape.models.decisions import decider
from texshape.trials import files as trial_files
from texshape.trials.imagenet16 import AGGREGATIONS, CATEGORIES, indices, table

COUNTS = {
    "airplane": 1, "bear": 4, "bicycle": 2, "bird": 49, "boat": 5, "bottle": 7, "car": 3, "cat": 6,
    "chair": 4, "clock": 3, "dog": 109, "elephant": 2, "keyboard": 2, "knife": 1, "oven": 1,
    "truck": 8,
}  # fmt: skip


def test_counts_of_each_category():
    assert {category: len(found) for category, found in indices().items()} == COUNTS
    assert tuple(indices()) == CATEGORIES == tuple(sorted(CATEGORIES))
    assert len({index for _, index, _ in table()}) == 207


def test_indices_are_those_of_the_wordnet_ids():
    text = files("timm").joinpath("data", "_info", "imagenet_synsets.txt").read_text()
    synsets = text.split()
    assert len(synsets) == 1000
    assert all(synsets[index] == wnid for wnid, index, _ in table())
    for category, found in indices().items():
        ids = {wnid for wnid, _, own in table() if own == category}
        assert {synsets[index] for index in found} == ids


def test_ids_in_published_image_names_have_their_published_category(mirror):
    folder = mirror / "github/bethgelab/model-vs-human"
    category_of = {wnid: category for wnid, _, category in table()}
    seen = set()
    for path in folder.glob("*/raw-data/*/*_resnet50_*.csv"):
        trials = trial_files.read(path)
        for image, category in zip(trials["imagename"], trials["category"], strict=True):
            parts = image.split("_")
            if len(parts) > 1 and parts[-2].startswith("n0"):
                assert category_of[parts[-2]] == category
                seen.add(parts[-2])
    assert len(seen) > 190


def aggregate(logits, method):
    return decider(list(indices().values()), method)(torch.tensor(logits)).numpy()


@pytest.mark.parametrize("method", AGGREGATIONS)
def test_scores_are_those_of_the_formula(method):
    logits = np.random.default_rng(1).normal(0, 3, (50, 1000)).astype(np.float32)
    odds = np.exp(logits.astype(np.float64))
    values = logits if method == "mean_logits" else odds / odds.sum(1, keepdims=True)
    reduce = {"sum": np.sum, "max": np.max}.get(method, np.mean)
    expected = np.stack([reduce(values[:, group], axis=1) for group in indices().values()], axis=1)
    np.testing.assert_allclose(aggregate(logits, method), expected, rtol=1e-4, atol=1e-7)


def test_aggregation_by_hand():
    logits = np.full((1, 1000), -20.0)
    logits[0, indices()["knife"][0]] = 0
    logits[0, indices()["dog"]] = 0.5  # 109 classes, each more likely than the knife
    share = 1 / (1 + 109 * np.exp(0.5) + 890 * np.exp(-20))
    knife, dog = CATEGORIES.index("knife"), CATEGORIES.index("dog")
    assert aggregate(logits, "mean")[0, knife] == pytest.approx(share)
    assert aggregate(logits, "max")[0, dog] == pytest.approx(share * np.exp(0.5))
    assert aggregate(logits, "sum")[0, dog] == pytest.approx(109 * share * np.exp(0.5))
    assert aggregate(logits, "mean_logits")[0, dog] == pytest.approx(0.5)


def test_mean_and_sum_can_decide_differently():
    logits = np.full((1, 1000), -20.0)
    logits[0, indices()["knife"][0]] = 1.0
    logits[0, indices()["dog"]] = 0.5
    assert CATEGORIES[aggregate(logits, "mean").argmax()] == "knife"
    assert CATEGORIES[aggregate(logits, "sum").argmax()] == "dog"
