"""Shape bias and its companions from decisions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from texshape.trials.bias import outcomes, response_entropy, shape_bias, shape_bias_by_class

NAMES = ["disc", "star", "ring"]
TRIAL = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from([*NAMES, "na"]))


@given(st.lists(TRIAL, min_size=1))
def test_counts_are_consistent(trials):
    shape, texture, response = zip(*trials, strict=True)
    found = shape_bias(shape, texture, response)
    assert found.n_trials == len(trials)
    assert found.n_conflict == sum(s != t for s, t, _ in trials)
    assert found.n_shape == sum(s != t and r == s for s, t, r in trials)
    assert found.n_texture == sum(s != t and r == t for s, t, r in trials)
    if found.n_shape + found.n_texture:
        # Swapping the cues turns the bias round.
        swapped = shape_bias(texture, shape, response)
        assert found.shape_bias == pytest.approx(1 - swapped.shape_bias)
    else:
        assert math.isnan(found.shape_bias)
    by_class = shape_bias_by_class(shape, texture, response, NAMES)
    assert sum(own.n_shape for own in by_class.values()) == found.n_shape
    assert sum(own.n_conflict for own in by_class.values()) == found.n_conflict


def test_congruent_trials_do_not_count():
    found = shape_bias(["disc", "disc", "disc"], ["disc", "star", "star"], ["disc", "disc", "star"])
    assert (found.n_trials, found.n_conflict, found.n_shape, found.n_texture) == (3, 2, 1, 1)
    assert found.shape_bias == 0.5
    assert found.cue_match_rate == 1.0


def test_no_conflict_leaves_both_rates_undefined():
    found = shape_bias(["disc"], ["disc"], ["disc"])
    assert math.isnan(found.shape_bias)
    assert math.isnan(found.cue_match_rate)


def test_outcomes_row_by_row():
    conflict, for_shape, for_texture = outcomes(
        ["disc", "disc", "disc", "disc"],
        ["star", "star", "star", "disc"],
        ["disc", "star", "na", "disc"],
    )
    assert conflict.tolist() == [True, True, True, False]
    assert for_shape.tolist() == [True, False, False, False]
    assert for_texture.tolist() == [False, True, False, False]


def test_response_entropy():
    assert response_entropy(["disc"] * 5) == 0
    assert response_entropy(["disc", "star", "ring", "plus", "na"]) == pytest.approx(2)
    assert np.isnan(response_entropy(["na"]))
