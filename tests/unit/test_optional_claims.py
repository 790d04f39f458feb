"""Verdicts of the techniques that have to be named: each is reached on purpose, and set by the article once."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from tests import synthetic_tables
from tests.article_world import (
    claims_of,
    page_of,
    plain,
    project,
    results_of,
    said,
    verdicts,
    words_of,
)

from texshape.article import compilation
from texshape.cli.technique import describe_techniques
from texshape.comparison import measures
from texshape.config.comparison import ComparisonSettings
from texshape.techniques import registry

#: those that bring their claims to the section of techniques that have to be named
NAMED = registry.OPTIONAL


@pytest.fixture(scope="module")
def world():
    return synthetic_tables.optional()


def found(folder, tables) -> dict[str, str]:
    return verdicts(results_of(folder, tables))


NORMAL = {
    "cue-rank-plain": "texture better",
    "cue-rank-plain-bias": "seen all the same",
    "cue-rank-stylized": "shape better",
    "cue-rank-stylized-bias": "seen all the same",
    "cue-rank-networks": "differ",
    "triplets-plain": "texture",
    "triplets-plain-bias": "agrees",
    "triplets-stylized": "shape",
    "triplets-stylized-bias": "agrees",
    "triplets-networks": "differ",
    "frequency-plain": "channel",
    "frequency-stylized": "channel",
    "frequency-order": "lower",
    "frequency-networks": "channel",
    "frequency-published": "fewer",
    "configural-limited": "as known",
    "configural-plain": "outline",
    "configural-plain-pieces": "dots better",
    "configural-stylized": "configuration",
    "configural-stylized-pieces": "direction adds",
    "configural-networks": "differ",
    "suppression-plain-shape": "as the control",
    "suppression-plain-texture": "relied on",
    "suppression-stylized-shape": "relied on",
    "suppression-stylized-texture": "as the control",
    "suppression-shape": "differ",
    "suppression-texture": "differ",
    "steering-plain": "at a cost either way",
    "steering-stylized": "at a cost either way",
    "steering-networks": "at a cost either way",
    "top-k-plain": "not beyond random",
    "top-k-stylized": "not beyond random",
    "top-k-networks": "not beyond random",
    "attention-radius-plain": "towards texture",
    "attention-radius-stylized": "towards texture",
    "attention-radius-networks": "differ",  # one has no attention
}


def of_these(verdicts: dict[str, str]) -> dict[str, str]:
    return {id: verdict for id, verdict in verdicts.items() if id in NORMAL}


def test_reversed_results(tmp_path):
    turned = of_these(found(tmp_path / "reversed", synthetic_tables.optional(reverse=True)))
    swapped = {"plain": "stylized", "stylized": "plain"}

    def other(id: str) -> str:
        return "-".join(swapped.get(part, part) for part in id.split("-"))

    beside = {"frequency-order": "higher"}
    # There is no bias here, so that what stands beside it is not run.
    assert turned == {id: "not run" if id.endswith("bias") else beside.get(id, NORMAL[other(id)])
                      for id in NORMAL}  # fmt: skip


def test_what_is_said_beside_a_bias_follows_it(tmp_path, world):
    """With the biases of the invented experiment, and against them."""
    tables = synthetic_tables.procedural()
    assert of_these(found(tmp_path / "with", tables | world)) == NORMAL
    against = of_these(
        found(tmp_path / "against", tables | synthetic_tables.optional(reverse=True))
    )
    for arm in ("plain", "stylized"):
        assert against[f"triplets-{arm}-bias"] == "contradicts"
        assert against[f"cue-rank-{arm}-bias"] == "seen all the same"


def test_undefined_and_missing_results(tmp_path, world):
    assert not of_these(verdicts(results_of(tmp_path / "none", synthetic_tables.procedural())))
    empty = {name: frame.iloc[:0] for name, frame in world.items()}
    assert set(of_these(found(tmp_path / "empty", empty)).values()) == {"not run"}
    blank = synthetic_tables.undefined(world)
    blank["configural_shape"]["share"] = world["configural_shape"]["share"]  # what was drawn stays
    blank["attention_radius"]["kept"] = world["attention_radius"]["kept"]  # a name
    unknown = of_these(found(tmp_path / "unknown", blank))
    assert unknown["attention-radius-networks"] == "differ"  # who has no attention still has none
    unknown["attention-radius-networks"] = "undefined"
    assert set(unknown.values()) <= {"undefined", "not run", "not recognised", "no channel",
                                     "no order", "as many"}  # fmt: skip
    assert len(unknown) == len(of_these(found(tmp_path / "known", world)))


# --- suppression ---------------------------------------------------------------------------------


def kept(tables, arm, shows, suppression, values, seeds=(0, 1, 2), reason=""):
    """The tables with what is kept by one arm of the CNN replaced: value, lower and upper limit."""
    frame = tables["suppression"].copy()
    rows = (frame["architecture"] == "cnn") & (frame["arm"] == arm) & (frame["shows"] == shows)
    rows &= (frame["suppression"] == suppression) & frame["seed"].isin(seeds)
    assert rows.any()
    frame.loc[rows, ["kept", "kept_low", "kept_high"]] = values
    frame.loc[rows, "reason"] = reason
    return tables | {"suppression": frame}


def test_a_loss_counts_only_beyond_that_of_pictures_without_the_cue(tmp_path, world):
    """The null: what the filter costs without a texture, the network loses with one as well."""
    id = "suppression-plain-texture"
    lost = [0.55, 0.51, 0.59]
    null = kept(world, "plain", "shape", "bilateral", lost)
    assert found(tmp_path / "null", null)[id] == "as the control"
    one = kept(world, "plain", "shape", "bilateral", lost, seeds=(1,))
    assert found(tmp_path / "one", one)[id] == "as the control"
    # A filter that helps where there is no texture makes no loss of what stays as it is.
    helped = kept(world, "plain", "shape", "bilateral", [1.4, 1.3, 1.5])
    helped = kept(helped, "plain", "both", "bilateral", [1.02, 0.98, 1.06])
    assert found(tmp_path / "helped", helped)[id] == "as the control"


def test_a_loss_of_shape_counts_only_beyond_that_of_who_cannot_see_it(tmp_path, world):
    """The network with the smallest field, trained alike, loses as much by the cuts."""
    names = ("kept_low", "kept_high")
    own = {
        "architecture": "rf9",
        "arm": "stylized",
        "suppression": "patch-shuffle",
        "shows": "both",
    }
    verdict = found(
        tmp_path / "null", changed(world, "suppression", around(0.7, 0.04, names), **own)
    )
    assert verdict["suppression-stylized-shape"] == "not beyond the smallest field"
    assert verdict["suppression-shape"] == "differ"
    seen = changed(world, "suppression", around(0.9, 0.04, names), **own)
    arguments = results_of(tmp_path / "seen", seen)
    assert verdicts(arguments)["suppression-stylized-shape"] == "relied on"
    assert "more than the RF 9, which cannot see the shape" in said(arguments)
    frame = world["suppression"]
    away = world | {"suppression": frame[~frame["architecture"].str.startswith("rf")]}
    assert found(tmp_path / "away", away)["suppression-stylized-shape"] == "relied on"


def test_the_smallest_field_is_not_held_against_itself(tmp_path, world):
    """It loses by the cuts more than pictures without shape do: others are held against that."""
    names = ("kept_low", "kept_high")
    shuffled = {"suppression": "patch-shuffle", "shows": "both", "arm": "stylized"}
    own = changed(world, "suppression", around(0.7, 0.04, names), architecture="rf9", **shuffled)
    arguments = results_of(tmp_path / "own", own)
    text = said(arguments)
    assert verdicts(arguments)["suppression-stylized-shape"] == "not beyond the smallest field"
    assert "not shown to be more than the RF 9, which cannot see the shape" in text
    assert (
        "a loss of the RF 9 itself, which others are held against, in 1 (RF 9 · stylized)" in text
    )
    assert "not shown to be beyond that of the RF 9, in 4 (CNN · stylized" in text
    one = changed(own, "suppression", around(0.9, 0.02, names), (1,), "rf9", **shuffled)
    one = changed(one, "suppression", around(0.6, 0.04, names), **shuffled)
    assert found(tmp_path / "one", one)["suppression-stylized-shape"] == "relied on"
    null = changed(world, "suppression", around(1.0, 0.04, names), architecture="rf9", **shuffled)
    assert "RF 9 itself" not in said(results_of(tmp_path / "null", null))


def test_pictures_of_a_cue_alone_say_whether_it_is_suppressed(tmp_path, world):
    frame = world["suppression"]
    alone = frame[(frame["suppression"] == "bilateral") & (frame["shows"] == "both")]
    alone = alone.assign(shows="texture", set="texture-alone")
    limits = {"kept": [0.5, 0.97, np.nan], "kept_low": [0.4, 0.9, np.nan],
              "kept_high": [0.6, 1.02, np.nan]}  # fmt: skip
    for place, name in enumerate(("taken", "not shown", "undefined")):
        own = {column: values[place] for column, values in limits.items()}
        reason = "a reason of its own" if name == "undefined" else ""
        rows = pd.concat([frame, alone.assign(**own, reason=reason)])
        arguments = results_of(tmp_path / name, world | {"suppression": rows})
        text = said(arguments)
        # Where a loss is shown the suppression has taken something.
        assert verdicts(arguments)["suppression-stylized-texture"] == "as the control"
        assert ("Of pictures of texture alone it keeps" in text) == (name != "undefined")
        assert ("that the suppression takes the texture away is not shown" in text) == (
            name == "not shown"
        )
        assert ("a reason of its own" in text) == (name == "undefined")


def test_the_reach_of_a_filter_is_said_in_pixels_of_these_pictures(tmp_path, world):
    arguments = results_of(tmp_path, world)
    path = arguments["results"] / "parameters.json"
    parameters = json.loads(path.read_text())
    for side, scale, words in ((48, None, "a disc 5 px across"), (96, True, "a disc 7 px across"),
                               (48, False, None), (None, None, None)):  # fmt: skip
        parameters["data"] = {"kind": "procedural", "image_size": side}
        parameters["suppression"] = {} if scale is None else {"scale": scale}
        path.write_text(json.dumps(parameters))
        text = said(arguments)
        assert words in text if words else "px across" not in text


def test_a_loss_without_control_or_accuracy_says_its_reason(tmp_path, world):
    nothing = [np.nan] * 3
    reason = "intact images are recognised no better than by guessing"
    none = kept(world, "plain", "shape", "bilateral", nothing, (2,), reason)
    arguments = results_of(tmp_path / "none", none)
    assert verdicts(arguments)["suppression-plain-texture"] == "no control"
    assert reason in said(arguments)
    frame = world["suppression"]
    away = world | {"suppression": frame[frame["shows"] == "both"]}
    arguments = results_of(tmp_path / "away", away)
    named = {id: one for id, one in of_these(verdicts(arguments)).items() if "suppression" in id}
    assert set(named.values()) == {"no control"}
    assert "such pictures were not shown" in said(arguments)
    guess = kept(world, "plain", "both", "bilateral", nothing, (2,), reason)
    arguments = results_of(tmp_path / "guess", guess)
    assert verdicts(arguments)["suppression-plain-texture"] == "not recognised"
    assert reason in said(arguments)
    assert "has nothing to keep in at least one seed" in said(arguments)
    assert "at least one seed in which intact pictures are not recognised, in 1" in said(arguments)


# --- the others ----------------------------------------------------------------------------------


def changed(world, name, values, seeds=(0, 1, 2), architecture="cnn", arm="plain", **where):
    """The tables with some cells of one network's seeds replaced."""
    frame = world[name].copy()
    rows = (frame["architecture"] == architecture) & (frame["arm"] == arm)
    rows &= frame["seed"].isin(seeds)
    for column, value in where.items():
        rows &= frame[column] == value
    assert rows.any()
    for column, value in values.items():
        frame.loc[rows, column] = value
    return world | {name: frame}


