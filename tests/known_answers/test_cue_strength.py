"""The balance point from simulated decisions, and the fit against statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from texshape.techniques.cue_strength import curve as cue_strength
from texshape.techniques.cue_strength.curve import curve, fit, logistic, separated

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


def test_two_classes_have_a_balance_point():
    """Every decision matches one of two classes, so the rate that guessing reaches says nothing."""
    trials = simulate(0.3, -6, seed=2, other=0, n=40)
    frame = trials[trials["shape"].isin(["c0", "c1"]) & trials["texture"].isin(["c0", "c1"])]
    result = curve(frame, resamples=200, seed=0)
    assert (result["cue_match_rate"] == 1).all()
    assert result.iloc[0]["balance_point"] == pytest.approx(0.3, abs=0.12)
    assert result.iloc[0]["reason"] == ""
    assert result["verdict"].iloc[-1] == "texture-biased"


def test_interval_covers_the_balance_point_about_as_often_as_it_says():
    inside = 0
    for seed in range(60):
        row = curve(simulate(0.3, -5, seed=seed, n=3), resamples=200, seed=seed).iloc[0]
        inside += row["balance_low"] <= 0.3 <= row["balance_high"]
    assert inside >= 51  # 95 % of 60 is 57; fewer than 51 has a probability below 1 %


@pytest.mark.parametrize(("seed", "has"), [(1, [True, False, False]), (2, [True, True, False])])
def test_an_interval_needs_resamples_that_fall_as_often_as_it_covers(seed, has):
    """Near a flat curve some resamples rise and have no balance point: more than 5 %, less than 5 %."""
    trials = simulate(0.5, -0.3, seed=seed, n=3)
    found = [
        curve(trials, resamples=200, level=level, seed=0).iloc[0] for level in (0.9, 0.95, 0.99)
    ]
    assert [bool(np.isfinite(row["balance_low"])) for row in found] == has
    assert len({row["balance_point"] for row in found}) == 1


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


def test_falling_shares_are_antitonic_least_squares():
    from sklearn.isotonic import isotonic_regression

    random = np.random.default_rng(5)
    shape, texture = random.integers(0, 40, (2, 50, 6)).astype(float)
    shape[0, 2] = texture[0, 2] = 0  # a strength without decisions takes its neighbours' share
    found = cue_strength.falling_shares(shape, texture)
    for row in range(1, 50):
        total = shape[row] + texture[row]
        expected = isotonic_regression(shape[row] / total, sample_weight=total, increasing=False)
        np.testing.assert_allclose(found[row], expected, atol=1e-12)
    assert (np.diff(found[0]) <= 1e-12).all()
    assert np.isnan(cue_strength.falling_shares(np.zeros(3), np.zeros(3))).all()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ([90, 70, 30, 10], 0.375),  # 70 to 30 % between 0.25 and 0.5: in the middle
        ([90, 50, 30, 10], 0.25),  # one half itself
        ([60, 80, 40, 0], 0.25 + 0.25 * 20 / 30),  # 60 and 80 are pooled to 70, then 40
        ([90, 80, 70, 60], np.inf),
        ([40, 30, 20, 10], -np.inf),
    ],
)
def test_crossing_by_hand(shape, expected):
    strengths, shape = np.array([0, 0.25, 0.5, 1.0]), np.array(shape, float)
    found = cue_strength.crossing(strengths, shape, 100 - shape)
    assert found == pytest.approx(expected)


def deciding(shares, matches, exemplars=8, strengths=(0, 0.25, 0.5, 0.75, 1.0)):
    """Trials of four classes: at each strength such a share of matches is for shape, the rest is na."""
    import pandas as pd

    classes, rows = "abcd", []
    for strength, share, match in zip(strengths, shares, matches, strict=True):
        number = 0
        for s in classes:
            for e in range(exemplars):
                for t in classes:
                    if s == t:
                        continue
                    number += 1
                    spread = (0.618034 * number) % 1  # evenly over [0, 1], whatever the exemplar
                    second = (0.754878 * number) % 1
                    decision = "na" if spread >= match else s if second < share else t
                    rows.append((strength, s, t, f"{s}{e}", f"{t}{number % 5}", decision))
    columns = ["strength", "shape", "texture", "shape_exemplar", "texture_exemplar", "decision"]
    return pd.DataFrame(rows, columns=columns)


def test_names_along_the_curve_have_their_guards():
    shares = (0.9, 0.8, 0.5, 0.2, 0.1)
    table = cue_strength.curve(deciding(shares, (1, 1, 1, 1, 1)), resamples=300)
    assert table["verdict"].tolist() == [
        "no texture", "shape-biased", "neither", "texture-biased", "texture-biased",
    ]  # fmt: skip
    assert 0.25 < table["crossing"][0] < 0.75
    assert (table["crossing_reason"] == "").all()
    faint = cue_strength.curve(deciding(shares, (0.4, 0.4, 0.4, 1, 1)), resamples=300)
    # 4 classes: two of four are matched by guessing
    assert faint["verdict"].tolist()[:3] == ["no texture", "follows no cue", "follows no cue"]
    assert faint["verdict"].tolist()[3:] == ["texture-biased", "texture-biased"]


def test_no_point_where_decisions_are_guesses():
    shares, matches = (0.9, 0.8, 0.3, 0.2, 0.1), (0.4, 0.4, 0.4, 1, 1)
    table = cue_strength.curve(deciding(shares, matches), resamples=300)
    for column, reason in (("balance_point", "reason"), ("crossing", "crossing_reason")):
        assert table[column].isna().all()
        assert (table[reason] == cue_strength.GUESSED).all()
    seen = cue_strength.curve(deciding(shares, (1, 1, 1, 1, 1)), resamples=300)
    assert seen["crossing"].notna().all()


def test_why_there_is_no_crossing():
    everywhere = cue_strength.curve(deciding((0.95, 0.9, 0.85, 0.8, 0.7), [1] * 5), resamples=100)
    assert (everywhere["crossing_reason"] == cue_strength.ABOVE).all()
    assert (everywhere["reason"] == "balance point outside the strengths shown").all()
    nowhere = cue_strength.curve(deciding((0.4, 0.3, 0.2, 0.2, 0.1), [1] * 5), resamples=100)
    assert (nowhere["crossing_reason"] == cue_strength.BELOW).all()
    rising = cue_strength.curve(deciding((0.7, 0.75, 0.8, 0.9, 0.95), [1] * 5), resamples=100)
    assert (rising["reason"] == cue_strength.NOT_FALLING).all()
    assert (rising["crossing_reason"] == cue_strength.ABOVE).all()


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        # The nearest falling curve pools shares that rise; it says nothing of each strength.
        ((0.4, 0.96, 0.96, 0.95, 0.9), cue_strength.FITTED_ABOVE),
        ((0.1, 0.6, 0.1, 0.05, 0.04), cue_strength.FITTED_BELOW),
    ],
)
def test_a_curve_without_crossing_is_not_taken_for_its_shares(shares, reason):
    table = cue_strength.curve(deciding(shares, [1] * 5), resamples=100)
    assert table["crossing"].isna().all()
    assert (table["crossing_reason"] == reason).all()


def test_intervals_of_both_points_stay_within_the_strengths():
    table = cue_strength.curve(deciding((0.52, 0.45, 0.4, 0.3, 0.2), [1] * 5), resamples=500)
    for name in ("balance", "crossing"):
        assert table[f"{name}_low"][0] == 0
        assert 0 < table[f"{name}_high"][0] < 1


def test_deviance_is_that_of_a_saturated_model():
    shares = (0.9, 0.85, 0.5, 0.15, 0.1)
    table = cue_strength.curve(deciding(shares, [1] * 5), resamples=50)
    sm = pytest.importorskip("statsmodels.api")
    counts = table[["n_shape", "n_texture"]].to_numpy()
    model = sm.GLM(counts, sm.add_constant(table["strength"].to_numpy()),
                   family=sm.families.Binomial()).fit()  # fmt: skip
    assert table["deviance"][0] == pytest.approx(model.deviance, rel=1e-6)
    np.testing.assert_allclose(table["fitted_share"], model.fittedvalues, rtol=1e-6)
