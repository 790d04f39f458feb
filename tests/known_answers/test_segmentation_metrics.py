"""Intersection over union against scikit-learn and by counting; intervals against direct resampling."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, jaccard_score

from texshape.segmentation import metrics


@pytest.fixture
def masks() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, (7, 12, 9)).astype(np.uint8)
    guess = np.where(rng.random(truth.shape) < 0.6, truth, rng.integers(0, 5, truth.shape))
    truth[rng.random(truth.shape) < 0.2] = 255
    return truth, guess.astype(np.uint8)


def test_matrix_and_iou_are_those_of_scikit_learn(masks):
    truth, guess = masks
    counted = truth != 255
    ours = metrics.confusion(truth, guess, 5)
    assert ours.sum() == counted.sum()
    assert (ours.sum(0) == confusion_matrix(truth[counted], guess[counted])).all()
    expected = jaccard_score(truth[counted], guess[counted], average=None)
    assert metrics.iou(ours.sum(0)) == pytest.approx(expected)
    result = metrics.score(ours, seed=0, resamples=50)
    assert result.miou == pytest.approx(expected.mean())
    assert result.miou_foreground == pytest.approx(expected[1:].mean())
    for image, one in zip(range(len(truth)), ours, strict=True):
        here = counted[image]
        expected = confusion_matrix(truth[image][here], guess[image][here], labels=range(5))
        assert (one == expected).all()


def test_one_matrix_over_the_set_is_not_the_mean_over_images():
    """Image 1 holds a single pixel of class 1, missed; image 2 is full of it, and right."""
    truth = np.zeros((2, 10, 10), np.uint8)
    truth[0, 0, 0] = 1
    truth[1] = 1
    guess = truth.copy()
    guess[0, 0, 0] = 0
    result = metrics.score(metrics.confusion(truth, guess, 2), seed=0)
    assert result.iou == pytest.approx([99 / 100, 100 / 101])
    by_image = np.nanmean(metrics.iou(metrics.confusion(truth, guess, 2)), 1).mean()
    assert by_image < 0.8 < result.miou


def test_absent_classes_are_undefined_and_wrong_guesses_of_them_are_zero():
    truth = np.array([[[0, 1], [1, 0]]], np.uint8)
    assert np.isnan(metrics.iou(metrics.confusion(truth, truth, 4).sum(0))[2:]).all()
    guess = truth.copy()
    guess[0, 0, 0] = 2
    assert metrics.iou(metrics.confusion(truth, guess, 4).sum(0))[2] == 0
    nothing = np.full((1, 2, 2), 255, np.uint8)
    result = metrics.score(metrics.confusion(nothing, truth, 2), seed=0)
    assert np.isnan(result.miou)
    assert np.isnan(metrics.score(np.zeros((0, 2, 2)), seed=0).miou)


def test_interval_is_that_of_resampling_whole_images(masks):
    truth, guess = masks
    matrices = metrics.confusion(truth, guess, 5)
    result = metrics.score(matrices, seed=0, resamples=4000)
    rng = np.random.default_rng(1)
    values = []
    for _ in range(2000):
        rows = rng.integers(0, len(truth), len(truth))
        t, g = truth[rows].ravel(), guess[rows].ravel()
        keep = t != 255
        by_class = []
        for c in range(5):
            both = ((t == c) & (g == c) & keep).sum()
            by_class.append(both / (((t == c) | (g == c)) & keep).sum())
        values.append(np.mean(by_class))
    low, high = np.quantile(values, [0.025, 0.975])
    assert result.ci_low == pytest.approx(low, abs=0.006)
    assert result.ci_high == pytest.approx(high, abs=0.006)


def test_groups_are_resampled_together(masks):
    truth, guess = masks
    matrices = metrics.confusion(truth, guess, 5)
    doubled = np.concatenate([matrices, matrices])
    groups = np.tile(np.arange(len(matrices)), 2)
    alone = metrics.score(matrices, seed=0, resamples=2000)
    together = metrics.score(doubled, seed=0, resamples=2000, groups=groups)
    apart = metrics.score(doubled, seed=0, resamples=2000)
    width = alone.ci_high - alone.ci_low
    assert together.ci_high - together.ci_low == pytest.approx(width, rel=1e-6)
    assert apart.ci_high - apart.ci_low < 0.85 * width


def test_mean_mask_is_the_most_frequent_class_by_place():
    train = np.array([[[0, 1], [2, 255]], [[0, 1], [0, 255]], [[1, 1], [2, 1]]], np.uint8)
    assert (metrics.mean_mask(train, 3) == [[0, 1], [2, 1]]).all()


def test_a_class_index_beyond_the_last_is_an_error():
    inside = np.full((1, 2, 2), 4, dtype=np.uint8)
    assert metrics.confusion(inside, inside, 5)[0, 4, 4] == 4
    for truth, guess in ((inside, inside + 1), (inside + 1, inside)):
        with pytest.raises(ValueError, match="is not below 5"):
            metrics.confusion(truth, guess, 5)


def test_an_interval_needs_two_groups(masks):
    matrices = metrics.confusion(*masks, 5)
    two = metrics.score(matrices, seed=0, resamples=50, groups=np.arange(7) % 2)
    assert two.ci_low <= two.miou <= two.ci_high
    one = metrics.score(matrices, seed=0, resamples=50, groups=np.zeros(7, int))
    assert np.isnan([one.ci_low, one.ci_high]).all()
    assert one.miou == two.miou
