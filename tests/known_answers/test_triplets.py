"""Choices by likeness: all triplets by hand, features that know one cue, and what shows none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.cue_conflict_design import code, labels

from texshape.data import procedural
from texshape.errors import InputError
from texshape.stats import bootstrap
from texshape.stats import exemplars as ex
from texshape.techniques.triplets import choice

K = 5
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def table():
    return labels(classes=K, shapes=4, textures=3, seed=1)


def shares(features: np.ndarray, frame: pd.DataFrame, **settings) -> pd.DataFrame:
    found = choice.measure({"s": features}, frame, **{"resamples": 400, **settings})
    return found.set_index(["match", "centred"])


def by_hand(features: np.ndarray, frame: pd.DataFrame, match: str) -> float:
    """Go through all triplets one by one."""
    rows = frame.to_dict("records")
    chosen = [i for i, row in enumerate(rows) if row["shape"] != row["texture"]]
    anchors = []
    for a in chosen:
        wins = []
        for s in chosen:
            same = rows[s]["shape_exemplar"] == rows[a]["shape_exemplar"]
            if rows[s]["shape"] != rows[a]["shape"] or rows[s]["texture"] == rows[a]["texture"]:
                continue
            if same != (match == "exemplar"):
                continue
            for t in chosen:
                own = rows[t]["texture_exemplar"] == rows[a]["texture_exemplar"]
                if rows[t]["texture"] != rows[a]["texture"] or rows[t]["shape"] == rows[a]["shape"]:
                    continue
                if own != (match == "exemplar"):
                    continue
                near = [
                    features[a] @ features[i] / np.linalg.norm(features[a]) / np.linalg.norm(features[i])
                    for i in (s, t)
                ]  # fmt: skip
                wins.append(0.5 if np.isclose(*near, rtol=0, atol=1e-12) else near[0] > near[1])
        if wins:
            anchors.append(np.mean(wins))
    return float(np.mean(anchors))


@pytest.mark.parametrize("match", choice.MATCHES)
def test_shares_are_those_of_all_triplets_gone_through_by_hand(match):
    frame = labels(classes=3, shapes=3, textures=2, seed=0)
    rng = np.random.default_rng(2)
    values = code(frame["shape"], 4, rng) + code(frame["texture"], 4, rng)
    values += 0.8 * rng.normal(size=values.shape)
    found = shares(values, frame)
    chosen = (frame["shape"] != frame["texture"]).to_numpy()
    centred = values - values[chosen].mean(0)
    for shown, flag in ((values, False), (centred, True)):
        assert found.loc[(match, flag), "shape_share"] == pytest.approx(
            by_hand(shown, frame, match)
        )


def test_ties_count_half():
    frame = labels(classes=3, shapes=2, textures=2, seed=0)
    values = np.round(code(frame["shape"], 1, np.random.default_rng(0)) * 0) + 1  # all alike
    likeness = np.ones((len(values), len(values)))
    plan = choice.design(frame, "class")
    assert choice.choose(likeness[: len(plan.chosen), : len(plan.chosen)], plan).share == 0.5


# --- features that know one cue -----------------------------------------------------------------------


def one_cue_is_chosen(table) -> None:
    rng = np.random.default_rng(0)
    for cue, expected in (("shape", 1.0), ("texture", 0.0)):
        values = code(table[cue], 20, rng) + 0.01 * rng.normal(size=(len(table), 20))
        found = shares(values, table)
        assert found["shape_share"].to_numpy() == pytest.approx(expected, abs=0.01)


def test_features_that_know_one_cue_choose_by_it(table):
    one_cue_is_chosen(table)


@pytest.mark.parametrize(("weight", "expected"), [(2.0, 1.0), (0.5, 0.0)])
def test_the_stronger_of_two_cues_is_chosen(table, weight, expected):
    shape, texture = (pd.get_dummies(table[cue]).to_numpy(float) for cue in ex.CUES)
    found = shares(np.concatenate([weight * shape, texture], 1), table)
    assert found["shape_share"].to_numpy() == pytest.approx(expected)


def exemplars_say_nothing_of_classes(table) -> None:
    values = code(table["shape_exemplar"], 60, np.random.default_rng(3))
    values = values + 0.01 * np.random.default_rng(4).normal(size=values.shape)
    found = shares(values, table)
    assert found.loc[("exemplar", True), "shape_share"] == pytest.approx(1, abs=0.01)
    assert found.loc[("class", True), "shape_share"] == pytest.approx(0.5, abs=0.1)


def test_exemplars_that_are_known_choose_by_exemplar_alone(table):
    exemplars_say_nothing_of_classes(table)


def test_a_large_mean_hides_what_centring_shows(table):
    """Shape as the length along the common mean, texture a little across it: angles see texture only."""
    shape = ex.cue(table, "shape").classes
    length = (10 + shape)[:, None]  # along the mean
    rng = np.random.default_rng(0)
    across = 0.02 * pd.get_dummies(table["texture"]).to_numpy(float)
    values = np.concatenate([length, across * length], 1) + 1e-4 * rng.normal(
        size=(len(table), K + 1)
    )
    found = shares(values, table)
    assert found.loc[("class", False), "shape_share"] == pytest.approx(0, abs=0.01)
    assert found.loc[("class", True), "shape_share"] > 0.6


# --- what shows none ------------------------------------------------------------------------------------


def test_random_features_choose_one_half(table):
    held, found = [], []
    for seed in range(20):
        rows = shares(np.random.default_rng(seed).normal(size=(len(table), 30)), table)
        held += list((rows["ci_low"] <= 0.5) & (rows["ci_high"] >= 0.5))
        found += list(rows["shape_share"])
    assert np.mean(found) == pytest.approx(0.5, abs=0.02)
    assert np.mean(held) >= 0.85


def test_pixels_of_drawn_pictures_choose_almost_one_half():
    """Another exemplar lies and looks elsewhere; the very outline overlaps itself, which is no knowledge."""
    section = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["data"]
    settings = procedural.parse_settings({**section, "shape_exemplars": 4, "texture_exemplars": 2})
    drawn = procedural.render(settings, 5, "cue-conflict")
    found = shares(drawn.images.reshape(len(drawn), -1).astype(np.float32), drawn.labels)
    assert found.loc[("class", True), "shape_share"] == pytest.approx(0.5, abs=0.02)
    assert found.loc[("class", False), "shape_share"] == pytest.approx(0.5, abs=0.03)
    assert found.loc[("exemplar", False), "shape_share"] > 0.5


def test_features_without_a_difference_have_no_share(table):
    same = np.ones((len(table), 7)) * 3.3
    found = shares(same, table)
    assert found.loc[("class", True), "reason"] == choice.SAME
    assert np.isnan(found.loc[("class", True), "shape_share"])
    broken = np.random.default_rng(0).normal(size=(len(table), 7))
    broken[np.flatnonzero(ex.conflicting(table))[3], 2] = np.nan
    assert set(shares(broken, table)["reason"]) == {choice.UNDEFINED}
    assert set(shares(same * 0, table)["reason"]) == {choice.SAME}


# --- intervals --------------------------------------------------------------------------------------------


def features_of(frame: pd.DataFrame, seed: int) -> np.ndarray:
    """Classes keep their directions over all seeds; exemplars and pictures are drawn anew."""
    rng, fixed = np.random.default_rng(seed), np.random.default_rng(99)
    parts = [np.zeros((len(frame), 12))]
    for cue, strength in (("shape", 1.0), ("texture", 0.9)):
        own = ex.cue(frame, cue)
        directions = fixed.normal(size=(len(own.class_names), 12))
        moved = rng.normal(size=(len(own.exemplar_names), 12))
        parts.append(strength * directions[own.classes] + 0.9 * moved[own.exemplars])
    return sum(parts) + 0.3 * rng.normal(size=(len(frame), 12))


def intervals_are_as_wide_as_the_spread(match: str = "class") -> None:
    values, widths = [], []
    for seed in range(25):
        frame = labels(classes=K, shapes=5, textures=5, seed=seed)
        row = shares(features_of(frame, seed), frame, matches=[match], seed=seed).loc[(match, True)]
        values.append(row["shape_share"])
        widths.append((row["ci_high"] - row["ci_low"]) / (2 * 1.96))
    # Five exemplars a class spread about their own mean by 2 / sqrt(5) of the true spread.
    assert 0.7 < np.mean(widths) / np.std(values) < 1.5


@pytest.mark.parametrize("match", choice.MATCHES)
def test_intervals_are_as_wide_as_what_other_exemplars_give(match):
    intervals_are_as_wide_as_the_spread(match)


def test_linearised_weights_are_what_drawing_an_exemplar_again_adds(table):
    """By hand: give one exemplar a little more weight in every triplet that holds it."""
    plan = choice.design(table, "class")
    likeness = choice.cosines(features_of(table, 0)[plan.chosen], centred=True)
    found = choice.choose(likeness, plan)
    exemplars = plan.shape.exemplars
    for exemplar in (0, 7):
        sums = {0.0: [0.0, 0.0], 1e-6: [0.0, 0.0]}
        for more, total in sums.items():
            for one in plan.anchors:

                def weight(rows, more=more, exemplar=exemplar):
                    return 1 + more * (exemplars[rows] == exemplar)

                s, t = weight(one.by_shape), weight(one.by_texture)
                alike = likeness[one.row]
                won = alike[one.by_shape][:, None] > alike[one.by_texture][None]
                each = weight(one.row) * s[:, None] * t[None] / won.size
                total[0] += (each * won).sum()
                total[1] += each.sum()
        slope = (sums[1e-6][0] / sums[1e-6][1] - sums[0.0][0] / sums[0.0][1]) / 1e-6
        assert found.by_shape[exemplar] == pytest.approx(slope, abs=1e-6)


# --- bugs put in on purpose ------------------------------------------------------------------------------


def test_bug_cues_change_places(table, monkeypatch):
    design = choice.design

    def swapped(frame, match="class"):
        other = {"shape": "texture", "texture": "shape"}
        other |= {f"{a}_exemplar": f"{b}_exemplar" for a, b in other.items()}
        return design(frame.rename(columns=other), match)

    monkeypatch.setattr(choice, "design", swapped)
    with pytest.raises(AssertionError):
        one_cue_is_chosen(table)


def test_bug_the_anchors_own_exemplar_stands_for_its_class(table, monkeypatch):
    design = choice.design

    def leaky(frame, match="class"):
        return choice.Design(**{**vars(design(frame, "exemplar")), "match": match})

    monkeypatch.setattr(choice, "design", leaky)
    with pytest.raises(AssertionError):
        exemplars_say_nothing_of_classes(table)


def test_bug_exemplars_are_not_resampled(monkeypatch):
    def fixed(generator, levels, resamples, strata=None):
        drawn = np.ones((resamples, levels), np.float32)
        return drawn + 0.05 * generator.normal(size=drawn.shape)

    monkeypatch.setattr(bootstrap, "draw_weights", fixed)
    with pytest.raises(AssertionError):
        intervals_are_as_wide_as_the_spread()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: choice.design(t, "picture"), "match 'picture'; expected class or exemplar"),
        (lambda t: choice.design(t[t["shape"] == t["texture"]]), "no image whose shape and"),
        (lambda t: choice.measure({"s": np.ones((3, 2))}, t), "features of 3 images; expected"),
    ],
)
def test_wrong_input_is_named(table, call, message):
    with pytest.raises(InputError, match=message):
        call(table)
