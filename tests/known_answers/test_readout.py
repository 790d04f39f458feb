"""Known answers of the linear read-out and of erasure, from features of constructed content."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.cue_conflict_design import code, labels

from texshape.features.stored import STAGE_COLUMNS, Writer, stored
from texshape.stats import exemplars as ex
from texshape.techniques.erasure import subspace as er
from texshape.techniques.readout import linear
from texshape.techniques.readout.settings import ReadoutSettings

SETTINGS = ReadoutSettings.of(folds=5, penalties=(0.1, 0.01), permutations=1, resamples=100)


@pytest.fixture(scope="module")
def table():
    return labels(classes=6, shapes=10, textures=5)


def accuracy(features, table, cue):
    return linear.measure(features, table, cue, settings=SETTINGS)[0]["accuracy"]


def test_units_that_code_one_class_alone_are_read_wholly_and_give_nothing_of_the_other(table):
    random = np.random.default_rng(0)
    noise = 0.05 * random.normal(size=(len(table), 12))
    features = code(table["shape"], 12, random) + noise
    assert accuracy(features, table, "shape") == 1
    # All that a shape gives away about a texture is which class it is not: 1 / (K - 1).
    assert accuracy(features, table, "texture") <= 1 / 5 + 0.05
    features = code(table["texture"], 12, random) + noise
    assert accuracy(features, table, "texture") == 1
    assert accuracy(features, table, "shape") <= 1 / 5 + 0.05


def test_units_that_code_the_exemplar_and_not_its_class_are_read_at_chance(table):
    """Exemplars are told apart perfectly, and none says its class: grouped folds see that."""
    random = np.random.default_rng(1)
    features = code(table["shape_exemplar"], 80, random)
    found = [
        accuracy(code(table["shape_exemplar"], 80, np.random.default_rng(seed)), table, "shape")
        for seed in range(8)
    ]
    assert np.mean(found) == pytest.approx(1 / 6, abs=0.05)
    conflict = ex.conflicting(table)
    cue = ex.cue(table[conflict], "shape")
    leaked = np.random.default_rng(0).integers(0, 5, conflict.sum())
    leak = linear.read_out(
        features[conflict], cue.classes, cue.exemplars, settings=SETTINGS, folds=leaked
    )
    assert leak.accuracy == 1


def test_two_gaussian_classes_are_read_as_well_as_can_be():
    """Means d apart, noise of variance 1: no classifier beats the normal integral up to d / 2."""
    distance = 2.0
    table = labels(classes=2, shapes=1500, textures=1)
    table = table[ex.conflicting(table)].reset_index(drop=True)
    random = np.random.default_rng(0)
    direction = random.normal(size=5)
    direction /= np.linalg.norm(direction)
    side = np.where(table["shape"] == "a", -0.5, 0.5)
    features = distance * side[:, None] * direction + random.normal(size=(len(table), 5))
    best = 0.5 * (1 + math.erf(distance / 2 / math.sqrt(2)))
    cue = ex.cue(table, "shape")
    found = linear.read_out(features, cue.classes, cue.exemplars, settings=SETTINGS).accuracy
    assert found == pytest.approx(best, abs=0.02)  # standard error 0.007


def test_the_interval_is_that_of_fresh_exemplars():
    """The bootstrap's width matches the spread over data drawn anew, exemplars included."""
    settings = ReadoutSettings.of(folds=2, penalties=(0.1,), permutations=0, resamples=200)
    accuracies, widths = [], []
    for seed in range(30):
        table = labels(classes=3, shapes=8, textures=6, seed=seed)
        random = np.random.default_rng(seed)
        centres = np.random.default_rng(99).normal(size=(3, 4))
        classes = ex.cue(table, "shape").classes
        features = centres[classes] + 1.2 * code(table["shape_exemplar"], 4, random)
        features += 0.3 * random.normal(size=features.shape)
        row, _ = linear.measure(features, table, "shape", settings=settings, seed=seed)
        accuracies.append(row["accuracy"])
        widths.append((row["ci_high"] - row["ci_low"]) / (2 * 1.96))
    ratio = np.mean(widths) / np.std(accuracies)
    assert 0.6 < ratio < 1.7


