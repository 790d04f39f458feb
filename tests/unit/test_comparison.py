"""The comparison: which cell of which table becomes a measure, and what is done with them."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from tests import comparison_world as world

from texshape.comparison import correlation, disagreement, limits, measures
from texshape.config.comparison import ComparisonSettings
from texshape.errors import InputError
from texshape.source_code import PACKAGE
from texshape.tables import Column, Table
from texshape.techniques import registry
from texshape.techniques.base import Measure, Technique

FEW = ComparisonSettings.of(resamples=200, permutations=200)
TABLES = world.tables()
COMPARISON = measures.collect(TABLES, FEW)


def value(model: str, measure: str, column: str = "value", seed: int = 1, frame=COMPARISON):
    rows = frame[(frame["model"] == model) & (frame["measure"] == measure)]
    rows = rows[rows["seed"] == seed]
    assert len(rows) == 1
    return rows[column].iloc[0]


def test_one_row_a_network_seed_and_measure():
    assert list(COMPARISON.columns) == measures.COLUMNS
    assert not COMPARISON.duplicated([*measures.KEYS, "measure"]).any()
    per_network = COMPARISON.groupby(["model", "seed"]).size()
    assert len(per_network) == len(world.NETWORKS) * len(world.SEEDS)
    assert (per_network == per_network.iloc[0]).all()
    assert list(COMPARISON["model"].drop_duplicates()) == list(world.NETWORKS)


@pytest.mark.parametrize(
    ("measure", "expected", "low", "high"),
    [
        ("readout_shape", 0.77, 0.74, 0.80),  # the last stage at the last epoch
        ("readout_shape_best", 0.847, 0.817, 0.877),  # stage2
        ("information_shape", 0.385, 0.365, 0.405),
        ("segmentation_shape", 0.6, 0.5, 0.7),
        ("segmentation_shape_end_to_end", 0.8, 0.7, 0.9),
        ("balance_point", 0.4, 0.3, 0.5),
        ("corruption_accuracy", 0.6, None, None),  # without the uncorrupted images
        ("corruption_error_ratio", 0.7, 0.6, 0.8),
        ("receptive_field", 12.0, np.nan, np.nan),
        ("plain_accuracy", 0.9, 0.89, 0.91),
        ("texture_accuracy", 0.80, 0.79, 0.81),
        ("used_shape", 0.25, 0.22, 0.29),  # beyond meaningless groupings
        ("shuffling_ratio", 0.25, None, None),
    ],
)
def test_takes_the_right_cell(measure, expected, low, high):
    assert value("cnn--plain", measure) == pytest.approx(expected)
    for column, limit in (("ci_low", low), ("ci_high", high)):
        if limit is not None:
            found = value("cnn--plain", measure, column)
            assert found == pytest.approx(limit, nan_ok=True)


def test_states_count_unit_and_source():
    assert value("cnn--plain", "shape_bias", "n") == 106 + 845
    assert value("cnn--plain", "cue_match_rate", "n") == 1056
    assert value("cnn--plain", "balance_point", "n") == 45  # decisions for a cue, three strengths
    assert value("cnn--plain", "information_shape", "unit") == "nats a unit"
    assert "last stage (stage3)" in value("cnn--plain", "readout_shape", "source")
    assert "best stage (stage2)" in value("cnn--plain", "readout_shape_best", "source")
    assert "2 types x severities" in value("cnn--plain", "corruption_accuracy", "source")


def test_absent_table_gives_absent_measure():
    some = {name: TABLES[name] for name in ("shape_bias", "readout")}
    found = set(measures.collect(some, FEW)["measure"])
    assert found == {"shape_bias", "cue_match_rate", "readout_shape", "readout_texture",
                     "readout_shape_best", "readout_texture_best"}  # fmt: skip


def test_undefined_keeps_its_reason():
    broken = TABLES["cue_strength"].assign(
        balance_point=np.nan, balance_low=np.nan, balance_high=np.nan,
        reason=["no decision for either cue; no fit" if s == 0 else "no fit"
                for s in TABLES["cue_strength"]["strength"]],
    )  # fmt: skip
    frame = measures.collect({"cue_strength": broken}, FEW)
    assert frame["value"].isna().all()
    assert set(frame["reason"]) == {"no fit"}
    bias = TABLES["shape_bias"].assign(shape_bias=np.nan)
    frame = measures.collect({"shape_bias": bias}, FEW)
    reasons = frame.set_index("measure")["reason"]
    assert set(reasons["shape_bias"]) == {"no decision for either cue"}
    assert set(reasons["cue_match_rate"]) == {""}


def test_baselines_and_observers_are_no_networks():
    extra = TABLES["readout"].head(6).assign(model="pixels--baseline", architecture="pixels",
                                             arm="baseline")  # fmt: skip
    untrained = TABLES["readout"].head(6).assign(model="cnn--untrained", arm="untrained")
    observer = TABLES["readout"].head(6).assign(model="subject-01", architecture="subject-01",
                                                arm="published", seed=np.nan)  # fmt: skip
    joined = pd.concat([TABLES["readout"], extra, untrained, observer])
    assert set(measures.collect({"readout": joined}, FEW)["model"]) == set(world.NETWORKS)


def test_networks_without_seed():
    published = (
        TABLES["shape_bias"]
        .head(1)
        .assign(model="old/alexnet", architecture="alexnet", arm="published", seed=np.nan)
    )
    frame = measures.collect({"shape_bias": pd.concat([TABLES["shape_bias"], published])}, FEW)
    assert frame["seed"].isna().sum() == 2
    wide = measures.widen(frame).set_index("model")
    assert wide.loc["old/alexnet", "n_seeds"] == 0
    assert wide.loc["old/alexnet", "shape_bias"] == pytest.approx(106 / 951)


def test_two_values_of_one_measure_are_refused():
    twice = pd.concat([TABLES["shape_bias"], TABLES["shape_bias"].head(1)])
    with pytest.raises(
        InputError, match=r"shape_bias\.csv: rows 1 and 19 are both of model 'cnn--plain'"
    ):
        measures.collect({"shape_bias": twice}, FEW)


def test_wide_table_has_the_mean_over_seeds():
    rows = TABLES["shape_bias"].copy()
    rows.loc[rows["model"] == "cnn--plain", "shape_bias"] = [0.1, 0.2, 0.6]
    rows.loc[rows["model"] == "rf9--plain", "shape_bias"] = [np.nan, 0.2, 0.4]
    wide = measures.widen(measures.collect({"shape_bias": rows}, FEW)).set_index("model")
    assert len(wide) == len(world.NETWORKS)
    assert wide.loc["cnn--plain", "shape_bias"] == pytest.approx(0.3)
    assert wide.loc["rf9--plain", "shape_bias"] == pytest.approx(0.3)
    assert (wide["n_seeds"] == 3).all()


def test_means_that_stand_side_by_side_are_over_the_same_seeds():
    """Decisions in seeds 0 to 2, activations in 0 and 1: seed 2 is in neither mean."""
    bias = TABLES["shape_bias"].copy()
    bias.loc[bias["model"] == "cnn--plain", "shape_bias"] = [0.1, 0.2, 0.6]
    bias.loc[bias["model"] == "rf9--plain", "shape_bias"] = [0.1, np.nan, 0.6]
    bias.loc[bias["model"] == "cnn--mixed", "shape_bias"] = [0.1, 0.2, 0.6]
    readout = TABLES["readout"]
    last = readout["model"].isin(["cnn--plain", "rf9--plain"]) & (readout["seed"] == 2)
    never_both = (readout["model"] == "cnn--mixed") & (readout["seed"] < 2)
    frame = measures.collect({"shape_bias": bias, "readout": readout[~last & ~never_both]}, FEW)
    frame = frame[~((frame["model"] == "cnn--mixed") & (frame["measure"] == "shape_bias")
                    & (frame["seed"] == 2))]  # fmt: skip
    frame = frame[frame["measure"].isin(["shape_bias", "readout_shape"])]
    wide = measures.widen(frame).set_index("model")
    assert wide.loc["cnn--plain", "shape_bias"] == pytest.approx(0.15)
    assert tuple(wide.loc["cnn--plain", ["n_seeds", "n_least"]]) == (2, 2)
    assert wide.loc["rf9--plain", "shape_bias"] == pytest.approx(0.1)
    assert tuple(wide.loc["rf9--plain", ["n_seeds", "n_least"]]) == (2, 1)
    # No training has both: each mean is over its own, and the least number says so.
    assert wide.loc["cnn--mixed", "shape_bias"] == pytest.approx(0.15)
    assert tuple(wide.loc["cnn--mixed", ["n_seeds", "n_least"]]) == (3, 1)
    assert tuple(wide.loc["cnn--stylized", ["n_seeds", "n_least"]]) == (3, 3)


def test_class_token_is_not_the_last_stage():
    rows = TABLES["dimensionality"].copy()
    token = rows[rows["stage"] == "stage3"].assign(stage="stage3.cls", value=9.0)
    frame = measures.collect({"dimensionality": pd.concat([rows, token])}, FEW)
    assert value("cnn--plain", "information_shape", frame=frame) == pytest.approx(0.385)


def test_ratio_of_nothing_is_undefined():
    rows = TABLES["shuffling"].assign(accuracy=0.0, ci_low=0.0, ci_high=0.01)
    frame = measures.collect({"shuffling": rows}, FEW)
    assert frame["value"].isna().all()
    assert frame["ci_low"].isna().all()
    assert set(frame["reason"]) == {"no whole image is decided rightly"}


def test_intervals_fill_only_what_is_empty():
    key = ("cnn--plain", 1)
    found = {(*key, "cue_match_rate"): (0.1, 0.2), (*key, "shape_bias"): (0.3, 0.4)}
    filled = measures.fill_intervals(COMPARISON, found)
    assert value("cnn--plain", "cue_match_rate", "ci_low", frame=filled) == 0.1
    assert value("cnn--plain", "shape_bias", "ci_low", frame=filled) != 0.3
    assert np.isnan(value("cnn--plain", "cue_match_rate", "ci_low", seed=2, frame=filled))


def test_limits_of_a_difference_of_equal_halves():
    low, high = limits.difference((0.5, 0.4, 0.6), (0.2, 0.1, 0.3))
    assert low == pytest.approx(0.3 - 0.1 * np.sqrt(2))
    assert high == pytest.approx(0.3 + 0.1 * np.sqrt(2))
    assert np.isnan(limits.difference((0.5, np.nan, 0.6), (0.2, 0.1, 0.3))[0])
    assert np.isnan(limits.ratio((0.5, 0.4, 0.6), (0.1, 0.0, 0.3))[1])


def _networks(count: int, seeds: int = 3) -> dict:
    return {f"net{i}--plain": (0.1 + 0.8 * i / count, 0.85 - 0.8 * i / count, 0.3 + 0.05 * i)
            for i in range(count)}  # fmt: skip


def _correlations(count: int, **settings) -> pd.DataFrame:
    chosen = ComparisonSettings.of(resamples=300, permutations=999, **settings)
    frame = measures.collect(world.tables(_networks(count)), chosen)
    return correlation.correlations(frame, chosen, seed=3).set_index(["measure_x", "measure_y"])


def test_no_coefficient_below_ten_networks():
    table = _correlations(9)
    assert table["rho"].isna().all()
    assert table[["ci_low", "p_value", "p_holm", "partial_rho"]].isna().all().all()
    row = table.loc["shape_bias", "readout_shape"]
    assert row["n_networks"] == 9
    assert row["n_seeds"] == 27  # seeds are no networks
    assert row["n_tests"] == 0
    assert "9 of 9 networks have both measures, 10 needed" in row["reason"]
    assert (
        "no network has error_consistency" in table.loc["shape_bias", "error_consistency"]["reason"]
    )


def test_coefficient_from_ten_networks_on():
    table = _correlations(10)
    row = table.loc["shape_bias", "readout_shape"]
    assert row["rho"] == pytest.approx(1)
    assert row["n_networks"] == 10
    assert row["reason"].startswith("nothing is left with plain_accuracy")
    made = table["p_value"].notna()
    assert table["n_tests"].eq(made.sum()).all()
    assert made.sum() < len(table)
    constant = table.loc["shape_bias", "used_shape"]
    assert np.isnan(constant["rho"])
    assert constant["reason"] == "all 10 networks have the same used_shape"


def test_humans_are_not_correlated():
    networks = _networks(9)
    frame = measures.collect(world.tables(networks), FEW)
    human = frame[frame["model"] == "net0--plain"].assign(
        model="humans", architecture="humans", arm="published", seed=pd.NA
    )
    human = human.drop_duplicates("measure").astype({"seed": "Int64"})
    table = correlation.correlations(pd.concat([frame, human]), FEW)
    assert table["n_networks"].max() == 9
    assert table["rho"].isna().all()


def test_missing_networks_are_named():
    frame = measures.collect(world.tables(_networks(10)), FEW)
    lost = (frame["model"] == "net4--plain") & (frame["measure"] == "readout_shape")
    table = correlation.correlations(frame[~lost], FEW)
    reason = table.loc[table["measure_y"] == "readout_shape", "reason"].iloc[0]
    assert "is missing for 1: net4--plain" in reason


def test_top_images_and_their_order():
    labels = world.images().head(4)
    base = pd.DataFrame(
        {"imagename": labels["imagename"], "shape": labels["shape"], "texture": labels["texture"],
         "response": labels["texture"], "decision": "texture", "stage": "stage3",
         "readout_texture": 0.0}
    )  # fmt: skip
    joined = {
        ("cnn--plain", "cnn", "plain", 0): base.assign(readout_shape=[1.0, 1, 1, 0]),
        ("cnn--plain", "cnn", "plain", 1): base.assign(readout_shape=[1.0, 1, 0, 0]),
        ("rf9--plain", "rf9", "plain", 0): base.assign(readout_shape=[0.0, 1, 0, 0]),
    }
    table = disagreement.top_images(joined, FEW)
    own = table[table["model"] == "cnn--plain"]
    names = list(base["imagename"])
    assert list(own["imagename"]) == [names[1], names[0], names[2]]
    assert list(own["n_disagree"]) == [2, 2, 1]
    assert list(own["n_disagree_all"]) == [3, 2, 1]
    assert list(own["rank"]) == [1, 2, 3]
    assert set(own["n_seeds"]) == {2}
    assert set(own["n_all"]) == {3}
    assert set(table["kind"]) == {"texture decided, shape known"}
    assert list(own["decision"]) == list(own["texture"])
    few = disagreement.top_images(joined, ComparisonSettings.of(top_images=1))
    assert len(few) == 2  # one a network


def test_diverse_takes_each_class_once_first():
    rows = pd.DataFrame({"shape": ["a", "a", "b", "c"], "texture": ["x", "y", "x", "z"]})
    assert list(disagreement.diverse(rows, 2).index) == [0, 3]
    assert list(disagreement.diverse(rows, 9).index) == [0, 3, 1, 2]


def test_command_writes_its_tables(tmp_path, monkeypatch):
    from texshape.cli import comparison, main

    assert comparison.run is not None
    # Away from the floor by more than the margin, which a quarter of the images can show.
    networks = {"cnn--plain": (0.27, 0.63, 0.77), "rf9--plain": (0.27, 0.63, 0.25)}
    runs = world.write(tmp_path, networks)
    settings = json.dumps({"resamples": 200, "permutations": 100, "margin": 0.2})
    arguments = ["--tables", str(tmp_path / "tables"), "--settings", settings, "--results",
                 str(tmp_path), "--seed", "7"]  # fmt: skip
    arguments += [word for run in runs for word in ("--network", run)]
    read_out = runs[1:]  # of one the decisions alone are measured
    for run in read_out:
        arguments += ["--readings", str(tmp_path / run / "readout" / "images.csv")]
    for out in ("first", "second"):
        monkeypatch.setattr(
            sys, "argv", ["texshape", "run", "compare", *arguments, "--output-dir",
                          str(tmp_path / out)]
        )  # fmt: skip
        with pytest.raises(SystemExit) as stopped:
            main.main()
        assert not stopped.value.code
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert names == ["agreement.csv", "comparison.csv", "comparison_wide.csv", "correlations.csv",
                     "disagreement.csv", "disagreement_images.csv",
                     "equivalent_pair.csv"]  # fmt: skip
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    table = pd.read_csv(tmp_path / "first" / "comparison.csv")
    rates = table[table["measure"] == "cue_match_rate"]
    assert rates["ci_low"].notna().all()  # from the trials
    assert (rates["ci_low"] < rates["value"]).all()
    counts = pd.read_csv(tmp_path / "first" / "disagreement.csv")
    assert len(counts) == len(read_out) * 12
    pair = pd.read_csv(tmp_path / "first" / "equivalent_pair.csv")
    assert set(pair["model_a"]) == {"cnn--plain"}
    assert pair["confirmed"].all()


def test_arms_tested_on_other_images_stand_in_the_table_alone(tmp_path, monkeypatch):
    from texshape.cli import comparison, main

    assert comparison.run is not None
    networks = {name: world.NETWORKS[name] for name in ("cnn--plain", "rf9--plain")}
    runs = world.write(tmp_path, {**networks, "cnn--tinted": (0.5, 0.4, 0.5)}, seeds=(0, 1))
    for seed in (0, 1):  # other images, and no reading of them
        place = tmp_path / "cnn--tinted" / f"seed-{seed}"
        (place / "readout" / "images.csv").unlink()
        path = place / "trials" / "cue-conflict.csv"
        pd.read_csv(path, keep_default_na=False).head(500).to_csv(path, index=False)
    arguments = [word for run in runs for word in ("--network", run)]
    for run in runs:
        if not run.startswith("cnn--tinted"):
            arguments += ["--readings", str(tmp_path / run / "readout" / "images.csv")]
    monkeypatch.setattr(sys, "argv", [
        "texshape", "run", "compare", "--tables", str(tmp_path / "tables"), "--settings",
        '{"resamples": 100, "permutations": 100}', "--results", str(tmp_path), "--without-arm", "tinted",
        "--output-dir", str(tmp_path / "out"),
        *arguments,
    ])  # fmt: skip
    with pytest.raises(SystemExit) as stopped:
        main.main()
    assert not stopped.value.code
    tables = {path.stem: pd.read_csv(path) for path in (tmp_path / "out").iterdir()}
    assert "cnn--tinted" in set(tables["comparison"]["model"])
    assert set(tables["disagreement"]["model"]) == set(networks)
    assert tables["correlations"]["n_networks"].max() == 2
    rates = tables["comparison"]
    rates = rates[(rates["model"] == "cnn--tinted") & (rates["measure"] == "cue_match_rate")]
    assert rates["ci_low"].notna().all()


def test_compare_imports_neither_torch_nor_matplotlib():
    import subprocess

    code = (
        "import sys; import texshape.comparison.equivalence, texshape.comparison.disagreement, "
        "texshape.comparison.correlation, texshape.comparison.decisions, texshape.cli.comparison; "
        "print([m for m in ('torch', 'matplotlib', 'statsmodels', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_measure_takes_the_rows_of_a_number(monkeypatch) -> None:
    monkeypatch.setattr(measures, "MEASURES", dict(measures.MEASURES))
    monkeypatch.setattr(measures, "TABLES", dict(measures.TABLES))
    table = Table("kept", "a degree", (Column("degree", "whole", "of two"),
                                       Column("share", "number", "kept")), ("degree",))  # fmt: skip
    measure = Measure("kept", "kept", "fraction", "kept", "share", {"degree": "2"}, interval=())
    measures.add(Technique("kept", "", "", "", "kept:run", (table,), measures=(measure,)))
    monkeypatch.setattr(measures, "declared", lambda name: table)
    network = {"model": "a--b", "architecture": "a", "arm": "b", "seed": 0}
    rows = [{**network, "degree": degree, "share": 1 / degree} for degree in (1, 2, 20)]
    found = measures.collect({"kept": pd.DataFrame(rows)}, ComparisonSettings.of())
    assert found["value"].tolist() == [0.5]


def test_a_technique_adds_measures_of_its_own_tables_alone(monkeypatch) -> None:
    monkeypatch.setattr(measures, "MEASURES", dict(measures.MEASURES))
    monkeypatch.setattr(measures, "TABLES", dict(measures.TABLES))
    table = Table("edges_found", "a network", (Column("share", "number", "found"),))

    def technique(name: str, label: str, of: str) -> Technique:
        measure = Measure(name, label, "fraction", of, "share", interval=())
        return Technique("edges", "", "", "", "edges:run", (table,), measures=(measure,))

    measures.add(technique("edges", "edges found", "edges_found"))
    measures.add(technique("edges", "edges found", "edges_found"))  # the same once more
    row = {"model": "a--b", "architecture": "a", "arm": "b", "seed": 0, "share": 0.25}
    monkeypatch.setattr(measures, "declared", lambda name: table)
    found = measures.collect({"edges_found": pd.DataFrame([row])}, ComparisonSettings.of())
    assert found[["measure", "value"]].to_numpy().tolist() == [["edges", 0.25]]
    before = measures.TABLES["readout"]
    with pytest.raises(
        InputError, match="measure 'seen' is of the table 'readout', which is none of"
    ):
        measures.add(technique("seen", "edges seen", "readout"))
    assert measures.TABLES["readout"] is before
    with pytest.raises(InputError, match="a measure 'shape_bias' is there already"):
        measures.add(technique("shape_bias", "edges found", "edges_found"))


def _taken(**fields: object) -> pd.DataFrame:
    table = pd.DataFrame(
        {"model": "a--b", "architecture": "a", "arm": "b", "seed": [0, 0, 1, 1],
         "stage": ["one", "two", "one", "two"], "share": [0.75, 0.25, np.nan, np.nan],
         "kind": [None, "x", "x", "x"], "reason": [None, None, "no edge", None]}
    )  # fmt: skip
    measure = Measure("edges", "edges", "fraction", "found", "share", interval=(), **fields)
    return measures.take(measure, table, FEW)


def test_a_measure_is_taken_as_it_is_declared():
    last = _taken(source="{stage} of {kind}", undefined="nothing there")
    assert last["value"].fillna(-1).tolist() == [0.25, -1]
    assert last["source"].tolist() == ["found.csv: two of x"] * 2
    assert last["reason"].tolist() == ["", "nothing there"]
    best = _taken(stage="best", source="{stage} of {kind}")
    assert best["value"].tolist()[0] == 0.75
    assert best["source"].tolist() == ["found.csv: one of ", "found.csv: one of x"]
    assert best["reason"].tolist() == ["", "no edge"]
    assert _taken()["source"].tolist() == ["found.csv: last stage (two)"] * 2
    assert len(_taken(where={"kind": "y"})) == 0


@pytest.mark.parametrize(
    "fields", [{"n": "shares"}, {"where": {"shares": "1"}}, {"source": "{shares}"}]
)
def test_a_measure_that_names_no_column_is_one_line(fields):
    with pytest.raises(InputError) as caught:
        _taken(**fields)
    lines = str(caught.value).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(
        "measure 'edges': found.csv has no column 'shares'; did you mean 'share'"
    )


def test_the_measures_of_every_folder_count_in_the_order_of_the_comparison():
    """No second list names them: what a folder declares is in the comparison."""
    techniques = {name: registry.get(name).measures for name in registry.ALWAYS}
    found = {name: declared for name, declared in techniques.items() if declared}
    for path in PACKAGE.rglob("measures.py"):
        place = path.relative_to(PACKAGE).with_suffix("").parts
        if place[0] != "comparison" and path.parent.name not in registry.OPTIONAL:
            beside = importlib.import_module(".".join(("texshape", *place))).MEASURES
            assert found[path.parent.name] == tuple(beside)
    assert set(measures.ORDER) <= set(found)
    order = [*measures.ORDER, *(name for name in found if name not in measures.ORDER)]
    declared = [measure for name in order for measure in found[name]]
    names = " ".join(measure.name for measure in declared)
    assert len(set(names.split())) == len(declared) >= 34
    # In a process of its own: here other tests may have added those of further techniques.
    code = (
        "from texshape.comparison.measures import MEASURES, TABLES; print(*MEASURES);"
        "print(*(measure.name for each in TABLES.values() for measure in each))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [names, names]


def test_networks_that_others_measured_change_no_row_of_those_here(tmp_path, monkeypatch):
    from texshape.cli import comparison, main

    assert comparison.run is not None
    world.write(tmp_path, _networks(10))
    others = pd.DataFrame(
        [{"measured_by": who, "network": f"net{i}--plain", "measure": measure, "label": measure,
          "unit": "fraction", "cue": cue, "value": sign * i, "source": "invented", "reason": ""}
         for who in ("Somebody 2023", "Another 2024") for i in range(12)
         for measure, cue, sign in (("shape_bias", "shape", 1), ("colour", "texture", 1))]
    )  # fmt: skip
    for out in ("alone", "beside"):
        monkeypatch.setattr(
            sys, "argv",
            ["texshape", "run", "compare", "--tables", str(tmp_path / "tables"), "--settings",
             '{"resamples": 50, "permutations": 50}', "--output-dir", str(tmp_path / out)],
        )  # fmt: skip
        with pytest.raises(SystemExit) as stopped:
            main.main()
        assert not stopped.value.code
        others.to_csv(tmp_path / "tables" / "published_measures.csv", index=False)
    alone, beside = (pd.read_csv(tmp_path / out / "agreement.csv") for out in ("alone", "beside"))
    here = beside[beside["measured_by"] == "here"]
    pd.testing.assert_frame_equal(alone, here)
    assert alone["n_networks"].max() == 10
    theirs = beside[beside["measured_by"] != "here"]
    assert theirs["n_networks"].tolist() == [12, 12]
    assert theirs["verdict"].tolist() == ["contrary", "contrary"]
    for path in (tmp_path / "alone").iterdir():
        if path.stem != "agreement":
            assert path.read_bytes() == (tmp_path / "beside" / path.name).read_bytes()
