"""Published values beside ours: each verdict, where it comes from, and what the list of them holds."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import texshape.cli.comparison  # noqa: F401 (registers the step)
from texshape.catalogue import catalogue
from texshape.claims.evidence import Row
from texshape.claims.sections.published import _replication
from texshape.cli.main import app
from texshape.comparison import replication
from texshape.comparison.columns import REPLICATION
from texshape.errors import InputError
from texshape.files import read_csv
from texshape.techniques.human_consistency.tables import BENCHMARK
from texshape.trials.columns import SHAPE_BIAS

ROOT = Path(__file__).resolve().parents[2]
NAN = math.nan
ONE = replication.Published(
    name="one", quantity="shape bias", subject="a network", published="22.1", unit="%", scale=100.0,
    source="geirhos2019", place="somewhere", table="shape_bias", row="model=a/b;set=x",
    column="shape_bias", low="ci_low", high="ci_high", count="n_conflict", not_comparable="",
    not_measured="",
)  # fmt: skip


def found(one: replication.Published, **cells: object) -> dict:
    """The row of one value, where the table has such a cell and another network's."""
    given = {
        "model": "a/b",
        "set": "x",
        "shape_bias": 0.2207,
        "ci_low": 0.171,
        "ci_high": 0.274,
        "n_conflict": 1200,
    }
    other = {
        "model": "b",
        "set": "x",
        "shape_bias": 0.9,
        "ci_low": 0.8,
        "ci_high": 1.0,
        "n_conflict": 10,
    }
    frame = pd.DataFrame([other, given | cells])
    (row,) = replication.replication({"shape_bias": frame}, [one]).to_dict("records")
    return row


@pytest.mark.parametrize(
    ("published", "ours", "low", "high", "expected"),
    [
        ("22.1", 22.149, 20, 24, "replicated"),
        ("22.1", 22.051, 20, 24, "replicated"),
        ("22.1", 22.15, 20, 24, "replicated"),  # which may be rounded either way
        ("22.1", 22.16, 20, 24, "within the interval"),
        ("22.10", 22.149, 20, 24, "within the interval"),  # more digits say more
        ("22.1", 25.0, 22.1, 28, "within the interval"),
        ("22.1", 25.0, 22.2, 28, "not replicated"),
        ("22.1", 19.0, 16, 22, "not replicated"),
        ("22.1", 22.149, NAN, NAN, "replicated"),
        ("22.1", 22.16, NAN, NAN, "not replicated"),
        ("1", 1.4, NAN, NAN, "replicated"),
        ("-0.53", -0.519, -0.7, -0.3, "within the interval"),
    ],
)  # fmt: skip
def test_the_rule(published: str, ours: float, low: float, high: float, expected: str) -> None:
    assert replication.verdict(published, ours, low, high) == expected


def test_a_value_is_taken_from_its_row_in_its_unit() -> None:
    row = found(ONE)
    assert (row["verdict"], row["n"], row["reason"]) == ("replicated", 1200, "")
    assert (row["value"], row["ci_low"], row["ci_high"]) == pytest.approx((22.07, 17.1, 27.4))
    assert (row["published"], row["digits"]) == (22.1, 1)
    assert found(ONE, shape_bias=0.24)["verdict"] == "within the interval"
    assert found(ONE, shape_bias=0.24, ci_low=0.23)["verdict"] == "not replicated"
    kappa = replace(ONE, published="0.221", scale=1.0, unit="", low="", high="")
    assert found(kappa, shape_bias=0.2207)["verdict"] == "replicated"
    assert math.isnan(found(kappa)["ci_low"])


def test_what_is_not_comparable_is_not_compared_whatever_the_numbers() -> None:
    apart = replace(ONE, not_comparable="of other weights")
    for value in (0.221, 0.9, NAN):
        row = found(apart, shape_bias=value)
        assert (row["verdict"], row["reason"]) == ("not comparable", "of other weights")
        assert row["value"] == pytest.approx(100 * value, nan_ok=True)


def test_what_is_missing_or_undefined_is_not_measured() -> None:
    for lacking in (found(ONE, model="c"), found(ONE, set="y"), found(ONE, shape_bias=NAN)):
        assert lacking["verdict"] == "not measured"
        assert lacking["reason"] == "shape_bias.csv has no value of it"
        assert math.isnan(lacking["value"])
    told = replace(ONE, not_measured="its weights are not public")
    assert found(told, model="c")["reason"] == "its weights are not public"
    assert found(told)["verdict"] == "replicated"
    (row,) = replication.replication({}, [ONE]).to_dict("records")
    assert row["verdict"] == "not measured"


def test_a_row_that_is_not_one_and_a_column_that_is_not_there() -> None:
    with pytest.raises(
        InputError, match=r"shape_bias.csv: 2 rows of model=a/b;set=x; expected one"
    ):
        replication.replication({"shape_bias": pd.DataFrame([
            {"model": "a/b", "set": "x", "shape_bias": 0.1, "ci_low": 0, "ci_high": 1, "n_conflict": 1}
        ] * 2)}, [ONE])  # fmt: skip
    lacking = pd.DataFrame({"model": [], "set": [], "shape_bias": []})
    with pytest.raises(InputError, match="column 'ci_low' is missing"):
        replication.replication({"shape_bias": lacking}, [ONE])