def around(place, half=0.05, names=("ci_low", "ci_high")):
    return {names[0]: place - half, names[1]: place + half}


def test_ranks_are_held_against_outputs_in_random_order(tmp_path, world):
    tables = synthetic_tables.procedural() | world
    guesses = changed(tables, "cue_rank", around(0.27), seeds=(1,), cue="shape")
    verdict = found(tmp_path / "one", guesses)
    assert verdict["cue-rank-plain"] == "texture better"
    assert verdict["cue-rank-plain-bias"] == "not seen"  # in one seed
    neither = changed(guesses, "cue_rank", around(0.27), seeds=(2,), cue="texture")
    verdict = found(tmp_path / "neither", neither)
    assert verdict["cue-rank-plain"] == "neither seen"
    assert verdict["cue-rank-plain-bias"] == "neither seen"  # rank and bias do not say the same
    close = changed(tables, "cue_rank", around(0.82), seeds=(0,), cue="shape")
    assert found(tmp_path / "close", close)["cue-rank-plain"] == "not separated"
    frame = tables["cue_rank"]
    alone = tables | {"cue_rank": frame[frame["cue"] == "shape"]}
    assert found(tmp_path / "alone", alone)["cue-rank-networks"] == "one cue"


def test_choices_are_held_against_random_weights(tmp_path, world):
    last = {"stage": "stage3", "match": "class", "centred": True}
    untrained = changed(world, "triplets", around(0.24), seeds=(1,), epoch=0, **last)
    assert found(tmp_path / "null", untrained)["triplets-plain"] == "as untrained"
    neither = changed(world, "triplets", around(0.48), seeds=(1,), epoch=10, **last)
    assert found(tmp_path / "neither", neither)["triplets-plain"] == "neither"
    frame = world["triplets"]
    trained = world | {"triplets": frame[frame["epoch"] == 10]}
    arguments = results_of(tmp_path / "trained", synthetic_tables.procedural() | trained)
    verdict = verdicts(arguments)
    assert verdict["triplets-plain"] == "texture, not compared"
    assert verdict["triplets-stylized"] == "shape, not compared"
    assert verdict["triplets-plain-bias"] == "agrees"  # which asks for no training
    text = said(arguments)
    assert "in _undefined_" not in text
    assert "Training made" not in text
    assert "random weights were not measured in every seed" in text
    one = frame[(frame["epoch"] == 10) | (frame["seed"] != 1)]
    assert found(tmp_path / "one", {"triplets": one})["triplets-plain"] == "texture, not compared"
    # Beyond one half and not beyond random weights: what may be more is not called no more.
    values = {"ci_low": 0.61, "ci_high": 0.79}
    above = changed(world, "triplets", values, epoch=10, architecture="rf9", arm="stylized", **last)
    values = {"ci_low": 0.38, "ci_high": 0.62}
    above = changed(above, "triplets", values, epoch=0, architecture="rf9", arm="stylized", **last)
    text = said(results_of(tmp_path / "above", above))
    assert "a preference that is not shown to be beyond that with random weights in 1 (" in text


