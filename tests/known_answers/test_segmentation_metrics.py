"""Intersection over union against scikit-learn and by counting; intervals against direct resampling."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix, jaccard_score

from texshape.stats import exemplars as ex
from texshape.techniques.segmentation import metrics


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
    # Resamples lie off centre: their percentiles are moved to the value.
    assert np.mean(values) < result.miou - 0.0002
    low, high = np.quantile(values, [0.025, 0.975]) + result.miou - np.mean(values)
    assert result.ci_low == pytest.approx(low, abs=0.006)
    assert result.ci_high == pytest.approx(high, abs=0.006)


def _cues(shapes, textures, classes):
    """Shape and texture of images by number of their exemplars; `classes` of either."""
    frame = pd.DataFrame(
        {
            "shape": [f"s{c}" for c in classes[0]],
            "shape_exemplar": [f"s{c}x{e}" for c, e in zip(classes[0], shapes, strict=True)],
            "texture": [f"t{c}" for c in classes[1]],
            "texture_exemplar": [f"t{c}x{e}" for c, e in zip(classes[1], textures, strict=True)],
        }
    )
    return ex.cue(frame, "shape"), ex.cue(frame, "texture")


def _width(found):
    return found.ci_high - found.ci_low


@pytest.mark.parametrize("cue", ["shape", "texture"])
def test_images_of_an_exemplar_are_resampled_together(masks, cue):
    # Each image thrice, under one exemplar of the cue: no more than the images once.
    matrices = metrics.confusion(*masks, 5)
    n = len(matrices)
    thrice = np.concatenate([matrices] * 3)
    own, other = np.tile(np.arange(n), 3), np.zeros(3 * n, int)
    pair = (own, other) if cue == "shape" else (other, own)
    zeros = np.zeros(3 * n, int)
    together = metrics.score(
        thrice, seed=0, resamples=4000, cues=_cues(*pair, classes=(zeros, zeros))
    )
    alone = metrics.score(matrices, seed=0, resamples=4000)
    apart = metrics.score(thrice, seed=0, resamples=4000)
    assert _width(together) == pytest.approx(_width(alone), rel=0.08)
    assert _width(apart) < 0.7 * _width(alone)


def test_both_cues_widen_the_interval():
    # Recall of class 1 is u + v: a part by shape exemplar, a part by texture exemplar.
    shapes, textures = (part.ravel() for part in np.meshgrid(range(8), range(8), indexing="ij"))
    u, v = np.linspace(-0.2, 0.2, 8), np.linspace(-0.2, 0.2, 8)
    right = 1000 * (0.5 + u[shapes] + v[textures])
    matrices = np.zeros((64, 2, 2))
    matrices[:, 1, 1], matrices[:, 1, 0], matrices[:, 0, 0] = right, 1000 - right, 1000
    zeros = np.zeros(64, int)
    both = metrics.score(matrices, seed=0, cues=_cues(shapes, textures, (zeros, zeros)))
    one = metrics.score(matrices, seed=0, cues=_cues(shapes, zeros, (zeros, zeros)))
    assert _width(both) == pytest.approx(np.sqrt(2) * _width(one), rel=0.1)


def test_classes_are_fixed():
    # Exemplars of a class are alike, classes differ: another set of these classes gives the same.
    shapes, textures = (part.ravel() for part in np.meshgrid(range(12), range(12), indexing="ij"))
    classes = shapes // 4, textures // 4
    matrices = np.zeros((144, 2, 2))
    matrices[:, 1, 1] = 100 * (1 + classes[0])
    matrices[:, 1, 0], matrices[:, 0, 0] = 400 - matrices[:, 1, 1], 400
    found = metrics.score(matrices, seed=0, cues=_cues(shapes % 4, textures % 4, classes))
    assert _width(found) == pytest.approx(0, abs=1e-9)
    across = metrics.score(matrices, seed=0)
    assert _width(across) > 0.03


def test_mean_mask_is_the_most_frequent_class_by_place():
    train = np.array([[[0, 1], [2, 255]], [[0, 1], [0, 255]], [[1, 1], [2, 1]]], np.uint8)
    assert (metrics.mean_mask(train, 3) == [[0, 1], [2, 1]]).all()


def test_a_class_index_beyond_the_last_is_an_error():
    inside = np.full((1, 2, 2), 4, dtype=np.uint8)
    assert metrics.confusion(inside, inside, 5)[0, 4, 4] == 4
    for truth, guess in ((inside, inside + 1), (inside + 1, inside)):
        with pytest.raises(ValueError, match="is not below 5"):
            metrics.confusion(truth, guess, 5)


def test_an_interval_needs_two_exemplars(masks):
    matrices = metrics.confusion(*masks, 5)
    zeros = np.zeros(7, int)
    two = metrics.score(
        matrices, seed=0, resamples=50, cues=_cues(np.arange(7) % 2, zeros, (zeros, zeros))
    )
    assert two.ci_low <= two.miou <= two.ci_high
    one = metrics.score(matrices, seed=0, resamples=50, cues=_cues(zeros, zeros, (zeros, zeros)))
    assert np.isnan([one.ci_low, one.ci_high]).all()
    assert one.miou == two.miou


def test_an_interval_stays_between_nothing_and_all():
    matrices = np.zeros((20, 2, 2))
    matrices[:, 0, 0], matrices[:, 1, 1] = 100, 100
    matrices[0] = [[60, 40], [40, 60]]
    found = metrics.score(matrices, seed=0)
    assert 0.85 < found.ci_low < found.miou < found.ci_high == 1
