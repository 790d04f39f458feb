"""Verdicts follow from the tables: each is reached on purpose, and names its rule and its cells."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from tests import synthetic_tables
from tests.article_world import NORMAL, PAPER, SECTIONS, at, claims_of, results_of, said, verdicts

from texshape.article import list_files
from texshape.claims import wording, write
from texshape.errors import InputError


@pytest.mark.parametrize("table", SECTIONS)
def test_a_section_stands_and_falls_with_its_table(tmp_path, table):
    arguments = results_of(tmp_path, synthetic_tables.procedural())
    kept = [name for name in list_files(arguments["results"]) if name != f"tables/{table}.csv"]
    found = verdicts(arguments, files=kept)
    gone = {name for name in NORMAL if re.match(SECTIONS[table], name)}
    assert gone
    assert set(found) == set(NORMAL) - gone
    rest = {name: verdict for name, verdict in found.items() if not name.startswith("limits")}
    # Without fields or known classes nothing else changes; the closing section reads what is left.
    assert rest == {name: NORMAL[name] for name in rest}


def test_orders_follow_paired_differences_where_there_are_any(tmp_path):
    tables = synthetic_tables.procedural()
    arguments = results_of(tmp_path / "paired", tables)
    assert verdicts(arguments)["recipe"] == "higher"
    kept = [name for name in list_files(arguments["results"]) if "differences" not in name]
    assert verdicts(arguments, files=kept)["recipe"] == "not separated"  # the intervals overlap
    pairs = tables["shape_bias_differences"]
    wide = pairs["model_b"].eq("cnn--plain-crop") & pairs["model_a"].eq("cnn--plain")
    assert wide.sum() == 1
    pairs.loc[wide, ["ci_low", "ci_high"]] = [-0.2, 0.01]
    assert verdicts(results_of(tmp_path / "wide", tables))["recipe"] == "not separated"


def test_what_is_read_is_held_against_the_networks_own_initialisation(tmp_path):
    tables = synthetic_tables.procedural()
    rows = tables["readout"]
    chosen = (rows["arm"] == "plain") & (rows["cue"] == "shape") & (rows["seed"] == 1)
    chosen &= (rows["input"] == "pooled") & rows["gain"].notna()
    assert chosen.sum() > 0
    rows.loc[chosen, "gain_low"] = -0.01  # in one seed, whatever the intervals of the two say
    found = verdicts(results_of(tmp_path / "paired", tables))
    assert found["readout-shape-plain"] == "as untrained"
    rows.loc[chosen, "gain_low"] = 0.01
    rows.loc[chosen, "permuted_high"] = 0.9  # one of the permutations does as well
    found = verdicts(results_of(tmp_path / "permuted", tables))
    assert found["readout-shape-plain"] == "at chance"
    assert found["readout-scalars"] == "not above"
    tables["readout"] = rows[~rows["input"].isin(["beyond-scalars", "scalars"])]
    assert "readout-scalars" not in verdicts(results_of(tmp_path / "no-masks", tables))


def test_a_network_trained_on_texture_labels_is_a_control_of_the_read_out(tmp_path):
    for value, verdict in ((0.2, "higher"), (0.95, "lower"), (0.75, "not separated")):
        tables = synthetic_tables.procedural()
        rows = tables["readout"]
        control = rows[(rows["arm"] == "plain") & (rows["architecture"] == "cnn")].assign(
            arm="textures-named", model="cnn--textures-named"
        )
        shape = control["cue"] == "shape"
        control.loc[shape, ["accuracy", "ci_low", "ci_high"]] = [value, value - 0.03, value + 0.03]
        tables["readout"] = pd.concat([rows, control])
        arguments = results_of(tmp_path / verdict.replace(" ", "-"), tables)
        path = arguments["results"] / "parameters.json"
        parameters = json.loads(path.read_text())
        parameters["arms"]["textures-named"] = {
            "sets": ["unpaired"],
            "training": {"label": "texture"},
        }
        path.write_text(json.dumps(parameters))
        assert verdicts(arguments)["readout-control-textures-named"] == verdict


def test_every_verdict_on_erasure_is_reached(tmp_path):
    """Each change of one network's rows, and the verdicts that it must bring."""

    def change(name, erased, columns, values, cue="shape"):
        tables = synthetic_tables.procedural()
        rows = tables["erasure"]
        chosen = (rows["arm"] == "plain") & (rows["cue"] == cue) & (rows["erased"] == erased)
        chosen &= (rows["seed"] == 1) | (name != "one seed")
        rows.loc[chosen, columns] = values
        return verdicts(results_of(tmp_path / name.replace(" ", "-"), tables))

    beyond = ["beyond", "beyond_low", "beyond_high"]
    taken = ["taken", "taken_low", "taken_high"]
    read = ["readout_shape", "readout_shape_low", "readout_shape_high"]
    found = change("one seed", "cue", beyond, [0.1, -0.01, 0.2])
    assert found["erasure-shape-plain"] == "no more than groups"
    assert found["limits-used"] == "not shown"
    found = change("nothing taken", "cue", [*beyond, *taken], [-0.2, -0.3, -0.1, 0.1, -0.1, 0.3])
    assert found["erasure-shape-plain"] == "not shown"
    found = change("no decisions", "cue", [*beyond, *taken], [None] * 6)
    assert found["erasure-shape-plain"] == "no decisions"
    assert found["limits-used"] == "not shown"
    # Half of the lead of 0.75 over 1 / 12 is kept from 0.417 on.
    assert change("left", "cue", read, [0.42, 0.4, 0.44])["erasure-shape-plain-removed"] == "left"
    found = change("removed", "cue", read, [0.41, 0.4, 0.44])
    assert found["erasure-shape-plain-removed"] == "removed"
    found = change("nothing to erase", "nothing", read, [0.1, 0.08, 0.12])
    assert found["erasure-shape-plain-removed"] == "nothing to erase"
    assert found["erasure-shape-plain"] == "used"  # decisions are another matter
    id = "erasure-shape-plain-null-space"
    assert change("some", "head", read, [0.41, 0.38, 0.44])[id] == "some"
    found = change("nothing there", "head", read, [0.1, 0.08, 0.12])
    assert found[id] == "nothing there"
    tables = synthetic_tables.procedural()
    chosen = at(tables, "erasure", cue="shape") & tables["erasure"]["erased"].isin(
        ["nothing", "head"]
    )
    tables["erasure"].loc[chosen, read] = 0.1, 0.08, 0.12
    assert verdicts(results_of(tmp_path / "nothing", tables))[id] == "nothing to read"
    tables = synthetic_tables.procedural()
    rows = tables["erasure"]
    tables["erasure"] = rows[~rows["erased"].isin(["head", "null_space"])]
    arguments = results_of(tmp_path / "no-layer", tables)
    assert verdicts(arguments)[id] == "no layer"
    change_columns = ["bias_change", "bias_change_low", "bias_change_high"]
    found = change("as controls", "groups", change_columns, [0.7, 0.6, 0.8], "texture")
    assert found["erasure-bias"] == "as controls"