def kinds_of_features(table, seed):
    """Activations as networks give them: signed, rectified, more units than images, correlated,
    heavy-tailed; each holds classes, exemplars and noise."""
    random = np.random.default_rng(seed)
    inside = code(table["shape"], 30, random) + 0.8 * code(table["texture"], 30, random)
    inside += code(table["shape_exemplar"], 30, random)
    noise = random.normal(size=inside.shape)
    mixed = [inside @ random.normal(size=(30, units)) / 5 for units in (60, 400)]
    few, many = (part + random.normal(size=part.shape) for part in mixed)
    fading = random.normal(size=(30, 30)) * np.exp(-np.arange(30) / 4)[:, None]
    return {
        "signed": inside + 2 * noise,
        "rectified": np.maximum(few - 0.5, 0),
        "more units than images": np.maximum(many + random.normal(size=many.shape), 0),
        "correlated": (inside + noise) @ fading,
        "heavy-tailed": np.exp(0.7 * (inside + noise)),
    }


def read_by_scikit_learn(features, cue, folds, settings):
    """The same folds and penalties, each fit to the end, every penalty tried."""
    from sklearn.linear_model import LogisticRegression

    def fit(values, classes, penalty):
        return LogisticRegression(C=1 / (penalty * len(values)), tol=1e-9, max_iter=50_000).fit(
            values, classes
        )

    predicted, penalties = np.full(len(folds), -1), []
    for fold in np.unique(folds):
        test = folds == fold
        mean, scale = features[~test].mean(0), features[~test].std(0)
        train, held_out = (features[~test] - mean) / scale, (features[test] - mean) / scale
        classes, exemplars = cue.classes[~test], cue.exemplars[~test]
        inner = ex.exemplar_folds(classes, exemplars, settings.inner_folds)
        losses = []
        for penalty in settings.penalties:
            loss = 0.0
            for k in np.unique(inner):
                out = inner == k
                scores = fit(train[~out], classes[~out], penalty).predict_log_proba(train[out])
                loss -= scores[np.arange(out.sum()), classes[out]].sum()
            losses.append(loss)
        penalties.append(settings.penalties[int(np.argmin(losses))])
        predicted[test] = fit(train, classes, penalties[-1]).predict(held_out)
    return predicted, penalties


def stored_features(folder, features):
    """As the read-out gets them: float32, from a file."""
    about = dict.fromkeys(STAGE_COLUMNS) | {"stage": "s", "input": "pooled", "kind": "vector"}
    with Writer(folder, len(features)) as writer:
        writer.append([(about | {"units": features.shape[1]}, features.astype(np.float32))])
    (part,) = stored(folder, ("pooled",), len(features))
    return np.asarray(part.array, dtype=float)


def differences_from_scikit_learn(folder, seed):
    """Folds whose penalty differs, images read otherwise, images: by kind of features and cue."""
    table = labels(classes=6, shapes=8, textures=4, seed=seed, congruent=False)
    settings = ReadoutSettings.of(folds=3, permutations=0, resamples=0)
    found = {}
    for kind, features in kinds_of_features(table, seed).items():
        features = stored_features(folder / kind, features)
        for name in ex.CUES:
            cue = ex.cue(table, name)
            folds = ex.exemplar_folds(cue.classes, cue.exemplars, settings.folds)
            expected, penalties = read_by_scikit_learn(features, cue, folds, settings)
            ours = linear.read_out(
                features, cue.classes, cue.exemplars, settings=settings, folds=folds
            )
            other = sum(a != b for a, b in zip(ours.penalties, penalties, strict=True))
            found[kind, name] = (other, int((ours.predicted != expected).sum()), len(table))
    return found


@pytest.mark.parametrize("seed", [0, 1])
def test_penalties_and_predictions_are_those_of_scikit_learn_image_by_image(tmp_path, seed):
    for kind, (other, wrong, count) in differences_from_scikit_learn(tmp_path, seed).items():
        assert other == 0, kind
        assert wrong <= count / 100, kind  # an image on a boundary falls to either side


@pytest.mark.parametrize("stop", [1e-3, 1e-4])
def test_fits_that_stop_early_choose_other_penalties(tmp_path, monkeypatch, stop):
    """The bug put in on purpose: one tolerance for all penalties."""
    monkeypatch.setattr(linear, "converged", lambda penalty: stop)
    found = differences_from_scikit_learn(tmp_path, 0)
    assert sum(other for other, _, _ in found.values()) >= 3