def test_a_channel_is_narrower_than_what_was_shown(tmp_path, world):
    names = ("bandwidth_low", "bandwidth_high")
    wide = changed(world, "frequency_channel", around(3.8, 0.3, names), seeds=(1,))
    assert found(tmp_path / "wide", wide)["frequency-plain"] == "not bounded"
    reason = "recognises no more than guessing without noise"
    nothing = dict.fromkeys((*names, "bandwidth"), np.nan) | {"reason": reason}
    arguments = results_of(
        tmp_path / "guesses", changed(world, "frequency_channel", nothing, seeds=(1,))
    )
    verdict = verdicts(arguments)
    assert verdict["frequency-plain"] == "no channel"
    assert "at least one seed without a bandwidth in 1 (CNN · plain)" in said(arguments)
    assert verdict["frequency-order"] == "no order"
    assert reason in said(arguments)
    more = world["frequency_channel"].assign(published_bandwidth=2.0)
    more.loc[0, [*names, "bandwidth"]] = np.nan
    assert found(tmp_path / "more", {"frequency_channel": more})["frequency-published"] == "more"


@pytest.mark.parametrize(
    ("widths", "words"),
    [
        (
            [2.0, 2.0, 2.0],
            "all of its 3 widths are the same number, 2.0 octaves: for each of 4 octaves",
        ),
        ([2.0, 2.0, 3.0], "Its 3 widths are of 2 different values only: for each of 4 octaves"),
        ([2.0, 2.5, 3.0], None),
        ([2.0, np.nan, np.nan], None),  # one is no coincidence
        ([np.nan] * 3, None),
    ],
)
def test_equal_published_widths_are_said_to_be_counts(tmp_path, world, widths, words):
    frame = world["frequency_channel"]
    frame = frame[(frame["architecture"] == "cnn") & (frame["arm"] == "plain")]
    tables = {"frequency_channel": frame.assign(published_bandwidth=widths)}
    arguments = results_of(tmp_path, tables)
    text = said(arguments)
    assert (
        (words.lower() in text.lower())
        if words
        else ("it counts the strengths of noise" not in text)
    )
    known = sum(not np.isnan(width) for width in widths)
    verdict = "as many" if known == 3 else "fewer"
    assert verdicts(arguments)["frequency-published"] == verdict


