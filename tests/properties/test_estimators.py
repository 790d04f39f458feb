"""What must hold of every estimator, whatever the data: order, units, copies, extreme sizes, NaN.

Examples are few and the same each time; each property is one that the formula implies, not one the code shows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from tests.cue_conflict_design import labels

from texshape.comparison import correlation
from texshape.errors import InputError
from texshape.stats import bootstrap
from texshape.stats import exemplars as ex
from texshape.techniques.corruptions import errors
from texshape.techniques.cue_strength import curve as cue_strength
from texshape.techniques.dimensionality import mutual_information as mi
from texshape.techniques.dimensionality.islam2021 import islam2021, softmax_shares, whole_dimensions
from texshape.techniques.dimensionality.pairs import FACTORS, design
from texshape.techniques.dimensionality.settings import DimensionalitySettings
from texshape.techniques.human_consistency.humans import compare
from texshape.techniques.readout import linear
from texshape.techniques.readout.settings import ReadoutSettings
from texshape.techniques.receptive_field.interval import Interval
from texshape.techniques.segmentation import metrics
from texshape.trials import bias

few = settings(max_examples=15, derandomize=True, deadline=None, database=None)
many = settings(max_examples=60, derandomize=True, deadline=None, database=None)
seeds = st.integers(0, 2**16)


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- shape bias ----------------------------------------------------------------------------------

classes = st.sampled_from(["bear", "cat", "dog"])
answers = st.sampled_from(["bear", "cat", "dog", "na"])
decided = st.lists(st.tuples(classes, classes, answers), max_size=40)


def bias_of(trials: list[tuple[str, str, str]]) -> bias.ShapeBias:
    return bias.shape_bias(
        *(list(column) for column in zip(*trials, strict=True)) if trials else ([],) * 3
    )


@many
@given(decided, st.randoms(use_true_random=False))
def test_bias_order_copies_and_exchange_of_cues(trials, dice) -> None:
    found = bias_of(trials)
    shuffled = list(trials)
    dice.shuffle(shuffled)
    assert bias_of(shuffled) == found
    twice = bias_of(trials * 2)
    assert (twice.n_conflict, twice.n_shape, twice.n_texture) == (
        2 * found.n_conflict, 2 * found.n_shape, 2 * found.n_texture,
    )  # fmt: skip
    other = bias_of([(texture, shape, answer) for shape, texture, answer in trials])
    assert (other.n_shape, other.n_texture) == (found.n_texture, found.n_shape)
    if found.n_shape + found.n_texture:
        assert other.shape_bias == pytest.approx(1 - found.shape_bias)
        assert twice.shape_bias == found.shape_bias
    else:
        assert np.isnan(found.shape_bias)
    conflicting = [one for one in trials if one[0] != one[1]]
    assert (found.n_conflict, found.n_trials) == (len(conflicting), len(trials))
    assert bias_of(conflicting).n_shape == found.n_shape
    by_class = bias.shape_bias_by_class(
        *([one[i] for one in trials] for i in range(3)), ["bear", "cat", "dog"]
    )
    assert sum(one.n_shape for one in by_class.values()) == found.n_shape
    assert sum(one.n_texture for one in by_class.values()) == found.n_texture


@many
@given(st.lists(answers, max_size=30))
def test_entropy_of_decisions(given_answers) -> None:
    found = bias.response_entropy(given_answers)
    named = [one for one in given_answers if one != "na"]
    if not named:
        assert np.isnan(found)
        return
    assert 0 <= found <= np.log2(len(set(named))) + 1e-12
    assert bias.response_entropy(named * 3) == pytest.approx(found)
    assert bias.response_entropy([named[0]] * 5) == 0


# --- bootstrap -----------------------------------------------------------------------------------


@few
@given(seeds, st.integers(1, 6), st.integers(1, 5), st.integers(1, 3))
def test_bootstrap_totals(seed, rows, columns, tables) -> None:
    counts = random(seed).integers(0, 9, (tables, rows, columns)).astype(float)
    totals = bootstrap.resample_totals(counts, resamples=50, seed=seed)
    assert totals.shape == (50, tables)
    # Tables share their weights: linear in the counts, whatever the unit.
    scaled = bootstrap.resample_totals(3 * counts, resamples=50, seed=seed)
    assert np.allclose(scaled, 3 * totals)
    together = bootstrap.resample_totals(counts.sum(0, keepdims=True), resamples=50, seed=seed)
    assert np.allclose(together[:, 0], totals.sum(1))
    ones = bootstrap.resample_totals(np.ones((1, rows, columns)), resamples=50, seed=seed)
    assert np.allclose(ones, rows * columns)  # the weights of a resample add up to the sample
    if rows == columns == 1:
        assert np.allclose(totals, counts.reshape(1, -1))


@many
@given(arrays(float, st.integers(0, 40), elements=st.floats(-1e6, 1e6) | st.just(np.nan)))
def test_interval_ignores_what_is_undefined_and_moves_with_the_unit(values) -> None:
    low, high = bootstrap.interval_of_defined(values)
    defined = values[~np.isnan(values)]
    asked = bootstrap.interval(values)
    if len(values) - len(defined) > 0.05 * len(values) or not len(defined):
        assert np.isnan(asked).all()  # too many are undefined
    else:
        assert asked == (low, high)
    if not len(defined):
        assert np.isnan([low, high]).all()
        return
    assert defined.min() <= low <= high <= defined.max()
    assert bootstrap.interval_of_defined(values[::-1]) == (low, high)
    moved = bootstrap.interval_of_defined(2 * values + 3)
    assert np.allclose(moved, (2 * low + 3, 2 * high + 3), atol=1e-6)
    wide = bootstrap.interval_of_defined(values, 0.99)
    assert wide[0] <= low <= high <= wide[1]


# --- error consistency ---------------------------------------------------------------------------


@many
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(1, 25)),
        elements=st.sampled_from([0, 1, np.nan]),
    ),
    seeds,
)
def test_error_consistency(first, seed) -> None:
    generator = random(seed)
    second = generator.permuted(first, axis=1)
    found = compare(first, second)
    back = compare(second, first)
    order = generator.permutation(first.shape[1])
    shuffled = compare(first[:, order], second[:, order])
    twice = compare(np.tile(first, 2), np.tile(second, 2))
    for name, values in found.items():
        assert np.allclose(shuffled[name], values, equal_nan=True, atol=1e-6), name
        assert np.allclose(twice[name], values, equal_nan=True, atol=1e-6), name
        if name != "ood_accuracy":
            assert np.allclose(back[name].swapaxes(1, 2), values, equal_nan=True, atol=1e-6), name
    kappa = found["error_consistency"]
    assert np.nanmax(kappa, initial=-1) <= 1 + 1e-6
    assert np.nanmin(kappa, initial=1) >= -1 - 1e-6
    own = compare(first, first)["error_consistency"]
    for i, row in enumerate(first):
        seen = row[~np.isnan(row)]
        mixed = len(seen) and 0 < seen.mean() < 1
        assert own[0, i, i] == pytest.approx(1, abs=1e-5) if mixed else np.isnan(own[0, i, i])


@few
@given(seeds)
def test_kappa_is_cohens(seed) -> None:
    from sklearn.metrics import cohen_kappa_score

    one, two = random(seed).integers(0, 2, (2, 40)).astype(np.float32)
    assume(0 < one.mean() < 1 and 0 < two.mean() < 1)
    found = compare(one[None], two[None])["error_consistency"][0, 0, 0]
    assert found == pytest.approx(cohen_kappa_score(one, two), abs=1e-5)


# --- segmentation --------------------------------------------------------------------------------


@many
@given(seeds, st.integers(1, 4), st.integers(2, 5), st.integers(1, 6))
def test_intersection_over_union(seed, images, kinds, side) -> None:
    generator = random(seed)
    truth, guess = generator.integers(0, kinds, (2, images, side, side))
    truth[generator.random(truth.shape) < 0.2] = metrics.IGNORE
    matrices = metrics.confusion(truth, guess, kinds)
    assert matrices.sum() == (truth != metrics.IGNORE).sum()
    values = metrics.iou(matrices.sum(0))
    for kind in range(kinds):  # from the definition, over sets of pixels
        counted = truth != metrics.IGNORE
        both = ((truth == kind) & (guess == kind) & counted).sum()
        either = (((truth == kind) | (guess == kind)) & counted).sum()
        assert np.isnan(values[kind]) if either == 0 else values[kind] == both / either
    back = metrics.iou(matrices.sum(0).T)
    assert np.array_equal(back, values, equal_nan=True)  # truth and prediction change places
    order = generator.permutation(images)
    one = metrics.score(matrices, seed=1, resamples=20)
    assert metrics.score(matrices[order], seed=1, resamples=20).miou == pytest.approx(
        one.miou, nan_ok=True
    )
    assert metrics.score(matrices * 7, seed=1, resamples=20).miou == pytest.approx(
        one.miou, nan_ok=True
    )
    perfect = metrics.confusion(truth, np.where(truth == metrics.IGNORE, 0, truth), kinds)
    assert metrics.score(perfect, seed=1, resamples=5).miou == (
        1 if perfect.sum() else pytest.approx(np.nan, nan_ok=True)
    )


# --- linear read-out and its folds ---------------------------------------------------------------


@many
@given(seeds, st.integers(2, 4), st.integers(1, 5), st.integers(1, 8), st.integers(1, 3))
def test_folds_of_whole_exemplars(seed, kinds, per_class, folds, copies) -> None:
    counts = random(seed).integers(per_class, per_class + 3, kinds)
    label = np.repeat(np.arange(kinds), counts)
    name = np.arange(len(label))
    order = random(seed).permutation(len(label) * copies)
    label, name = np.tile(label, copies)[order], np.tile(name, copies)[order]
    found = ex.exemplar_folds(label, name, folds)
    used = min(folds, counts.min())
    assert set(found) == set(range(used))
    for one in np.unique(name):
        assert len(set(found[name == one])) == 1  # never split
    for fold in range(used):
        assert set(label[found == fold]) == set(range(kinds))  # each class is held out each time
    again = ex.exemplar_folds(label[::-1], name[::-1], folds)
    assert np.array_equal(again[::-1], found)  # order of images
    moved = ex.permuted_classes(label, name, found, random(seed))
    for one in np.unique(name):
        assert len(set(moved[name == one])) == 1
    for fold in range(used):
        inside = found == fold
        firsts = np.unique(name[inside], return_index=True)[1]
        assert sorted(moved[inside][firsts]) == sorted(label[inside][firsts])


READOUT = ReadoutSettings.of(
    folds=2, inner_folds=2, penalties=(0.1, 0.001), permutations=0, resamples=10
)


def readable(seed: int, units: int = 6) -> tuple[np.ndarray, ex.Cue]:
    table = labels(classes=3, shapes=4, textures=2)
    cue = ex.cue(table, "shape")
    code = random(seed).normal(size=(3, units))[cue.classes]
    return code + random(seed + 1).normal(size=(len(table), units)), cue


@few
@given(seeds)
def test_linear_readout(seed) -> None:
    features, cue = readable(seed)
    folds = ex.exemplar_folds(cue.classes, cue.exemplars, 2)

    def read(values: np.ndarray, order: np.ndarray | slice = slice(None)) -> np.ndarray:
        return linear.read_out(
            values[order],
            cue.classes[order],
            cue.exemplars[order],
            settings=READOUT,
            folds=folds[order],
        ).predicted

    found = read(features)
    order = random(seed).permutation(len(features))
    assert (read(features, order) == found[order]).mean() > 0.98
    assert (read(features + 100.0) == found).mean() > 0.98  # an offset a unit
    doubled = np.concatenate([features, np.full((len(features), 3), 7.0)], axis=1)
    assert (read(doubled) == found).mean() > 0.98  # constant units say nothing
    relabelled = linear.read_out(
        features, 2 - cue.classes, cue.exemplars, settings=READOUT, folds=folds
    ).predicted
    assert (2 - relabelled == found).mean() > 0.98  # names of classes


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_estimators_refuse_what_is_not_finite(bad: float) -> None:
    table = labels(classes=3, shapes=4, textures=2)
    features = random(0).normal(size=(len(table), 4))
    features[3, 1] = bad
    pairs = design(table, settings=FAST)
    cue = ex.cue(table, "shape")
    for estimate in (
        lambda: islam2021(features, pairs),
        lambda: mi.mutual_information(features, pairs, "shape"),
        lambda: linear.read_out(features, cue.classes, cue.exemplars, settings=READOUT),
    ):
        with pytest.raises(InputError, match="finite"):
            estimate()


# --- dimensionality ------------------------------------------------------------------------------

FAST = DimensionalitySettings.of(max_pairs=300, min_pairs=10, null_draws=3, resamples=10)


def coded(seed: int, units: int = 5) -> tuple[pd.DataFrame, np.ndarray]:
    table = labels(classes=3, shapes=3, textures=2)
    noise = random(seed).normal(size=(len(table), units))
    code = random(seed + 1).normal(size=(table["shape_exemplar"].nunique(), units))
    return table, noise + code[ex.cue(table, "shape").exemplars]


@few
@given(seeds, st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_islam2021_units_and_copies(seed, scale, offset) -> None:
    table, features = coded(seed)
    pairs = design(table, settings=FAST, seed=1)
    found = islam2021(features, pairs, intervals=False)
    moved = islam2021(features * scale + offset, pairs, intervals=False)
    for factor in FACTORS:
        assert moved.scores[factor] == pytest.approx(found.scores[factor], rel=1e-5, abs=1e-6)
    assert sum(found.dimensions.values()) == found.n_units
    doubled = islam2021(np.tile(features, 2), pairs, intervals=False)  # each unit twice
    for factor in FACTORS:
        assert doubled.scores[factor] == pytest.approx(found.scores[factor], rel=1e-6)
    order = random(seed).permutation(features.shape[1])
    assert islam2021(features[:, order], pairs, intervals=False).dimensions == found.dimensions


@few
@given(seeds)
def test_information_units_and_order(seed) -> None:
    table, features = coded(seed)
    pairs = design(table, settings=FAST, seed=1)

    def value(values: np.ndarray, factor: str) -> mi.Information:
        return mi.mutual_information(values, pairs, factor, intervals=False)

    for factor in FACTORS:
        found = value(features, factor)
        # Ranks: any rising function of a unit's values leaves everything as it is.
        assert np.allclose(value(np.exp(features), factor).rho, found.rho)
        assert np.allclose(value(3 * features - 9, factor).rho, found.rho)
        # A unit and its negative carry the same.
        assert np.allclose(value(-features, factor).rho, found.rho)
        order = random(seed).permutation(features.shape[1])
        assert np.allclose(value(features[:, order], factor).rho, found.rho[order])
        constant = np.concatenate([features, np.ones((len(features), 2))], axis=1)
        with_constant = value(constant, factor)
        assert (with_constant.n_units, with_constant.n_constant) == (found.n_units, 2)
        assert with_constant.value == pytest.approx(found.value)


@few
@given(seeds)
def test_dimensionality_does_not_depend_on_the_order_of_images(seed) -> None:
    """All pairs are taken here, and null pairs are drawn: only what is drawn may differ."""
    table, features = coded(seed)
    order = random(seed).permutation(len(table))
    every = FAST.replace(max_pairs=10**6)
    first = design(table, settings=every)
    second = design(table.iloc[order].reset_index(drop=True), settings=every)
    one = islam2021(features, first, intervals=False)
    two = islam2021(features[order], second, intervals=False)
    for factor in FACTORS:
        assert len(first.pairs[factor]) == len(second.pairs[factor])
        assert two.scores[factor] == pytest.approx(one.scores[factor])
        rho = [
            mi.mutual_information(values, pairs, factor, intervals=False).rho
            for values, pairs in ((features, first), (features[order], second))
        ]
        assert np.allclose(*rho)


@many
@given(st.floats(-50, 50), st.floats(-50, 50), st.integers(1, 5000))
def test_shares_are_shares(shape, texture, units) -> None:
    shares = softmax_shares(np.array(shape), np.array(texture))
    assert shares.sum() == pytest.approx(1)
    assert (shares >= 0).all()
    whole = whole_dimensions(shares, units)
    assert sum(whole.values()) == units
    assert min(whole.values()) >= 0
    assert whole["shape"] <= shares[0] * units


@many
@given(
    arrays(float, st.integers(1, 40), elements=st.floats(0, 1) | st.just(np.nan)),
    st.floats(0.01, 0.5),
)
def test_false_discovery_rate(p_values, fdr) -> None:
    from statsmodels.stats.multitest import multipletests

    found = mi.significant_units(p_values, fdr)
    tested = ~np.isnan(p_values)
    assert not found[~tested].any()
    if tested.any():
        assert np.array_equal(found[tested], multipletests(p_values[tested], fdr, "fdr_bh")[0])


@many
@given(
    arrays(
        float,
        array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=12),
        elements=st.integers(-3, 3).map(float),
    )
)
def test_normal_scores_are_ranks(values) -> None:
    scores = mi.normal_scores(values)
    for column, given_values in zip(scores.T, values.T, strict=True):
        if len(set(given_values)) == 1:
            assert (column == 0).all()
            continue
        assert column.mean() == pytest.approx(0, abs=1e-9)
        assert column.std() == pytest.approx(1)
        above = given_values[:, None] > given_values[None]
        assert (column[:, None] > column[None])[above].all()
        assert (column[:, None] == column[None])[given_values[:, None] == given_values[None]].all()


# --- corruption errors ---------------------------------------------------------------------------


def accuracies(seed: int) -> pd.DataFrame:
    cells = [("none", 0), *((kind, level) for kind in ("blur", "noise", "fog") for level in (1, 3))]
    frame = pd.DataFrame(cells, columns=["corruption", "severity"])
    return frame.assign(accuracy=random(seed).uniform(0.1, 0.9, len(frame)))


@few
@given(seeds)
def test_corruption_errors(seed) -> None:
    own, other = accuracies(seed), accuracies(seed + 1)
    found = errors.error_ratios(own, other).set_index("corruption")
    shuffled = errors.error_ratios(own.sample(frac=1, random_state=seed), other[::-1])
    shuffled = shuffled.set_index("corruption").loc[found.index]
    assert np.allclose(shuffled["error_ratio"], found["error_ratio"])
    assert np.allclose(errors.error_ratios(own, own)["error_ratio"], 1)
    types = found.drop(index=["sum", "log_mean"])
    assert found.loc["sum", "error_ratio"] == pytest.approx(
        types["error"].sum() / types["baseline_error"].sum()
    )
    logs = np.log(types["error_ratio"]).mean()
    assert found.loc["log_mean", "error_ratio"] == pytest.approx(np.exp(logs))
    for kind, row in types.iterrows():
        sums = [1 - t.loc[t["corruption"] == kind, "accuracy"].mean() for t in (own, other)]
        assert row["error_ratio"] == pytest.approx(sums[0] / sums[1])
    with pytest.raises(InputError, match="twice"):
        errors.error_ratios(pd.concat([own, own]), other)
    perfect = other.assign(accuracy=1.0)
    assert errors.error_ratios(own, perfect)["error_ratio"].isna().all()


# --- cue strength --------------------------------------------------------------------------------


@few
@given(seeds, st.floats(0.2, 5), st.floats(-2, 2))
def test_balance_point_moves_with_the_unit(seed, scale, offset) -> None:
    strengths = np.linspace(0, 1, 5)
    shape = random(seed).binomial(60, 1 / (1 + np.exp(8 * (strengths - 0.5)))).astype(float)
    texture = 60 - shape
    found = cue_strength.fit(strengths, shape, texture)
    moved = cue_strength.fit(scale * strengths + offset, shape, texture)
    assert moved.balance == pytest.approx(scale * found.balance + offset, rel=1e-5, abs=1e-5)
    assert moved.slope * scale == pytest.approx(found.slope, rel=1e-5)
    order = random(seed).permutation(5)
    again = cue_strength.fit(strengths[order], shape[order], texture[order])
    assert again.balance == pytest.approx(found.balance)
    twice = cue_strength.fit(strengths, 2 * shape, 2 * texture)
    assert twice.balance == pytest.approx(found.balance)
    other = cue_strength.logistic(strengths, texture, shape)  # the cues change places
    assert other == pytest.approx([-found.intercept, -found.slope], rel=1e-5)


@many
@given(arrays(float, (2, 4), elements=st.integers(0, 6).map(float)))
def test_a_fit_has_values_or_a_reason(counts) -> None:
    found = cue_strength.fit(np.array([0.0, 0.3, 0.6, 1.0]), *counts)
    assert np.isfinite(found.balance) != bool(found.reason)
    if not found.reason:
        assert 0 <= found.balance <= 1
        assert found.slope < 0


# --- correlation over networks -------------------------------------------------------------------


@many
@given(arrays(float, (2, 9), elements=st.integers(-4, 4).map(float)))
def test_rank_correlation(values) -> None:
    from scipy.stats import spearmanr

    x, y = values
    found = correlation.spearman(x, y)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert np.isnan(found)
        return
    assert found == pytest.approx(spearmanr(x, y).statistic)
    assert correlation.spearman(y, x) == pytest.approx(found)
    assert correlation.spearman(np.exp(x), 5 * y - 2) == pytest.approx(found)
    assert correlation.spearman(-x, y) == pytest.approx(-found)
    assert correlation.spearman(x[::-1], y[::-1]) == pytest.approx(found)


@many
@given(arrays(float, st.integers(1, 12), elements=st.floats(0, 1)))
def test_holm(p_values) -> None:
    from statsmodels.stats.multitest import multipletests

    assert np.allclose(correlation.holm(p_values), multipletests(p_values, method="holm")[1])


# --- receptive fields ----------------------------------------------------------------------------

layer = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(0, 3), st.integers(1, 3))


@many
@given(st.lists(layer, max_size=4), st.integers(-3, 9))
def test_fields_of_stacked_windows(layers, position) -> None:
    """Against following every path of one output position back to the input."""
    interval = Interval()
    for kernel, stride, padding, dilation in layers:
        interval = interval.window(kernel, stride, padding, dilation)
    reached = {position}
    for kernel, stride, padding, dilation in reversed(layers):
        reached = {p * stride - padding + dilation * k for p in reached for k in range(kernel)}
    assert interval.at(position) == (min(reached), max(reached))
    size, jump = 1, 1
    for kernel, stride, _, dilation in layers:
        size, jump = size + (kernel - 1) * dilation * jump, jump * stride
    assert (interval.size, interval.jump) == (size, jump)


@many
@given(st.lists(layer, max_size=3), st.integers(1, 4), st.integers(1, 3), st.integers(-4, 8))
def test_fields_after_upsampling(layers, kernel, stride, position) -> None:
    interval = Interval()
    for one in layers:
        interval = interval.window(*one)
    up = interval.transposed(kernel, stride, 0, 1)
    reads = {(position - k) // stride for k in range(kernel) if (position - k) % stride == 0}
    if reads:
        below = [interval.at(one) for one in reads]
        assert up.at(position) == (min(a for a, _ in below), max(b for _, b in below))
    assert up.jump == interval.jump / stride
    assert up.union(up).at(position) == up.at(position)
