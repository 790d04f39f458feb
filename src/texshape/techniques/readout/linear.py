"""Linear read-out: how well a linear classifier reads shape, or texture, from activations.

Multinomial logistic regression on cue-conflict images, as in Hermann et al. 2020 (arXiv
1911.09071), with whole exemplars held out and the penalty chosen inside the training folds. All
that is fitted, the standardisation and the reduction included, is fitted on training images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from texshape.errors import InputError, UnmeasurableError
from texshape.stats import bootstrap
from texshape.stats import exemplars as ex
from texshape.techniques.readout.axes import reduce_features
from texshape.techniques.readout.settings import ReadoutSettings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Readout:
    """Cross-validated read-out of one labelling.

    Attributes
    ----------
    correct : ndarray of shape (n,), float
        1 where the held-out image was read rightly, else 0; NaN throughout where nothing could be
        fitted.
    predicted : ndarray of shape (n,), int
        Predicted class, -1 where nothing could be fitted.
    folds : ndarray of shape (n,), int
    penalties : list of float
        The penalty chosen in each fold.
    n_units : int
        Units that vary over the images.
    reason : str
        Why there is no result, or what limits it; empty otherwise.
    """

    correct: np.ndarray
    predicted: np.ndarray
    folds: np.ndarray
    penalties: list[float] = field(default_factory=list)
    n_units: int = 0
    reason: str = ""

    @property
    def accuracy(self) -> float:
        """Share of held-out images read rightly."""
        return float(self.correct.mean()) if len(self.correct) else float("nan")


@dataclass(frozen=True)
class Model:
    """A fitted linear classifier in the coordinates of the reduced features.

    Attributes
    ----------
    weights : ndarray of shape (components, classes)
    intercept : ndarray of shape (classes,)
    """

    weights: np.ndarray
    intercept: np.ndarray

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Class scores, shape (n, classes)."""
        return features @ self.weights + self.intercept


def check_features(features: np.ndarray, name: str = "features") -> np.ndarray:
    """Insist on a finite table of images by units.

    Parameters
    ----------
    features : array_like of shape (n, units), or (n, ...) which is flattened
    name : str
        What an error calls it.

    Returns
    -------
    ndarray of shape (n, units), float64

    Raises
    ------
    InputError
        If it has no unit, is not numeric, or holds NaN or infinity.
    """
    table = np.asarray(features)
    if table.ndim < 2 or 0 in table.shape:
        raise InputError(f"{name}: expected images x units, found shape {table.shape}")
    if not (np.issubdtype(table.dtype, np.floating) or np.issubdtype(table.dtype, np.integer)):
        raise InputError(f"{name}: expected real numbers, found {table.dtype}")
    table = table.reshape(len(table), -1).astype(np.float64)
    bad = table.size - np.count_nonzero(np.isfinite(table))
    if bad:
        raise UnmeasurableError(f"{name}: {bad} of {table.size} activations are NaN or infinite")
    return table


def read_out(
    features: np.ndarray,
    classes: np.ndarray,
    exemplars: np.ndarray,
    *,
    settings: ReadoutSettings,
    folds: np.ndarray | None = None,
) -> Readout:
    """Read classes from features, each image by a classifier that never saw its exemplar.

    Parameters
    ----------
    features : ndarray of shape (n, units)
    classes, exemplars : ndarray of shape (n,), int
    settings : ReadoutSettings
    folds : ndarray of shape (n,), int, optional
        Fold of each image; by default whole exemplars of each class in turn.

    Returns
    -------
    Readout

    Raises
    ------
    InputError
        If features are not finite or do not match the labels in number.
    """
    if folds is None:
        folds = ex.exemplar_folds(classes, exemplars, settings.folds)
    return read_out_each(features, [classes], exemplars, settings=settings, folds=folds)[0]