# --- erasure --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def features(table):
    random = np.random.default_rng(2)
    mixing = random.normal(size=(40, 40))
    inside = code(table["shape"], 40, random) + code(table["texture"], 40, random)
    return (inside + random.normal(size=inside.shape)) @ mixing


@pytest.mark.parametrize(("erased", "other"), [("shape", "texture"), ("texture", "shape")])
def test_after_erasure_a_new_reader_of_the_cue_is_at_chance_and_of_the_other_is_not(erased, other):
    # Few units and many images: what an eraser leaves by the noise of its class means is little.
    table = labels(classes=6, shapes=60, textures=30)
    random = np.random.default_rng(2)
    features = code(table["shape"], 20, random) + code(table["texture"], 20, random)
    features = (features + 0.5 * random.normal(size=features.shape)) @ random.normal(size=(20, 20))
    cues = {name: ex.cue(table, name) for name in ex.CUES}
    images = np.arange(len(table))
    plan = er.fit_erasers(features, images, cues, random_draws=2, groupings=1, seed=0)

    def read(kind, cue, draw=0):
        erasers = plan[er.Condition(erased, kind, draw)]
        return er.read_after(features, cues, erased, erasers, cue, penalty=0.01).mean()

    assert read("nothing", erased) > 0.9
    assert read("nothing", other) > 0.9
    assert read("cue", erased) == pytest.approx(1 / 6, abs=0.05)
    assert read("cue", other) > 0.9
    assert read("groups", other) > 0.9
    for draw in range(2):  # a random subspace of the same dimension hides neither
        assert read("random", erased, draw) > 0.8
        assert plan[er.Condition(erased, "random", draw)][0].dimension == 5
    assert plan[er.Condition(erased, "cue")][0].dimension == 5


def test_erasure_makes_class_means_equal_and_moves_nothing_else(table, features):
    classes = ex.cue(table, "shape").classes
    white = er.whitening(features)
    eraser = er.erase_classes(white, features, classes)
    mapped = eraser(features)
    means = np.stack([mapped[classes == label].mean(0) for label in range(6)])
    scale = features.std(0)
    np.testing.assert_allclose((means - means[0]) / scale, 0, atol=1e-9)
    np.testing.assert_allclose(mapped.mean(0), features.mean(0), atol=1e-9 * scale.max())
    np.testing.assert_allclose(eraser(mapped), mapped, atol=1e-7 * scale.max())  # a projection
    assert np.linalg.matrix_rank(eraser.projection, tol=1e-8) == eraser.dimension == 5


def test_erasure_moves_least_of_all_maps_that_hide_the_classes(table, features):
    """Of two ways to hide the classes, the orthogonal projection in raw units moves more."""
    classes = ex.cue(table, "shape").classes
    centred = features - features.mean(0)
    white = er.whitening(features)
    moved = er.erase_classes(white, features, classes)(features) - features
    means = np.stack([centred[classes == label].mean(0) for label in range(6)])
    basis = np.linalg.svd(means, full_matrices=False)[2][:5]
    orthogonal = centred @ basis.T @ basis
    inverse = np.linalg.inv(np.cov(features.T))

    def size(change):
        return np.einsum("ij,jk,ik->", change, inverse, change)

    assert size(moved) < size(orthogonal)
    assert (moved**2).sum() < (orthogonal**2).sum()


def test_a_binary_concept_along_one_axis_is_erased_along_it():
    """Independent units, one of which codes the class: the map sets that unit to its mean."""
    random = np.random.default_rng(0)
    classes = np.tile([0, 1], 50_000)
    features = random.normal(size=(100_000, 3))
    features[:, 1] += 2 * classes
    eraser = er.erase_classes(er.whitening(features), features, classes)
    np.testing.assert_allclose(eraser.projection, np.diag([0, 1, 0]), atol=0.02)


def test_each_half_passes_its_own_eraser_and_is_read_from_the_other(table, features):
    """One half's eraser leaves nothing but noise: that half is at chance, the other is read."""
    noise = np.random.default_rng(4).normal(size=features.shape)
    cues = {name: ex.cue(table, name) for name in ex.CUES}
    for erased, read in (("shape", "shape"), ("shape", "texture"), ("texture", "shape")):
        half = er.halves(cues[erased])
        for lost in (0, 1):
            erasers = [None, None]
            erasers[lost] = lambda values: noise[: len(values)]
            right = er.read_after(features, cues, erased, tuple(erasers), read, penalty=0.01)
            assert right[half != lost].mean() > 0.85
            assert right[half == lost].mean() == pytest.approx(1 / 6, abs=0.1)


