"""The linear read-out's parts: folds, reduction, fit, baselines, invariances."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cue_conflict_design import code, labels

from texshape.errors import InputError
from texshape.stats import exemplars as ex
from texshape.techniques.dimensionality.settings import DimensionalitySettings
from texshape.techniques.erasure.settings import ErasureSettings
from texshape.techniques.readout import linear
from texshape.techniques.readout.scalars import mask_scalars
from texshape.techniques.readout.settings import ReadoutSettings

FAST = ReadoutSettings.of(folds=3, penalties=(0.1, 0.01), permutations=1, resamples=50)


def features_of(table: pd.DataFrame, units: int = 12, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    noise = random.normal(size=(len(table), units))
    return code(table["shape"], units, random) + code(table["texture"], units, random) + noise


# --- folds
# -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("folds", [2, 3, 4, 10])
def test_an_exemplar_is_never_in_two_folds_and_each_class_in_all(folds):
    cue = ex.cue(labels(classes=5, shapes=7), "shape")
    found = ex.exemplar_folds(cue.classes, cue.exemplars, folds)
    assert len(np.unique(found)) == min(folds, 7)
    for exemplar in np.unique(cue.exemplars):
        assert len(np.unique(found[cue.exemplars == exemplar])) == 1
    for fold in np.unique(found):
        assert set(cue.classes[found == fold]) == set(range(5))


def test_as_many_folds_as_exemplars_hold_out_one_of_each_class():
    cue = ex.cue(labels(classes=3, shapes=10), "shape")
    found = ex.exemplar_folds(cue.classes, cue.exemplars, 10)
    for fold in range(10):
        held_out = {cue.exemplar_names[e] for e in cue.exemplars[found == fold]}
        assert held_out == {f"{name}{fold + 1}" for name in "abc"}  # a10 comes after a9


def test_published_stimuli_give_ten_and_three_folds(mirror):
    root = next((mirror / "github/rgeirhos/texture-vs-shape").iterdir())
    names = sorted(p.stem for p in root.glob("stimuli/style-transfer-preprocessed-512/*/*.png"))
    rows = []
    for name in names:
        shape, texture = name.split("-")
        rows.append(
            {"shape": shape.rstrip("0123456789"), "texture": texture.rstrip("0123456789"),
             "shape_exemplar": shape, "texture_exemplar": texture}
        )  # fmt: skip
    table = pd.DataFrame(rows)
    assert len(table) == 1280
    table = table[ex.conflicting(table)]
    assert len(table) == 1200
    for name, exemplars, folds in (("shape", 160, 10), ("texture", 48, 3)):
        cue = ex.cue(table, name)
        found = ex.exemplar_folds(cue.classes, cue.exemplars, 10)
        assert (len(cue.exemplar_names), len(cue.class_names)) == (exemplars, 16)
        assert len(np.unique(found)) == folds


def test_permutation_keeps_exemplars_whole_and_folds_balanced():
    cue = ex.cue(labels(classes=4, shapes=6), "shape")
    folds = ex.exemplar_folds(cue.classes, cue.exemplars, 3)
    permuted = ex.permuted_classes(cue.classes, cue.exemplars, folds, np.random.default_rng(1))
    assert (permuted != cue.classes).any()
    for exemplar in np.unique(cue.exemplars):
        assert len(np.unique(permuted[cue.exemplars == exemplar])) == 1
    first = np.unique(cue.exemplars, return_index=True)[1]
    for fold in range(3):
        inside = first[folds[first] == fold]
        assert np.bincount(permuted[inside]).tolist() == [2, 2, 2, 2]


# --- reduction and fit
# -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(60, 10), (40, 90)])
def test_reduction_keeps_all_inner_products(shape):
    random = np.random.default_rng(3)
    scale = np.exp(random.normal(size=shape[1]))
    train = random.normal(size=shape) * scale + 5
    test = random.normal(size=(20, shape[1])) * scale + 5
    reduced, reduced_test = linear.reduce_features(train, test)
    mean, spread = train.mean(0), train.std(0)
    a, b = (train - mean) / spread, (test - mean) / spread
    np.testing.assert_allclose(reduced @ reduced.T, a @ a.T, atol=1e-7)
    np.testing.assert_allclose(reduced_test @ reduced.T, b @ a.T, atol=1e-7)
    assert reduced.shape[1] == min(shape[0] - 1, shape[1])


@pytest.mark.parametrize("penalty", [1.0, 0.01])
def test_fit_agrees_with_scikit_learn(penalty):
    from sklearn.linear_model import LogisticRegression

    table = labels(classes=4, shapes=8)
    classes = ex.cue(table, "shape").classes
    features = features_of(table)
    ours = linear.fit(features, np.eye(4)[classes], penalty, tolerance=1e-9)
    theirs = LogisticRegression(C=1 / (penalty * len(features)), tol=1e-10, max_iter=5000)
    theirs.fit(features, classes)
    np.testing.assert_allclose(ours.weights.T, theirs.coef_, atol=1e-5)
    centred = ours.intercept - ours.intercept.mean()
    np.testing.assert_allclose(centred, theirs.intercept_ - theirs.intercept_.mean(), atol=1e-5)


def test_more_units_than_images_gives_the_same_classifier_as_the_direct_fit():
    table = labels(classes=4, shapes=6)
    classes = ex.cue(table, "texture").classes
    features = features_of(table, units=200)
    train = np.arange(len(table)) % 3 != 0
    reduced, reduced_test = linear.reduce_features(features[train], features[~train])
    targets = np.eye(4)[classes[train]]
    ours = linear.fit(reduced, targets, 0.05, tolerance=1e-9).logits(reduced_test)
    mean, spread = features[train].mean(0), features[train].std(0)
    direct = linear.fit((features[train] - mean) / spread, targets, 0.05, tolerance=1e-9)
    expected = direct.logits((features[~train] - mean) / spread)
    np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_a_warm_start_changes_nothing():
    table = labels(classes=3, shapes=8)
    features, classes = features_of(table), ex.cue(table, "shape").classes
    targets = np.eye(3)[classes]
    start = linear.fit(features, targets, 1.0)
    cold = linear.fit(features, targets, 0.01, tolerance=1e-8)
    warm = linear.fit(features, targets, 0.01, start=start, tolerance=1e-8)
    np.testing.assert_allclose(warm.weights, cold.weights, atol=1e-5)


def test_the_penalty_is_chosen_without_the_held_out_images():
    """Replacing the held-out activations leaves the penalty alone and moves the predictions."""
    table = labels(classes=4, shapes=6)
    cue = ex.cue(table, "shape")
    features = features_of(table)
    folds = ex.exemplar_folds(cue.classes, cue.exemplars, 3)
    test = folds == 0
    changed = features.copy()
    changed[test] = np.random.default_rng(9).normal(size=(test.sum(), features.shape[1])) * 50
    one, two = (
        linear.read_out(
            values, cue.classes, cue.exemplars, settings=ReadoutSettings.of(), folds=folds
        )
        for values in (features, changed)
    )
    assert one.penalties[0] == two.penalties[0]
    assert (one.predicted[test] != two.predicted[test]).any()


# --- baselines and whole measure
# -------------------------------------------------------------------


def test_the_other_cue_gives_away_one_class_in_conflict_images():
    table = labels(classes=5, shapes=6, textures=1)
    table = table[ex.conflicting(table)]
    shape, texture = ex.cue(table, "shape"), ex.cue(table, "texture")
    # A texture met each of the other four shapes equally often.
    assert linear.other_cue_accuracy(shape.classes, texture.exemplars) == pytest.approx(1 / 4)


def test_row_counts_conflict_images_only():
    table = labels(classes=4, shapes=6)
    row, result = linear.measure(features_of(table), table, "shape", settings=FAST)
    assert row["n_images"] == len(result.correct) == 4 * 6 * 3
    assert (row["n_exemplars"], row["n_units"], row["n_folds"]) == (24, 12, 3)
    assert row["chance"] == 0.25
    assert row["ci_low"] <= row["accuracy"] <= row["ci_high"]
    assert row["accuracy"] == result.correct.mean()
    assert row["permuted"] < row["accuracy"]


def test_permuted_read_out_is_at_chance():
    table = labels(classes=4, shapes=9)
    many = ReadoutSettings.of(folds=3, penalties=(0.1,), permutations=40)
    row, _ = linear.measure(features_of(table, units=6), table, "shape", settings=many)
    assert row["permuted"] == pytest.approx(0.25, abs=0.05)


def test_without_permutations_that_baseline_is_undefined():
    table = labels()
    none = ReadoutSettings.of(folds=3, penalties=(0.1,), permutations=0)
    row, _ = linear.measure(features_of(table), table, "shape", settings=none)
    assert np.isnan(row["permuted"])
    assert row["accuracy"] > row["chance"]


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_order_of_images_and_of_units_does_not_matter(seed):
    table = labels(classes=3, shapes=5)
    features = features_of(table, units=6, seed=seed)
    random = np.random.default_rng(seed)
    images, units = random.permutation(len(table)), random.permutation(6)
    one, _ = linear.measure(features, table, "texture", settings=FAST)
    two, _ = linear.measure(
        features[images][:, units], table.iloc[images], "texture", settings=FAST
    )
    for column in ("accuracy", "ci_low", "ci_high", "other_cue"):
        assert one[column] == pytest.approx(two[column])


@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-50, 50))
@settings(max_examples=10, deadline=None)
def test_scale_and_shift_of_units_do_not_matter(seed, scale, shift):
    table = labels(classes=3, shapes=5)
    features = features_of(table, units=6, seed=seed)
    random = np.random.default_rng(seed)
    factors = scale * np.exp(random.normal(size=6)) * random.choice([-1, 1], 6)
    one, _ = linear.measure(features, table, "shape", settings=FAST)
    two, _ = linear.measure(features * factors + shift, table, "shape", settings=FAST)
    # The search ends at a tolerance: an image on a boundary may fall to either side.
    assert one["accuracy"] == pytest.approx(two["accuracy"], abs=1.5 / one["n_images"])


def test_the_same_seed_gives_the_same_row():
    table = labels()
    rows = [linear.measure(features_of(table), table, "shape", settings=FAST, seed=4)[0]
            for _ in range(2)]  # fmt: skip
    assert rows[0] == rows[1]


# --- what cannot be measured
# -----------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_undefined_activations_are_an_error(value):
    table = labels()
    features = features_of(table)
    features[5, 3] = value
    with pytest.raises(InputError, match=r"1 of .* NaN or infinite"):
        linear.measure(features, table, "shape", settings=FAST)


def test_constant_units_are_left_out_and_counted():
    table = labels()
    features = features_of(table)
    padded = np.concatenate([features, np.full((len(table), 2), 3.0)], axis=1)
    one, _ = linear.measure(features, table, "shape", settings=FAST)
    two, _ = linear.measure(padded, table, "shape", settings=FAST)
    assert (two["n_units"], two["accuracy"]) == (12, one["accuracy"])


def test_all_units_constant_is_undefined_with_a_reason():
    table = labels()
    row, _ = linear.measure(np.ones((len(table), 4)), table, "shape", settings=FAST)
    assert np.isnan([row["accuracy"], row["ci_low"], row["permuted"]]).all()
    assert row["reason"] == "all units are constant"


def test_a_single_exemplar_is_undefined_with_a_reason():
    table = labels(shapes=1)
    row, _ = linear.measure(features_of(table), table, "shape", settings=FAST)
    assert np.isnan(row["accuracy"])
    assert "single exemplar" in row["reason"]
    assert row["n_exemplars"] == 4


def test_one_class_of_a_single_exemplar_is_undefined_with_a_reason():
    table = labels(shapes=3)
    first = table["shape"] == table["shape"].iloc[0]
    keep = ~first | (table["shape_exemplar"] == table["shape_exemplar"].iloc[0])
    features = features_of(table)[keep.to_numpy()]
    row, _ = linear.measure(features, table[keep].reset_index(drop=True), "shape", settings=FAST)
    assert np.isnan(row["accuracy"])
    assert "single exemplar" in row["reason"]
    assert row["n_exemplars"] == 10


def test_two_exemplars_read_without_choosing_the_penalty():
    table = labels(shapes=2)
    row, _ = linear.measure(features_of(table), table, "shape", settings=FAST)
    assert np.isfinite(row["accuracy"])
    assert "penalty not chosen" in row["reason"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(texture="na"), "no image whose shape and texture are in conflict"),
        (lambda t: t.assign(shape_exemplar="x1"), "shape exemplar 'x1' is given to two classes"),
        (lambda t: t.iloc[:-1], "48 rows of features for 47 labels"),
    ],
)
def test_labels_that_do_not_fit_are_errors(change, message):
    table = labels(classes=4, shapes=3)
    with pytest.raises(InputError, match=message):
        linear.measure(features_of(table), change(table), "shape", settings=FAST)


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (ReadoutSettings, {"fold": 3}, "unknown parameter 'readout.fold'; did you mean 'folds'"),
        (ReadoutSettings, {"fold_draws": -1}, "readout.fold_draws: expected a whole number"),
        (ReadoutSettings, {"folds": 1}, "readout.folds: expected a whole number of at least 2"),
        (
            ReadoutSettings,
            {"penalties": [0.1, -1]},
            "readout.penalties[1]: expected a number above",
        ),
        (
            ReadoutSettings,
            {"inputs": ["poled"]},
            "found \"poled\"; did you mean 'pooled'",
        ),
        (DimensionalitySettings, {"fdr": 5}, "dimensionality.fdr: expected a number between"),
        (DimensionalitySettings, {"null_draws": 1}, "dimensionality.null_draws: expected"),
        (
            ErasureSettings,
            {"fit": "pool"},
            "erasure.fit: expected pooled or spatial, found",
        ),
        (ErasureSettings, {"stages": "stage3"}, "erasure.stages: expected a list"),
    ],
)
def test_wrong_settings_name_the_key(kind, values, message):
    with pytest.raises(InputError, match=re.escape(message)):
        kind.over(values)


def test_maps_are_read_flattened():
    table = labels()
    features = features_of(table).astype(np.float32)
    one, _ = linear.measure(features, table, "shape", settings=FAST)
    two, _ = linear.measure(features.reshape(len(table), 3, 2, 2), table, "shape", settings=FAST)
    assert one == two


# --- scalars of the mask, the network before training, other folds --------------------------------


def drawn(height, width, *boxes):
    mask = np.zeros((height, width), np.uint8)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = 1
    return mask


def test_scalars_of_drawn_masks_are_those_counted_by_hand():
    corner = np.sqrt(0.5)
    masks = [
        drawn(9, 9, (2, 3, 5, 8)),  # 3 x 5: sides of 2 and 4 half-way lines, four cut corners
        drawn(9, 9, (0, 0, 9, 9)),  # up to the image's edge
        drawn(9, 9, (4, 4, 5, 5)),  # a pixel: a diamond
        drawn(9, 9, (2, 2, 5, 3), (4, 2, 5, 5)),  # an L of 3 and 3: a corner turned inwards
        drawn(9, 9, (1, 1, 2, 2), (2, 2, 3, 3)),  # two pixels that touch at a corner
    ]
    area = np.array([15, 81, 1, 5, 2])
    perimeter = np.array(
        [2 * 2 + 2 * 4 + 4 * corner, 4 * 8 + 4 * corner, 4 * corner, 6 + 6 * corner,
         6 * corner + np.sqrt(2)]
    )  # fmt: skip
    found = mask_scalars(np.stack(masks))
    np.testing.assert_allclose(found[:, 0], area)
    np.testing.assert_allclose(found[:, 1], perimeter)
    np.testing.assert_allclose(found[:, 2], perimeter**2 / area)
    np.testing.assert_allclose(found[:, 3], [1, 1, 1, 5 / 9, 1 / 2])


def test_a_disc_is_the_most_compact_of_large_shapes():
    y, x = np.mgrid[-40:41, -40:41]
    found = mask_scalars(np.stack([x**2 + y**2 < 900, (abs(x) < 27) & (abs(y) < 27)]))
    assert found[0, 2] == pytest.approx(4 * np.pi, rel=0.15)  # the line has steps
    assert found[0, 2] < found[1, 2] == pytest.approx(16, rel=0.05)
    assert found[0, 3] == pytest.approx(np.pi / 4, rel=0.03)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.stack([drawn(4, 4, (0, 0, 2, 2)), drawn(4, 4)]), "m: mask 2 of 2 holds no object"),
        (np.zeros((4, 4)), "m: expected images x height x width"),
    ],
)
def test_masks_without_an_object_are_errors(masks, message):
    with pytest.raises(InputError, match=message):
        mask_scalars(masks, "m")


def test_units_that_are_linear_in_the_scalars_hold_nothing_beyond_them():
    table = labels(classes=4, shapes=12)
    random = np.random.default_rng(0)
    # Two numbers along which the four classes stand at the corners of a square.
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[ex.cue(table, "shape").classes]
    scalars = corners + 0.1 * random.normal(size=(len(table), 2))
    units = scalars @ random.normal(size=(2, 8)) + 0.01 * random.normal(size=(len(table), 8))
    more = units + code(table["shape"], 8, random) + 0.3 * random.normal(size=units.shape)

    def read(features, without=None):
        row, _ = linear.measure(features, table, "shape", settings=FAST, without=without)
        return row["accuracy"]

    assert read(scalars) > 0.9
    assert read(units) > 0.9
    assert read(units, scalars) == pytest.approx(0.25, abs=0.13)
    # Of three directions between four classes one is left: it parts them two by two.
    assert read(more, scalars) == pytest.approx(0.5, abs=0.1)


def test_the_regression_on_scalars_sees_no_held_out_image():
    random = np.random.default_rng(0)
    train, test = random.normal(size=(50, 4)), random.normal(size=(20, 4))
    known, known_test = random.normal(size=(50, 2)), random.normal(size=(20, 2))
    left, left_test = linear.subtract_linear(train, test, known, known_test)
    np.testing.assert_allclose(left.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(known.T @ left, 0, atol=1e-10)  # nothing linear is left in training
    assert abs(known_test.T @ left_test).max() > 0.1
    moved = linear.subtract_linear(train, test + 5, known, known_test)
    np.testing.assert_array_equal(moved[0], left)
    np.testing.assert_allclose(moved[1], left_test + 5)


def test_the_gain_is_a_paired_difference():
    """Two readings that err on the same images differ with no interval at all."""
    table = labels(classes=4, shapes=6)
    features = features_of(table)
    row, result = linear.measure(features, table, "shape", settings=FAST)
    assert "gain" not in row
    same, _ = linear.measure(features, table, "shape", settings=FAST, before=result.correct)
    assert (same["gain"], same["gain_low"], same["gain_high"]) == (0, 0, 0)
    nothing = np.zeros_like(result.correct)
    gained, _ = linear.measure(features, table, "shape", settings=FAST, before=nothing)
    for end in ("", "_low", "_high"):
        expected = row["accuracy" if not end else f"ci{end}"]
        assert gained[f"gain{end}"] == pytest.approx(expected)


def test_other_draws_of_the_folds_and_their_number_are_in_the_row():
    table = labels(classes=4, shapes=9)
    settings = ReadoutSettings.of(
        folds=3, penalties=(0.1,), permutations=2, fold_draws=4, resamples=9
    )
    row, _ = linear.measure(features_of(table), table, "shape", settings=settings)
    assert (row["n_permutations"], row["n_fold_draws"]) == (2, 5)
    assert row["fold_low"] <= row["accuracy"] <= row["fold_high"]
    assert row["fold_low"] < row["fold_high"]
    assert row["permuted"] <= row["permuted_high"]
    row, _ = linear.measure(features_of(table), table, "shape", settings=settings, thorough=False)
    assert (row["n_permutations"], row["n_fold_draws"]) == (0, 1)
    assert np.isnan(row["permuted"])
