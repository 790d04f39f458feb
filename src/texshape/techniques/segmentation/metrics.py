"""Intersection over union from one confusion matrix over the data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from texshape.stats import bootstrap
from texshape.stats import exemplars as ex

IGNORE = 255


@dataclass(frozen=True)
class Score:
    """Mean intersection over union with its interval.

    Attributes
    ----------
    miou, ci_low, ci_high : float
        Over all classes, background included; NaN where no class occurs.
    miou_foreground : float
        Over all classes but class 0.
    iou : ndarray of shape (classes,)
        NaN for a class that is neither in the truth nor in the prediction.
    n_images : int
    """

    miou: float
    ci_low: float
    ci_high: float
    miou_foreground: float
    iou: np.ndarray
    n_images: int


def confusion(
    truth: np.ndarray, prediction: np.ndarray, classes: int, *, ignore: int = IGNORE
) -> np.ndarray:
    """Count pixels by true and predicted class, one matrix an image.

    Parameters
    ----------
    truth, prediction : integer ndarray of shape (n, height, width)
        Pixels whose truth is `ignore` are not counted.
    classes : int

    Returns
    -------
    ndarray of shape (n, classes, classes), int64
        Rows are true classes, columns predictions.
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"truth has shape {truth.shape}, prediction {prediction.shape}")
    n = len(truth)
    counted = truth != ignore
    true, predicted = truth[counted].astype(np.int64), prediction[counted].astype(np.int64)
    if counted.any() and max(true.max(), predicted.max()) >= classes:
        raise ValueError(f"a class index is not below {classes}")
    image = np.broadcast_to(np.arange(n)[:, None, None], truth.shape)[counted]
    cell = (image * classes + true) * classes + predicted
    return np.bincount(cell, minlength=n * classes**2).reshape(n, classes, classes)


def iou(matrix: np.ndarray) -> np.ndarray:
    """Intersection over union by class.

    Parameters
    ----------
    matrix : ndarray of shape (..., classes, classes)
        Confusion matrices, counts or weighted counts.

    Returns
    -------
    ndarray of shape (..., classes)
        NaN for a class that occurs neither in the truth nor in the prediction.
    """
    both = np.diagonal(matrix, axis1=-2, axis2=-1).astype(float)
    either = matrix.sum(-1) + matrix.sum(-2) - both
    return np.divide(both, either, out=np.full(both.shape, np.nan), where=either > 0)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is defined; NaN where nothing is."""
    defined = np.isfinite(values)
    count = defined.sum(-1)
    total = np.where(defined, values, 0).sum(-1)
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)


def score(
    matrices: np.ndarray,
    *,
    seed: int,
    resamples: int = 1000,
    level: float = 0.95,
    cues: tuple[ex.Cue, ex.Cue] | None = None,
) -> Score:
    """Mean intersection over union over the data set, with a bootstrap interval.

    The matrices of all images are added first: a mean of values by image would weigh an image with
    a single pixel of a class as much as one that it fills.

    Parameters
    ----------
    matrices : ndarray of shape (n, classes, classes)
        One confusion matrix an image, from `confusion`.
    seed : int
    resamples : int
    level : float
    cues : (Cue, Cue), optional
        Shape and texture of the n images: images that share an exemplar are not independent, so
        exemplars of both are resampled within their classes. By default each image by itself.

    Returns
    -------
    Score
        The interval holds the percentiles of the resamples, shifted so that their mean is the
        value, within [0, 1]: a ratio of sums is curved, and resamples lie off centre by that.
    """
    n, classes = matrices.shape[:2]
    if n == 0:
        return Score(np.nan, np.nan, np.nan, np.nan, np.full(classes, np.nan), 0)
    by_class = iou(matrices.sum(0))
    value = _mean(by_class)
    low = high = np.nan
    if n > 1 and (cues is None or max(len(cue.exemplar_names) for cue in cues) > 1):
        if cues is None:
            weights = bootstrap.draw_weights(np.random.default_rng([seed, 57]), n, resamples)
        else:
            by_shape, by_texture = ex.exemplar_weights(*cues, resamples, seed)
            weights = by_shape[:, cues[0].exemplars] * by_texture[:, cues[1].exemplars]
        resampled = weights.astype(float) @ matrices.reshape(n, -1)
        values = _mean(iou(resampled.reshape(resamples, classes, classes)))
        values += value - np.nanmean(values)
        low, high = np.clip(bootstrap.interval(values, level), 0, 1)
    return Score(
        float(value),
        float(low),
        float(high),
        float(_mean(by_class[1:])),
        by_class,
        n,
    )


def mean_mask(train: np.ndarray, classes: int, *, ignore: int = IGNORE) -> np.ndarray:
    """The most frequent class at each place of the training masks: a prediction that sees no image.

    Parameters
    ----------
    train : integer ndarray of shape (n, height, width)

    Returns
    -------
    ndarray of shape (height, width), uint8
    """
    counts = np.stack([((train == c) & (train != ignore)).sum(0) for c in range(classes)])
    return counts.argmax(0).astype(np.uint8)