@pytest.mark.parametrize(
    ("sums", "logs", "verdict"),
    [
        ([(0.5, 0.9)] * 3, [(0.4, 0.99)] * 3, "above"),
        ([(1.1, 1.9)] * 3, [(1.01, 1.2)] * 3, "below"),
        ([(1.3, 1.5)] * 3, [(0.7, 0.9)] * 3, "mixed"),  # the two summaries disagree
        ([(0.5, 0.9), (0.5, 0.9), (0.5, 1.1)], [(0.5, 0.9)] * 3, "mixed"),
        ([(0.5, 0.9), (0.5, 0.9), (np.nan, np.nan)], [(0.5, 0.9)] * 3, "undefined"),
    ],
)
def test_corruptions_are_judged_by_both_summaries_and_their_intervals(
    tmp_path, sums, logs, verdict
):
    tables = synthetic_tables.procedural()
    frame = tables["corruption_errors"]
    for arm in ("stylized", "mixed"):
        chosen = (frame["arm"] == arm) & (frame["set"] == frame["baseline_set"])
        for name, limits in (("sum", sums), ("log_mean", logs)):
            here = chosen & (frame["corruption"] == name)
            frame.loc[here, ["ci_low", "ci_high"]] = limits
    # One type has no quotient in one seed: it counts neither as less nor as more.
    fog = (frame["arm"] == "stylized") & (frame["corruption"] == "fog") & (frame["seed"] == 1)
    frame.loc[fog, ["error_ratio", "ci_low", "ci_high"]] = np.nan
    arguments = results_of(tmp_path, tables)
    found = verdicts(arguments)
    assert found["corruptions-stylized"] == found["corruptions-mixed"] == verdict
    text = said(arguments)
    assert "one type is marked or undefined in at least one seed" in text
    # One seed may err less by a summary all the same.
    assert ("is not shown by both summaries in every seed" in text) == (verdict == "mixed")


@pytest.mark.parametrize(
    ("sums", "logs", "verdict"),
    [
        ([(0.5, 0.9)] * 3, [(0.4, 0.99)] * 3, "above"),
        ([(1.1, 1.9)] * 3, [(1.01, 1.2)] * 3, "below"),
        ([(1.6, 1.9)] * 3, [(0.75, 1.22), (0.78, 1.25), (0.8, 1.27)], "mixed"),  # the sum alone
        ([(0.9, 1.1)] * 3, [(0.9, 1.1)] * 3, "mixed"),
        ([(0.5, 0.9)] * 3, [(0.5, 0.9), (0.5, 0.9), (np.nan, np.nan)], "undefined"),
    ],
)
def test_corruption_of_own_pictures_is_judged_by_both_summaries_too(tmp_path, sums, logs, verdict):
    tables = synthetic_tables.procedural()
    frame = tables["corruption_errors"]
    own = (frame["arm"] == "stylized") & (frame["set"] != frame["baseline_set"])
    for name, limits in (("sum", sums), ("log_mean", logs)):
        here = own & (frame["corruption"] == name) & (frame["architecture"] == "cnn")
        frame.loc[here, ["relative_low", "relative_high"]] = limits
    arguments = results_of(tmp_path, tables)
    assert verdicts(arguments)["corruptions-own"] == verdict
    assert ("unfamiliar pictures are not the reason" in said(arguments)) == (verdict == "below")
    assert ("a relative ratio has no interval" in said(arguments)) == (verdict == "undefined")
    # Of the seeds some have no interval: those that have are not taken for all.
    assert ("% intervals of 2 seeds within" in said(arguments)) == (verdict == "undefined")


@pytest.mark.parametrize(
    ("plain", "mixed", "stylized", "place"),
    [
        (0.3, 0.5, 0.6, "between"),
        (0.6, 0.5, 0.3, "between, reversed"),
        (0.3, 0.5, 0.52, "as stylized"),
        (0.6, 0.5, 0.52, "as stylized, below plain"),
        (0.5, 0.52, 0.8, "as plain"),
        (0.3, 0.7, 0.5, "outside"),
        (0.6, 0.3, 0.5, "outside"),
    ],
)
def test_the_place_of_mixed_training(tmp_path, plain, mixed, stylized, place):
    tables = synthetic_tables.procedural()
    del tables["shape_bias_differences"]
    frame = tables["shape_bias"]
    for arm, value in {"plain": plain, "mixed": mixed, "stylized": stylized}.items():
        rows = at(tables, "shape_bias", arm=arm)
        frame.loc[rows, ["shape_bias", "ci_low", "ci_high"]] = value, value - 0.03, value + 0.03
    arguments = results_of(tmp_path, tables)
    assert verdicts(arguments)["bias-mixed"] == place
    assert ("does not lie between" in said(arguments)) == (place == "outside")


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"shape_bias": 0.8, "ci_low": 0.7, "ci_high": 0.9}, "changes"),
        ({"response_entropy": 2.5}, "no name"),
        ({"shape_bias": 0.2, "ci_low": 0.1, "ci_high": 0.3}, "stays"),
    ],
)
def test_a_control_without_a_name_changes_none(tmp_path, changed, name):
    tables = synthetic_tables.procedural()
    bias = synthetic_tables.named(tables["shape_bias"], 12).drop(columns="verdict")
    tables["shape_bias"] = bias
    rows = at(
        tables, "shape_bias", arm="plain-orientation-free", model="cnn--plain-orientation-free"
    )
    assert rows.any()
    bias.loc[rows, list(changed)] = list(changed.values())
    made = {c.id: c for c in claims_of(results_of(tmp_path, tables)) if c.id.endswith("-name")}
    (found,) = (one for one in made.values() if "orientation-free" in str(one.cells))
    assert found.verdict == name
    assert ("The name changes" in found.sentence) == (name == "changes")


