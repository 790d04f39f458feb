"""The balance point from simulated decisions, and the fit against statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from texshape.trials.cue_strength import curve, fit, logistic, separated

STRENGTHS = np.array([0, 0.1, 0.2, 0.4, 0.7, 1.0])


def simulate(balance: float, slope: float, seed: int, *, other: float = 0.1, n: int = 6):
    """Trials of an observer whose shape share is a logistic function of the strength."""
    rng = np.random.default_rng(seed)
    classes = [f"c{i}" for i in range(6)]
    rows = [
        (a, s, t, f"{s}{i}", f"{t}{i % 3}")
        for a in STRENGTHS
        for s in classes
        for t in classes
        for i in range(n)
    ]
    frame = pd.DataFrame(
        rows, columns=["strength", "shape", "texture", "shape_exemplar", "texture_exemplar"]
    )
    share = 1 / (1 + np.exp(-slope * (frame["strength"] - balance)))
    cue = np.where(rng.random(len(frame)) < share, frame["shape"], frame["texture"])
    frame["decision"] = np.where(rng.random(len(frame)) < other, "elsewhere", cue)
    return frame


@pytest.mark.parametrize("balance", [0.2, 0.5])
def test_balance_point_is_recovered_within_its_interval(balance):
    result = curve(simulate(balance, -6, seed=1, n=12), resamples=500, seed=0).iloc[0]
    assert result["balance_point"] == pytest.approx(balance, abs=0.05)
    assert result["balance_low"] < balance < result["balance_high"]
    assert result["balance_high"] - result["balance_low"] < 0.2
    assert result["slope"] == pytest.approx(-6, rel=0.25)
    assert result["reason"] == ""


def test_interval_covers_the_balance_point_about_as_often_as_it_says():
    inside = 0
    for seed in range(60):
        row = curve(simulate(0.3, -5, seed=seed, n=3), resamples=200, seed=seed).iloc[0]
        inside += row["balance_low"] <= 0.3 <= row["balance_high"]
    assert inside >= 51  # 95 % of 60 is 57; fewer than 51 has a probability below 1 %


def test_fit_is_the_binomial_glm_of_statsmodels():
    import statsmodels.api as sm

    shape = np.array([50, 44, 39, 20, 8, 2])
    texture = np.array([4, 9, 18, 33, 50, 58])
    design = sm.add_constant(STRENGTHS)
    expected = sm.GLM(np.c_[shape, texture], design, family=sm.families.Binomial()).fit().params
    assert logistic(STRENGTHS, shape, texture) == pytest.approx(expected, rel=1e-6)
    many = logistic(STRENGTHS, np.stack([shape, texture]), np.stack([texture, shape]))
    assert many[0] == pytest.approx(-many[1], rel=1e-6)


def test_curve_counts_and_shares():
    frame = simulate(0.3, -5, seed=0)
    result = curve(frame, resamples=100)
    conflict = frame[frame["shape"] != frame["texture"]]
    assert list(result["strength"]) == list(STRENGTHS)
    for row in result.itertuples():
        here = conflict[conflict["strength"] == row.strength]
        n_shape = (here["decision"] == here["shape"]).sum()
        n_texture = (here["decision"] == here["texture"]).sum()
        assert (row.n_shape, row.n_texture, row.n_conflict) == (n_shape, n_texture, len(here))
        assert row.shape_share == pytest.approx(n_shape / (n_shape + n_texture))
        assert row.cue_match_rate == pytest.approx((n_shape + n_texture) / len(here))
        assert row.ci_low <= row.shape_share <= row.ci_high


def test_separation_is_found_where_the_likelihood_has_no_maximum():
    x = np.array([0.0, 0.5, 1.0])
    assert separated(x, np.array([5, 0, 0]), np.array([0, 5, 5]))
    assert separated(x, np.array([5, 5, 0]), np.array([0, 5, 5]))  # quasi-complete
    assert not separated(x, np.array([5, 1, 0]), np.array([1, 5, 5]))
    assert np.isnan(logistic(x, np.array([5, 5, 0]), np.array([0, 5, 5]))).all()


@pytest.mark.parametrize(
    ("shape", "texture", "reason"),
    [
        ([9, 9, 9], [0, 0, 0], "all decisions for a cue are for the shape"),
        ([0, 0, 0], [9, 9, 9], "all decisions for a cue are for the texture"),
        ([9, 0, 0], [0, 9, 9], "separated"),
        ([1, 5, 9], [9, 5, 1], "do not become fewer"),
        ([9, 9, 8], [1, 1, 2], "outside the strengths"),
        ([5, 0, 0], [5, 0, 0], "fewer than two strengths"),
    ],
)
def test_no_balance_point_has_a_reason(shape, texture, reason):
    result = fit(np.array([0, 0.5, 1.0]), np.array(shape), np.array(texture))
    assert np.isnan(result.balance)
    assert reason in result.reason


def test_no_cue_decision_is_undefined_and_says_so():
    frame = simulate(0.3, -5, seed=0).assign(decision="elsewhere")
    result = curve(frame, resamples=50)
    assert result["shape_share"].isna().all()
    assert (result["cue_match_rate"] == 0).all()
    assert result["reason"].str.contains("no decision for either cue").all()
    same = curve(frame.assign(texture=frame["shape"]))
    assert same.empty
