"""When a shape bias has a name: decisions made up so that the answer is known by hand."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from texshape.stats.proportions import wilson
from texshape.trials import naming
from texshape.trials.score import Decisions, score

CLASSES = [f"class{i}" for i in range(12)]
GOOD = {"match_low": 0.5, "n_classes": 12, "congruent_low": 0.8, "n_congruent": 60,
        "response_entropy": 3.5, "label_entropy": 3.585}  # fmt: skip


def decided(decide, shapes=5, subject="net"):
    """Every shape exemplar once with each texture class: 60 congruent and 660 conflict trials."""
    own = Decisions(subject)
    random = np.random.default_rng(3)
    for shape, number, texture in product(CLASSES, range(shapes), CLASSES):
        own.shape.append(shape)
        own.texture.append(texture)
        own.shape_exemplar.append(f"{shape}-{number}")
        own.texture_exemplar.append(f"{texture}-{(number + CLASSES.index(shape)) % shapes}")
        own.response.append(decide(shape, texture, random))
    return own


def verdict(*observers, resamples=500):
    found = naming.evidence({"net": observers}, resamples=resamples)["net"]
    rows, _ = score({"net": observers[0]}, resamples=resamples)
    return naming.named(rows[0] | found), found


@pytest.mark.parametrize(
    ("bias", "low", "high", "changed", "expected"),
    [
        (0.2, 0.1, 0.3, {}, "texture-biased"),
        (0.8, 0.7, 0.9, {}, "shape-biased"),
        (0.45, 0.4, 0.5, {}, "neither"),  # reaches one half
        (0.2, 0.1, math.nan, {}, "undefined"),
        (0.2, 0.1, 0.3, {"match_low": 2 / 12}, "follows no cue"),
        (0.2, 0.1, 0.3, {"match_low": 2 / 12 + 1e-9}, "texture-biased"),
        (0.2, 0.1, 0.3, {"match_low": math.nan}, "undefined"),  # no interval shows nothing
        # of two classes every decision matches a cue
        (0.9, 0.8, 0.99, {"match_low": 1.0, "n_classes": 2}, "shape-biased"),
        (0.2, 0.1, 0.3, {"match_low": 0.9, "n_classes": 2}, "texture-biased"),
        (0.5, 0.4, 0.6, {"match_low": 1.0, "n_classes": 2}, "neither"),
        (0.9, 0.8, 0.99, {"n_classes": 2, "congruent_low": 0.5}, "not recognised"),
        (0.2, 0.1, 0.3, {"match_low": 2 / 3, "n_classes": 3}, "follows no cue"),
        (0.9, 0.8, 0.99, {"congruent_low": 1 / 12}, "not recognised"),
        (0.9, 0.8, 0.99, {"congruent_low": math.nan}, "undefined"),
        (0.9, 0.8, 0.99, {"congruent_low": math.nan, "n_congruent": 0}, "shape-biased"),
        (0.9, 0.8, 0.99, {"response_entropy": 2.585}, "few answers"),  # a bit less: half as many
        (0.9, 0.8, 0.99, {"response_entropy": 2.6}, "shape-biased"),
        (0.9, 0.8, 0.99, {"label_entropy": math.nan}, "shape-biased"),
    ],
)
def test_the_rule(bias, low, high, changed, expected):
    assert naming.name(bias, low, high, **GOOD | changed) == expected


def test_guessing_is_spread_over_all_classes_that_are_answered():
    """Pictures of two classes, and a network that answers sixteen: a match is no matter of course."""
    random = np.random.default_rng(0)
    others = [f"class {i}" for i in range(14)]
    shape = ["cat", "dog"] * 60
    texture = ["dog", "cat"] * 60
    made = {}
    for who, share in (("guesses", 2 / 16), ("follows", 0.9)):
        response = [
            str(random.choice([s, t])) if random.random() < share else str(random.choice(others))
            for s, t in zip(shape, texture, strict=True)
        ]
        exemplars = [
            [f"{name}{i % 20 + 1}" for i, name in enumerate(cue)] for cue in (shape, texture)
        ]
        made[who] = [Decisions(who, shape, texture, response, *exemplars)]
    found = naming.evidence(made, resamples=200)
    assert found["guesses"]["n_classes"] == 16
    assert found["follows"]["n_classes"] > 4
    bias = {"shape_bias": 0.9, "ci_low": 0.8, "ci_high": 0.99}
    assert naming.named(found["guesses"] | bias) == "follows no cue"
    assert naming.named(found["follows"] | bias) == "shape-biased"


def test_who_follows_a_cue_or_any_mixture_of_cues_has_all_of_the_entropy():
    for share in (0.0, 0.3, 1.0):
        name, found = verdict(decided(lambda s, t, r, p=share: s if r.random() < p else t))
        assert name == ("shape-biased" if share > 0.5 else "texture-biased")
        assert found["label_entropy"] == pytest.approx(math.log2(12))
        assert found["response_entropy"] > math.log2(12) - 0.02
        assert (found["congruent_accuracy"], found["n_congruent"]) == (1, 60)
        assert found["n_classes"] == 12
        # all of 60 are right: Wilson, n / (n + z^2)
        assert found["congruent_low"] == pytest.approx(60 / (60 + 1.959964**2), abs=1e-6)


def test_one_answer_to_everything_matches_a_cue_as_often_as_guessing_and_is_not_recognised():
    name, found = verdict(decided(lambda s, t, r: "class0"))
    assert name == "not recognised"
    assert found["congruent_accuracy"] == pytest.approx(1 / 12)
    assert found["response_entropy"] == 0
    # 55 conflict pictures show the shape and 55 the texture, of 660
    assert found["match_low"] <= 2 / 12 <= found["match_high"]


def test_a_habit_of_answering_is_no_bias():
    """Recognises a part, says class0 to the rest: matches exceed guessing, the name would be shape."""

    def decide(shape, texture, random):
        return shape if random.random() < 0.3 else "class0"

    name, found = verdict(decided(decide))
    assert found["congruent_low"] > 1 / 12
    assert found["match_low"] > 2 / 12
    assert found["response_entropy"] < found["label_entropy"] - 1
    assert name == "few answers"


def test_pictures_that_are_recognised_by_nobody_name_no_bias():
    """Congruent pictures at guessing, conflict pictures for texture: a texture bias by its interval."""

    def decide(shape, texture, random):
        if shape == texture:
            return CLASSES[random.integers(12)]
        return texture if random.random() < 0.6 else CLASSES[random.integers(12)]

    name, found = verdict(decided(decide))
    assert found["congruent_low"] <= 1 / 12
    assert found["match_low"] > 2 / 12
    assert name == "not recognised"


def test_matches_are_judged_by_their_interval():
    """A match rate above guessing whose interval reaches it: the value alone gave a name."""

    def decide(shape, texture, random):
        if shape == texture:
            return shape
        return texture if random.random() < 0.06 else CLASSES[random.integers(12)]

    own = decided(decide, shapes=1)
    name, found = verdict(own)
    assert found["match_low"] <= 2 / 12 < own.counts().cue_match_rate
    assert name == "follows no cue"


def test_observers_are_pooled_and_resampled():
    texture = decided(lambda s, t, r: t, subject="a")
    nothing = decided(lambda s, t, r: "na", subject="b")
    found = naming.evidence({"both": [texture, nothing]}, resamples=500)["both"]
    assert found["n_congruent"] == 120
    assert found["congruent_accuracy"] == 0.5
    assert (found["match_low"], found["match_high"]) == (0, 1)  # either may be drawn twice


@pytest.mark.parametrize(
    ("right", "shown", "few"),
    [(0, 29, True), (0, 30, False), (3, 8, True), (29, 29, False), (60, 60, False)],
)
def test_few_congruent_pictures_are_the_reason_only_where_they_tell_nothing(right, shown, few):
    low = float(wilson(right / shown, shown, 0.95)[0])
    low = 0.0 if (right, shown) == (3, 8) else low  # as resampled exemplars may have it
    row = GOOD | {"shape_bias": 0.2, "ci_low": 0.1, "ci_high": 0.3}
    row |= {"congruent_accuracy": right / shown, "congruent_low": low, "n_congruent": shown}
    row["verdict"] = naming.named(row)
    assert naming.few_congruent(row) is few
    assert row["verdict"] == ("texture-biased" if right >= 29 else "not recognised")


def test_thirty_pictures_are_twice_what_three_times_guessing_needs():
    """Right in 3 of 16: 14 independent pictures do not show more than 1 of 16, 15 do."""
    assert wilson(3 / 16, 14, 0.95)[0] < 1 / 16 < wilson(3 / 16, 15, 0.95)[0]
    assert naming.FEW_CONGRUENT == 30