def test_types_with_fewer_and_with_more_errors_are_both_named(tmp_path):
    tables = synthetic_tables.procedural()
    frame = tables["corruption_errors"]
    fog = (frame["arm"] == "stylized") & (frame["corruption"] == "fog")
    frame.loc[fog, ["error_ratio", "ci_low", "ci_high"]] = 1.5, 1.4, 1.6
    text = said(results_of(tmp_path / "both", tables))
    assert (
        "It errs less under gaussian noise and defocus blur. It errs more under fog and brightness."
        in text
    )
    frame.loc[frame["arm"] == "stylized", ["ci_low", "ci_high"]] = 0.9, 1.1
    frame.loc[frame["arm"] == "mixed", ["ci_low", "ci_high"]] = 0.9, 1.1
    text = said(results_of(tmp_path / "none", tables))
    assert "It errs" not in text


@pytest.mark.parametrize(("difference", "verdict"), [(0.2, "same"), (-0.2, "opposite")])
def test_a_pair_that_both_measures_confirm_says_whether_they_agree(tmp_path, difference, verdict):
    tables = synthetic_tables.procedural()
    pairs = tables["equivalent_pair"]
    shape = pairs[pairs["information"] == "readout_shape"].iloc[0]
    sign = 1 if shape["confirm_information_difference"] > 0 else -1
    units = pairs.index[pairs["information"] == "information_shape"]
    for place in units:
        pairs.loc[place] = shape
    pairs.loc[units, "information"] = "information_shape"
    pairs.loc[units, "confirm_information_difference"] = sign * difference
    pairs.loc[units, ["confirm_information_low", "confirm_information_high"]] = 0.1234, 0.25
    arguments = results_of(tmp_path, tables)
    found = verdicts(arguments)
    assert found["pair-information_shape"] == "confirmed"
    assert found["pair-direction"] == verdict
    for low, high, matches in (
        (-0.14, -0.06, "differ"),
        (-0.04, 0.03, "equivalent"),
        (-0.09, 0.03, "open"),
    ):
        pairs.loc[units, ["confirm_cue_match_low", "confirm_cue_match_high"]] = low, high
        arguments = results_of(tmp_path / matches, tables)
        assert verdicts(arguments)["pair-matches-information_shape"] == matches
    assert "(difference 0.123 nats to 0.250 nats)" in said(arguments)


def test_biases_that_all_lie_apart_give_no_example(tmp_path):
    tables = synthetic_tables.procedural()
    bias = tables["shape_bias"]
    networks = bias["architecture"] + bias["arm"]
    bias["shape_bias"] = networks.map({n: i for i, n in enumerate(networks.unique())}) * 0.06
    arguments = results_of(tmp_path, tables)
    assert verdicts(arguments)["limits-counts"] == "no twins"
    assert "so there is no example to give" in said(arguments)


def test_bias_of_networks_with_few_matches_is_named(tmp_path):
    tables = synthetic_tables.procedural()
    bias = tables["shape_bias"]
    one = (bias["architecture"] == "rf9") & (bias["arm"] == "plain") & (bias["seed"] == 1)
    bias.loc[one, "cue_match_rate"] = 0.3
    tables["shape_bias_differences"][["ci_low", "ci_high"]] = [-0.03, 0.07]
    arguments = results_of(tmp_path / "near", tables)
    assert verdicts(arguments)["limits-counts"] == "hides, near"
    text = said(arguments)
    assert "RF 9 trained on plain (seed 1)" in text
    assert "that the biases are the same is not shown" in text
    # Equivalent only by the interval of the paired difference.
    tables["shape_bias_differences"][["ci_low", "ci_high"]] = [-0.03, 0.04]
    arguments = results_of(tmp_path / "equivalent", tables)
    assert verdicts(arguments)["limits-counts"] == "hides"
    assert "equivalent biases describe very different shares" in said(arguments)


@pytest.mark.parametrize(
    ("low", "high", "verdict", "words"),
    [
        (-0.14, -0.06, "differ", "does tell them apart"),
        (-0.04, 0.03, "equivalent", "nobody who saw both numbers could tell them apart"),
        (-0.04, -0.01, "equivalent", "nobody who saw both numbers could tell them apart"),
        (-0.09, 0.03, "open", "is open"),
    ],
)
def test_equal_biases_are_told_apart_by_their_cue_matches(tmp_path, low, high, verdict, words):
    tables = synthetic_tables.procedural()
    tables["equivalent_pair"]["confirm_cue_match_low"] = low
    tables["equivalent_pair"]["confirm_cue_match_high"] = high
    arguments = results_of(tmp_path, tables)
    assert verdicts(arguments)["pair-matches-readout_shape"] == verdict
    assert words in said(arguments)


