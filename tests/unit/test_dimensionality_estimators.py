"""Pairs and both estimators of dimensionality: counts, invariances, undefined cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cue_conflict_design import code, labels

from texshape.errors import InputError
from texshape.stats import exemplars as ex
from texshape.techniques.dimensionality import mutual_information as mi
from texshape.techniques.dimensionality import table as estimates
from texshape.techniques.dimensionality.islam2021 import islam2021
from texshape.techniques.dimensionality.pairs import FACTORS, Pairs, design, null_pairs, sharing
from texshape.techniques.dimensionality.settings import DimensionalitySettings
from texshape.techniques.dimensionality.tables import DIMENSIONALITY

FAST = DimensionalitySettings.of(max_pairs=400, min_pairs=10, null_draws=5, resamples=40)


def features_of(table, units=8, seed=0):
    random = np.random.default_rng(seed)
    return (
        code(table["shape_exemplar"], units, random)
        + 0.5 * code(table["texture_exemplar"], units, random)
        + random.normal(size=(len(table), units))
    )


# --- pairs
# -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", FACTORS)
def test_pairs_are_all_that_share_exactly_this_exemplar(factor):
    table = labels(classes=3, shapes=4, textures=2)
    other = "texture" if factor == "shape" else "shape"
    found = sharing(ex.cue(table, factor), ex.cue(table, other))
    expected = {
        (i, j)
        for i in range(len(table))
        for j in range(i + 1, len(table))
        if table[f"{factor}_exemplar"][i] == table[f"{factor}_exemplar"][j]
        and table[other][i] != table[other][j]
    }
    assert {(min(p), max(p)) for p in zip(found.first, found.second, strict=True)} == expected
    assert len(found) == found.available == len(expected)


def test_null_pairs_are_found_where_they_are_rare():
    """Shape classes of 100 and of 1 exemplars, two textures: 200 of 20,100 pairs differ in both."""
    shapes = [f"disc{i}" for i in range(1, 101)] + ["star1"]
    frame = pd.DataFrame(
        [
            {"shape": shape.rstrip("0123456789"), "shape_exemplar": shape,
             "texture": texture, "texture_exemplar": f"{texture}1"}
            for shape in shapes
            for texture in ("dots", "weave")
        ]
    )  # fmt: skip
    shape, texture = ex.cue(frame, "shape"), ex.cue(frame, "texture")
    for seed in range(3):
        found = null_pairs(shape, texture, 101, np.random.default_rng(seed))
        assert len(found) == 101
        assert len({frozenset(pair) for pair in zip(found.first, found.second, strict=True)}) == 101
        assert (shape.classes[found.first] != shape.classes[found.second]).all()
        assert (texture.classes[found.first] != texture.classes[found.second]).all()
    assert len(null_pairs(shape, texture, 500, np.random.default_rng(0))) == 200


def test_null_pairs_share_no_class_and_occur_once():
    table = labels(classes=4, shapes=5)
    shape, texture = ex.cue(table, "shape"), ex.cue(table, "texture")
    found = null_pairs(shape, texture, 500, np.random.default_rng(0))
    assert len(found) == 500
    assert (shape.classes[found.first] != shape.classes[found.second]).all()
    assert (texture.classes[found.first] != texture.classes[found.second]).all()
    assert len(set(zip(found.first, found.second, strict=True))) == 500


def test_published_stimuli_have_pairs_of_both_kinds(mirror):
    import pandas as pd

    root = next((mirror / "github/rgeirhos/texture-vs-shape").iterdir())
    names = sorted(p.stem for p in root.glob("stimuli/style-transfer-preprocessed-512/*/*.png"))
    parts = [name.split("-") for name in names]
    table = pd.DataFrame(
        [(s.rstrip("0123456789"), t.rstrip("0123456789"), s, t) for s, t in parts],
        columns=["shape", "texture", "shape_exemplar", "texture_exemplar"],
    )
    plan = design(table, settings=DimensionalitySettings.of(resamples=2))
    # Counted independently from the names: sum over exemplars of pairs of different classes.
    for factor, other in (("shape", "texture"), ("texture", "shape")):
        expected = 0
        for _, group in table.groupby(f"{factor}_exemplar"):
            n, same = len(group), group[other].value_counts()
            expected += n * (n - 1) // 2 - int((same * (same - 1) // 2).sum())
        assert plan.pairs[factor].available == expected
    assert len(plan.pairs["shape"]) == plan.pairs["shape"].available == 4801
    assert len(plan.pairs["texture"]) == 8000


def test_weights_of_a_resample_are_those_of_its_images_written_out():
    """With each exemplar written out as often as drawn, pairs occur as often as weighted."""
    table = labels(classes=3, shapes=2, textures=1)
    plan = design(table, settings=FAST.replace(resamples=6, min_pairs=2), seed=3)
    shape, texture = ex.cue(table, "shape"), ex.cue(table, "texture")
    by_shape, by_texture = ex.exemplar_weights(shape, texture, 6, 3)
    for factor, cue in (("shape", shape), ("texture", texture)):
        pairs, (weights, null_weights) = plan.pairs[factor], plan.weights[factor]
        for resample in range(6):
            copies = [
                (image, s, t)
                for image in range(len(table))
                for s in range(int(by_shape[resample, shape.exemplars[image]]))
                for t in range(int(by_texture[resample, texture.exemplars[image]]))
            ]
            same_copy = 1 if factor == "shape" else 2
            for number, (i, j) in enumerate(zip(pairs.first, pairs.second, strict=True)):
                count = sum(
                    a[0] == i and b[0] == j and a[same_copy] == b[same_copy]
                    for a in copies
                    for b in copies
                )
                assert weights[resample, number] == count
            null = plan.nulls[factor][0]
            for number, (i, j) in enumerate(zip(null.first, null.second, strict=True)):
                count = sum(a[0] == i and b[0] == j for a in copies for b in copies)
                assert null_weights[resample, number] == count
        assert len(cue.exemplar_names) > 2


def test_the_same_seed_gives_the_same_design():
    table = labels()
    one, two, other = (design(table, settings=FAST, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.pairs["shape"].first, two.pairs["shape"].first)
    np.testing.assert_array_equal(one.nulls["shape"][0].first, two.nulls["shape"][0].first)
    assert (one.nulls["shape"][0].first != other.nulls["shape"][0].first).any()


# --- estimators
# ------------------------------------------------------------------------------------


def test_normal_scores_are_those_of_scipy():
    from scipy.stats import norm, rankdata

    random = np.random.default_rng(0)
    values = np.stack([random.normal(size=50), random.integers(0, 5, 50), np.ones(50)], axis=1)
    found = mi.normal_scores(values)
    expected = norm.ppf((rankdata(values[:, :2], axis=0) - 0.5) / 50)
    expected = (expected - expected.mean(0)) / expected.std(0)
    np.testing.assert_allclose(found[:, :2], expected, atol=1e-12)
    assert (found[:, 2] == 0).all()


def test_correlation_is_that_of_pairs_written_out_in_both_orders():
    table = labels()
    plan = design(table, settings=FAST)
    values = features_of(table)
    pairs = plan.pairs["texture"]
    a = np.concatenate([values[pairs.first], values[pairs.second]])
    b = np.concatenate([values[pairs.second], values[pairs.first]])
    expected = [np.corrcoef(a[:, u], b[:, u])[0, 1] for u in range(values.shape[1])]
    np.testing.assert_allclose(mi.pair_correlation(values, pairs), expected, atol=1e-10)


def test_resampled_correlation_is_that_of_repeated_pairs():
    table = labels()
    plan = design(table, settings=FAST)
    values = mi.normal_scores(features_of(table))
    pairs, weights = plan.pairs["shape"], plan.weights["shape"][0][:3]
    found = mi.resampled_correlation(values, pairs, weights, block=3)
    for resample in range(3):
        repeated = pairs.take(np.repeat(np.arange(len(pairs)), weights[resample].astype(int)))
        mean = np.concatenate([values[pairs.first], values[pairs.second]]).mean(0)
        a, b = values[repeated.first] - mean, values[repeated.second] - mean
        expected = (a * b).mean(0) / ((a**2).mean(0) + (b**2).mean(0)) * 2
        np.testing.assert_allclose(found[resample], expected, atol=1e-5)


def test_benjamini_and_hochberg_as_in_statsmodels():
    from statsmodels.stats.multitest import multipletests

    random = np.random.default_rng(2)
    p = np.concatenate([random.random(60), random.random(20) / 500])
    expected = multipletests(p, alpha=0.05, method="fdr_bh")[0]
    np.testing.assert_array_equal(mi.significant_units(p, 0.05), expected)
    p[3] = np.nan
    assert not mi.significant_units(p, 0.05)[3]
    assert not mi.significant_units(np.full(4, np.nan), 0.05).any()


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_monotone_changes_of_units_do_not_matter(seed):
    table = labels()
    plan = design(table, settings=FAST)
    features = features_of(table, seed=seed)
    warped = np.exp(features / 2) * 7 - 3
    for factor in FACTORS:
        one = mi.mutual_information(features, plan, factor)
        two = mi.mutual_information(warped, plan, factor)
        assert one.value == pytest.approx(two.value, abs=1e-12)
        assert (one.ci_low, one.ci_high) == pytest.approx((two.ci_low, two.ci_high), abs=1e-6)


@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(-20, 20))
@settings(max_examples=10, deadline=None)
def test_common_scale_and_any_shift_do_not_move_the_authors_scores(seed, scale, shift):
    table = labels()
    plan = design(table, settings=FAST)
    features = features_of(table, seed=seed)
    one, two = islam2021(features, plan), islam2021(features * scale + shift, plan)
    for factor in FACTORS:
        assert one.scores[factor] == pytest.approx(two.scores[factor], abs=1e-8)
    assert one.dimensions == two.dimensions


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_order_of_images_does_not_matter(seed):
    table = labels()
    all_pairs = FAST.replace(max_pairs=100_000)
    features = features_of(table, seed=seed)
    order = np.random.default_rng(seed).permutation(len(table))
    one = design(table, settings=all_pairs)
    two = design(table.iloc[order].reset_index(drop=True), settings=all_pairs)
    for factor in FACTORS:
        a = mi.pair_correlation(mi.normal_scores(features), one.pairs[factor])
        b = mi.pair_correlation(mi.normal_scores(features[order]), two.pairs[factor])
        np.testing.assert_allclose(a, b, atol=1e-10)


@given(st.integers(0, 10_000), st.integers(2, 5))
@settings(max_examples=10, deadline=None)
def test_pairs_listed_several_times_or_turned_round_change_no_correlation(seed, times):
    table = labels()
    pairs = design(table, settings=FAST).pairs["shape"]
    scores = mi.normal_scores(features_of(table, seed=seed))
    repeated = pairs.take(np.tile(np.arange(len(pairs)), times))
    turn = np.random.default_rng(seed).random(len(pairs)) < 0.5
    turned = Pairs(
        np.where(turn, pairs.second, pairs.first),
        np.where(turn, pairs.first, pairs.second),
        pairs.available,
    )
    expected = mi.pair_correlation(scores, pairs)
    np.testing.assert_allclose(mi.pair_correlation(scores, repeated), expected, atol=1e-10)
    np.testing.assert_allclose(mi.pair_correlation(scores, turned), expected, atol=1e-10)


# --- what cannot be measured
# -----------------------------------------------------------------------


@pytest.mark.parametrize("estimate", [mi.scores_of, islam2021])
def test_undefined_activations_are_an_error(estimate):
    table = labels()
    features = features_of(table)
    features[0, 0] = np.nan
    with pytest.raises(InputError, match="NaN or infinite"):
        estimate(features, design(table, settings=FAST))


@pytest.mark.parametrize("estimate", [mi.scores_of, islam2021])
def test_another_number_of_images_is_an_error(estimate):
    table = labels()
    with pytest.raises(InputError, match="47 rows of features for 64 labels"):
        estimate(features_of(table)[:47], design(table, settings=FAST))


def test_constant_units_are_excluded_and_counted():
    table = labels()
    plan = design(table, settings=FAST)
    features = features_of(table)
    one = mi.mutual_information(features, plan, "shape")
    padded = np.insert(features, 2, 1.5, axis=1)
    two = mi.mutual_information(padded, plan, "shape")
    assert (two.n_units, two.n_constant) == (8, 1)
    assert two.value == pytest.approx(one.value)
    assert np.isnan(two.information[2])
    assert not two.significant[2]
    assert two.reason == "1 constant units excluded"


def test_all_units_constant_is_undefined_with_a_reason():
    table = labels()
    rows, _ = estimates.rows(np.full((len(table), 3), 0.1), design(table, settings=FAST))
    assert len(rows) == 7
    for row in rows:
        assert np.isnan([row["value"], row["ci_low"], row["null"]]).all()
        assert row["reason"] == "all units are constant"


def test_too_few_pairs_are_undefined_with_their_number():
    table = labels(classes=2, shapes=2, textures=1)
    plan = design(table, settings=FAST.replace(min_pairs=30))
    rows, _ = estimates.rows(features_of(table), plan)
    assert all(np.isnan(row["value"]) for row in rows)
    found = {row["factor"]: row["reason"] for row in rows if row["estimator"] != "islam2021"}
    assert found["shape"].startswith("4 shape pairs, fewer than 30")


def test_no_pair_at_all_is_undefined():
    table = labels(classes=3, shapes=1, textures=1, congruent=False).iloc[[0, 3]]
    rows, units = estimates.rows(
        np.random.default_rng(0).normal(size=(2, 4)), design(table, settings=FAST), units=True
    )
    assert all(np.isnan(row["value"]) and row["reason"] for row in rows)
    assert units == []


def test_a_cue_that_is_absent_is_an_error():
    table = labels().assign(texture="na", texture_exemplar="na")
    with pytest.raises(InputError, match="64 of 64 images show no texture"):
        design(table, settings=FAST)


def test_rows_of_a_stage():
    table = labels()
    plan = design(table, settings=FAST)
    rows, units = estimates.rows(features_of(table), plan, units=True)
    keys = {(row["estimator"], row["factor"]) for row in rows}
    assert keys == {
        ("mutual_information", "shape"), ("mutual_information", "texture"),
        ("islam2021", "shape"), ("islam2021", "texture"), ("islam2021", "residual"),
        ("islam2021_score", "shape"), ("islam2021_score", "texture"),
    }  # fmt: skip
    assert set().union(*rows) | {"stage"} == set(DIMENSIONALITY.names)
    assert len(units) == 2 * 8
    shares = [row["value"] for row in rows if row["estimator"] == "islam2021"]
    assert sum(shares) == pytest.approx(1)
    for row in rows[:2]:
        assert row["ci_low"] <= row["value"] <= row["ci_high"]


def test_convergence_repeats_each_size():
    table = labels()
    plan = design(table, settings=FAST.replace(convergence=(50, 100, 10**6), repeats=3))
    plans = estimates.convergence_plans(table, plan)
    rows = estimates.convergence(features_of(table), plans, 3)
    assert len(plans) == 6  # the size beyond what there is is left out
    assert len(rows) == 6 * 2 * 2
    assert {row["n_pairs"] for row in rows if row["factor"] == "texture"} == {50, 100}


def test_shares_and_their_intervals_lie_in_range_and_hold_the_value():
    table = labels(classes=4, shapes=6, textures=3)
    plan = design(table, settings=FAST.replace(resamples=200))
    found = islam2021(features_of(table, units=64), plan)
    shares = {name: found.share(name) for name in (*FACTORS, "residual")}
    assert shares["shape"] > shares["texture"]
    for name, share in shares.items():
        low, high = found.share_interval[name]
        assert 0 <= low <= share <= high <= 1, name
    assert found.share_interval["shape"] != found.share_interval["texture"]


def test_as_many_pairs_as_are_asked_for_suffice():
    table = labels(classes=4, shapes=6, textures=3)
    plan = design(table, settings=FAST)
    for factor in FACTORS:
        count = len(plan.pairs[factor])
        plan_of = replace(plan, settings=FAST.replace(min_pairs=count))
        nulls = len(plan.nulls[factor][0])
        assert plan_of.reason(factor) == (
            "" if nulls >= count else f"fewer than {count} null pairs"
        )
        more = replace(plan, settings=FAST.replace(min_pairs=count + 1))
        assert more.reason(factor) == f"{count} {factor} pairs, fewer than {count + 1}"


def test_p_values_are_those_of_a_new_value_among_the_nulls():
    """t-test of one new observation against the null draws of its own unit, upper side."""
    from scipy import stats

    random = np.random.default_rng(8)
    null = random.normal([0.0, 0.1, -0.2], [0.05, 0.1, 0.02], size=(12, 3))
    rho = np.array([0.15, 0.05, 0.01])
    spread = null.std(0, ddof=1) * np.sqrt(1 + 1 / 12)
    expected = stats.t.sf((rho - null.mean(0)) / spread, 11)
    np.testing.assert_allclose(mi.p_values_against(null, rho), expected)


def test_an_information_interval_holds_the_value_and_is_narrower_than_it():
    table = labels(classes=6, shapes=12, textures=4)
    plan = design(table, settings=FAST.replace(max_pairs=2000, resamples=200))
    found = mi.mutual_information(features_of(table, units=20), plan, "shape")
    assert found.ci_low < found.value < found.ci_high
    assert found.ci_high - found.ci_low < found.value
