"""The bootstrap of crossed factors against variances worked out by hand.

Deliberate bugs that these tests find: resampling one factor only, the same weights for both,
unpaired exemplars for two networks, observers added up and not resampled, the same draw of
trainings for two networks.
"""

from __future__ import annotations

import numpy as np
import pytest

from texshape.trials import bootstrap
from texshape.trials.score import Decisions, bias_draws, differences, score

RESAMPLES = 20_000


def test_weights_are_multinomial():
    weights = bootstrap.draw_weights(np.random.default_rng(1), 12, RESAMPLES)
    assert (weights.sum(axis=1) == 12).all()
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.04)
    np.testing.assert_allclose(weights.var(axis=0), 1 - 1 / 12, rtol=0.05)
    covariance = np.cov(weights[:, 0], weights[:, 1])[0, 1]
    assert covariance == pytest.approx(-1 / 12, abs=0.03)


def test_additive_table_has_the_variance_of_both_factors():
    # count = x_i + y_j: the total is B sum(w_i x_i) + A sum(v_j y_j), since weights sum to A and B.
    generator = np.random.default_rng(2)
    x, y = generator.integers(0, 9, 20), generator.integers(0, 9, 7)
    rows, columns = len(x), len(y)
    totals = bootstrap.resample_totals((x[:, None] + y)[None], resamples=RESAMPLES, seed=3)[:, 0]
    expected = columns**2 * rows * x.var() + rows**2 * columns * y.var()
    assert totals.mean() == pytest.approx(columns * x.sum() + rows * y.sum(), rel=0.01)
    assert totals.var() == pytest.approx(expected, rel=0.05)


def test_factors_are_drawn_apart():
    # With x = y and the same weights for both, the variance would be twice this.
    x = np.random.default_rng(20).integers(0, 9, 15)
    totals = bootstrap.resample_totals((x[:, None] + x)[None], resamples=RESAMPLES, seed=3)[:, 0]
    assert totals.var() == pytest.approx(2 * 15**3 * x.var(), rel=0.05)


def test_single_column_is_the_ordinary_bootstrap():
    right = (np.arange(200) < 60).astype(float)
    totals = bootstrap.resample_totals(right[None, :, None], resamples=RESAMPLES, seed=4)[:, 0]
    share = totals / 200
    assert share.std() == pytest.approx(np.sqrt(0.3 * 0.7 / 200), rel=0.03)
    low, high = bootstrap.interval(share)
    assert low == pytest.approx(0.3 - 1.96 * np.sqrt(0.3 * 0.7 / 200), abs=0.006)
    assert high == pytest.approx(0.3 + 1.96 * np.sqrt(0.3 * 0.7 / 200), abs=0.006)


def test_observers_who_differ_widen_the_interval():
    # Each observer gives the same count everywhere, so only the observers vary.
    levels = np.array([2.0, 4.0, 9.0, 5.0])
    tables = np.broadcast_to(levels[:, None, None], (4, 6, 3))
    totals = bootstrap.resample_totals(tables, resamples=RESAMPLES, seed=5)
    np.testing.assert_array_equal(totals, np.broadcast_to(18 * levels, totals.shape))
    pooled = bootstrap.pool_observers(totals, seed=5)
    assert pooled.var() == pytest.approx(18**2 * 4 * levels.var(), rel=0.05)


def test_blocks_do_not_change_the_draws(monkeypatch):
    counts = np.random.default_rng(6).integers(0, 5, (3, 11, 4))
    whole = bootstrap.resample_totals(counts, resamples=500, seed=7)
    monkeypatch.setattr(bootstrap, "_BLOCK", 100)
    np.testing.assert_array_equal(bootstrap.resample_totals(counts, resamples=500, seed=7), whole)
    assert not np.array_equal(bootstrap.resample_totals(counts, resamples=500, seed=8), whole)


def _decide(subject: str, share_of_shape: float, seed: int, classes: int = 6) -> Decisions:
    """Every shape exemplar with every texture exemplar; each shape exemplar has its own pull."""
    generator = np.random.default_rng(seed)
    own = Decisions(subject)
    for c in range(classes):
        for i in range(8):
            pull = generator.uniform(0, 1) < share_of_shape
            for d in range(classes):
                for j in range(2):
                    own.shape.append(f"c{c}")
                    own.texture.append(f"c{d}")
                    own.shape_exemplar.append(f"c{c}-{i}")
                    own.texture_exemplar.append(f"c{d}-{j}")
                    own.response.append(f"c{c}" if pull else f"c{d}")
    return own


def test_interval_is_that_of_exemplars_not_of_trials():
    # All trials of a shape exemplar end alike: 48 independent outcomes, not 480.
    own = _decide("net", 0.5, seed=8)
    (row,), _ = score({"net": own}, seed=9)
    p = row["shape_bias"]
    expected = 2 * 1.96 * np.sqrt(p * (1 - p) / 48)
    assert row["n_conflict"] == 48 * 10
    assert row["ci_high"] - row["ci_low"] == pytest.approx(expected, rel=0.15)


def test_a_network_does_not_differ_from_itself():
    own = _decide("net", 0.5, seed=10)
    (row,) = differences({"a": [own], "b": [own]}, seed=11)
    assert (row["difference"], row["ci_low"], row["ci_high"]) == (0, 0, 0)
    _, draws = bias_draws([[own], [own]], seed=11)
    assert draws[:, 0].std() > 0.05


def test_pairs_use_the_images_in_common():
    first, second = _decide("a", 0.2, seed=12), _decide("b", 0.9, seed=13)
    kept = [i for i, name in enumerate(second.shape_exemplar) if not name.startswith("c0")]
    columns = ("shape", "texture", "response", "shape_exemplar", "texture_exemplar")
    part = Decisions("b", *([getattr(second, c)[i] for i in kept] for c in columns))
    (row,) = differences({"a": [first], "b": [part]}, resamples=500, seed=1)
    assert row["n"] == 40 * 10
    assert -1 < row["ci_low"] <= row["difference"] <= row["ci_high"] < 0


def test_several_seeds_are_resampled():
    alike = [_decide("a", 0.5, seed=14)] * 2
    apart = [_decide("b", 0.5, seed=14), _decide("b", 0.95, seed=14)]
    _, draws = bias_draws([alike, apart], seed=15)
    single, _ = bias_draws([alike[:1], alike], resamples=10, seed=15)
    assert single[0] == single[1]  # pooling equal seeds changes nothing
    assert draws[:, 1].std() > 1.2 * draws[:, 0].std()


def test_trainings_of_two_models_are_drawn_apart():
    # Two models with the same two trainings differ by nothing, but not surely by nothing.
    apart = [_decide("b", 0.1, seed=14), _decide("b", 0.95, seed=14)]
    (row,) = differences({"a": apart, "b": apart}, seed=16)
    assert row["difference"] == 0
    assert row["ci_low"] < -0.2
    assert row["ci_high"] > 0.2