@pytest.mark.parametrize(
    ("excess", "read", "found"),
    [
        ((-0.1, -0.01), (0.1, 0.3), ("less", "more often")),
        ((0.01, 0.1), (-0.3, -0.1), ("more", "less often")),
        ((-0.1, 0.01), (-0.1, 0.3), ("as independent", "not separated")),
    ],
)
def test_every_verdict_on_disagreement_is_reached(tmp_path, excess, read, found):
    tables = synthetic_tables.procedural()
    one = tables["disagreement"]["seed"] == 1  # a single seed decides
    for columns, limits in (
        (["excess_low", "excess_high"], excess),
        (["read_low", "read_high"], read),
    ):
        tables["disagreement"].loc[:, columns] = excess if columns[0] == "excess_low" else read
        if found[0] == "as independent":
            tables["disagreement"].loc[~one, columns] = [0.01, 0.1]
            tables["disagreement"].loc[one, columns] = limits
    arguments = results_of(tmp_path, tables)
    verdict = verdicts(arguments)
    assert (verdict["disagreement"], verdict["disagreement-read"]) == found


def test_too_few_networks_get_no_coefficient(tmp_path):
    tables = synthetic_tables.procedural()
    tables["correlations"] = tables["correlations"].assign(
        rho=float("nan"), p_holm=float("nan"), n_tests=0, n_networks=4, reason="4 networks"
    )
    arguments = results_of(tmp_path, tables)
    assert verdicts(arguments)["correlations"] == "too few"
    assert "the charts stand without a coefficient" in said(arguments)


def test_every_verdict_on_correlations_is_reached(tmp_path):
    """Two pairs, both significant over all networks."""

    def found(name, **changes):
        tables = synthetic_tables.procedural()
        for column, values in changes.items():
            tables["correlations"][column] = values
        arguments = results_of(tmp_path / name, tables)
        both = verdicts(arguments)
        return both["correlations"], both["correlations-within"], said(arguments)

    assert found("some", within_holm=[0.02, 0.4])[:2] == ("some", "some")
    assert found("none", within_holm=[0.3, 0.4])[:2] == ("some", "none")
    nothing = [float("nan")] * 2
    # All networks are of one kind: there is no coefficient within one, and none is spoken of as undefined.
    *both, text = found("not-made", within_rho=nothing, within_holm=nothing, n_within=[0, 0])
    assert both == ["some", "not made"]
    assert "there is no coefficient: too few networks share one, or all do" in text
    # A tied pair is no finding, however strong.
    *both, text = found("tied", coupled=["at most that", "at most that"])
    assert both == ["none", "nothing to hold"]
    assert "None of the 0 tests" in text


@pytest.mark.parametrize(
    ("low", "high", "match", "verdict"),
    [
        ([0.1, 0.2, 0.1], [0.3, 0.4, 0.2], 0.9, "texture-biased"),
        ([0.1, 0.2, 0.1], [0.3, 0.5, 0.2], 0.9, "neither"),  # one seed reaches one half
        ([0.6, 0.7, 0.51], [0.8, 0.9, 0.9], 0.9, "shape-biased"),
        ([0.1, 0.2, 0.1], [0.3, 0.4, 0.2], 2 / 12, "follows no cue"),  # no more than guessing
        ([float("nan"), 0.2, 0.1], [0.3, 0.4, 0.2], 0.9, "undefined"),
    ],
)
def test_bias_is_named_by_the_rule(tmp_path, low, high, match, verdict):
    tables = synthetic_tables.procedural()
    bias = tables["shape_bias"]
    plain = (bias["architecture"] == "cnn") & (bias["arm"] == "plain")
    bias.loc[plain, "ci_low"] = low
    bias.loc[plain, "ci_high"] = high
    bias.loc[plain, "cue_match_rate"] = match
    assert verdicts(results_of(tmp_path, tables))["bias-plain"] == verdict


def test_networks_that_learned_nothing(tmp_path):
    tables = synthetic_tables.procedural()
    tables["accuracy"] = tables["accuracy"].assign(accuracy=0.09, ci_low=0.05, ci_high=0.12)
    tables["shape_bias"] = tables["shape_bias"].assign(cue_match_rate=0.16)
    found = verdicts(results_of(tmp_path, tables))
    expected = {
        "bias-plain": "follows no cue",
        "plain-learned": "not above",
        "cue-strength-plain": "neither usable",
        "patches-plain": "not learned",
        "patches-stylized": "not learned",
        "patches-width": "no gap",
    }
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("limited", "said"),
    [
        (0.95, "is behind by no more than 2.0 percentage points: plain images"),
        (0.97, "is not behind: plain images"),
        (0.99, "is not behind: plain images"),
        (0.50, "is behind by 47.0 percentage points, so here even plain images"),
    ],
)
def test_a_limited_network_is_behind_only_where_it_is(limited, said, tmp_path):
    tables = synthetic_tables.procedural()
    accuracy = tables["accuracy"]
    plain = (accuracy["arm"] == "plain") & (accuracy["set"] == "test-plain")
    for architecture, value in (("cnn", 0.97), ("rf9", limited)):
        here = plain & (accuracy["architecture"] == architecture) & (accuracy["cue"] == "shape")
        accuracy.loc[here, ["accuracy", "ci_low", "ci_high"]] = value, value - 0.02, value + 0.01
    found = {claim.id: claim for claim in claims_of(results_of(tmp_path, tables))}
    assert said in " ".join(found["patches-plain"].sentence.split())


def test_what_one_seed_keeps_from_being_said_is_said_of_a_seed(tmp_path):
    """A single seed at chance brings the cautious verdict; the others are not spoken of with it."""
    tables = synthetic_tables.procedural()
    for name in ("accuracy", "shuffling", "readout"):
        one = tables[name]["seed"] == 1
        tables[name].loc[one, "ci_low"] = 0.01
        if name == "accuracy":
            tables[name].loc[tables[name]["set"].isin(["silhouettes", "textures"]), "ci_high"] = 1.0
        if name == "shuffling":
            tables[name].loc[one & (tables[name]["k"] == 1), "ci_low"] = 0.5
    found = {claim.id: claim for claim in claims_of(results_of(tmp_path, tables))}
    expected = {
        "plain-learned": "not above",
        "cue-strength-plain": "neither usable",
        "patches-plain": "not learned",
        "patches-stylized": "not learned",
        "shuffling-plain": "whole",
        "readout-texture-stylized": "at chance",
    }
    assert {id: found[id].verdict for id in expected} == expected
    for id in expected:
        assert re.search("(every|at least one) seed", found[id].sentence), id


