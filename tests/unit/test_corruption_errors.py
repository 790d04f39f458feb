"""Errors by corruption, relative to a baseline, with marked cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from texshape.errors import InputError
from texshape.techniques.corruptions.errors import (
    against_plain,
    error_ratios,
    mean_errors,
    measure_name,
    picture_errors,
)


def table(fog: tuple[float, float], snow: tuple[float, float], clean: float = 0.95):
    return pd.DataFrame(
        [
            ("none", 0, clean),
            ("fog", 1, fog[0]),
            ("fog", 2, fog[1]),
            ("snow", 1, snow[0]),
            ("snow", 2, snow[1]),
        ],
        columns=["corruption", "severity", "accuracy"],
    )


def test_relative_error_divides_sums_over_severities():
    result = error_ratios(table((0.9, 0.7), (0.5, 0.5)), table((0.8, 0.4), (0.9, 0.7)))
    result = result.set_index("corruption")
    assert result.loc["fog", "error"] == pytest.approx(0.2)
    # the quotient of the sums 0.4 / 0.8, not the mean of the quotients 0.5 and 0.5
    assert result.loc["fog", "error_ratio"] == pytest.approx(0.5)
    assert result.loc["snow", "error_ratio"] == pytest.approx(1.0 / 0.4)
    # over types: 1.4 errors to 1.2, not the mean of 0.5 and 2.5; and the root of their product
    assert result.loc["sum", "error_ratio"] == pytest.approx(1.4 / 1.2)
    assert result.loc["log_mean", "error_ratio"] == pytest.approx((0.5 * 2.5) ** 0.5)
    # less the clean errors of 0.05 at each severity: 0.3 to 0.7, 0.9 to 0.3, together 1.2 to 1.0
    assert result.loc["fog", "relative_error_ratio"] == pytest.approx(0.3 / 0.7)
    assert result.loc["snow", "relative_error_ratio"] == pytest.approx(0.9 / 0.3)
    assert result.loc["sum", "relative_error_ratio"] == pytest.approx(1.2)
    assert result.loc["fog", "clean_error"] == pytest.approx(0.05)


def test_sum_of_severities_is_not_the_mean_of_quotients():
    ours, baseline = table((0.9, 0.9), (0.9, 0.9)), table((0.9, 0.5), (0.9, 0.5))
    result = error_ratios(ours, baseline).set_index("corruption")
    assert result.loc["fog", "error_ratio"] == pytest.approx(0.2 / 0.6)
    assert result.loc["fog", "error_ratio"] != pytest.approx((1 + 0.2) / 2)


def test_cells_with_a_baseline_error_below_two_percent_are_marked():
    baseline = table((0.99, 0.985), (1.0, 1.0))
    result = error_ratios(table((0.9, 0.9), (0.9, 0.9)), baseline).set_index("corruption")
    assert list(result["marked"]) == [True, True, False, False]
    assert list(result["n_types"].dropna()) == [0, 0]
    assert result.loc[["sum", "log_mean"], "error_ratio"].isna().all()
    assert result.loc["fog", "error_ratio"] == pytest.approx(0.1 / 0.0125)
    assert np.isnan(result.loc["snow", "error_ratio"])  # no errors to divide by
    assert "below 2 %" in result.loc["snow", "reason"]
    assert "2 of 2 types left out" in result.loc["sum", "reason"]
    fine = error_ratios(table((0.9, 0.9), (0.9, 0.9)), table((0.9, 0.9), (0.97, 0.97)))
    assert not fine["marked"].any()


def test_different_cells_and_doubled_rows_are_errors():
    with pytest.raises(InputError, match="'snow' severity 1 was measured for one of two"):
        error_ratios(table((0.9, 0.9), (0.9, 0.9)).drop(3), table((0.9, 0.9), (0.9, 0.9)))
    doubled = pd.concat([table((0.9, 0.9), (0.9, 0.9))] * 2)
    with pytest.raises(InputError, match="occurs twice"):
        mean_errors(doubled)


def test_only_alexnet_makes_an_mce():
    assert measure_name("torchvision:alexnet") == "mCE"
    assert measure_name("cnn--plain") == "corruption error ratio"


def test_each_network_is_divided_by_its_plain_twin():
    frames = []
    for arm, seed, fog in [("plain", 0, 0.8), ("plain", 1, 0.6), ("stylized", 0, 0.9),
                           ("stylized", 1, 0.9), ("stylized", 2, 0.9)]:  # fmt: skip
        one = table((fog, fog), (0.5, 0.5))
        frames.append(one.assign(model=f"cnn--{arm}", architecture="cnn", arm=arm, seed=seed))
    result = against_plain(pd.concat(frames))
    fog = result[result["corruption"] == "fog"].set_index(["arm", "seed"])
    assert fog.loc[("plain", 0), "error_ratio"] == pytest.approx(1)
    assert fog.loc[("stylized", 0), "error_ratio"] == pytest.approx(0.1 / 0.2)
    assert fog.loc[("stylized", 1), "error_ratio"] == pytest.approx(0.1 / 0.4)
    assert np.isnan(fog.loc[("stylized", 2), "error_ratio"])
    assert "no 'plain' network" in fog.loc[("stylized", 2), "reason"]
    assert set(fog["measure"]) == {"corruption error ratio"}


def pictures(name: str = "test-plain", **wrong: list[int]) -> pd.DataFrame:
    n = len(wrong["none"])
    return pd.DataFrame(
        {"set": name, "imagename": [f"{i}.png" for i in range(n)],
         "shape": ["disc", "star"] * (n // 2), "severities": 2, **wrong}
    )  # fmt: skip


def test_a_marked_type_moves_no_summary():
    """One baseline error in 50 pictures would make a mean of quotients."""
    ours = table((0.5, 0.5), (0.6, 0.6))
    for fog in (0.99, 0.999, 1.0):
        result = error_ratios(ours, table((fog, fog), (0.8, 0.8))).set_index("corruption")
        assert result.loc["sum", "error_ratio"] == pytest.approx(2)
        assert result.loc["log_mean", "error_ratio"] == pytest.approx(2)
        assert result.loc["sum", "n_types"] == 1
        assert "1 of 2 types left out" in result.loc["sum", "reason"]


def test_a_baseline_that_corruption_costs_nothing_has_no_relative_quotient():
    result = error_ratios(table((0.8, 0.8), (0.7, 0.7)), table((0.95, 0.97), (0.9, 0.9)))
    result = result.set_index("corruption")
    assert np.isnan(result.loc["fog", "relative_error_ratio"])
    assert result.loc["fog", "error_ratio"] == pytest.approx(0.2 / 0.04)


def test_a_type_that_costs_the_baseline_nothing_counts_on_both_sides_of_the_sum():
    """Of errors beyond clean ones: 0.1 + 0.05 to 0.1 - 0.02; nothing is left out below alone."""
    names = ["corruption", "severity", "accuracy"]
    cells = [("none", 0), ("fog", 1), ("snow", 1)]
    ours, theirs = (
        pd.DataFrame([(*cell, x) for cell, x in zip(cells, values, strict=True)], columns=names)
        for values in ((0.95, 0.85, 0.9), (0.95, 0.85, 0.97))
    )
    result = error_ratios(ours, theirs).set_index("corruption")
    assert result.loc["sum", "relative_error_ratio"] == pytest.approx(0.15 / 0.08)
    assert np.isnan(result.loc["snow", "relative_error_ratio"])
    assert result.loc["sum", "error_ratio"] == pytest.approx(0.25 / 0.18)


def test_a_quotient_that_many_resamples_leave_undefined_has_no_interval():
    """Fog costs one picture in 40 more than nothing does: in a third of the resamples it costs nothing."""
    shown = pictures(none=[0] * 40, fog=[2] + [0] * 39, snow=[2, 0] * 20)
    baseline = pictures(none=[0] * 40, fog=[2, 0] * 20, snow=[2, 0] * 20)
    cells = picture_errors(shown), picture_errors(baseline)
    result = error_ratios(*cells, pictures=(shown, baseline), resamples=500)
    result = result.set_index("corruption")
    assert result.loc["log_mean", "error_ratio"] == pytest.approx((0.05 * 1) ** 0.5)
    assert np.isnan(result.loc["log_mean", ["ci_low", "ci_high"]].to_numpy(float)).all()
    assert np.isfinite(result.loc["sum", ["ci_low", "ci_high"]].to_numpy(float)).all()


def test_errors_by_picture_are_those_of_the_table():
    shown = pictures(none=[0, 0, 0, 1], fog=[0, 1, 2, 1])
    found = picture_errors(shown).set_index("corruption")["accuracy"]
    assert found["none"] == pytest.approx(0.75)
    assert found["fog"] == pytest.approx(1 - 4 / (4 * 2))


def test_a_network_beside_itself_has_no_interval_to_speak_of():
    """The same pictures are drawn for both networks: the quotient is paired."""
    generator = np.random.default_rng(0)
    shown = pictures(
        none=list(generator.integers(0, 2, 60)), fog=list(generator.integers(0, 3, 60))
    )
    cells = picture_errors(shown)
    result = error_ratios(cells, cells, pictures=(shown, shown), resamples=300)
    assert result["ci_low"].to_numpy(float) == pytest.approx(1)
    assert result["ci_high"].to_numpy(float) == pytest.approx(1)
    apart = shown.assign(imagename=[f"other{i}" for i in range(60)])
    result = error_ratios(cells, cells, pictures=(apart, shown), resamples=300)
    assert (result["ci_low"] < 0.95).all()
    assert (result["ci_high"] > 1.05).all()


def test_intervals_resample_pictures_within_their_classes():
    # All discs are wrong, no star: within classes nothing varies.
    shown = pictures(none=[0] * 40, fog=[2, 0] * 20)
    baseline = pictures(none=[0] * 40, fog=[1, 0] * 20)
    cells = picture_errors(shown), picture_errors(baseline)
    result = error_ratios(*cells, pictures=(shown, baseline), resamples=200)
    result = result.set_index("corruption")
    assert result.loc["fog", ["error_ratio", "ci_low", "ci_high"]].tolist() == pytest.approx(
        [2] * 3
    )
    assert set(result["n"]) == {40}


def test_interval_is_that_of_the_delta_method():
    generator = np.random.default_rng(1)
    n = 800
    ours, theirs = (generator.binomial(2, p, n) for p in (0.3, 0.5))
    shown = [pictures(none=[0] * n, fog=list(wrong)) for wrong in (ours, theirs)]
    cells = [picture_errors(one) for one in shown]
    result = error_ratios(*cells, pictures=tuple(shown), resamples=4000).set_index("corruption")
    ratio = ours.mean() / theirs.mean()
    spread = (ours - ratio * theirs).std() / theirs.mean() / n**0.5
    row = result.loc["sum"]
    assert row["error_ratio"] == pytest.approx(ratio)
    assert (row["ci_high"] - row["ci_low"]) / (2 * 1.96 * spread) == pytest.approx(1, abs=0.08)


def test_rows_of_a_network_s_own_pictures():
    frames = []
    for arm, fog in (("plain", 0.5), ("stylized", 0.75)):
        one = table((fog, fog), (0.5, 0.5))[:3]
        frames.append(one.assign(model=f"cnn--{arm}", architecture="cnn", arm=arm, seed=0,
                                 set="test-plain"))  # fmt: skip
    plain = pictures(none=[0, 0, 0, 1], fog=[1, 1, 1, 1])
    seen = pictures(none=[0, 0, 0, 0], fog=[1, 1, 0, 0])
    own = pictures("test-stylized", none=[0, 1, 0, 1], fog=[2, 2, 2, 0])
    result = against_plain(
        pd.concat(frames), resamples=50,
        pictures={("cnn--plain", 0): plain, ("cnn--stylized", 0): pd.concat([seen, own])},
    )  # fmt: skip
    rows = result[result["corruption"] == "sum"].set_index(["arm", "set"])
    assert list(rows.index) == [
        ("plain", "test-plain"), ("stylized", "test-plain"), ("stylized", "test-stylized")
    ]  # fmt: skip
    assert rows["error_ratio"].tolist() == pytest.approx([1, 0.5, 1.5])
    # 6 of 8 less a half, to one half less a quarter
    assert rows["relative_error_ratio"].iloc[2] == pytest.approx(0.25 / 0.25)
    assert set(rows["baseline_set"]) == {"test-plain"}
    alone = against_plain(pd.concat(frames), pictures={("cnn--stylized", 0): own})
    assert set(alone["set"]) == {"test-plain"}  # nothing to divide by
    assert alone["ci_low"].isna().all()
