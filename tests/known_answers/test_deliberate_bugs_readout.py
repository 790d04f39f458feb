"""Each named bug, put in on purpose, must break the known answer that guards against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.cue_conflict_design import code, labels

from texshape.stats import exemplars as ex
from texshape.techniques.dimensionality import mutual_information as mi
from texshape.techniques.dimensionality import pairs as pairing
from texshape.techniques.dimensionality.settings import DimensionalitySettings
from texshape.techniques.readout import linear
from texshape.techniques.readout.settings import ReadoutSettings

K = 6
ALL = DimensionalitySettings.of(max_pairs=10**6, min_pairs=10, null_draws=5, resamples=0)
READ = ReadoutSettings.of(folds=5, penalties=(0.1,), permutations=4, resamples=50)


@pytest.fixture(scope="module")
def table():
    return labels(classes=K, shapes=8, textures=4, seed=1)


# --- the known answers, as functions --------------------------------------------------------------


def texture_unit_holds_no_shape(table):
    values = code(table["texture"], 4, np.random.default_rng(0))
    found = mi.mutual_information(values, pairing.design(table, settings=ALL), "shape")
    assert (found.information == 0).all()


def texture_unit_has_its_negative_correlation(table, both_orders):
    # Classes in the order of their names, as sorted files list them.
    values = np.argsort(np.argsort(np.unique(table["texture"])))[ex.cue(table, "texture").classes]
    pairs = pairing.design(table, settings=ALL).pairs["shape"]
    pairs = replace(pairs, both_orders=both_orders)
    rho = mi.pair_correlation(values[:, None].astype(float), pairs)
    assert rho[0] == pytest.approx(-1 / (K - 1), abs=1e-9)


def exemplars_are_not_classes(table):
    found = [
        linear.measure(
            code(table["shape_exemplar"], 60, np.random.default_rng(seed)), table, "shape",
            settings=READ,
        )[0]["accuracy"]
        for seed in range(5)
    ]  # fmt: skip
    assert np.mean(found) == pytest.approx(1 / K, abs=0.06)


def permuted_labels_reveal_a_leak(table):
    """Where folds split exemplars, the reader of permuted labels recognises exemplars, too."""
    cue = ex.cue(table, "shape")
    leaky = np.arange(len(table)) % 5
    features = code(table["shape_exemplar"], 60, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    permuted = ex.permuted_classes(cue.classes, cue.exemplars, np.zeros(len(table), int), rng)
    found = linear.read_out(features, permuted, cue.exemplars, settings=READ, folds=leaky)
    assert found.accuracy > 0.9


def interval_covers_fresh_exemplars():
    """Spread of the estimate over data drawn anew against the bootstrap's width."""
    settings = DimensionalitySettings.of(max_pairs=2000, null_draws=2, resamples=100)
    values, widths = [], []
    for seed in range(25):
        table = labels(classes=4, shapes=4, textures=3, seed=seed)
        random = np.random.default_rng(seed)
        unit = code(table["shape_exemplar"], 1, random) + 0.7 * random.normal(size=(len(table), 1))
        plan = pairing.design(table, settings=settings, seed=seed)
        found = mi.mutual_information(unit, plan, "shape")
        values.append(found.value)
        widths.append((found.ci_high - found.ci_low) / (2 * 1.96))
    assert 0.6 < np.mean(widths) / np.std(values) < 1.8


# --- the bugs -------------------------------------------------------------------------------------


def test_sign_of_rho_ignored(table, monkeypatch):
    texture_unit_holds_no_shape(table)

    def squared(rho):
        return -0.5 * np.log1p(-np.minimum(rho**2, mi.RHO_LIMIT))

    monkeypatch.setattr(mi, "information_of", squared)
    with pytest.raises(AssertionError):
        texture_unit_holds_no_shape(table)


def test_pairs_in_one_order_only(table):
    texture_unit_has_its_negative_correlation(table, both_orders=True)
    with pytest.raises(AssertionError):
        texture_unit_has_its_negative_correlation(table, both_orders=False)


def test_exemplars_shared_between_folds(table, monkeypatch):
    exemplars_are_not_classes(table)

    def by_image(classes, exemplars, folds):
        return np.random.default_rng(0).integers(0, folds, len(classes))

    monkeypatch.setattr(ex, "exemplar_folds", by_image)
    with pytest.raises(AssertionError):
        exemplars_are_not_classes(table)


def test_labels_permuted_by_image(table, monkeypatch):
    permuted_labels_reveal_a_leak(table)

    def by_image(classes, exemplars, folds, rng):
        return rng.permutation(classes)

    monkeypatch.setattr(ex, "permuted_classes", by_image)
    with pytest.raises(AssertionError):
        permuted_labels_reveal_a_leak(table)


def test_pairs_resampled_in_place_of_exemplars(monkeypatch):
    interval_covers_fresh_exemplars()

    def by_pair(pairs, shape, texture, by_shape, by_texture):
        random = np.random.default_rng(len(pairs))
        share = np.full(len(pairs), 1 / len(pairs))
        return random.multinomial(len(pairs), share, len(by_shape)).astype(np.float32)

    monkeypatch.setattr(pairing, "pair_weights", by_pair)
    with pytest.raises(AssertionError):
        interval_covers_fresh_exemplars()