def test_a_loss_by_mirroring_counts_beyond_that_of_the_smallest_field(tmp_path, world):
    names = ("difference_low", "difference_high")
    small = {"architecture": "rf9", "arm": "stylized", "condition": "joined"}
    some = changed(world, "configural_shape", around(0.12, 0.05, names), seeds=(0,), **small)
    verdict = found(tmp_path / "some", some)
    assert verdict["configural-limited"] == "as known"  # in one seed of several
    assert verdict["configural-stylized"] == "configuration"
    null = changed(world, "configural_shape", around(0.2, 0.05, names), **small)
    verdict = found(tmp_path / "null", null)
    assert verdict["configural-limited"] == "loses"
    assert verdict["configural-stylized"] == "not beyond the smallest field"
    assert verdict["configural-plain"] == "outline"  # it loses nothing by mirroring
    text = said(results_of(tmp_path / "said", null))
    # Percentage points of accuracy, of the 60 % that are recognised whole.
    assert (
        "recognises 60.0 % of whole silhouettes. Of these percentage points it loses 25.0 (" in text
    )
    assert (
        "not in every seed is that more than the RF 9, which cannot see it, may lose (up to 25.0"
        in text
    )
    assert (
        "a loss by mirroring a part of the RF 9 itself, which others are held against, in 1" in text
    )
    assert (
        "lies 20.0 (seeds 20.0, 90 % intervals within 15.0–25.0, n = 200 each) percentage points"
        in text
    )
    one = changed(world, "configural_shape", around(0.08, 0.05, names), (2,), condition="joined",
                  arm="stylized")  # fmt: skip
    assert found(tmp_path / "near", one)["configural-stylized"] == "not beyond the smallest field"
    frame = world["configural_shape"]
    away = {"configural_shape": frame[~frame["architecture"].str.startswith("rf")]}
    verdict = found(tmp_path / "away", away)
    assert "configural-limited" not in verdict
    assert verdict["configural-stylized"] == "configuration"
    reason = "what it is compared with is not recognised above chance"
    nothing = dict.fromkeys(names, np.nan) | {"reason": reason}
    unknown = changed(world, "configural_shape", nothing, seeds=(2,), condition="joined")
    arguments = results_of(tmp_path / "unknown", unknown)
    assert verdicts(arguments)["configural-plain"] == "not recognised"
    assert reason in said(arguments)
    assert "at least one seed in which the whole is not recognised, in 1 (CNN · plain)" in said(
        arguments
    )
    pieces = changed(
        world, "configural_shape", around(0.0, 0.05, names), seeds=(2,), condition="segments-50"
    )
    assert found(tmp_path / "pieces", pieces)["configural-plain-pieces"] == "not shown"


