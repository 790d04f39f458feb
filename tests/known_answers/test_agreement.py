"""Agreement between measures against built orders, other people's code, enumeration and simulation."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from texshape.comparison import agreement, correlation, ties
from texshape.comparison.columns import AGREEMENT
from texshape.config.comparison import ComparisonSettings
from texshape.techniques import registry
from texshape.techniques.base import Measure

SETTINGS = ComparisonSettings.of(resamples=400, permutations=400)


def comparison(values: dict[str, np.ndarray], *, arms: list[str] | None = None) -> pd.DataFrame:
    """A joined table: measure -> values (networks,) or (networks, seeds), NaN where it was not made."""
    rows = []
    for measure, given in values.items():
        for network, seeds in enumerate(np.asarray(given, float).reshape(len(given), -1)):
            arm = arms[network] if arms else "plain"
            rows += [
                {"model": f"net{network}--{arm}", "architecture": f"net{network}", "arm": arm,
                 "seed": seed, "measure": measure, "value": value, "source": f"{measure}.csv: all"}
                for seed, value in enumerate(seeds)
            ]  # fmt: skip
    return pd.DataFrame(rows).astype({"seed": "Int64"})


def found(values: dict[str, np.ndarray], settings=SETTINGS, **options) -> pd.DataFrame:
    arms = options.pop("arms", None)
    table = agreement.agreement(comparison(values, arms=arms), settings, **options)
    AGREEMENT.check(table)
    return table.set_index(["measure_x", "measure_y"])


@pytest.mark.parametrize("rho", [0.4, -0.4])
def test_a_coefficient_without_an_interval_decides_nothing(rho):
    row = {
        "tied": "",
        "rho": rho,
        "ci_low": np.nan,
        "ci_high": np.nan,
        "p_holm": 0.001,
        "n_tests": 3,
    }
    assert agreement.judge(row, 0.05)[0] == agreement.UNDECIDED
    sure = row | {"ci_low": rho - 0.1, "ci_high": rho + 0.1}
    assert agreement.judge(sure, 0.05)[0] == (agreement.AGREE if rho > 0 else agreement.CONTRARY)


def test_orders_that_agree_oppose_and_have_nothing_in_common():
    bias = np.arange(20.0)
    nothing = np.array([9, 2, 15, 4, 19, 0, 12, 7, 17, 5, 10, 14, 1, 18, 3, 11, 6, 16, 8, 13.0])
    assert abs(correlation.spearman(bias, nothing)) < 0.15
    values = {
        "readout_shape": bias**3,
        "shape_bias": bias,
        "cue_match_rate": -bias,
        "plain_accuracy": nothing,
        "shuffling_ratio": -np.exp(bias),  # of texture: the less of it, the more shape
        "readout_texture": bias,
    }
    table = found(values)
    assert set(table.loc["shape_bias"].index) == set(values) - {"shape_bias"}  # it stands first
    assert len(table) == 15
    verdicts = table.loc["shape_bias", "verdict"].to_dict()
    assert verdicts == {
        "readout_shape": "agree",
        "cue_match_rate": "contrary",
        "plain_accuracy": "undecided",
        "shuffling_ratio": "agree",
        "readout_texture": "contrary",
    }
    assert table.loc["shape_bias", "rho"].round(6).to_dict() == pytest.approx(
        {
            "readout_shape": 1,
            "cue_match_rate": -1,
            "plain_accuracy": float(correlation.spearman(bias, nothing)),
            "shuffling_ratio": 1,
            "readout_texture": -1,
        },
        abs=1e-5,
    )
    # Two measures of texture that oppose each other do so whichever way both are turned.
    assert table.loc[("readout_texture", "shuffling_ratio"), "rho"] == pytest.approx(-1)
    undecided = table.loc[("shape_bias", "plain_accuracy")]
    assert undecided["reason"] == "the interval holds zero"
    decided = table["verdict"].isin(["agree", "contrary"])
    assert (table["reason"] == "")[decided].all()
    assert (table["reason"] != "")[~decided].all()


def test_coefficients_are_those_of_scipy_with_ties_and_gaps():
    from scipy.stats import spearmanr

    random = np.random.default_rng(3)
    values = {
        name: random.integers(0, 8, 24).astype(float)
        for name in ("shape_bias", "readout_shape", "segmentation_binary", "used_texture")
    }
    values["readout_shape"][:5] = np.nan
    values["used_texture"][20:] = np.nan
    table = found(values)
    for (x, y), row in table.iterrows():
        both = ~np.isnan(values[x]) & ~np.isnan(values[y])
        sign = -1 if "used_texture" in (x, y) else 1
        expected = sign * spearmanr(values[x][both], values[y][both]).statistic
        assert row["rho"] == pytest.approx(expected)
        assert row["n_networks"] == row["n_seeds"] == both.sum()


def test_p_is_that_of_all_permutations():
    bias = np.arange(6.0)
    other = np.array([1, 0, 3, 2, 5, 4.0])
    few = ComparisonSettings.of(resamples=50, permutations=20_000, least_networks=6)
    (row,) = found({"shape_bias": bias, "plain_accuracy": other}, few).to_dict("records")
    rho = correlation.spearman(bias, other)
    all_of_them = correlation.spearman(bias, np.array(list(permutations(other))))
    expected = np.mean(np.abs(all_of_them) >= rho - 1e-12)
    assert row["rho"] == pytest.approx(rho)
    assert row["p_value"] == pytest.approx(expected, abs=0.005)
    assert row["p_holm"] == row["p_value"]


def test_seeds_of_a_network_are_no_networks():
    random = np.random.default_rng(4)
    bias = np.arange(9.0)[:, None] + random.normal(0, 0.1, (9, 5))
    table = found({"shape_bias": bias, "readout_shape": bias})
    (row,) = table.to_dict("records")
    assert np.isnan(row["rho"])
    assert np.isnan(row["p_holm"])
    assert (row["n_networks"], row["n_seeds"], row["n_tests"]) == (9, 45, 0)
    assert row["verdict"] == "undecided"
    assert row["reason"] == "9 networks have both measures, 10 needed"


def test_humans_are_no_network_and_a_constant_decides_nothing():
    values = {"shape_bias": np.arange(10.0), "readout_shape": np.ones(10)}
    (row,) = found(values).to_dict("records")
    assert (row["verdict"], row["reason"]) == (
        "undecided", "all 10 networks have the same value of one of the two",
    )  # fmt: skip
    frame = comparison(dict.fromkeys(values, values["shape_bias"]))
    frame.loc[frame["model"] == "net9--plain", "architecture"] = "humans"
    (row,) = agreement.agreement(frame, SETTINGS).to_dict("records")
    assert row["n_networks"] == 9
    assert row["verdict"] == "undecided"
    assert agreement.agreement(frame.iloc[:0], SETTINGS).empty


def test_measures_that_are_tied_are_no_finding():
    bias = np.arange(12.0)
    names = ("shape_bias", "used_shape", "readout_shape", "readout_shape_best")
    table = found(dict.fromkeys(names, bias))
    assert table.loc[("shape_bias", "used_shape"), "verdict"] == "tied"
    assert table.loc[("readout_shape", "readout_shape_best"), "reason"] == "the same activations"
    assert table.loc[("shape_bias", "readout_shape"), "verdict"] == "agree"


def test_a_change_is_tied_to_what_it_starts_from():
    """Whatever spoils a network ends at one half: the change is 1/2 minus the bias, contrary by arithmetic."""
    named = [one for name in ("top_k", "steering") for one in registry.get(name).measures]
    bias = np.linspace(0.05, 0.95, 12)
    end = 0.5 + np.random.default_rng(3).normal(0, 0.02, 12)
    values = {
        "shape_bias": bias,
        "readout_shape": bias,
        "top_k_bias_change": end - bias,
        "steering_slope": bias * (1 - bias),
        "change_of_another": end - bias,
    }
    table = found(values, others=named)
    own = table.loc["shape_bias"]
    assert own.loc["top_k_bias_change", "rho"] < -0.9
    assert own.loc["top_k_bias_change", "verdict"] == "tied"
    assert "a change from that bias" in own.loc["top_k_bias_change", "reason"]
    assert own.loc["steering_slope", "verdict"] == "tied"
    assert own.loc["change_of_another", "verdict"] == "contrary"  # nothing says what it is of
    assert own.loc["readout_shape", "verdict"] == "agree"
    assert table.loc[("readout_shape", "top_k_bias_change"), "verdict"] == "contrary"


def test_a_tie_is_found_from_either_side_and_from_each_list():
    change = Measure("change", "change", "", "t", "v", tied={"shape_bias": "a change from it"})
    declared = {"change": change}
    assert ties.tie("change", "shape_bias", declared) == "a change from it"
    assert ties.tie("shape_bias", "change", declared) == "a change from it"
    assert ties.tie("change", "readout_shape", declared) == ""
    assert ties.tie("change", "shape_bias", {}) == ""
    assert (
        ties.tie("used_shape", "shape_bias", declared) == "at most the share of decisions for shape"
    )
    assert ties.tie("information_shape", "readout_shape_best", declared) == "the same activations"
    for tied in ({"shape_bias": ""}, {"change": "itself"}):
        with pytest.raises(ValueError, match="measure 'change': tied to"):
            Measure("change", "change", "", "t", "v", tied=tied)


def test_two_kinds_of_training_that_lie_apart_are_told_from_an_order_within_them():
    random = np.random.default_rng(5)
    arms = ["plain"] * 10 + ["stylized"] * 10
    apart = np.repeat([0.0, 50.0], 10)
    first, second = (apart + random.permutation(20) for _ in range(2))
    table = found({"shape_bias": first, "readout_shape": second}, arms=arms)
    (row,) = table.to_dict("records")
    assert row["rho"] > 0.7
    assert row["n_within"] == 20
    held = correlation.within(first, second, arms, permutations=400, seed=[0, 3])
    assert (row["within_rho"], row["within_p"]) == held[:2]
    assert abs(row["within_rho"]) < 0.5
    assert row["within_holm"] == row["within_p"] > 0.05


def test_what_a_measure_declares_turns_it():
    bias = np.arange(12.0)
    names = ("of_texture", "of_shape", "of_neither")
    others = [Measure(name, f"{name} in words", "fraction", "t", "value", cue=cue)
              for name, cue in zip(names, ("texture", "shape", ""), strict=True)]  # fmt: skip
    table = found(dict.fromkeys(("shape_bias", *names, "unknown_one"), bias), others=others)
    with_bias = table.loc["shape_bias"]
    assert with_bias["verdict"].to_dict() == {
        "of_texture": "contrary", "of_shape": "agree", "of_neither": "agree",
        "unknown_one": "agree",
    }  # fmt: skip
    assert with_bias.loc["of_texture", "label_y"] == "of_texture in words"
    assert with_bias.loc["unknown_one", "label_y"] == "unknown one"
    with pytest.raises(ValueError, match="no cue 'colour'"):
        Measure("a", "a", "fraction", "t", "value", cue="colour")


def test_a_measure_more_does_not_change_the_coefficients_of_the_others():
    random = np.random.default_rng(6)
    values = {name: random.normal(size=(14, 2)) for name in ("shape_bias", "readout_shape", "b")}
    columns = ["rho", "ci_low", "ci_high", "p_value", "within_rho", "within_p"]
    alone = found({name: values[name] for name in ("shape_bias", "readout_shape")})
    more = found(values)
    pair = ("shape_bias", "readout_shape")
    pd.testing.assert_series_equal(alone.loc[pair, columns], more.loc[pair, columns])


NETWORKS, WORLDS = 16, 60


@pytest.fixture(scope="module")
def independent() -> pd.DataFrame:
    """Rows of worlds in which six measures have nothing to do with each other."""
    random = np.random.default_rng(7)
    names = ("shape_bias", "readout_shape", "plain_accuracy", "a", "b", "c")
    tables = [
        found({name: random.normal(size=NETWORKS) for name in names},
              ComparisonSettings.of(resamples=100, permutations=2000), seed=world)
        .assign(world=world)
        for world in range(WORLDS)
    ]  # fmt: skip
    return pd.concat(tables)


def test_unrelated_measures_agree_in_few_worlds(independent):
    """Each of two families is wrong in at most one world of twenty; without correction in many."""
    for family, tests in (("shape_bias", 5), ("others", 10)):
        own = independent[independent["family"] == family]
        assert (own["n_tests"] == tests).all()
        corrected = (own["p_holm"] < 0.05).groupby(own["world"]).any().mean()
        raw = (own["p_value"] < 0.05).groupby(own["world"]).any().mean()
        error = np.sqrt(0.05 * 0.95 / WORLDS)
        assert corrected <= 0.05 + 2.6 * error
        assert raw == pytest.approx(1 - 0.95**tests, abs=0.16)
    assert (independent["verdict"] != "undecided").mean() < 0.02


def test_intervals_cover_the_correlation_of_the_population():
    """Spearman's coefficient of two normal variables is 6 / pi arcsin(r / 2)."""
    random = np.random.default_rng(8)
    r = 0.6
    truth = 6 / np.pi * np.arcsin(r / 2)
    few = ComparisonSettings.of(resamples=300, permutations=20)
    covered = []
    for world in range(150):
        x, z = random.normal(size=(2, 25))
        values = {"shape_bias": x, "readout_shape": r * x + np.sqrt(1 - r**2) * z}
        (row,) = found(values, few, seed=world).to_dict("records")
        covered.append(row["ci_low"] <= truth <= row["ci_high"])
    assert np.mean(covered) == pytest.approx(0.95, abs=0.05)
