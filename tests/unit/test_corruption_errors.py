"""Errors by corruption, relative to a baseline, with marked cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from texshape.errors import InputError
from texshape.robustness.errors import (
    against_plain,
    mean_errors,
    measure_name,
    relative_errors,
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
    result = relative_errors(table((0.9, 0.7), (0.5, 0.5)), table((0.8, 0.4), (0.9, 0.7)))
    result = result.set_index("corruption")
    assert result.loc["fog", "error"] == pytest.approx(0.2)
    # the quotient of the sums 0.4 / 0.8, not the mean of the quotients 0.5 and 0.5
    assert result.loc["fog", "relative_error"] == pytest.approx(0.5)
    assert result.loc["snow", "relative_error"] == pytest.approx(1.0 / 0.4)
    assert result.loc["mean", "relative_error"] == pytest.approx((0.5 + 2.5) / 2)
    assert result.loc["fog", "clean_error"] == pytest.approx(0.05)


def test_sum_of_severities_is_not_the_mean_of_quotients():
    ours, baseline = table((0.9, 0.9), (0.9, 0.9)), table((0.9, 0.5), (0.9, 0.5))
    result = relative_errors(ours, baseline).set_index("corruption")
    assert result.loc["fog", "relative_error"] == pytest.approx(0.2 / 0.6)
    assert result.loc["fog", "relative_error"] != pytest.approx((1 + 0.2) / 2)


def test_cells_with_a_baseline_error_below_two_percent_are_marked():
    baseline = table((0.99, 0.985), (1.0, 1.0))
    result = relative_errors(table((0.9, 0.9), (0.9, 0.9)), baseline).set_index("corruption")
    assert list(result["marked"]) == [True, True, True]
    assert result.loc["fog", "relative_error"] == pytest.approx(0.1 / 0.0125)
    assert np.isnan(result.loc["snow", "relative_error"])  # no errors to divide by
    assert "below 2 %" in result.loc["snow", "reason"]
    assert "1 types without a quotient" in result.loc["mean", "reason"]
    fine = relative_errors(table((0.9, 0.9), (0.9, 0.9)), table((0.9, 0.9), (0.97, 0.97)))
    assert not fine["marked"].any()


def test_different_cells_and_doubled_rows_are_errors():
    with pytest.raises(InputError, match="'snow' severity 1 was measured for one of two"):
        relative_errors(table((0.9, 0.9), (0.9, 0.9)).drop(3), table((0.9, 0.9), (0.9, 0.9)))
    doubled = pd.concat([table((0.9, 0.9), (0.9, 0.9))] * 2)
    with pytest.raises(InputError, match="occurs twice"):
        mean_errors(doubled)


def test_only_alexnet_makes_an_mce():
    assert measure_name("torchvision:alexnet") == "mCE"
    assert measure_name("cnn--plain") == "relative corruption error"


def test_each_network_is_divided_by_its_plain_twin():
    frames = []
    for arm, seed, fog in [("plain", 0, 0.8), ("plain", 1, 0.6), ("stylized", 0, 0.9),
                           ("stylized", 1, 0.9), ("stylized", 2, 0.9)]:  # fmt: skip
        one = table((fog, fog), (0.5, 0.5))
        frames.append(one.assign(model=f"cnn--{arm}", architecture="cnn", arm=arm, seed=seed))
    result = against_plain(pd.concat(frames))
    fog = result[result["corruption"] == "fog"].set_index(["arm", "seed"])
    assert fog.loc[("plain", 0), "relative_error"] == pytest.approx(1)
    assert fog.loc[("stylized", 0), "relative_error"] == pytest.approx(0.1 / 0.2)
    assert fog.loc[("stylized", 1), "relative_error"] == pytest.approx(0.1 / 0.4)
    assert np.isnan(fog.loc[("stylized", 2), "relative_error"])
    assert "no 'plain' network" in fog.loc[("stylized", 2), "reason"]
    assert set(fog["measure"]) == {"relative corruption error"}