# --- what moves the bias -------------------------------------------------------------------------


def replaced(tables, name, values, seeds=(0, 1, 2), **where):
    """The tables with columns of one replaced in rows of the CNN trained on plain images."""
    frame = tables[name].copy()
    rows = (frame["architecture"] == "cnn") & (frame["arm"] == "plain") & frame["seed"].isin(seeds)
    for column, value in where.items():
        rows &= frame[column].astype(str) == value
    assert rows.any()
    frame.loc[rows, list(values)] = list(values.values())
    return tables | {name: frame}


@pytest.mark.parametrize(
    ("values", "seeds", "verdict"),
    [
        ({"beyond_random_low": -0.01}, (2,), "not moved"),  # one seed is enough
        ({"beyond_random_low": -0.2, "beyond_random_high": -0.1}, (0, 1, 2), "against"),
        ({"beyond_random_low": -0.2, "beyond_random_high": -0.1}, (0, 1), "not moved"),
        ({"beyond_random_low": np.nan}, (0,), "undefined"),
    ],
)
def test_a_move_by_steering_counts_beyond_random_directions(
    tmp_path, world, values, seeds, verdict
):
    tables = replaced(world, "steering_slopes", values, seeds, direction="cues")
    named = found(tmp_path / "results", tables)
    assert named["steering-plain"] == verdict
    assert named["steering-networks"] == "differ"
    assert named["steering-stylized"] == "at a cost either way"