ANSWERS = ("answers-kinds", "answers-humans", "answers-consistency")


def test_answers_of_others_are_counted_by_kind_and_compared_with_humans(tmp_path):
    tables = synthetic_tables.published()
    given = tables["published_answers"]
    given["verdict"] = ["shape-biased", "neither", "shape-biased", "neither", "texture-biased",
                        "shape-biased", ""]  # fmt: skip
    arguments = results_of(tmp_path / "apart", tables, kind="published")
    found = verdicts(arguments)
    assert {id: found[id] for id in ANSWERS} == dict.fromkeys(ANSWERS, "higher")
    # One prompt of two counts, and the one that could not be had is none of them.
    assert (
        "2 models that were asked, 1 shape-biased and 1 neither; one CLIP-like model, 1 shape-biased; "
        "one classifier, 1 texture-biased."
    ) in said(arguments)
    given.loc[given["name"] == "Asked", ["ci_high", "error_consistency_high"]] = [0.99, 0.9]
    given.loc[given["name"] == "Sorter", "ci_high"] = 0.56
    found = verdicts(results_of(tmp_path / "among", tables, kind="published"))
    assert {id: found[id] for id in ANSWERS} == dict.fromkeys(ANSWERS, "not separated")


def test_published_experiment_reversed_and_undefined(tmp_path):
    tables = synthetic_tables.published(reverse=True)
    found = verdicts(results_of(tmp_path / "reversed", tables, kind="published"))
    assert found["bias-humans"] == "texture-biased"
    assert found["humans-against-networks"] == "lower"
    assert found["humans-ceiling"] == "lower"
    assert {id: found[id] for id in ANSWERS} == dict.fromkeys(ANSWERS, "lower")
    one = tables["shape_bias"]["architecture"] == "vgg"
    tables["shape_bias"].loc[one, ["shape_bias", "ci_low", "ci_high"]] = np.nan
    assert "; of 1 the bias is undefined." in said(
        results_of(tmp_path / "one", tables, kind="published")
    )
    tables = synthetic_tables.undefined(tables)
    found = verdicts(results_of(tmp_path / "undefined", tables, kind="published"))
    assert set(found.values()) == {"undefined", "not run"}  # no read-out: nothing known


def test_networks_of_one_architecture_keep_their_biases_apart(tmp_path):
    """Two trainings of an architecture have a bias each, and the benchmark a row each."""
    tables = synthetic_tables.published()
    for name in ("shape_bias", "benchmark"):
        frame = tables[name]
        twin = frame[frame["architecture"] == "efficientnet-lite0"].assign(arm="stylized")
        tables[name] = pd.concat([frame, twin], ignore_index=True)
    arguments = results_of(tmp_path, tables, kind="published")
    (found,) = (claim for claim in claims_of(arguments) if claim.id == "humans-by-bias")
    biases = [cell for cell in found.cells if cell.column == "shape_bias"]
    networks = [cell for cell in found.cells if cell.column == "error_consistency"]
    assert len(biases) == len(networks)


@pytest.mark.parametrize(
    ("x", "digits", "text"),
    [
        (0.0625, 3, "0.063"),  # halves away from zero
        (-0.0625, 3, "−0.063"),
        (2.5, 0, "3"),
        (0.49999999999999994, 0, "0"),  # adding a half would round up
        (-0.0004, 2, "0.00"),  # no sign before what rounds to zero
        (-0.996, 2, "−1.00"),
        (7, 1, "7.0"),
    ],
)
def test_numbers_are_rounded_as_people_do(x, digits, text):
    assert wording.fixed(x, digits) == text


