"""Networks whose answers are known: real weights on photographs, and independent constructions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from texshape.models.decisions import decider
from texshape.models.loading import load
from texshape.trials import imagenet16
from texshape.trials.evaluate import decisions, evaluate, evaluate_with

LITE0 = "efficientnet_lite_pytorch:efficientnet-lite0"
PHOTOGRAPHS = "github/EliSchwartz/imagenet-sample-images/bc69043e2862758a1906c6a24a792bb28c6bb2ff"


@pytest.fixture(scope="module")
def photographs(mirror):
    """65 photographs, squeezed to 256 px, with their WordNet ids."""
    paths = sorted((mirror / PHOTOGRAPHS).glob("n*.JPEG"))
    assert len(paths) == 65
    shown = []
    for path in paths:
        with Image.open(path) as photograph:
            photograph = photograph.convert("RGB")
        side = min(photograph.size)
        left, top = ((length - side) // 2 for length in photograph.size)
        square = photograph.crop((left, top, left + side, top + side))
        shown.append(np.asarray(square.resize((256, 256), Image.Resampling.BICUBIC)))
    return np.stack(shown), [path.name.split("_")[0] for path in paths]


def test_lite0_knows_the_photographs(photographs):
    pytest.importorskip("efficientnet_lite_pytorch")
    timm_data = pytest.importorskip("timm.data")
    shown, ids = photographs
    network = load(LITE0, settings={"preprocessing": "own"})
    logits, scores = evaluate_with(
        network, shown, [lambda values: values, network.decide], batch_size=8, channels_last=True
    )
    names = timm_data.ImageNetInfo().label_names()
    truth = np.array([names.index(identifier) for identifier in ids])
    assert (logits.argmax(1) == truth).mean() > 0.7  # 75.1 % on the validation set; chance 0.1 %
    category = {wnid: name for wnid, _, name in imagenet16.table()}
    right = decisions(scores, network.classes) == np.array([category[i] for i in ids])
    assert right.mean() > 0.9  # chance 6 %


def test_the_wrong_normalisation_is_noticed(photographs):
    """A deliberate bug: pixels in [0, 1] where (x - 127) / 128 is expected."""
    from dataclasses import replace

    pytest.importorskip("efficientnet_lite_pytorch")
    shown, ids = photographs
    network = load(LITE0)
    wrong = replace(network.preprocess, mean=(0.0,) * 3, std=(255.0,) * 3)
    category = {wnid: name for wnid, _, name in imagenet16.table()}
    truth = np.array([category[i] for i in ids])
    found = decisions(
        evaluate(replace(network, preprocess=wrong), shown, batch_size=8, channels_last=True),
        network.classes,
    )
    assert (found == truth).mean() < 0.5


def test_weights_of_lite0_are_loaded_in_full():
    pytest.importorskip("efficientnet_lite_pytorch")
    trained = load(LITE0).module.state_dict()
    untrained = load(LITE0, weights=False).module.state_dict()
    weights = [key for key in trained if key.endswith("weight")]
    assert all(not torch.equal(trained[key], untrained[key]) for key in weights)
    assert sum(parameter.numel() for parameter in load(LITE0).module.parameters()) == 4_652_008


def test_mean_and_sum_differ_where_categories_differ_in_size():
    """All 1,000 classes alike: the mean sees no difference, the sum prefers dogs (109 classes)."""
    groups = list(imagenet16.indices().values())
    logits = torch.zeros(1, 1000)
    assert decider(groups, "mean")(logits).std() < 1e-9
    assert imagenet16.CATEGORIES[decider(groups, "sum")(logits).argmax()] == "dog"