@pytest.mark.parametrize(
    ("towards", "away", "seeds", "verdict"),
    [
        # All of the effect on one side, as in networks that are at an end of the bias already.
        ((0.03, 0.05), (-0.9, -0.8), (0, 1, 2), "at a cost towards texture"),
        ((-0.7, -0.6), (-0.1, 0.01), (1,), "at a cost towards shape"),  # one seed is enough
        ((-0.7, 0.01), (-0.1, 0.01), (2,), "no cost shown"),
        ((np.nan, np.nan), (np.nan, np.nan), (0, 1, 2), "no cost shown"),  # no such pictures
        ((np.nan, np.nan), (-0.1, -0.05), (0,), "at a cost towards texture"),
    ],
)
def test_each_way_of_steering_has_its_own_cost(tmp_path, world, towards, away, seeds, verdict):
    tables = world
    for dose, limits in (("1", towards), ("-1", away)):
        change = dict(
            zip(("accuracy_change_low", "accuracy_change_high"), limits, strict=True),
            accuracy_change=np.mean(limits),
        )
        tables = replaced(tables, "steering", change, seeds, direction="cues", dose=dose)
    arguments = results_of(tmp_path, tables)
    named = verdicts(arguments)
    assert named["steering-plain"] == verdict
    assert named["steering-networks"] == "differ"
    assert named["steering-stylized"] == "at a cost either way"
    if len(seeds) == 3 and not np.isnan(towards[0]):
        assert "a dose of 1 towards shape changes the bias by 0.15" in said(arguments)
        assert "cues agree by 0.04" in said(arguments)