def test_the_list_of_published_values() -> None:
    values = replication.published_values()
    assert len({one.name for one in values}) == len(values) > 20
    bibliography = (ROOT / "paper" / "references.bib").read_text(encoding="utf-8")
    for one in values:
        assert float(one.published) > 0
        assert f"{{{one.source}," in bibliography, one.name
        assert one.place
        assert bool(one.table) == bool(one.row) == bool(one.column)
        assert one.table or one.not_comparable or one.not_measured, one.name
        if one.table:
            table = catalogue()[one.table]
            known = {*table.front, *table.names}
            assert {*one.keys(), one.column, *filter(None, (one.low, one.high, one.count))} <= known
    caffe = [one for one in values if "Caffe's value" in one.subject]
    assert [one.published for one in caffe] == ["42.9", "31.2", "17.2"]
    assert all(one.not_comparable for one in caffe)


def test_the_step_writes_the_table(tmp_path: Path) -> None:
    bias = [{"model": "humans", "architecture": "humans", "arm": "published", "shape_bias": 0.9586,
             "ci_low": 0.94, "ci_high": 0.974, "n_conflict": 12000},
            {"model": "texture-vs-shape/vgg", "architecture": "vgg", "arm": "published",
             "shape_bias": 0.4, "ci_low": 0.3, "ci_high": 0.5, "n_conflict": 1200},
            {"model": "alexnet--default", "architecture": "alexnet", "arm": "default", "seed": 0,
             "shape_bias": 0.263, "ci_low": 0.2, "ci_high": 0.32, "n_conflict": 1200}]  # fmt: skip
    for table, rows in ((SHAPE_BIAS, bias), (BENCHMARK, [])):
        table.write(tmp_path / f"{table.name}.csv", table.frame(rows, networks=True), networks=True)
    words = [
        "run",
        "replication",
        "--tables",
        str(tmp_path),
        "--output",
        str(tmp_path / "replication.csv"),
    ]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, InputError)
    assert "published_measures.csv: no such file" in str(done.exception)
    catalogue()["published_measures"].write(
        tmp_path / "published_measures.csv", catalogue()["published_measures"].frame([])
    )
    assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    made = REPLICATION.check(read_csv(tmp_path / "replication.csv")).set_index("name")
    verdicts = made["verdict"].to_dict()
    assert verdicts["bias-humans"] == "replicated"
    assert verdicts["bias-vgg16"] == "not replicated"
    assert verdicts["bias-alexnet-weights"] == "not comparable"
    assert verdicts["bias-alexnet-torchvision"] == "within the interval"
    assert verdicts["bias-googlenet"] == verdicts["channel-humans"] == "not measured"
    assert made.loc["bias-alexnet-weights", "value"] == pytest.approx(26.3)
    assert made.loc["bias-alexnet-weights", "reason"].startswith("published for Caffe's weights")
    assert list(made.index) == [one.name for one in replication.published_values()]


def claimed(*verdicts: str, value: str = "1") -> tuple[str, str]:
    rows = [
        Row("replication", {"name": str(i), "quantity": "bias", "subject": f"n_{i}", "value": value,
                            "verdict": verdict})
        for i, verdict in enumerate(verdicts)
    ]  # fmt: skip
    made = _replication(rows)
    return made.verdict, made.sentence


def test_the_claim_counts_and_names() -> None:
    rounds, within, failed, apart, lacking = replication.VERDICTS
    verdict, sentence = claimed(rounds, rounds, within, apart, lacking, lacking)
    assert verdict == "all"
    assert sentence == (
        "Of 6 published values 3 can be compared; replicated to the last digit that was published: 2; within "
        "our interval: 1. The others: 1 not comparable, 2 not measured here."
    )
    verdict, sentence = claimed(rounds, failed, within)
    assert verdict == "some"
    assert r"within our interval: 1; not replicated: 1 (bias of n\_1)." in sentence
    assert claimed(failed, apart)[0] == "none"
    assert claimed(apart, lacking)[0] == "not run"
    assert claimed(rounds, within, value="")[0] == "undefined"  # a verdict on no number


def test_published_trials_give_what_was_published(mirror: Path) -> None:
    """From the trials alone, by the command that scores: the values of 2019 round, all of them."""
    from texshape.trials.files import read
    from texshape.trials.score import gather, score

    folder = (
        mirror
        / "github/rgeirhos/texture-vs-shape/ccd0c01d42c0a8a834e90ec141e7f24fa915dc23/raw-data"
    )
    paths = sorted(folder.glob("style-transfer-512-nomask-experiment*/*.csv"))
    rows, _ = score(gather([read(path) for path in paths])[0], resamples=0)
    frame = pd.DataFrame(
        {**row, "model": row["subject"] if row["subject"] == "humans" else f"texture-vs-shape/{row['subject']}"}
        for row in rows
    )  # fmt: skip
    made = replication.replication({"shape_bias": frame}).set_index("name")
    first = [one.name for one in replication.published_values()[:5]]
    assert first == ["bias-humans", "bias-alexnet", "bias-googlenet", "bias-resnet50", "bias-vgg16"]
    assert made.loc[first, "verdict"].tolist() == ["replicated"] * 5
    assert np.isnan(made.loc["bias-stylized", "value"])