def test_ranges_and_lists_read_well():
    pct, points = wording.pct, wording.points_between
    assert wording.span(0.101, 0.2049) == "10.1–20.5\u202f%"
    assert wording.span(-0.1, 0.2) == "−10.0\u202f% to 20.0\u202f%"  # no minus beside a dash
    assert wording.span(0.1001, 0.1002) == "10.0\u202f%"
    assert wording.span(0.5, 1.25, wording.num) == "0.50–1.25"
    assert wording.span(0.05, 0.104, wording.points) == "5.0–10.4 percentage points"
    assert wording.span(-0.05, 0.1, wording.points) == "−5.0 to 10.0 percentage points"
    assert wording.span(-0.3, -0.1, wording.points) == "−30.0 to −10.0 percentage points"
    assert wording.span(0.05, 0.0501, wording.points) == "5.0 percentage points"
    assert wording.span(None, None) == pct(None) == points(0.1, None) == "_undefined_"
    assert wording.count(1234567) == "1\u202f234\u202f567"
    assert [wording.listed(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "none", "a", "a and b", "a, b and c"
    ]  # fmt: skip
    assert wording.escape("rf9_*") == "rf9\\_\\*"


def test_the_article_rounds_as_the_claims_do(tmp_path):
    """Its tables set numbers by Typst's own rounding."""
    import typst

    random = np.random.default_rng(3)
    numbers = [*random.uniform(-2, 2, 500), *(k / n for n in (12, 16, 480) for k in range(n))]
    lib = (PAPER / "lib.typ").read_text(encoding="utf-8")
    fixed = lib[lib.index("#let minus(") : lib.index("// A fraction as percent")]
    source = tmp_path / "numbers.typ"
    source.write_text(
        f"{fixed}\n#let numbers = json(bytes(sys.inputs.numbers))\n"
        "#metadata(numbers.map(x => range(4).map(digits => fixed(x, digits)))) <rounded>",
        encoding="utf-8",
    )
    found = typst.query(str(source), "<rounded>", field="value",
                        sys_inputs={"numbers": json.dumps(numbers)})  # fmt: skip
    expected = [[wording.fixed(x, digits) for digits in range(4)] for x in numbers]
    assert json.loads(found)[0] == expected


@pytest.mark.parametrize(
    ("kind", "tables"),
    [
        ("procedural", synthetic_tables.procedural()),
        ("procedural", synthetic_tables.procedural() | synthetic_tables.optional()),
        ("published", synthetic_tables.published() | synthetic_tables.published_techniques()),
    ],
)
def test_every_claim_names_its_rule_and_cells_that_are_there(tmp_path, kind, tables):
    arguments = results_of(tmp_path, tables, kind=kind)
    folder = arguments["results"] / "tables"
    tables_read = {
        path.stem: pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
        for path in folder.glob("*.csv")
    }
    cells = 0
    for claim in claims_of(arguments):
        assert len(claim.rule) > 10, claim
        assert re.search(r"\w+\.csv", claim.evidence), claim
        assert claim.cells or claim.verdict == "not run", claim
        for cell in claim.cells:
            rows = [row for row in tables_read[cell.table] if cell.row.items() <= row.items()]
            assert len(rows) == 1, (claim.id, cell)
            text = rows[0][cell.column]
            assert (float(text) if isinstance(cell.value, float) else text or None) == cell.value
            cells += 1
    assert cells > 50


def test_claims_are_kept_as_json(tmp_path):
    arguments = results_of(tmp_path, synthetic_tables.procedural())
    found = claims_of(arguments)
    write(tmp_path / "claims.json", found)
    kept = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert [one["id"] for one in kept["claims"]] == [claim.id for claim in found]
    one = next(one for one in kept["claims"] if one["id"] == "bias-plain")
    assert one["cells"][0] == {
        "table": "shape_bias",
        "row": {"model": "cnn--plain", "architecture": "cnn", "arm": "plain", "seed": "0"},
        "column": "verdict",
        "value": "texture-biased",
    }
    assert one["section"] == "trained"
    assert one["verdict"] in one["alternatives"]
    assert kept["names"]["networks"]["cnn"] == "CNN"


@pytest.mark.parametrize(
    ("table", "text", "message"),
    [
        ("shape_bias", "of,former\n1,2\n", r"shape_bias\.csv: column 'architecture' is missing"),
        ("shape_bias", "model,arm\na\n", r"shape_bias\.csv: row 1 has not as many cells"),
        ("readout", b"\xff\xfe\x00", r"readout\.csv: not a readable table"),
    ],
)
def test_a_damaged_table_is_one_line(tmp_path, table, text, message):
    arguments = results_of(tmp_path, synthetic_tables.procedural())
    path = arguments["results"] / "tables" / f"{table}.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=message) as caught:
        claims_of(arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "verdict", "words"),
    [
        (
            {"congruent_low": 0.08},
            "not recognised",
            "not even the pictures whose shape and texture",
        ),
        (
            {"match_low": 0.16},
            "follows no cue",
            "not shown to match a cue more often than guessing would",
        ),
        ({"response_entropy": 2.5}, "few answers", "decisions collapse onto a few classes"),
    ],
)
def test_a_bias_without_ground_has_no_name(tmp_path, changed, verdict, words):
    """One seed of three suffices, and the value of the bias does not matter."""
    tables = synthetic_tables.procedural()
    bias = synthetic_tables.named(tables["shape_bias"], 12).drop(columns="verdict")
    tables["shape_bias"] = bias
    for column, value in changed.items():
        bias.loc[at(tables, "shape_bias", seed=1), column] = value
    arguments = results_of(tmp_path, tables)
    assert verdicts(arguments)["bias-plain"] == verdict
    text = said(arguments)
    assert words in text
    assert "It is texture-biased" not in text


@pytest.mark.parametrize(
    ("arms", "readable", "ways"),
    [
        (["stylized"], "in part", "same"),
        (["plain", "stylized", "mixed", "neural"], "unreadable", "none"),
    ],
)
def test_conflict_pictures_are_validated_before_a_bias_is_read_from_them(
    tmp_path, arms, readable, ways
):
    tables = synthetic_tables.procedural()
    tables["shape_bias_by_set"] = synthetic_tables.named(tables["shape_bias_by_set"], 12)
    tables["shape_bias_by_set"] = tables["shape_bias_by_set"].drop(columns="verdict")
    for arm in arms:
        rows = at(tables, "shape_bias_by_set", arm=arm, set="cue-conflict-optimised")
        tables["shape_bias_by_set"].loc[rows, ["congruent_accuracy", "congruent_low"]] = 0.05, 0.01
    arguments = results_of(tmp_path, tables)
    found = verdicts(arguments)
    assert (found["conflict-readable"], found["conflict-ways"]) == (readable, ways)
    text = said(arguments)
    assert "congruent pictures are not recognised" in text or readable == "unreadable"
    assert "not recognised" in text


def test_numbers_that_stay_are_not_said_to_rise_for_some_and_fall_for_others(tmp_path):
    tables = synthetic_tables.procedural()
    tables["shape_bias_by_set"]["cue_match_rate"] = 0.5
    fields = tables["receptive_field"]
    fields["effective_trained"] = fields["effective_untrained"]
    arguments = results_of(tmp_path, tables)
    found = {claim.id: claim for claim in claims_of(arguments)}
    for id, words in (
        ("conflict-matches", "does not change in the same direction for all"),
        ("field-training", "training leaves it as it is in"),
    ):
        assert found[id].verdict == "mixed"
        assert "some" not in found[id].sentence
        assert words in found[id].sentence