def test_doses_to_one_side_alone_say_nothing_of_the_other(tmp_path, world):
    frame = world["steering"]
    arguments = results_of(tmp_path / "one", world | {"steering": frame[frame["dose"] >= 0]})
    assert verdicts(arguments)["steering-plain"] == "at a cost towards shape"
    assert "a dose of 1 towards texture" not in said(arguments)
    # Several doses of one sign: the largest counts, and the others are none to the other side.
    less = frame[frame["dose"] == 1].assign(dose=0.5, accuracy_change_high=0.01, bias_change=0.02)
    several = pd.concat([less, frame[frame["dose"] == 1]])
    arguments = results_of(tmp_path / "several", world | {"steering": several})
    assert verdicts(arguments)["steering-plain"] == "at a cost towards shape"
    assert "a dose of 1 towards shape changes the bias by" in said(arguments)
    assert "a dose of 0.5" not in said(arguments)
    none = results_of(tmp_path / "none", world | {"steering": frame.iloc[:0]})
    assert verdicts(none)["steering-plain"] == "no cost shown"
    assert "Each way apart" not in said(none)


@pytest.mark.parametrize(
    ("kept", "values", "seeds", "verdict"),
    [
        ("random", [-0.02, 0.04], (0, 1, 2), "beyond random"),  # the largest: 0.07 to 0.13
        ("random", [0.05, 0.08], (2,), "not beyond random"),
        ("largest", [-0.01, 0.05], (2,), "not moved"),
        ("largest", [-0.2, -0.1], (0, 1, 2), "towards texture"),
        ("largest", [-0.2, 0.1], (1,), "not moved"),
        ("both", [-0.2, -0.1], (0, 1, 2), "towards texture, not beyond random"),
        ("largest", [np.nan, np.nan], (1,), "undefined"),
    ],
)
def test_the_largest_activations_are_held_against_random_masks(
    tmp_path, world, kept, values, seeds, verdict
):
    limits = dict(zip(("bias_change_low", "bias_change_high"), values, strict=True))
    tables = world
    for one in ("largest", "random") if kept == "both" else (kept,):
        tables = replaced(tables, "top_k", limits, seeds, kept=one, across="channel")
    named = found(tmp_path / "results", tables)
    assert named["top-k-plain"] == verdict
    assert named["top-k-stylized"] == "not beyond random"


@pytest.mark.parametrize(
    ("kept", "values", "seeds", "verdict"),
    [
        ("near", [-0.04, 0.01], (2,), "not moved"),  # one seed is enough
        ("near", [0.2, 0.3], (0, 1), "not moved"),
        ("near", [0.2, 0.3], (0, 1, 2), "towards shape"),  # at random: 0.02 to 0.08
        ("both", [0.2, 0.3], (0, 1, 2), "towards shape, not beyond random"),
        (
            "random",
            [-0.2, -0.1],
            (1,),
            "towards texture, not beyond random",
        ),  # near: -0.18 to -0.12
        ("random", [np.nan, np.nan], (0,), "undefined"),
    ],
)
def test_attention_nearby_is_held_against_as_many_patches_at_random(
    tmp_path, world, kept, values, seeds, verdict
):
    limits = dict(zip(("bias_change_low", "bias_change_high"), values, strict=True))
    tables = world
    for one in ("near", "random") if kept == "both" else (kept,):
        tables = replaced(tables, "attention_radius", limits, seeds, kept=one, radius="1.0")
    named = found(tmp_path / "results", tables)
    assert named["attention-radius-plain"] == verdict
    assert named["attention-radius-stylized"] == "towards texture"


def test_a_radius_that_leaves_a_patch_to_itself_has_no_control(tmp_path, world):
    """The mask at random is the same mask there, so that the next radius decides."""
    frame = world["attention_radius"]
    zero = frame[frame["radius"] == 1].assign(radius=0.0)
    same = {"bias_change_low": -0.35, "bias_change_high": -0.25}
    both = pd.concat([frame.assign(strongest=False), zero.assign(**same)])
    named = found(tmp_path / "both", world | {"attention_radius": both})
    assert named["attention-radius-plain"] == "towards texture"
    alone = pd.concat([frame[frame["kept"] == "all"], zero.assign(**same)])
    arguments = results_of(tmp_path / "alone", world | {"attention_radius": alone})
    assert verdicts(arguments)["attention-radius-plain"] == "no control"
    assert verdicts(arguments)["attention-radius-networks"] == "differ"
    assert "each is left to itself, as by the random masks" in said(arguments)