@pytest.mark.parametrize(("erased_part", "left"), [(0, 1 / 3), (1, 1 / 2)])
def test_half_erased_classes_are_read_as_well_as_the_other_half_says(table, erased_part, left):
    """Six classes are three times two: who loses which of two still knows which of three."""
    random = np.random.default_rng(3)
    cues = {name: ex.cue(table, name) for name in ex.CUES}
    parts = (cues["shape"].classes // 2, cues["shape"].classes % 2)
    features = np.concatenate([10 * np.eye(3)[parts[0]], 10 * np.eye(2)[parts[1]]], axis=1)
    features += random.normal(size=features.shape)
    half = er.halves(cues["shape"])
    erasers = []
    for tested in (0, 1):
        fit = half != tested
        white = er.whitening(features[fit])
        erasers.append(er.erase_classes(white, features[fit], parts[erased_part][fit]))

    def read(erasers):
        return er.read_after(features, cues, "shape", erasers, "shape", penalty=0.01).mean()

    assert read((None, None)) == 1  # untouched
    assert read(tuple(erasers)) == pytest.approx(left, abs=0.06)


def test_what_an_eraser_leaves_on_exemplars_that_it_never_saw_is_read(table):
    """Exemplars that stray far from their class: class means differ between the halves."""
    read = reading_after_an_eraser_of_other_exemplars(table)
    assert read > 1 / 6 + 0.1


def reading_after_an_eraser_of_other_exemplars(table):
    random = np.random.default_rng(5)
    features = code(table["shape"], 40, random) + 1.2 * code(table["shape_exemplar"], 40, random)
    features += 0.1 * random.normal(size=features.shape)
    cues = {name: ex.cue(table, name) for name in ex.CUES}
    images = np.arange(len(table))
    plan = er.fit_erasers(features, images, cues, random_draws=1, groupings=1, seed=0)
    erasers = plan[er.Condition("shape", "cue")]
    return er.read_after(features, cues, "shape", erasers, "shape", penalty=0.01).mean()


def test_a_classifier_trained_where_the_eraser_was_fitted_reads_chance_whatever_is_left(
    table, monkeypatch
):
    """The bug put in on purpose: two parts instead of three."""
    assert reading_after_an_eraser_of_other_exemplars(table) > 1 / 6 + 0.1

    def in_two_parts(features, cues, erased, erasers, read, *, penalty):
        half, cue = er.halves(cues[erased]), cues[read]
        predicted = np.full(len(features), -1)
        for tested in (0, 1):
            fit = half != tested
            train, test = linear.reduce_features(
                erasers[tested](features[fit]), erasers[tested](features[~fit])
            )
            targets = np.eye(len(cue.class_names))[cue.classes[fit]]
            predicted[~fit] = linear.fit(train, targets, penalty).logits(test).argmax(1)
        return (predicted == cue.classes).astype(float)

    monkeypatch.setattr(er, "read_after", in_two_parts)
    assert reading_after_an_eraser_of_other_exemplars(table) == pytest.approx(1 / 6, abs=1e-9)


def test_three_exemplars_are_enough_for_half_of_the_reading_and_two_for_none():
    """Of three exemplars a class one fits the eraser of the other two, which train and test."""
    for shapes, expected in ((3, 2 / 3), (2, 0), (4, 1)):
        table = labels(classes=3, shapes=shapes, textures=4)
        cues = {name: ex.cue(table, name) for name in ex.CUES}
        features = np.random.default_rng(0).normal(size=(len(table), 5))
        found = er.read_after(features, cues, "shape", (None, None), "shape", penalty=0.1)
        assert np.isfinite(found).mean() == pytest.approx(expected)
        other = er.read_after(features, cues, "shape", (None, None), "texture", penalty=0.1)
        assert np.isfinite(other).all()


def test_the_reader_shares_no_exemplar_with_the_eraser_nor_with_the_test(table, monkeypatch):
    cue = ex.cue(table, "shape")
    cues = {name: ex.cue(table, name) for name in ex.CUES}
    seen = []

    def fit(features, classes, exemplars, penalties, inner_folds):
        seen.append(set(exemplars))
        return linear.Model(np.zeros((features.shape[1], 6)), np.arange(6.0)), 0.1, ""

    monkeypatch.setattr(er, "fit_with_chosen_penalty", fit)
    features = np.random.default_rng(0).normal(size=(len(table), 5))
    er.read_after(features, cues, "shape", (None, None), "shape", penalty=0.1)
    half = er.halves(cue)
    assert len(seen) == 4
    for number, trained in enumerate(seen):
        assert trained < set(cue.exemplars[half == number // 2])
    for first, second in (seen[:2], seen[2:]):
        assert not first & second


def test_some_images_have_the_exemplars_that_they_show():
    table = labels(classes=3, shapes=4, textures=2)
    cue = ex.cue(table, "shape")
    chosen = ~np.isin(cue.exemplars, [0, 5, 11])
    found, expected = ex.some(cue, chosen), ex.cue(table[chosen], "shape")
    assert found.exemplar_names == expected.exemplar_names
    np.testing.assert_array_equal(found.exemplars, expected.exemplars)
    np.testing.assert_array_equal(ex.class_of_exemplars(found), [0] * 3 + [1] * 3 + [2] * 3)


@pytest.mark.parametrize("classes", [3, 6])
def test_the_null_space_of_a_decision_layer_is_what_no_decision_sees(classes):
    random = np.random.default_rng(classes)
    weights = random.normal(size=(classes, 20)) + 7  # a common part of all logits decides nothing
    features = random.normal(size=(300, 20)) + 2
    span, null_space = er.erase_head(features.mean(0), weights)
    assert (span.dimension, null_space.dimension) == (classes - 1, 21 - classes)
    logits = features @ weights.T
    left = null_space(features) @ weights.T
    np.testing.assert_array_equal(left.argmax(1), logits.argmax(1))
    differences = [values - values.mean(1, keepdims=True) for values in (left, logits)]
    np.testing.assert_allclose(*differences, atol=1e-9)
    blind = span(features) @ weights.T
    np.testing.assert_allclose(np.ptp(blind - blind.mean(1, keepdims=True), axis=0), 0, atol=1e-9)
    # The two parts together are all there is.
    both = span(features) + null_space(features)
    np.testing.assert_allclose(both, features + features.mean(0), atol=1e-9)


def test_a_decision_layer_that_reads_every_unit_or_none_has_no_two_parts():
    random = np.random.default_rng(0)
    assert er.erase_head(np.zeros(4), random.normal(size=(9, 4))) is None
    assert er.erase_head(np.zeros(4), np.ones((9, 4))) is None


def test_held_out_loss_is_scikit_learns():
    from sklearn.metrics import log_loss

    random = np.random.default_rng(6)
    model = linear.Model(random.normal(size=(5, 3)), random.normal(size=3))
    features, classes = random.normal(size=(40, 5)), random.integers(0, 3, 40)
    logits = model.logits(features)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = log_loss(classes, probabilities, labels=[0, 1, 2])
    assert linear.log_loss(model, features, np.eye(3)[classes]) == pytest.approx(expected)


def test_the_other_cues_bound_is_that_of_the_other_cue():
    """Shapes of one texture each, textures of many shapes: the two bounds differ."""
    table = labels(classes=4, shapes=4, textures=2)
    lone = table["texture_exemplar"] == table["texture_exemplar"].iloc[-1]
    table = table[~lone | (table["shape"] == table["shape"].iloc[0])].reset_index(drop=True)
    conflict = table[ex.conflicting(table)]
    cues = {name: ex.cue(conflict, name) for name in ex.CUES}
    features = np.random.default_rng(0).normal(size=(len(table), 5))
    settings = ReadoutSettings.of(folds=2, penalties=(0.1,), permutations=0, resamples=0)
    found = {}
    for this, other in (("shape", "texture"), ("texture", "shape")):
        row, _ = linear.measure(features, table, this, settings=settings)
        expected = linear.other_cue_accuracy(cues[this].classes, cues[other].exemplars)
        found[this] = row["other_cue"]
        assert row["other_cue"] == expected
    assert found["shape"] != found["texture"]