def read_out_each(
    features: np.ndarray,
    labelings: list[np.ndarray],
    exemplars: np.ndarray,
    *,
    settings: ReadoutSettings,
    folds: np.ndarray,
    without: np.ndarray | None = None,
) -> list[Readout]:
    """Read several labelings of the same images in the same folds.

    Apart from the labels all is the same, so each fold's features are reduced once.

    Parameters
    ----------
    features : ndarray of shape (n, units)
    labelings : list of ndarray of shape (n,), int
    exemplars, folds : ndarray of shape (n,), int
    settings : ReadoutSettings
    without : ndarray of shape (n, k), optional
        Numbers whose linear prediction of each unit, fitted on the training images, is subtracted
        first.

    Returns
    -------
    list of Readout
        One a labeling.

    Raises
    ------
    InputError
        If features are not finite or do not match the labels in number.
    """
    features = check_features(features)
    if len(features) != len(exemplars):
        raise InputError(f"{len(features)} rows of features for {len(exemplars)} labels")
    varying = np.ptp(features, axis=0) > 0
    n_units = int(varying.sum())
    features = features[:, varying]
    reasons = [_impossible(classes, folds, n_units) for classes in labelings]
    predicted = [np.full(len(exemplars), -1) for _ in labelings]
    chosen: list[list[float]] = [[] for _ in labelings]
    notes: list[set[str]] = [{reason} for reason in reasons]
    for fold in np.unique(folds) if not all(reasons) else ():
        test = folds == fold
        train, held_out = features[~test], features[test]
        if without is not None:
            train, held_out = subtract_linear(train, held_out, without[~test], without[test])
        reduced, reduced_test = reduce_features(train, held_out)
        for number, classes in enumerate(labelings):
            if reasons[number]:
                continue
            model, penalty, note = fit_with_chosen_penalty(
                reduced, classes[~test], exemplars[~test], settings.penalties, settings.inner_folds
            )
            predicted[number][test] = model.logits(reduced_test).argmax(1)
            chosen[number].append(penalty)
            notes[number].add(note)
    found = []
    for number, classes in enumerate(labelings):
        correct = (predicted[number] == classes).astype(float)
        if reasons[number]:
            correct[:] = np.nan
        reason = "; ".join(sorted(notes[number] - {""}))
        found.append(Readout(correct, predicted[number], folds, chosen[number], n_units, reason))
    return found


def _impossible(classes: np.ndarray, folds: np.ndarray, n_units: int) -> str:
    if n_units == 0:
        return "all units are constant"
    if len(np.unique(classes)) < 2:
        return "fewer than two classes"
    if len(np.unique(folds)) < 2:
        return "a class has a single exemplar: none is left for training when it is held out"
    for fold in np.unique(folds):
        if len(np.setdiff1d(classes[folds == fold], classes[folds != fold])):
            return f"a class of fold {fold} is missing from its training folds"
    return ""


def fit_with_chosen_penalty(
    features: np.ndarray,
    classes: np.ndarray,
    exemplars: np.ndarray,
    penalties: Sequence[float],
    inner_folds: int,
) -> tuple[Model, float, str]:
    """Fit a classifier whose penalty is chosen among the training exemplars.

    Parameters
    ----------
    features : ndarray of shape (n, components)
        Reduced features of the training images.
    classes, exemplars : ndarray of shape (n,), int
    penalties : sequence of float
        From strong to weak; where it is one, that.
    inner_folds : int

    Returns
    -------
    model : Model
    penalty : float
    note : str
        What could not be done as usual.
    """
    targets = np.eye(int(classes.max()) + 1)[classes]
    penalty, start, note = _choose_penalty(
        features, targets, classes, exemplars, penalties, inner_folds
    )
    return fit(features, targets, penalty, start=start), penalty, note