def test_networks_without_attention_say_so(tmp_path, world):
    frame = world["attention_radius"]
    without = frame[frame["architecture"] == "rf9"]
    cnn = frame[(frame["architecture"] == "cnn") & (frame["kept"] == "all")]
    reason = "its attention 'blocks.0.attn' (WindowAttention) takes no mask"
    own = cnn.assign(n_modules=0, strongest=False, reason=reason, bias_change_low=np.nan,
                     bias_change_high=np.nan)  # fmt: skip
    arguments = results_of(
        tmp_path / "none", world | {"attention_radius": pd.concat([without, own])}
    )
    named = {id: one for id, one in verdicts(arguments).items() if id.startswith("attention")}
    assert set(named.values()) == {"no attention"}
    assert len(named) == 3
    assert "WindowAttention" in said(arguments)


# --- the article and the comparison --------------------------------------------------------------


def test_the_article_has_question_method_result_numbers_and_limit(tmp_path, world):
    for technique in map(registry.get, NAMED):
        measures.add(technique)
    compared = measures.collect(world, ComparisonSettings.of())
    shape = compared[compared["measure"] == "kept_without_shape"]
    # At 4 x 4 patches, the second degree.
    assert set(shape["value"].round(6)) == {0.7, 0.98}
    assert shape[["ci_low", "ci_high", "n"]].notna().all(axis=None)
    one = shape.index[shape["model"] == "cnn--plain"][0]
    compared.loc[compared.index == one, ["value", "ci_low", "ci_high"]] = np.nan
    compared.loc[one, "reason"] = "a reason of its own"
    frames = synthetic_tables.procedural() | world
    frames["comparison"] = pd.concat([frames["comparison"], compared])
    arguments = project(tmp_path, frames)
    describe_techniques(list(NAMED), arguments["results"] / "techniques.json")
    text = words_of(page_of(arguments))
    for claim in claims_of(arguments):
        if claim.section in NAMED:
            assert plain(claim) in text, claim.id
    for technique in map(registry.get, NAMED):
        for part in ("question", "method", "limits"):
            assert getattr(technique.section, part) in text
        for measure in technique.measures:
            assert measure.label in text
    assert "Undefined, since a reason of its own: CNN · plain" in text
    # A mean of fewer seeds says so, and differences of fractions are not shares.
    assert text.count("; 2 of 3 seeds") == 1
    assert "lost by mirroring a part (percentage points)" in text
    assert "25.0 (20.0–30.0)30.0 (25.0–35.0)200" in text
    import typst

    set_claims = typst.query(**compilation(**arguments), selector="<claim>", field="value")
    assert sorted(json.loads(set_claims)) == sorted(claim.id for claim in claims_of(arguments))


def test_the_article_of_networks_as_they_are_has_these_sections_too(tmp_path):
    """Nothing is trained, so that there is a claim over the networks and none of an arm."""
    tables = synthetic_tables.published() | synthetic_tables.published_optional()
    arguments = project(tmp_path, tables, kind="published")
    describe_techniques(list(NAMED), arguments["results"] / "techniques.json")
    named = {claim.id: claim.verdict for claim in claims_of(arguments) if claim.section in NAMED}
    assert named == {
        "cue-rank-networks": "one cue",
        "triplets-networks": "texture",
        "frequency-networks": "channel",
        "frequency-published": "as many",
        "configural-networks": "outline",
        "suppression-shape": "as the control",
        "suppression-texture": "relied on",
        "steering-networks": "at a cost either way",
        "top-k-networks": "not beyond random",
        "attention-radius-networks": "towards texture",
    }
    text = words_of(page_of(arguments))
    for claim in claims_of(arguments):
        if claim.section in NAMED:
            assert plain(claim) in text, claim.id
    for technique in map(registry.get, NAMED):
        assert technique.section.method in text
