"""Networks that others measured: their numbers as published, and apart from those measured here."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from texshape.comparison import agreement
from texshape.comparison.columns import PUBLISHED_MEASURES
from texshape.config.comparison import ComparisonSettings
from texshape.data import published_measures
from texshape.data.download import Item
from texshape.errors import InputError

FEW = ComparisonSettings.of(resamples=100, permutations=100)


@pytest.fixture(scope="module")
def table(mirror, tmp_path_factory) -> pd.DataFrame:
    return published_measures.measures(tmp_path_factory.mktemp("published"))


def by_network(table: pd.DataFrame, who: str) -> pd.DataFrame:
    return table[table["measured_by"] == who].pivot_table(
        index="network", columns="measure", values="value"
    )


def test_answers_under_noise_have_their_published_numbers(table):
    networks = by_network(table, published_measures.CHANNEL)
    assert len(networks) == 85  # one of 86 files is a second one of a network
    width = networks["published_bandwidth"]
    assert width["resnet50"] == pytest.approx(3.99, abs=0.005)
    assert width["vit_base_patch16_224"] == pytest.approx(3.51, abs=0.005)
    assert width["inception_v3"] == pytest.approx(4.22, abs=0.005)
    assert width.isna().sum() == 7
    assert {"bagnet9", "bagnet17"} < set(width.index[width.isna()])
    bias = networks["shape_bias"]
    assert bias["resnet50"] == pytest.approx(0.127, abs=0.0005)
    assert bias["resnet50_trained_on_SIN"] == pytest.approx(0.506, abs=0.0005)
    assert networks["channel_bandwidth"].notna().sum() == 69
    both = networks[["shape_bias", "published_bandwidth"]].dropna()
    assert spearmanr(*both.to_numpy().T).statistic == pytest.approx(-0.519, abs=0.0005)


def test_the_benchmark_has_its_published_numbers(table):
    networks = by_network(table, published_measures.BENCHMARK)
    assert len(networks) == 69
    assert "resnet50_untrained" not in networks.index
    standard = networks.loc["tv_resnet50"]
    assert standard["shape_bias"] == pytest.approx(0.2146, abs=0.00005)
    assert standard["imagenet_accuracy"] == pytest.approx(76.15, abs=0.005)
    rows = table[table["measured_by"] == published_measures.BENCHMARK].set_index("measure")
    wide = rows.loc["published_bandwidth", "reason"] == published_measures.TOO_WIDE
    assert wide.sum() == 31  # of 32 published; the other one has random weights
    assert networks["published_bandwidth"].max() < published_measures.WIDEST


def test_what_is_undefined_says_why(table):
    PUBLISHED_MEASURES.check(table)
    assert (table["reason"] != "").equals(table["value"].isna())
    assert set(table["cue"]) == {"shape", "texture", ""}
    assert set(table["measure"]) == set(published_measures.ABOUT)


def test_each_hand_is_a_block_of_its_own(table):
    tables = agreement.of_others(table, FEW)
    assert [set(one["measured_by"]) for one in tables] == [
        {published_measures.CHANNEL}, {published_measures.BENCHMARK},
    ]  # fmt: skip
    first, second = (one.set_index(["measure_x", "measure_y"]).loc["shape_bias"] for one in tables)
    # A wide channel is a sign of texture, so the coefficient is turned.
    assert first.loc["published_bandwidth", "rho"] == pytest.approx(0.519, abs=0.0005)
    assert first.loc["published_bandwidth", "verdict"] == "agree"
    assert (first.loc["published_bandwidth", "n_networks"], len(first)) == (78, 4)
    assert second["n_networks"].max() == 69
    assert second.loc["receptive_field", "label_y"] == "effective receptive field"
    assert first["within_rho"].isna().all()


def test_a_file_that_is_not_as_expected_is_one_line(table, tmp_path, monkeypatch):
    path = tmp_path / "benchmark.csv"
    monkeypatch.setattr(
        published_measures.published, "items", lambda *_: [Item("http://x/y", None, path)]
    )
    path.write_text("model,shape-bias\na,0.2\n")
    with pytest.raises(
        InputError, match=r"benchmark\.csv: column 'metric/criticalband/bw' is missing"
    ):
        list(published_measures._benchmark(tmp_path))
    names = ["model", *(name for names in published_measures._COLUMNS.values() for name in names)]
    path.write_text(",".join(names) + "\na,wide" + ",1" * (len(names) - 2) + "\n")
    with pytest.raises(
        InputError, match="column 'shape-bias', network a: expected a number, found 'wide'"
    ):
        list(published_measures._benchmark(tmp_path))
    path.write_text(",".join(names) + "\na," + ",1" * (len(names) - 2) + "\n")
    (empty, *rest) = published_measures._benchmark(tmp_path)
    assert np.isnan(empty["value"])
    assert empty["reason"] == "not in the published table"
    assert all(row["value"] == 1 for row in rest)
