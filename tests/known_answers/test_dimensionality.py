"""Known answers for units that code categorical factors under the very pairing of the estimators.

Expected values come from combinatorics, from brute force over all pairs in plain Python, or from
the correlation of a Gaussian model; none from the code under test.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.cue_conflict_design import code, labels

from texshape.techniques.dimensionality import mutual_information as mi
from texshape.techniques.dimensionality.islam2021 import islam2021, softmax_shares, whole_dimensions
from texshape.techniques.dimensionality.pairs import design
from texshape.techniques.dimensionality.settings import DimensionalitySettings

K = 6
ALL = DimensionalitySettings.of(max_pairs=10**6, min_pairs=10, null_draws=10, resamples=0)


@pytest.fixture(scope="module")
def table():
    return labels(classes=K, shapes=8, textures=3, seed=1)


@pytest.fixture(scope="module")
def plan(table):
    return design(table, settings=ALL)


def class_values(column, seed=0):
    """One arbitrary number a class."""
    return code(column, 1, np.random.default_rng(seed))[:, 0]


def rho(values, plan, factor):
    return mi.pair_correlation(mi.normal_scores(values[:, None]), plan.pairs[factor])[0]


def brute_force(values, table, factor, other):
    """Pearson correlation over all ordered pairs, by loops."""
    exemplars, others = list(table[f"{factor}_exemplar"]), list(table[other])
    a, b = [], []
    for i in range(len(table)):
        for j in range(len(table)):
            if exemplars[i] == exemplars[j] and others[i] != others[j]:
                a.append(values[i])
                b.append(values[j])
    return np.corrcoef(a, b)[0, 1]


# --- rho
# -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_pure_texture_unit_has_minus_one_over_k_minus_one_under_shape_pairs(table, plan, seed):
    values = class_values(table["texture"], seed)
    assert rho(values, plan, "shape") == pytest.approx(-1 / (K - 1), abs=1e-9)
    found = mi.mutual_information(values[:, None], plan, "shape")
    assert found.information[0] == 0
    assert found.value == 0
    assert not found.significant.any()
    # What the square of that correlation would have claimed:
    assert -0.5 * math.log(1 - 1 / (K - 1) ** 2) > 0.02


def test_a_pure_shape_unit_repeats_exactly(table, plan):
    values = class_values(table["shape"])
    assert rho(values, plan, "shape") == pytest.approx(1)
    found = mi.mutual_information(values[:, None], plan, "shape")
    assert found.n_saturated == 1
    assert np.isfinite(found.value)
    assert "limit" in found.reason
    assert mi.mutual_information(values[:, None], plan, "texture").information[0] == 0


def test_a_unit_of_the_opposite_sign_has_the_same_information(table, plan):
    random = np.random.default_rng(0)
    values = 2 * class_values(table["shape"]) + random.normal(size=len(table))
    both = np.stack([values, -values], axis=1)
    found = mi.mutual_information(both, plan, "shape")
    assert found.information[0] == pytest.approx(found.information[1], rel=1e-9)
    assert found.information[0] > 0.05


@pytest.mark.parametrize(
    "weights", [(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 2, 1), (1, -1, 1), (0, 0, 1)]
)
def test_units_that_code_shape_texture_both_or_neither_as_by_brute_force(table, plan, weights):
    from scipy.stats import norm, rankdata

    random = np.random.default_rng(5)
    parts = [class_values(table["shape"], 1), class_values(table["texture"], 2),
             random.normal(size=len(table))]  # fmt: skip
    values = sum(w * part for w, part in zip(weights, parts, strict=True))
    scores = norm.ppf((rankdata(values) - 0.5) / len(table))
    for factor, other in (("shape", "texture"), ("texture", "shape")):
        expected = brute_force(scores, table, factor, other)
        assert rho(values, plan, factor) == pytest.approx(expected, abs=1e-9)


def test_a_unit_that_codes_both_by_the_analysis_of_variance():
    """Balanced, all pairs: covariance = V_shape - V_texture / (K - 1), variance = the sum."""
    table = labels(classes=K, shapes=5, textures=1)
    plan = design(table, settings=ALL)
    a, b = class_values(table["shape"], 1), class_values(table["texture"], 2)
    values = a + b
    expected = (a.var() - b.var() / (K - 1)) / (a.var() + b.var())
    found = mi.pair_correlation(values[:, None], plan.pairs["shape"])[0]
    assert found == pytest.approx(expected, abs=1e-10)


def test_a_gaussian_unit_has_the_information_of_its_correlation():
    """Exemplar effects of variance s and t with noise of variance 1: rho = s / (s + t + 1)."""
    table = labels(classes=12, shapes=10, textures=5)
    plan = design(table, settings=ALL.replace(null_draws=3))
    random = np.random.default_rng(0)
    s, t, units = 2.0, 1.0, 400
    values = (
        math.sqrt(s) * code(table["shape_exemplar"], units, random)
        + math.sqrt(t) * code(table["texture_exemplar"], units, random)
        + random.normal(size=(len(table), units))
    )
    for factor, variance in (("shape", s), ("texture", t)):
        expected = -0.5 * math.log(1 - (variance / (s + t + 1)) ** 2)
        found = mi.mutual_information(values, plan, factor)
        assert found.information.mean() == pytest.approx(expected, rel=0.05)
        assert found.significant.all()


def test_units_that_code_neither_are_rarely_significant_and_average_to_nothing(table, plan):
    """Also beside units that code much: pooled over units, the null would be diluted by them."""
    random = np.random.default_rng(3)
    noise = random.normal(size=(len(table), 400))
    strong = code(table["shape_exemplar"], 400, random) + 0.3 * noise
    for factor in ("shape", "texture"):
        found = mi.mutual_information(noise, plan, factor)
        assert abs(found.value) < 5e-4
        assert found.significant.sum() <= 4
        assert (found.p_value < 0.05).mean() == pytest.approx(0.05, abs=0.03)
    found = mi.mutual_information(np.concatenate([noise, strong], axis=1), plan, "shape")
    assert found.significant[400:].all()
    assert (found.p_value[:400] < 0.05).mean() == pytest.approx(0.05, abs=0.03)


def test_the_estimate_converges_with_the_number_of_pairs():
    """To the value of all pairs, with an error that falls as the root of their number."""
    table = labels(classes=12, shapes=10, textures=5)
    random = np.random.default_rng(0)
    values = mi.normal_scores(
        code(table["shape_exemplar"], 50, random) + random.normal(size=(len(table), 50))
    )
    everything = mi.pair_correlation(values, design(table, settings=ALL).pairs["shape"])
    errors = []
    for size in (100, 1600):
        found = [
            mi.pair_correlation(
                values,
                design(table, settings=ALL.replace(max_pairs=size), seed=s).pairs["shape"],
            )
            for s in range(8)
        ]
        errors.append(np.sqrt(np.mean((np.array(found) - everything) ** 2)))
    # sqrt(1600 / 100) = 4, a little more since 1600 are a fifth of all pairs
    assert 3.3 < errors[0] / errors[1] < 6


# --- the authors' estimator
# ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "texture", "expected"),
    [
        (0, 0, (21.2, 21.2, 57.6)),  # no information at all
        (1, 0, (42.2, 15.5, 42.2)),
        (0, 1, (15.5, 42.2, 42.2)),
        (1, 1, (33.3, 33.3, 33.3)),
        (-1, 1, (6.3, 46.8, 46.8)),
        (-1, -1, (10.7, 10.7, 78.7)),
    ],
)
def test_bounds_of_the_shares(shape, texture, expected):
    found = 100 * softmax_shares(np.float64(shape), np.float64(texture))
    np.testing.assert_allclose(found, expected, atol=0.051)


def test_shares_stay_in_their_bounds_for_all_scores():
    grid = np.linspace(0, 1, 101)
    shares = softmax_shares(grid[:, None], grid[None, :])
    assert 100 * shares[..., :2].min() == pytest.approx(15.5, abs=0.05)
    assert 100 * shares[..., :2].max() == pytest.approx(42.2, abs=0.05)
    assert 100 * shares[..., 2].min() == pytest.approx(33.3, abs=0.05)
    assert 100 * shares[..., 2].max() == pytest.approx(57.6, abs=0.05)


def test_dimensions_are_rounded_down_and_the_residual_takes_the_rest():
    found = whole_dimensions(np.array([0.3999, 0.2501, 0.35]), 10)
    assert found == {"shape": 3, "texture": 2, "residual": 5}


def test_scores_of_pure_units(table):
    """Under full pairs of a balanced design: 1 for the factor coded, -1 / (K - 1) for the other."""
    balanced = labels(classes=K, shapes=5, textures=1)
    plan = design(balanced, settings=ALL)
    shape_units = code(balanced["shape"], 3, np.random.default_rng(0))
    found = islam2021(shape_units, plan)
    assert found.scores["shape"] == pytest.approx(1)
    assert found.scores["texture"] == pytest.approx(-1 / (K - 1))
    texture_units = code(balanced["texture"], 3, np.random.default_rng(0))
    found = islam2021(texture_units, plan)
    assert found.scores["texture"] == pytest.approx(1)
    assert found.scores["shape"] == pytest.approx(-1 / (K - 1))
    total = math.e + math.e + math.exp(-1 / (K - 1))
    assert found.dimensions["texture"] == int(3 * math.e / total)


def test_scores_as_written_out_pair_by_pair(table, plan):
    """Sum over units of the covariance across pairs over the sum of the variance of all."""
    random = np.random.default_rng(7)
    features = (
        code(table["shape"], 5, random)
        + code(table["texture_exemplar"], 5, random)
        + random.normal(size=(len(table), 5))
    ) * np.exp(random.normal(size=5)) + 4
    first, second, everything = {}, {}, []
    for factor in ("shape", "texture"):
        pairs = plan.pairs[factor]
        # both orders, as the pairs are listed there
        first[factor] = features[np.concatenate([pairs.first, pairs.second])]
        second[factor] = features[np.concatenate([pairs.second, pairs.first])]
        everything += [first[factor], second[factor]]
    variance = np.concatenate(everything).var(axis=0).sum()
    found = islam2021(features, plan)
    for factor in ("shape", "texture"):
        centre = (first[factor].mean(0) + second[factor].mean(0)) / 2
        product = (first[factor] - centre) * (second[factor] - centre)
        assert found.scores[factor] == pytest.approx(product.mean(0).sum() / variance, rel=1e-6)


def test_noise_scores_nothing_and_gets_the_empty_shares(plan, table):
    noise = np.random.default_rng(0).normal(size=(len(table), 1000))
    found = islam2021(noise, plan)
    assert abs(found.scores["shape"]) < 0.01
    assert 100 * found.share("residual") == pytest.approx(57.6, abs=0.5)
    assert 100 * found.share("shape") == pytest.approx(21.2, abs=0.5)
