"""The bootstrap of crossed factors against variances worked out by hand.

Deliberate bugs that these tests find: resampling one factor only, the same weights for both,
exemplars drawn across classes, unpaired exemplars for two networks, observers added up and not
resampled, the same draw of trainings for two networks.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from texshape.comparison.decisions import rate_intervals
from texshape.stats import bootstrap
from texshape.stats import exemplars as ex
from texshape.techniques.cue_strength.curve import curve
from texshape.techniques.human_consistency import humans
from texshape.trials.accuracy import accuracy_table
from texshape.trials.bias import response_entropy
from texshape.trials.files import Trials
from texshape.trials.score import Decisions, bias_draws, differences, score
from texshape.trials.subjects import Subject

RESAMPLES = 20_000


def test_weights_are_multinomial():
    weights = bootstrap.draw_weights(np.random.default_rng(1), 12, RESAMPLES)
    assert (weights.sum(axis=1) == 12).all()
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.04)
    np.testing.assert_allclose(weights.var(axis=0), 1 - 1 / 12, rtol=0.05)
    covariance = np.cov(weights[:, 0], weights[:, 1])[0, 1]
    assert covariance == pytest.approx(-1 / 12, abs=0.03)


def test_weights_within_strata():
    # Strata of 3 and 9, not in order: each keeps its size, and none knows of the other.
    strata = np.array(list("abbabbbbabbb"))
    weights = bootstrap.draw_weights(np.random.default_rng(1), 12, RESAMPLES, strata)
    small = weights[:, strata == "a"]
    assert (small.sum(axis=1) == 3).all()
    assert (weights.sum(axis=1) == 12).all()
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.04)
    np.testing.assert_allclose(small.var(axis=0), 1 - 1 / 3, rtol=0.05)
    np.testing.assert_allclose(weights[:, strata == "b"].var(axis=0), 1 - 1 / 9, rtol=0.05)
    assert np.cov(small[:, 0], small[:, 1])[0, 1] == pytest.approx(-1 / 3, abs=0.03)
    assert np.cov(small[:, 0], weights[:, 1])[0, 1] == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(
    ("given", "joined"),
    [
        ("aabb", "aabb"),
        ("abcd", "xxxx"),  # one exemplar a class: all classes are pooled
        ("aabc", "aaxx"),
        ("aabbbc", "xxbbbx"),  # alone: with the smallest other
        ("a", "a"),
        ("ab", "xx"),
        ("", ""),
    ],
)
def test_classes_of_one_exemplar_are_joined(given, joined):
    found = bootstrap.merge_singles(list(given))
    same = found[:, None] == found[None]
    assert (same == np.array([[a == b for b in joined] for a in joined]).reshape(same.shape)).all()


def test_a_lone_exemplar_a_class_is_still_resampled():
    # Kept as it is, each would have weight one throughout, and the interval would be a point.
    right = (np.arange(200) < 60).astype(float)[None, :, None]
    strata = (np.arange(200), None)
    totals = bootstrap.resample_totals(right, strata=strata, resamples=RESAMPLES, seed=4)[:, 0]
    assert (totals / 200).std() == pytest.approx(np.sqrt(0.3 * 0.7 / 200), rel=0.03)


def test_additive_table_has_the_variance_of_both_factors():
    # count = x_i + y_j: the total is B sum(w_i x_i) + A sum(v_j y_j), since weights sum to A and B.
    generator = np.random.default_rng(2)
    x, y = generator.integers(0, 9, 20), generator.integers(0, 9, 7)
    rows, columns = len(x), len(y)
    totals = bootstrap.resample_totals((x[:, None] + y)[None], resamples=RESAMPLES, seed=3)[:, 0]
    expected = columns**2 * rows * x.var() + rows**2 * columns * y.var()
    assert totals.mean() == pytest.approx(columns * x.sum() + rows * y.sum(), rel=0.01)
    assert totals.var() == pytest.approx(expected, rel=0.05)


def test_within_classes_only_the_spread_within_them_counts():
    generator = np.random.default_rng(21)
    x, y = generator.integers(0, 9, 20), generator.integers(0, 9, 6)
    classes = np.repeat(np.arange(5), 4), np.repeat(np.arange(2), 3)
    counts = (x + 50 * classes[0])[:, None] + y + 80 * classes[1]
    totals = bootstrap.resample_totals(
        counts[None], strata=classes, resamples=RESAMPLES, seed=3
    )[:, 0]  # fmt: skip
    within = [part.reshape(-1, size).var(axis=1).mean() for part, size in ((x, 4), (y, 3))]
    assert totals.var() == pytest.approx(6**2 * 20 * within[0] + 20**2 * 6 * within[1], rel=0.05)


def test_factors_are_drawn_apart():
    # With x = y and the same weights for both, the variance would be twice this.
    x = np.random.default_rng(20).integers(0, 9, 15)
    totals = bootstrap.resample_totals((x[:, None] + x)[None], resamples=RESAMPLES, seed=3)[:, 0]
    assert totals.var() == pytest.approx(2 * 15**3 * x.var(), rel=0.05)


def test_single_column_is_the_ordinary_bootstrap():
    right = (np.arange(200) < 60).astype(float)
    totals = bootstrap.resample_totals(right[None, :, None], resamples=RESAMPLES, seed=4)[:, 0]
    share = totals / 200
    assert share.std() == pytest.approx(np.sqrt(0.3 * 0.7 / 200), rel=0.03)
    low, high = bootstrap.interval(share)
    assert low == pytest.approx(0.3 - 1.96 * np.sqrt(0.3 * 0.7 / 200), abs=0.006)
    assert high == pytest.approx(0.3 + 1.96 * np.sqrt(0.3 * 0.7 / 200), abs=0.006)


@pytest.mark.parametrize(("level", "most"), [(0.95, 50), (0.9, 100), (0.5, 500)])
def test_an_interval_needs_nearly_all_resamples(level, most):
    """At most one minus the level of them may leave the number undefined."""
    values = np.arange(1000.0)
    values[:most] = np.nan
    low, high = bootstrap.interval(values, level)
    assert most <= low < high <= 999
    values[most] = np.nan
    assert np.isnan(bootstrap.interval(values, level)).all()
    assert np.isnan(bootstrap.interval(np.full(10, np.nan), level)).all()
    assert np.isnan(bootstrap.interval(np.array([]), level)).all()


def test_observers_who_differ_widen_the_interval():
    # Each observer gives the same count everywhere, so only the observers vary.
    levels = np.array([2.0, 4.0, 9.0, 5.0])
    tables = np.broadcast_to(levels[:, None, None], (4, 6, 3))
    totals = bootstrap.resample_totals(tables, resamples=RESAMPLES, seed=5)
    np.testing.assert_array_equal(totals, np.broadcast_to(18 * levels, totals.shape))
    pooled = bootstrap.pool_observers(totals, seed=5)
    assert pooled.var() == pytest.approx(18**2 * 4 * levels.var(), rel=0.05)


def test_blocks_do_not_change_the_draws(monkeypatch):
    counts = np.random.default_rng(6).integers(0, 5, (3, 11, 4))
    whole = bootstrap.resample_totals(counts, resamples=500, seed=7)
    strata = (list("aaaabbbbbbb"), list("ccdd"))
    within = bootstrap.resample_totals(counts, strata=strata, resamples=500, seed=7)
    monkeypatch.setattr(bootstrap, "_BLOCK", 100)
    np.testing.assert_array_equal(
        bootstrap.resample_totals(counts, strata=strata, resamples=500, seed=7), within
    )
    np.testing.assert_array_equal(bootstrap.resample_totals(counts, resamples=500, seed=7), whole)
    assert not np.array_equal(bootstrap.resample_totals(counts, resamples=500, seed=8), whole)


def _decide(subject: str, share_of_shape: float, seed: int, classes: int = 6) -> Decisions:
    """Every shape exemplar with every texture exemplar; each shape exemplar has its own pull."""
    generator = np.random.default_rng(seed)
    own = Decisions(subject)
    for c in range(classes):
        for i in range(8):
            pull = generator.uniform(0, 1) < share_of_shape
            for d in range(classes):
                for j in range(2):
                    own.shape.append(f"c{c}")
                    own.texture.append(f"c{d}")
                    own.shape_exemplar.append(f"c{c}-{i}")
                    own.texture_exemplar.append(f"c{d}-{j}")
                    own.response.append(f"c{c}" if pull else f"c{d}")
    return own


def test_interval_is_that_of_exemplars_not_of_trials():
    # All trials of a shape exemplar end alike: 48 independent outcomes, not 480.
    own = _decide("net", 0.5, seed=8)
    (row,), _ = score({"net": own}, seed=9)
    p = row["shape_bias"]
    expected = 2 * 1.96 * np.sqrt(p * (1 - p) / 48)
    assert row["n_conflict"] == 48 * 10
    assert row["ci_high"] - row["ci_low"] == pytest.approx(expected, rel=0.15)


def test_a_network_does_not_differ_from_itself():
    own = _decide("net", 0.5, seed=10)
    (row,) = differences({"a": [own], "b": [own]}, seed=11)
    assert (row["difference"], row["ci_low"], row["ci_high"]) == (0, 0, 0)
    _, draws = bias_draws([[own], [own]], seed=11)
    assert draws[:, 0].std() > 0.05


def test_pairs_use_the_images_in_common():
    first, second = _decide("a", 0.2, seed=12), _decide("b", 0.9, seed=13)
    kept = [i for i, name in enumerate(second.shape_exemplar) if not name.startswith("c0")]
    columns = ("shape", "texture", "response", "shape_exemplar", "texture_exemplar")
    part = Decisions("b", *([getattr(second, c)[i] for i in kept] for c in columns))
    (row,) = differences({"a": [first], "b": [part]}, resamples=500, seed=1)
    assert row["n"] == 40 * 10
    assert -1 < row["ci_low"] <= row["difference"] <= row["ci_high"] < 0


def test_several_seeds_are_resampled():
    alike = [_decide("a", 0.5, seed=14)] * 2
    apart = [_decide("b", 0.5, seed=14), _decide("b", 0.95, seed=14)]
    _, draws = bias_draws([alike, apart], seed=15)
    single, _ = bias_draws([alike[:1], alike], resamples=10, seed=15)
    assert single[0] == single[1]  # pooling equal seeds changes nothing
    assert draws[:, 1].std() > 1.2 * draws[:, 0].std()


def test_trainings_of_two_models_are_drawn_apart():
    # Two models with the same two trainings differ by nothing, but not surely by nothing.
    apart = [_decide("b", 0.1, seed=14), _decide("b", 0.95, seed=14)]
    (row,) = differences({"a": apart, "b": apart}, seed=16)
    assert row["difference"] == 0
    assert row["ci_low"] < -0.2
    assert row["ci_high"] > 0.2


# --- classes are fixed ----------------------------------------------------------------------------


def _design(name: str) -> tuple[np.ndarray, ...]:
    """Shape class and exemplar, texture class and exemplar of each conflict image.

    `here`: 12 classes x 10 shapes, each with every other class once, 5 textures a class used
    equally often (1,320). `published`: 16 x 10 shapes, 3 textures a class, each pair of classes five
    times (1,200), as Geirhos et al. (2019).
    """
    generator = np.random.default_rng(22)
    rows = []
    classes, textures, pairs = (12, 5, 10) if name == "here" else (16, 3, 5)
    for s in range(classes):
        for t in range(classes):
            if s != t:
                shapes = generator.permutation(10)[:pairs]
                worn = np.resize(generator.permutation(textures), pairs)
                rows += [(s, i, t, j) for i, j in zip(shapes, worn, strict=True)]
    return tuple(np.array(rows).T)


def _data_sets(design, bias: float, spread: tuple[float, float, float], number: int):
    """Data sets of one truth: class effects fixed, exemplar effects and decisions drawn anew.

    Log odds of a decision for shape: `bias` + effects of either class (standard deviation
    `spread[0]`, the same in all data sets) + effects of the exemplars of shape and of texture
    (`spread[1]`, `spread[2]`). Four in five decisions follow a cue.

    Returns
    -------
    truth : float
        The bias over all exemplars that these classes could have.
    decisions : dict of str to Decisions
    """
    s, i, t, j = design
    fixed = np.random.default_rng(24)
    classes = s.max() + 1
    log_odds = (
        bias + fixed.normal(0, spread[0], classes)[s] + fixed.normal(0, spread[0], classes)[t]
    )
    both = np.hypot(*spread[1:]) * fixed.normal(size=4000)
    truth = (1 / (1 + np.exp(-log_odds[:, None] - both))).mean()
    names = [np.char.add([f"c{c}-" for c in part], index.astype(str)).tolist()
             for part, index in ((s, i), (t, j))]  # fmt: skip
    shape, texture = ([f"c{c}" for c in part] for part in (s, t))
    found = {}
    for k in range(number):
        generator = np.random.default_rng([25, k])
        own = log_odds + generator.normal(0, spread[1], (classes, 10))[s, i]
        own = own + generator.normal(0, spread[2], (classes, 5))[t, j]
        for_shape = generator.random(len(s)) < 1 / (1 + np.exp(-own))
        follows = generator.random(len(s)) < 0.8
        response = np.where(follows, np.where(for_shape, shape, texture), "other").tolist()
        found[f"net{k}"] = Decisions(f"net{k}", shape, texture, response, *names)
    return truth, found


def _coverage(design: str, bias: float, spread: tuple[float, float, float]) -> float:
    truth, decisions = _data_sets(_design(design), bias, spread, 200)
    rows, _ = score(decisions, resamples=2000, seed=1)
    return float(np.mean([row["ci_low"] <= truth <= row["ci_high"] for row in rows]))


EFFECTS = [(-1.5, (1.0, 1.5, 1.5)), (0.0, (1.0, 0.5, 1.5)), (-1.5, (0.0, 1.5, 1.0))]


@pytest.mark.parametrize("design", ["here", "published"])
@pytest.mark.parametrize(("bias", "spread"), EFFECTS)
def test_nominal_95_percent_cover_95_percent(design, bias, spread):
    assert 0.93 <= _coverage(design, bias, spread) <= 0.97


def across_classes(rng, levels, resamples, strata=None, *, draw=bootstrap.draw_weights):
    """The deliberate bug: exemplars drawn from those of all classes."""
    return draw(rng, levels, resamples)


@pytest.mark.parametrize("design", ["here", "published"])
@pytest.mark.parametrize(("bias", "spread"), EFFECTS[:2])
def test_exemplars_drawn_across_classes_cover_too_much(design, bias, spread, monkeypatch):
    monkeypatch.setattr(bootstrap, "draw_weights", across_classes)
    assert _coverage(design, bias, spread) > 0.97


@pytest.mark.parametrize("design", ["here", "published"])
def test_where_exemplars_do_not_differ_the_interval_is_too_wide(design, monkeypatch):
    # Nothing but the noise of single trials: weights w v count it w + v + w v = 3 times.
    args = (design, 0.0, (1.0, 0.0, 0.0))
    assert _coverage(*args) > 0.99
    _, decisions = _data_sets(_design(design), *args[1:], 200)
    rows, _ = score(decisions, resamples=2000, seed=1)
    width = np.mean([row["ci_high"] - row["ci_low"] for row in rows]) / (2 * 1.96)
    spread = np.std([row["shape_bias"] for row in rows])
    assert 1.4 < width / spread < 1.9  # sqrt(3), less what drawing within a few takes away


def test_few_exemplars_that_differ_much_are_covered_a_little_too_seldom():
    # Three a class: the spread about their own mean is 2/3 of that about the class's.
    assert 0.88 < _coverage("published", 0.0, (1.0, 0.0, 4.0)) < 0.93


def _alike(subject: str, for_shape) -> Decisions:
    """Exemplars of a class are alike: `for_shape(c, d)` says how shape c on texture d is decided."""
    own = Decisions(subject)
    for c in range(4):
        for i in range(3):
            for d in range(4):
                for j in range(2):
                    own.shape.append(f"c{c}")
                    own.texture.append(f"c{d}")
                    own.shape_exemplar.append(f"c{c}-{i}")
                    own.texture_exemplar.append(f"c{d}-{j}")
                    own.response.append(f"c{c}" if for_shape(c, d) else f"c{d}")
    return own


def test_classes_that_differ_do_not_widen_an_interval():
    # Two of four shape classes decide by shape whatever the exemplar: 50 %, for sure.
    own, other = _alike("a", lambda c, d: c < 2), _alike("b", lambda c, d: d == 0)
    rows, _ = score({"a": own, "b": other}, resamples=500)
    for row in rows:
        assert row["ci_low"] == pytest.approx(row["shape_bias"])
        assert row["ci_high"] == pytest.approx(row["shape_bias"])
    (row,) = differences({"a": [own], "b": [other]}, resamples=500)
    assert row["ci_low"] == pytest.approx(row["difference"]) == pytest.approx(row["ci_high"])
    assert row["difference"] == pytest.approx(0.5 - 0.25)
    limits = rate_intervals({("a", 0): [own]}, resamples=500, level=0.95, seed=0)
    assert limits["a", 0, "cue_match_rate"] == (1, 1)
    low, high = limits["a", 0, "response_entropy"]
    assert low == pytest.approx(response_entropy(_conflict_answers(own))) == pytest.approx(high)


def _conflict_answers(own: Decisions) -> list[str]:
    rows = zip(own.shape, own.texture, own.response, strict=True)
    return [answer for shape, texture, answer in rows if shape != texture]


def test_classes_that_differ_do_not_widen_accuracy():
    # Of three classes one is always right, on silhouettes and on textures.
    classes, names = ("bear", "bird", "cat"), ("bear", "bird", "cat")
    trials = {}
    for images, name in (("silhouettes", "{}{}-na0.png"), ("textures", "na0-{}{}.png")):
        shown = [(c, i) for c in names for i in range(1, 5)]
        columns = {
            "subj": ["net"] * 12, "session": ["1"] * 12, "trial": [str(k) for k in range(12)],
            "rt": ["NaN"] * 12, "object_response": ["bear"] * 12,
            "category": [c if images == "silhouettes" else "na" for c, _ in shown],
            "condition": ["0"] * 12, "imagename": [name.format(c, i) for c, i in shown],
        }  # fmt: skip
        subject = Subject("net", "net", "", 0)
        trials[subject, images] = Trials(f"{images}.csv", classes, columns)
    found = accuracy_table(trials, resamples=500)
    assert len(found) == 2
    for value in found[["accuracy", "ci_low", "ci_high"]].to_numpy().ravel():
        assert value == pytest.approx(1 / 3)


def test_observers_of_different_pictures_are_the_humans_once():
    """Two saw four exemplars a class, two lack one: all of their trials count in one row."""
    classes = ("bear", "cat")
    trials = {}
    for observer in range(1, 5):
        name = f"subject-0{observer}"
        shown = [
            (c, i) for c in classes for i in range(1, 5) if observer < 3 or (c, i) != ("cat", 2)
        ]
        n = len(shown)
        columns = {
            "subj": [name] * n, "session": ["1"] * n, "trial": [str(k) for k in range(n)], "rt": ["NaN"] * n,
            "object_response": ["bear"] * n, "category": [c for c, _ in shown], "condition": ["0"] * n,
            "imagename": [f"{c}{i}-na0.png" for c, i in shown],
        }  # fmt: skip
        subject = Subject(name, name, "published", None)
        trials[subject, "silhouettes"] = Trials("silhouettes.csv", classes, columns)
    found = accuracy_table(trials, resamples=300).set_index("model")
    assert list(found.index) == ["humans", *(f"subject-0{i}" for i in range(1, 5))]
    together = found.loc["humans"]
    assert (together["n"], together["accuracy"]) == (30, pytest.approx(16 / 30))
    assert together["ci_low"] <= together["accuracy"] <= together["ci_high"]
    assert found.loc["subject-03", "accuracy"] == pytest.approx(4 / 7)
    # What all have seen stays as it was, whoever else lacks something.
    alike = {
        key: own for key, own in trials.items() if key[0].model in ("subject-01", "subject-02")
    }
    assert accuracy_table(alike, resamples=300).set_index("model").loc["humans", "n"] == 16


def test_classes_that_differ_do_not_widen_the_curve():
    own = _alike("a", lambda c, d: c < 2)
    trials = pd.DataFrame(
        {
            "shape": own.shape, "texture": own.texture, "decision": own.response,
            "shape_exemplar": own.shape_exemplar, "texture_exemplar": own.texture_exemplar,
            "strength": 1.0,
        }
    )  # fmt: skip
    found = curve(trials[trials["shape"] != trials["texture"]], resamples=500)
    assert found[["shape_share", "ci_low", "ci_high"]].to_numpy().ravel() == pytest.approx(
        [0.5] * 3
    )


def test_classes_that_differ_do_not_widen_the_rates_of_images():
    own = _alike("a", lambda c, d: c < 2)
    labels = pd.DataFrame(
        {
            "shape": own.shape, "texture": own.texture,
            "shape_exemplar": own.shape_exemplar, "texture_exemplar": own.texture_exemplar,
        }
    )  # fmt: skip
    shape, texture = ex.cue(labels, "shape"), ex.cue(labels, "texture")
    marked = (np.asarray(own.response) == np.asarray(own.shape))[:, None]
    rates = ex.resampled_rates(marked, shape, texture, resamples=500, seed=0)
    assert np.ptp(rates) < 1e-6
    by_shape, by_texture = ex.exemplar_weights(shape, texture, 500, 0)
    for weights, cue in ((by_shape, shape), (by_texture, texture)):
        owner = ex.class_of_exemplars(cue)
        for k in range(4):
            assert (weights[:, owner == k].sum(1) == (owner == k).sum()).all()


def test_categories_of_a_human_benchmark_are_fixed():
    # The network is right on one category alone, observers on all: 1/2, for sure.
    def trials(subject, answers):
        n = len(answers)
        columns = {
            "subj": [subject] * n, "session": ["1"] * n, "trial": [str(k) for k in range(n)],
            "rt": ["NaN"] * n, "object_response": answers, "category": ["bear"] * 4 + ["cat"] * 4,
            "condition": ["0"] * n, "imagename": [f"{k}.png" for k in range(n)],
        }  # fmt: skip
        return Trials(f"{subject}.csv", ("bear", "cat"), columns)

    right = ["bear"] * 4 + ["cat"] * 4
    files = [trials("net", ["bear"] * 8), trials("subject-01", right), trials("subject-02", right)]
    rows, _ = humans.benchmark([humans.align("sketch", files)], resamples=200)
    assert rows[0]["ood_accuracy"] == rows[0]["ood_accuracy_low"] == rows[0]["ood_accuracy_high"]


def test_one_bias_has_one_interval_wherever_it_is_shown():
    """From trials, from images with labels and from the curve: eleven exemplars, 2 before 10."""
    own = Decisions("net")
    generator = np.random.default_rng(30)
    for c in range(3):
        for i in range(1, 12):
            for d in range(3):
                if c != d:
                    own.shape.append("abc"[c])
                    own.texture.append("abc"[d])
                    own.shape_exemplar.append(f"{'abc'[c]}{i}")
                    own.texture_exemplar.append(f"{'abc'[d]}{generator.integers(1, 12)}")
                    own.response.append("abc"[c if generator.random() < 0.1 * i else d])
    (row,), _ = score({"net": own}, resamples=300, seed=5)
    columns = ("shape", "texture", "shape_exemplar", "texture_exemplar")
    labels = pd.DataFrame({name: getattr(own, name) for name in columns})
    answers = np.asarray(own.response)
    marks = np.stack([answers == labels["shape"], answers == labels["texture"]], 1)
    cues = ex.cue(labels, "shape"), ex.cue(labels, "texture")
    rates = ex.resampled_rates(marks, *cues, resamples=300, seed=5)
    limits = bootstrap.interval(rates[:, 0] / rates.sum(1))
    assert limits == pytest.approx((row["ci_low"], row["ci_high"]))
    shuffled = labels.assign(strength=1.0, decision=answers).sample(frac=1, random_state=0)
    one = curve(shuffled, resamples=300, seed=5).iloc[0]
    assert (one["ci_low"], one["ci_high"]) == pytest.approx(limits)