def test_a_name_that_changes_with_the_pictures_is_said_where_both_sets_give_one(tmp_path):
    tables = synthetic_tables.procedural()
    rows = at(tables, "shape_bias_by_set", arm="stylized", set="cue-conflict-optimised")
    tables["shape_bias_by_set"].loc[rows, ["ci_low", "ci_high"]] = 0.1, 0.2
    arguments = results_of(tmp_path, tables)
    assert verdicts(arguments)["conflict-ways"] == "changes"
    assert "shape-biased, then texture-biased" in said(arguments)


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [
        ({"rf9": 0.29, "rf17": 0.72, "rf33": 0.89}, "contour"),
        ({"rf9": 0.2, "rf17": 0.3, "rf33": 0.45}, "wide view"),
        ({"rf9": 0.92, "rf17": 0.93, "rf33": 0.95}, "local suffices"),
    ],
)
def test_every_field_counts_for_what_stylized_images_ask(tmp_path, accuracies, verdict):
    tables = synthetic_tables.procedural()
    frame = tables["accuracy"]
    for architecture, value in accuracies.items():
        rows = at(tables, "accuracy", architecture, "stylized", set="test-stylized")
        frame.loc[rows, ["accuracy", "ci_low", "ci_high"]] = value, value - 0.02, value + 0.02
    arguments = results_of(tmp_path, tables)
    assert verdicts(arguments)["patches-stylized"] == verdict
    text = said(arguments)
    # (0.72 - 1/12) / (0.95 - 1/12) = 73 %, (0.89 - 1/12) / (0.95 - 1/12) = 93 %
    assert ("the RF 17 gets 73 % of the way" in text) == (verdict == "contour")
    assert "whole outline is lost" not in text


@pytest.mark.parametrize(
    ("reason", "crossing", "verdict"),
    [
        ("shape decisions do not become fewer with texture strength", "above", "no balance"),
        ("balance point outside the strengths shown", "above", "beyond"),
        ("balance point outside the strengths shown", "guessed", "no comparison"),
        # Without a fit nothing says which way the curve goes, and a share may lie below one half.
        ("shape and texture decisions are separated", "above", "no comparison"),
        ("balance point outside the strengths shown", "fitted above", "no comparison"),
        ("", 0.8, "higher"),
        ("", 0.1, "lower"),
        ("", 0.42, "not separated"),
    ],
)
def test_what_is_said_of_a_balance_reads_the_reason(tmp_path, reason, crossing, verdict):
    from texshape.techniques.cue_strength import curve as cue_strength

    tables = synthetic_tables.procedural()
    frame, rows = tables["cue_strength"], at(tables, "cue_strength", arm="stylized")
    frame.loc[rows, "reason"] = reason
    why = {
        "above": cue_strength.ABOVE,
        "fitted above": cue_strength.FITTED_ABOVE,
        "guessed": cue_strength.GUESSED,
    }.get(crossing, "")
    frame.loc[rows, "crossing_reason"] = why
    if not why:
        frame.loc[rows, ["crossing", "crossing_low", "crossing_high"]] = (
            crossing, crossing - 0.05, crossing + 0.05,
        )  # fmt: skip
    assert verdicts(results_of(tmp_path, tables))["balance-stylized"] == verdict


@pytest.mark.parametrize(
    ("falling", "verdict"),
    [
        ([], "no balance"),
        ([1], "beyond or none"),
        ([0, 2], "beyond or none"),
        ([0, 1, 2], "beyond"),
    ],
)
def test_a_balance_that_some_seeds_lack_and_others_have_beyond_is_both(tmp_path, falling, verdict):
    from texshape.techniques.cue_strength import curve as cue_strength

    tables = synthetic_tables.procedural()
    frame, rows = tables["cue_strength"], at(tables, "cue_strength", arm="stylized")
    frame.loc[rows, "crossing_reason"] = cue_strength.ABOVE
    falls = rows & frame["seed"].isin(falling)
    frame.loc[rows, "reason"] = "shape decisions do not become fewer with texture strength"
    frame.loc[falls, "reason"] = "balance point outside the strengths shown"
    arguments = results_of(tmp_path, tables)
    assert verdicts(arguments)["balance-stylized"] == verdict
    assert (f"In {'one seed' if len(falling) == 2 else '2 seeds'} of 3" in said(arguments)) == (
        verdict == "beyond or none"
    )


@pytest.mark.parametrize("missing", [["plain"], ["stylized"], ["plain", "stylized"]])
def test_which_network_has_no_crossing_is_said(tmp_path, missing):
    tables = synthetic_tables.procedural()
    for arm in ("plain", "stylized"):
        rows = at(tables, "cue_strength", arm=arm) & (tables["cue_strength"]["seed"] == 1)
        none = arm in missing
        crossing = [float("nan")] * 3 if none else [0.5, 0.4, 0.6]
        rows = rows if none else at(tables, "cue_strength", arm=arm)
        columns = ["crossing", "crossing_low", "crossing_high"]
        tables["cue_strength"].loc[rows, columns] = crossing
        tables["cue_strength"].loc[rows, "crossing_reason"] = "fewer than half" if none else ""
    (found,) = (c for c in claims_of(results_of(tmp_path, tables)) if c.id == "balance-stylized")
    assert found.verdict == "no comparison"
    for arm in ("plain", "stylized"):
        assert (f" trained on {arm} images" in found.sentence) == (arm in missing)


def test_the_crossing_is_the_number_to_go_by_where_the_curve_does_not_fit(tmp_path):
    tables = synthetic_tables.procedural()
    frame, rows = tables["cue_strength"], at(tables, "cue_strength", strength=0.7)
    frame.loc[rows, "fitted_share"] = 0.4  # 20 % observed
    arguments = results_of(tmp_path / "misses", tables)
    assert verdicts(arguments)["balance-fit"] == "misses"
    assert "3 of 15 fitted shares" in said(arguments)
    frame.loc[at(tables, "cue_strength"), "fitted_share"] = float("nan")
    assert verdicts(results_of(tmp_path / "none", tables))["balance-fit"] == "no fit"
    one = at(tables, "cue_strength", seed=1)
    frame.loc[one, "crossing"] = float("nan")
    frame.loc[one, "crossing_reason"] = "fewer than half"
    assert verdicts(results_of(tmp_path / "one", tables))["balance-fit"] == "no crossing"


def test_a_name_along_the_curve_needs_matches(tmp_path):
    """Between the names of the two ends stands a strength at which matches are guesses."""
    tables = synthetic_tables.procedural()
    frame = tables["cue_strength"]
    frame["match_low"] = frame["cue_match_rate"] - 0.03
    weak = at(tables, "cue_strength") & (frame["strength"] > 0) & (frame["shape_share"] > 0.5)
    frame.loc[weak, "match_low"] = 0.16
    arguments = results_of(tmp_path / "guessed", tables)
    assert verdicts(arguments)["strength-name"] == "moves"
    text = said(arguments)
    assert (
        "follows no cue is no name (in at least one seed decisions are not shown to match a cue more often"
        in text
    )
    assert "whether it passes from one name to the other is not known" in text
    assert "It does not pass" not in text


