"""Each named bug, put in on purpose, must break the check that guards against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.segmentation_scene import known_network, scene

from texshape.data import probes
from texshape.models.preprocessing import Preprocess
from texshape.techniques.corruptions import accuracy
from texshape.techniques.corruptions import types as corruptions
from texshape.techniques.segmentation import maps, metrics, train
from texshape.techniques.segmentation.targets import split_exemplars

# --- the checks, as functions ---------------------------------------------------------------------


def statistics_do_not_move():
    network = known_network()
    before = network.module.normed[1].running_mean.clone()
    maps.cache(network, scene(2).images, stages=["normed"])
    assert torch.equal(network.module.normed[1].running_mean, before)


def ignored_pixels_do_not_train():
    scores = torch.zeros(1, 2, 4, 4, requires_grad=True)
    target = torch.full((1, 4, 4), 255)
    target[0, 0] = 1
    train.loss(scores, target).backward()
    assert (scores.grad[0, :, 1:] == 0).all()


def ignored_pixels_are_not_counted():
    truth = np.array([[[0, 0, 1, 255, 255, 255]]], np.uint8)
    guess = np.array([[[0, 0, 1, 0, 1, 1]]], np.uint8)
    assert metrics.score(metrics.confusion(truth, guess, 2), seed=0).miou == 1


def small_objects_do_not_weigh_as_much_as_large_ones():
    truth = np.zeros((2, 10, 10), np.uint8)
    truth[0, 0, 0] = 1
    truth[1] = 1
    guess = truth.copy()
    guess[0, 0, 0] = 0
    found = metrics.score(metrics.confusion(truth, guess, 2), seed=0).miou
    assert found == pytest.approx((99 / 100 + 100 / 101) / 2)


def severities_are_told_apart():
    grey = np.full((4, 48, 48, 3), 128, np.uint8)
    spread = [
        corruptions.corrupt(grey, "gaussian_noise", severity, seed=0).std() / 255
        for severity in (1, 5)
    ]
    assert spread == pytest.approx([0.04, 0.10], rel=0.03)


class Contrast(torch.nn.Module):
    """Says `bar` where the spread of the pixels is above 0.1 of their range, else `dot`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        strong = (x.flatten(1).std(1) > 0.1).float()
        return torch.stack([strong, 1 - strong, torch.zeros_like(strong)], 1)


def severities_reach_the_networks():
    network = replace(
        known_network(), module=Contrast(), preprocess=Preprocess(48, (0.0,) * 3, (1.0,) * 3)
    )
    spread = np.linspace(0.11, 0.25, 20)[:, None, None, None]  # times 0.75 some stay above 0.1
    noise = np.random.default_rng(0).uniform(-1, 1, (20, 48, 48, 3)) * np.sqrt(3)
    images = np.rint(255 * (0.5 + spread * noise)).astype(np.uint8)
    table = accuracy.under_corruption(
        [network], images, ["bar"] * 20, seed=0, types=["contrast"], severities=[1, 5]
    )[0]
    assert list(table["accuracy"]) == [1, pytest.approx((0.25 - 0.1 / 0.75) / 0.14, abs=0.06), 0]


def patches_change_places():
    image = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3), dtype=np.uint8)
    shuffled = probes.shuffle_patches(image, 4, seed=0)
    assert (shuffled != image).any((1, 2, 3)).all()
    assert sorted(shuffled.ravel()) == sorted(image.ravel())


def parts_hold_no_common_exemplar():
    labels = scene(2).labels
    one, other = (
        set(labels["shape_exemplar"].iloc[rows])
        for rows in split_exemplars(labels, train_share=0.5, seed=0)
    )
    assert not one & other


CHECKS = [
    statistics_do_not_move,
    ignored_pixels_do_not_train,
    ignored_pixels_are_not_counted,
    small_objects_do_not_weigh_as_much_as_large_ones,
    severities_are_told_apart,
    severities_reach_the_networks,
    patches_change_places,
    parts_hold_no_common_exemplar,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_checks_pass_without_a_bug(check):
    check()


# --- the bugs -------------------------------------------------------------------------------------


def test_batch_norm_left_in_training_mode(monkeypatch):
    monkeypatch.setattr(torch.nn.Module, "eval", lambda self: self.train())
    with pytest.raises(AssertionError):
        statistics_do_not_move()


def test_ignore_index_trained_on(monkeypatch):
    def without(scores, target):
        return torch.nn.functional.cross_entropy(scores, target.where(target != 255, 0))

    monkeypatch.setattr(train, "loss", without)
    with pytest.raises(AssertionError):
        ignored_pixels_do_not_train()


def test_ignore_index_counted(monkeypatch):
    real = metrics.confusion
    monkeypatch.setattr(
        metrics, "confusion", lambda t, g, c: real(np.where(t == 255, 0, t), g, c, ignore=-1)
    )
    with pytest.raises(AssertionError):
        ignored_pixels_are_not_counted()


def test_miou_averaged_over_images(monkeypatch):
    real = metrics.iou

    def by_image(matrix):
        if matrix.ndim == 2:
            return np.nanmean(real(by_image.matrices), axis=0)
        return real(matrix)

    score = metrics.score

    def remember(matrices, **keys):
        by_image.matrices = matrices
        return score(matrices, **keys)

    monkeypatch.setattr(metrics, "iou", by_image)
    monkeypatch.setattr(metrics, "score", remember)
    with pytest.raises(AssertionError):
        small_objects_do_not_weigh_as_much_as_large_ones()


def test_severity_ignored(monkeypatch):
    real = corruptions.corrupt
    same = lambda images, name, severity, **keys: real(images, name, 1, **keys)  # noqa: E731
    monkeypatch.setattr(corruptions, "corrupt", same)
    with pytest.raises(AssertionError):
        severities_are_told_apart()
    monkeypatch.setattr(accuracy, "corrupt", same)
    with pytest.raises(AssertionError):
        severities_reach_the_networks()


def test_shuffling_with_the_identity(monkeypatch):
    monkeypatch.setattr(probes, "draw_order", lambda patches, rng: np.arange(patches))
    with pytest.raises(AssertionError):
        patches_change_places()


def test_split_by_images_instead_of_exemplars(monkeypatch):
    import tests.known_answers.test_deliberate_bugs_segmentation as here

    def by_image(labels, *, train_share, seed):
        order = np.random.default_rng(seed).permutation(len(labels))
        return np.split(order, [round(train_share * len(labels))])

    monkeypatch.setattr(here, "split_exemplars", by_image)
    with pytest.raises(AssertionError):
        here.parts_hold_no_common_exemplar()
