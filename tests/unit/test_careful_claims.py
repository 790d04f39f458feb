"""Sentences that say no more than the tables hold: what was searched, compared and tried, and no cause."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests import synthetic_tables
from tests.article_world import (
    at,
    claims_of,
    page_of,
    plain,
    project,
    results_of,
    verdicts,
    words_of,
)

from texshape.claims import wording
from texshape.claims.sections import comparison
from texshape.comparison.agreement import in_words
from texshape.techniques import registry


def found(arguments: dict) -> dict:
    """Claims by name."""
    return {one.id: one for one in claims_of(arguments)}


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((11, 4, 7, 0), "among 4 of 11 networks; left out are 7 since too few of their seeds have"),
        ((11, 4, 5, 2), "have the measure and 2 since too few decisions match a cue."),
        ((4, 4, 0, 0), "It was searched for among 4 of 4 networks. "),
        ((np.nan, np.nan, np.nan, np.nan), None),
    ],
)
def test_a_search_says_how_many_networks_it_left_out(tmp_path, counts, words):
    tables = synthetic_tables.procedural()
    pairs = tables["equivalent_pair"]
    names = ["n_networks", "n_searched", "n_few_seeds", "n_few_matches"]
    pairs[names] = [counts] * len(pairs)
    units = pairs["information"] == "information_shape"
    pairs.loc[units, ["model_a", "model_b", "confirmed"]] = [np.nan, np.nan, np.nan]
    why = (
        "of 6 pairs 3 have both biases further than 0.05 from 0 and from 1, and none is equivalent"
    )
    pairs.loc[units, "reason"] = f"{why}; nearest cnn--plain and cnn--plain-crop: 0.1 [0.0, 0.2]"
    arguments = results_of(tmp_path, tables)
    assert verdicts(arguments)["pair-information_shape"] == "no pair"
    (own,) = (one for one in claims_of(arguments) if one.id == "pair-information_shape")
    assert "nearest CNN trained on plain and CNN trained on plain-crop: 0.1" in own.sentence
    assert "--" not in own.sentence
    if words is None:
        assert "searched for among" not in own.sentence
    else:
        assert words in own.sentence + " "
        assert (
            dict(zip(names, counts, strict=True)).items()
            <= {cell.column: cell.value for cell in own.cells}.items()
        )


@pytest.mark.parametrize(
    ("within", "verdict", "words"),
    [
        ([0.02, 0.03], "all", "Within one kind of training images they are significant too."),
        ([0.02, 0.4], "some", "only shape bias with shape decodable is"),
        ([0.0001, 0.4], "some", "only shape bias with shape decodable is"),
        ([0.3, 0.4], "none", "shape bias with shape decodable: ρ = 0.50, p = 0.300, n = 10;"),
        (
            [np.nan, 0.4],
            "none",
            "shape bias with shape decodable: ρ = 0.50, p = undefined, n = 10;",
        ),
    ],
)
def test_what_is_not_significant_within_is_not_said_to_be_absent(tmp_path, within, verdict, words):
    tables = synthetic_tables.procedural()
    tables["correlations"]["within_holm"] = within
    own = found(results_of(tmp_path, tables))["correlations-within"]
    assert own.verdict == verdict
    assert words in plain(own)
    assert ("neither that there is no relation nor that kinds" in plain(own)) == (verdict == "none")
    assert {cell.column for cell in own.cells} == {"within_rho", "within_holm", "n_within"}


def test_networks_that_were_trained_elsewhere_are_of_no_kind_of_training(tmp_path):
    """Their arm is the name of their weights; the tables group by it, no sentence calls it training images."""
    tables = synthetic_tables.procedural()
    arguments = results_of(tmp_path, tables)
    path = arguments["results"] / "parameters.json"
    for trained in (True, False):
        if not trained:
            path.write_text(json.dumps(json.loads(path.read_text()) | {"trained": []}))
        made = found(arguments)
        assert made["correlations-within"].verdict == ("all" if trained else "not known")
        text = " ".join(plain(made[name]) for name in ("agreement", "correlations-within"))
        assert ("Within one kind of training images" in text) == trained


@pytest.mark.parametrize(
    ("within", "words"),
    [
        (
            0.03,
            "Within one kind of training images that is shown for each of them. None is shown to be contrary",
        ),
        (0.4, "that is shown for none of them, once corrected (p = 0.400): the order may be"),
        (np.nan, "decodable. None is shown to be contrary to it."),
    ],
)
def test_agreement_says_whether_it_holds_within_one_kind_of_training(tmp_path, within, words):
    tables = synthetic_tables.procedural()
    tables["agreement"]["within_holm"] = within
    assert words in plain(found(results_of(tmp_path, tables))["agreement"])


@pytest.mark.parametrize(
    ("here", "there", "words"),
    [
        (0.004, 0.003, None),
        (0.4, 0.003, "shape decodable: p = 0.003 among 2 tests, p = 0.400 among 3."),
        (0.00001, 0.4, "shape decodable: p = 0.400 among 2 tests, p < 0.001 among 3."),
        (np.nan, 0.003, None),
    ],
)
def test_two_corrections_that_decide_otherwise_are_told(tmp_path, here, there, words):
    tables = synthetic_tables.procedural()
    pairs = tables["agreement"]
    own = (pairs["measure_x"] == "shape_bias") & (pairs["measure_y"] == "readout_shape")
    assert own.sum() == 1
    pairs.loc[own, "p_holm"] = here
    if not here < 0.1:
        pairs.loc[own, ["verdict", "reason"]] = "undecided", "not significant among 3 tests"
    named = tables["correlations"]["measure_y"] == "readout_shape"
    tables["correlations"].loc[named, "p_holm"] = there
    tables["correlations"].loc[~named, "p_holm"] = np.nan
    claim = found(results_of(tmp_path, tables))["agreement"]
    assert ("corrected for their own number" in plain(claim)) == bool(words)
    if words:
        assert words in plain(claim)
        assert {"agreement", "correlations"} == {cell.table for cell in claim.cells}


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (
            [0.061, 0.337],
            "more often in pictures decided for the shape than in those decided for the",
        ),
        (
            [-0.337, -0.061],
            "less often in pictures decided for the shape than in those decided for the",
        ),
        ([-0.1, 0.337], "is open (difference in percentage points"),
        ([np.nan, np.nan], "Undefined here"),
    ],
)
def test_the_unit_of_a_difference_is_named_once(tmp_path, limits, words):
    tables = synthetic_tables.procedural()
    tables["disagreement"][["read_low", "read_high"]] = limits
    own = plain(found(results_of(tmp_path, tables))["disagreement-read"])
    assert words in own
    assert own.count("percentage points") <= 1


def test_an_association_is_not_called_a_cause(tmp_path):
    for name, limits in (("less", [-0.1, -0.01]), ("more", [0.01, 0.1])):
        tables = synthetic_tables.procedural()
        tables["disagreement"][["excess_low", "excess_high"]] = limits
        own = found(results_of(tmp_path / name, tables))["disagreement"]
        assert own.verdict == name
        assert "That is an association" in plain(own)
        assert "does bend" not in plain(own)


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        (
            ["stylized"],
            "can be read by some of these networks only: no bias is named from them for stylized",
        ),
        ([], "can be read by each of these networks."),
        (
            ["plain", "stylized", "mixed", "neural"],
            "are no conflict stimuli for any of these networks",
        ),
    ],
)
def test_pictures_that_pass_for_some_networks_are_not_said_to_pass_for_none(tmp_path, arms, words):
    tables = synthetic_tables.procedural()
    frame = synthetic_tables.named(tables["shape_bias_by_set"], 12).drop(columns="verdict")
    tables["shape_bias_by_set"] = frame
    for arm in arms:
        rows = at(tables, "shape_bias_by_set", arm=arm, set="cue-conflict-optimised")
        frame.loc[rows, ["congruent_accuracy", "congruent_low"]] = 0.05, 0.01
    assert words in plain(found(results_of(tmp_path, tables))["conflict-readable"])


@pytest.mark.parametrize(
    ("half_size", "accuracies", "words"),
    [
        # 48 pixels: 31 to 44
        (
            [0.32, 0.46],
            (0.72, 0.89),
            "none fits into that of the RF 17 (17 px): there pieces of the",
        ),
        (
            [0.32, 0.46],
            (0.72, 0.89),
            "so that the smallest fit into the field of the RF 33 (33 px) and",
        ),
        (
            [0.32, 0.46],
            (0.3, 0.89),
            "the RF 33 (33 px): that pieces of the contour are enough is not",
        ),
        (
            [0.4, 0.46],
            (0.72, 0.89),
            "so that none fits into that of the RF 17 (17 px) and RF 33 (33 px)",
        ),
        (
            [0.1, 0.46],
            (0.72, 0.89),
            "RF 17 (17 px) and RF 33 (33 px): that pieces of the contour are eno",
        ),
        (None, (0.72, 0.89), "How much of an object such a field takes in is not known here"),
    ],
)
def test_a_field_is_held_against_the_size_of_objects(tmp_path, half_size, accuracies, words):
    tables = synthetic_tables.procedural()
    for architecture, value in zip(("rf9", "rf17", "rf33"), (0.29, *accuracies), strict=True):
        rows = at(tables, "accuracy", architecture, "stylized", set="test-stylized")
        tables["accuracy"].loc[rows, ["accuracy", "ci_low", "ci_high"]] = (
            value, value - 0.02, value + 0.02,
        )  # fmt: skip
    arguments = results_of(tmp_path, tables)
    path = arguments["results"] / "parameters.json"
    parameters = json.loads(path.read_text())
    if half_size is not None:
        parameters["data"] |= {"image_size": 48, "outline": {"half_size": half_size}}
    path.write_text(json.dumps(parameters))
    own = found(arguments)["patches-stylized"]
    assert own.verdict == "contour"
    assert words in plain(own)
    assert "without seeing an object whole" not in plain(own)


def test_networks_that_saw_other_pictures_are_no_example(tmp_path):
    tables = synthetic_tables.procedural()
    bias = tables["shape_bias"]
    networks = bias["architecture"] + bias["arm"]
    bias["shape_bias"] = networks.map({n: i for i, n in enumerate(networks.unique())}) * 0.06
    plain_rows = at(tables, "shape_bias", "cnn", "plain")
    own = float(bias.loc[plain_rows, "shape_bias"].iloc[0])
    free = at(tables, "shape_bias", "cnn", "plain-orientation-free")
    bias.loc[free, ["shape_bias", "cue_match_rate"]] = own, 0.2
    assert verdicts(results_of(tmp_path / "others", tables))["limits-counts"] == "no twins"
    crop = at(tables, "shape_bias", "cnn", "plain-crop")
    bias.loc[crop, ["shape_bias", "cue_match_rate"]] = own, 0.3
    claim = found(results_of(tmp_path / "same", tables))["limits-counts"]
    assert claim.verdict.startswith("hides")
    assert "plain-crop" in plain(claim)
    assert "orientation-free" not in plain(claim)
    # Two of one variant saw the same pictures.
    bias.loc[crop, ["shape_bias", "cue_match_rate"]] = 3.0, 0.9
    other = bias[free].assign(
        architecture="rf9", model="rf9--plain-orientation-free", cue_match_rate=0.9
    )
    tables["shape_bias"] = synthetic_tables.pd.concat([bias, other], ignore_index=True)
    claim = found(results_of(tmp_path / "variant", tables))["limits-counts"]
    assert "RF 9 trained on plain-orientation-free" in plain(claim)


def test_every_choice_that_was_tried_is_counted(tmp_path):
    tables = synthetic_tables.procedural()
    same = plain(found(results_of(tmp_path / "same", tables))["limits-procedure"])
    rows = at(tables, "shape_bias_by_set", arm="stylized", set="cue-conflict-optimised")
    frame = tables["shape_bias_by_set"]
    frame.loc[rows, ["ci_low", "ci_high"]] = 0.1, 0.2
    arguments = results_of(tmp_path / "changes", tables)
    claims = found(arguments)
    assert claims["conflict-ways"].verdict == "changes"
    changes = plain(claims["limits-procedure"])
    assert "how shape and texture are put into conflict" in changes
    assert "how shape and texture are put into conflict" not in same
    frame = synthetic_tables.named(frame, 12).drop(columns="verdict")
    there = frame["set"] == "cue-conflict-optimised"
    frame.loc[there, ["congruent_accuracy", "congruent_low"]] = 0.05, 0.01
    tables["shape_bias_by_set"] = frame
    claims = found(results_of(tmp_path / "none", tables))
    assert claims["conflict-ways"].verdict == "none"
    none = plain(claims["limits-procedure"])
    asked = sum(
        claims[id].verdict not in ("not run", "undefined")
        for id in ("strength-name", "control-orientation", "control-tint", "recipe")
    )
    assert asked == 4
    assert "of 5 such choices" in same or "all 5 such" in same
    assert "of 5 such choices" in changes or "all 5 such" in changes
    assert "of 4 such choices" in none or "all 4 such" in none


def test_how_many_of_the_choices_moved_reads_well():
    from texshape.claims.sections.limits import _tried

    assert _tried(1, 1) == "No other such choice was tried."
    assert _tried(4, 4) == "These are all 4 such choices that were tried."
    assert _tried(2, 5) == "That is 2 of 5 such choices that were tried."


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "< 0.001"), (0.00049, "< 0.001"), (0.0005, "= 0.001"), (0.0123, "= 0.012"),
     (1.0, "= 1.000"), (None, "= _undefined_")],
)  # fmt: skip
def test_no_p_value_is_zero(p, text):
    assert wording.p_value(p).replace("\u00a0", " ") == f" {text}"


def test_the_article_sets_no_p_value_of_zero(tmp_path):
    tables = synthetic_tables.procedural()
    tables["correlations"][["p_holm", "within_holm"]] = 0.00001
    tables["shape_bias_differences"]["seed_p"] = 0.0001
    text = words_of(page_of(project(tmp_path, tables)))
    assert "Welch’s p < 0.001" in text
    assert "Welch's p = 0.000" not in text.replace("’", "'")
    assert "< 0.001" in text


def test_names_of_measures_hold_no_comma():
    """They stand in lists."""
    assert not [name for name in comparison.WORDS.values() if "," in name]
    names = [*registry.ALWAYS, *registry.OPTIONAL]
    labels = [one.label for name in names for one in registry.get(name).measures]
    assert len(labels) > 40
    assert [label for label in labels if "," in label]  # in tables and figures they may
    assert not [label for label in labels if "," in in_words(label)]
    assert in_words("kept, shape suppressed") == "kept (shape suppressed)"
    assert in_words("accuracy, edges") == "accuracy on edges"
    assert in_words("shape decodable, last stage") == "shape decodable"


@pytest.mark.parametrize(
    ("smaller", "verdict", "words"),
    [
        (
            {"rf9": 0, "rf17": 0},
            "mixed",
            "and as large as the theoretical one in 4 (RF 9 and RF 17).",
        ),
        (
            {"rf9": 0, "rf17": -2},
            "mixed",
            "2 (RF 9) and larger than the theoretical one in 2 (RF 17).",
        ),
        ({"rf9": 2}, "above", "what counts is smaller than what could."),
        ({"rf9": np.nan}, "undefined", "Undefined here"),
    ],
)
def test_fields_that_are_as_large_as_they_could_be_are_counted(tmp_path, smaller, verdict, words):
    tables = synthetic_tables.procedural()
    rows = tables["receptive_field"]
    rows["effective_trained"] = rows["theoretical"] - 1
    for architecture, by in smaller.items():
        own = rows["architecture"] == architecture
        assert own.any()
        rows.loc[own, "effective_trained"] = rows.loc[own, "theoretical"] - by
    claim = found(results_of(tmp_path, tables))["field-effective"]
    assert claim.verdict == verdict
    assert words in plain(claim)