def test_a_curve_with_a_name_at_every_strength_may_not_pass_to_the_other(tmp_path):
    tables = synthetic_tables.procedural()
    frame, rows = tables["cue_strength"], at(tables, "cue_strength")
    high = rows & (frame["shape_share"] > 0.5)
    frame.loc[high, ["shape_share", "ci_low", "ci_high"]] = 0.45, 0.42, 0.48
    arguments = results_of(tmp_path, tables)
    assert verdicts(arguments)["strength-name"] == "moves"
    assert "It does not pass from one name to the other." in said(arguments)


@pytest.mark.parametrize(
    ("accuracy", "verdict"), [(0.589, "above"), (0.97, "learned"), (0.1, "not above")]
)
def test_a_task_is_learned_beyond_half_of_what_guessing_leaves(tmp_path, accuracy, verdict):
    tables = synthetic_tables.procedural()
    rows = at(tables, "accuracy", set="test-plain")
    interval = [accuracy, accuracy - 0.1, min(accuracy + 0.1, 1)]
    tables["accuracy"].loc[rows, ["accuracy", "ci_low", "ci_high"]] = interval
    arguments = results_of(tmp_path, tables)
    assert verdicts(arguments)["plain-learned"] == verdict
    assert "guessing is right in 8.3 %" in said(arguments) or verdict == "above"


@pytest.mark.parametrize(
    ("level", "verdict"), [(0.2, "lower"), (0.77, "not separated"), (0.95, "higher")]
)
def test_a_network_that_names_textures_says_what_shape_is_learned_for(tmp_path, level, verdict):
    tables = synthetic_tables.procedural()
    for name in ("shape_bias", "accuracy", "readout"):
        frame = tables[name]
        row = frame[at(tables, name, arm="plain")].assign(
            arm="textures-named", model="cnn--textures-named"
        )
        if name == "readout":
            row = row.assign(accuracy=level, ci_low=level - 0.03, ci_high=level + 0.03)
        tables[name] = pd.concat([frame, row], ignore_index=True)
    arguments = results_of(tmp_path, tables)
    path = arguments["results"] / "parameters.json"
    parameters = json.loads(path.read_text())
    parameters["arms"]["textures-named"] = {"sets": ["unpaired"], "training": {"label": "texture"}}
    path.write_text(json.dumps(parameters))
    assert verdicts(arguments)["texture-named"] == verdict


@pytest.mark.parametrize(
    ("training", "pictures", "both", "verdict"),
    [
        ((0.2, 0.2), (0.0, 0.0), 0.2, "training"),
        ((0.0, 0.0), (0.2, 0.2), 0.2, "pictures"),
        ((0.2, 0.2), (0.2, 0.2), 0.4, "both"),
        ((0.0, 0.0), (0.0, 0.0), 0.2, "neither"),
        # Two effects that cancel each other make no difference, and what is against it makes none of it.
        ((0.2, 0.2), (-0.2, -0.2), 0.0, "no change"),
        ((0.4, 0.4), (-0.2, -0.2), 0.2, "training"),
        # The base network is moved by the other pictures, the variant's is not.
        ((0.5, 0.34), (0.15, -0.01), 0.49, "depends"),
        ((-0.2, 0.0), (-0.2, -0.2), -0.4, "depends"),
    ],
)
def test_training_and_test_pictures_are_crossed(tmp_path, training, pictures, both, verdict):
    tables = synthetic_tables.procedural()
    frame = tables["controls"]
    effects = {
        "both": both,
        "training, base pictures": training[0],
        "training, variant's pictures": training[1],
        "pictures, base network": pictures[0],
        "pictures, variant's network": pictures[1],
    }
    for effect, value in effects.items():
        rows = (frame["effect"] == effect) & (frame["variant"] == "orientation-free")
        assert rows.sum() == 1
        frame.loc[rows, ["difference", "ci_low", "ci_high"]] = value, value - 0.05, value + 0.05
    found = verdicts(results_of(tmp_path, tables))
    assert found["control-orientation-crossed"] == verdict
    total = "higher" if both > 0 else "lower" if both < 0 else "not separated"
    assert found["control-orientation"] == total


@pytest.mark.parametrize("drawn", [0.99, 0.2])
def test_the_direction_of_neural_stylization_is_the_renderers_only_where_that_has_one(
    tmp_path, drawn
):
    tables = synthetic_tables.procedural()
    frame = tables["shape_bias"]
    del tables["shape_bias_differences"]
    for arm, value in {"plain": 0.2, "neural": 0.6, "stylized": drawn}.items():
        rows = at(tables, "shape_bias", arm=arm)
        frame.loc[rows, ["shape_bias", "ci_low", "ci_high"]] = value, value - 0.03, value + 0.03
    (found,) = (
        c for c in claims_of(results_of(tmp_path, tables)) if c.id == "neural-against-plain"
    )
    assert found.verdict == "higher"
    assert ("as with the renderer" in found.sentence) == (drawn == 0.99)


def test_fitness_on_validation_images_is_read_where_it_was_asked_for(tmp_path):
    tables = synthetic_tables.procedural()
    fitness = tables["stylization_fitness"]
    fitness["set"] = fitness["set"].str.replace("test-", "validation-")
    arguments = results_of(tmp_path, tables)
    path = arguments["results"] / "parameters.json"
    asked = json.loads(path.read_text()) | {"fitness": {"split": "validation"}}
    path.write_text(json.dumps(asked))
    assert verdicts(arguments)["fitness"] == NORMAL["fitness"]
    made = next(claim for claim in claims_of(arguments) if claim.id == "fitness")
    assert "validation-neural" in made.sentence
    assert "validation-plain" in made.evidence