def subtract_linear(
    train: np.ndarray, test: np.ndarray, known: np.ndarray, known_test: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Residuals of a linear regression on known numbers, fitted on the training images alone.

    Parameters
    ----------
    train, test : ndarray of shape (n, units) and (m, units)
    known, known_test : ndarray of shape (n, k) and (m, k)

    Returns
    -------
    tuple of ndarray
        Of the shapes of `train` and `test`.
    """
    mean, scale = known.mean(0), known.std(0)
    scale[scale == 0] = np.inf
    design = [np.column_stack([np.ones(len(part)), (part - mean) / scale])
              for part in (known, known_test)]  # fmt: skip
    slopes = np.linalg.lstsq(design[0], train, rcond=None)[0]
    return train - design[0] @ slopes, test - design[1] @ slopes


def fit(
    features: np.ndarray,
    targets: np.ndarray,
    penalty: float,
    *,
    start: Model | None = None,
    tolerance: float | None = None,
) -> Model:
    """Fit multinomial logistic regression with an L2 penalty on the weights, not on the intercept.

    Minimises mean cross-entropy + penalty / 2 x the squared weights: scikit-learn's
    ``LogisticRegression`` with C = 1 / (penalty x n), to which a test compares it. It is apart from
    scikit-learn because along principal axes the curvature is nearly diagonal: divided out, L-BFGS
    needs a fraction of the iterations, and it starts from the neighbouring penalty's solution.

    Parameters
    ----------
    features : ndarray of shape (n, components)
        Along principal axes for speed; any features give the same minimum.
    targets : ndarray of shape (n, classes)
        One-hot.
    penalty : float
    start : Model, optional
    tolerance : float, optional
        Largest entry of the preconditioned gradient at which the search stops; `converged` of the
        penalty by default.

    Returns
    -------
    Model
    """
    from scipy.optimize import minimize

    tolerance = converged(penalty) if tolerance is None else tolerance
    n, components = features.shape
    count = targets.shape[1]
    # Curvature at equal probabilities is variance / classes; its root is the unit of each axis.
    scale = 1 / np.sqrt(np.einsum("ij,ij->j", features, features) / n / count + penalty)[:, None]
    intercept_scale = np.sqrt(count)
    shrink = penalty * scale**2

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = flat.reshape(components + 1, count)
        logits = features @ (scale * parameters[:-1]) + intercept_scale * parameters[-1]
        logits -= logits.max(1, keepdims=True)
        chosen = np.vdot(targets, logits)
        np.exp(logits, out=logits)
        sums = logits.sum(1, keepdims=True)
        value = (np.log(sums).sum() - chosen) / n
        logits /= sums
        logits -= targets
        logits /= n
        shrunk = shrink * parameters[:-1]
        gradient = np.empty_like(parameters)
        gradient[:-1] = scale * (features.T @ logits) + shrunk
        gradient[-1] = intercept_scale * logits.sum(0)
        return value + 0.5 * np.vdot(parameters[:-1], shrunk), gradient.ravel()

    first = np.zeros((components + 1, count))
    if start is not None:
        first[:-1] = start.weights / scale
        first[-1] = start.intercept / intercept_scale
    found = minimize(
        loss,
        first.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 1000, "maxfun": 2000, "gtol": tolerance, "ftol": 0.0},
    )
    parameters = found.x.reshape(components + 1, count)
    return Model(scale * parameters[:-1], intercept_scale * parameters[-1])


def converged(penalty: float) -> float:
    """Gradient at which a fit counts as converged.

    The weaker the penalty, the flatter the loss where classes are separable: at one tolerance for
    all, held-out losses of neighbouring penalties are compared before they have settled, and
    another penalty is chosen than converged fits choose.
    """
    return min(1e-4, penalty / 30)


def log_loss(model: Model, features: np.ndarray, targets: np.ndarray) -> float:
    """Mean cross-entropy of held-out images."""
    logits = model.logits(features)
    logits -= logits.max(1, keepdims=True)
    return float((np.log(np.exp(logits).sum(1)) - (logits * targets).sum(1)).mean())


def _choose_penalty(
    features: np.ndarray,
    targets: np.ndarray,
    classes: np.ndarray,
    exemplars: np.ndarray,
    penalties: Sequence[float],
    inner_folds: int,
) -> tuple[float, Model | None, str]:
    """Penalty with the least held-out cross-entropy over inner folds of training exemplars.

    Cross-entropy, because accuracy is too coarse to choose by. From strong to weak, stopping once
    it rises: it has one minimum along this path, and the weakest penalties cost most. The returned
    model, of one inner fold, only starts the search on all training images.
    """
    if len(penalties) == 1:
        return penalties[0], None, ""
    folds = ex.exemplar_folds(classes, exemplars, inner_folds)
    inner = np.unique(folds)
    if len(inner) < 2:
        middle = penalties[len(penalties) // 2]
        return middle, None, "penalty not chosen: one training exemplar in a class"
    models: list[Model | None] = [None] * len(inner)
    best, best_loss, best_model = penalties[0], np.inf, None
    for penalty in penalties:
        total = 0.0
        for index, fold in enumerate(inner):
            test = folds == fold
            models[index] = fit(features[~test], targets[~test], penalty, start=models[index])
            total += log_loss(models[index], features[test], targets[test]) * test.mean()
        if total >= best_loss:
            break
        best, best_loss, best_model = penalty, total, models[0]
    return best, best_model, ""


def other_cue_accuracy(classes: np.ndarray, other_exemplars: np.ndarray) -> float:
    """Best accuracy of any rule that knows only the other cue's exemplar.

    Pairings of shapes and textures are not independent: no conflict image has both of one class,
    and published exemplars met at random. The rule names, for each exemplar of the other cue, the
    class that it met most often over all images. It is not cross-validated, since it is meant as a
    bound: in a design where every exemplar meets each class once, the class of a held-out image is
    the one *not* met in training, and a fitted rule would fall to nothing.

    Parameters
    ----------
    classes, other_exemplars : ndarray of shape (n,), int

    Returns
    -------
    float
    """
    table = np.zeros((int(other_exemplars.max()) + 1, int(classes.max()) + 1))
    np.add.at(table, (other_exemplars, classes), 1)
    return float(table.max(1).sum() / len(classes))


def measure(
    features: np.ndarray,
    labels: pd.DataFrame,
    cue_name: str,
    *,
    settings: ReadoutSettings,
    seed: int = 0,
    name: str = "features",
    thorough: bool = True,
    without: np.ndarray | None = None,
    before: np.ndarray | None = None,
) -> tuple[dict[str, object], Readout]:
    """Read one cue from one stage, with its interval and baselines.

    Only conflict images count: on others a reader of either cue is right.

    Parameters
    ----------
    features : ndarray of shape (n, units)
    labels : DataFrame with n rows
    cue_name : str
        ``shape`` or ``texture``.
    settings : ReadoutSettings
    seed : int
    name : str
        What an error calls the features.
    thorough : bool
        With permuted labels and other draws of the folds; else without.
    without : ndarray of shape (n, k), optional
        Numbers to partial out first; see `read_out_each`.
    before : ndarray of shape (conflict images,), optional
        1 where the same network read the image rightly before training, else 0: the gain is the
        difference on the same images, with an interval of the difference.

    Returns
    -------
    tuple
        The row of the table (`READOUT` without stage and input), and the read-out of the conflict
        images.

    Raises
    ------
    InputError
        If features and labels do not agree, or no image is in conflict.
    """
    if len(features) != len(labels):
        raise InputError(f"{name}: {len(features)} rows of features for {len(labels)} labels")
    conflict = ex.conflicting(labels)
    if not conflict.any():
        raise InputError(f"{name}: no image whose shape and texture are in conflict")
    features = check_features(np.asarray(features)[conflict], name)
    labels = labels[conflict]
    without = None if without is None else without[conflict]
    both = {cue: ex.cue(labels, cue) for cue in ex.CUES}
    this = both[cue_name]
    other = both["texture" if cue_name == "shape" else "shape"]
    folds = ex.exemplar_folds(this.classes, this.exemplars, settings.folds)
    rng = np.random.default_rng([seed, ex.CUES.index(cue_name)])
    permuted = [
        ex.permuted_classes(this.classes, this.exemplars, folds, rng)
        for _ in range(settings.permutations if thorough else 0)
    ]
    result, *baseline = read_out_each(
        features, [this.classes, *permuted], this.exemplars, settings=settings, folds=folds,
        without=without,
    )  # fmt: skip
    low = high = float("nan")
    gain = {}
    if result.predicted.min() >= 0:
        marks = [result.correct] if before is None else [result.correct, before]
        rates = ex.resampled_rates(
            np.stack(marks, 1), both["shape"], both["texture"],
            resamples=settings.resamples, seed=seed,
        )  # fmt: skip
        low, high = bootstrap.interval(rates[:, 0], settings.level)
        if before is not None and np.isfinite(before).all():
            least, most = bootstrap.interval(rates[:, 0] - rates[:, 1], settings.level)
            gain = {"gain": result.accuracy - float(before.mean()), "gain_low": least}
            gain["gain_high"] = most
    drawn = _other_folds(features, this, settings, seed, without) if thorough else []
    drawn = [one for one in (result.accuracy, *drawn) if np.isfinite(one)]
    row = {
        "cue": cue_name,
        "accuracy": result.accuracy,
        "ci_low": low,
        "ci_high": high,
        "chance": 1 / len(this.class_names),
        "permuted": float(np.mean([one.accuracy for one in baseline])) if baseline else np.nan,
        "permuted_high": float(np.max([one.accuracy for one in baseline])) if baseline else np.nan,
        "n_permutations": len(baseline),
        "fold_low": min(drawn, default=np.nan),
        "fold_high": max(drawn, default=np.nan),
        "n_fold_draws": len(drawn),
        **gain,
        "other_cue": other_cue_accuracy(this.classes, other.exemplars),
        "n_images": len(labels),
        "n_exemplars": len(this.exemplar_names),
        "n_folds": len(np.unique(folds)),
        "n_units": result.n_units,
        "reason": result.reason,
    }
    return row, result


def _other_folds(
    features: np.ndarray,
    cue: ex.Cue,
    settings: ReadoutSettings,
    seed: int,
    without: np.ndarray | None,
) -> list[float]:
    """Accuracies with exemplars dealt to the folds in other orders."""
    found = []
    for draw in range(settings.fold_draws):
        rng = np.random.default_rng([seed, ex.CUES.index(cue.name), 11, draw])
        order = rng.permutation(len(cue.exemplar_names))[cue.exemplars]
        folds = ex.exemplar_folds(cue.classes, order, settings.folds)
        (one,) = read_out_each(
            features, [cue.classes], cue.exemplars, settings=settings, folds=folds, without=without
        )
        found.append(one.accuracy)
    return found
