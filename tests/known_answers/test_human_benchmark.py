"""Consistency with humans: the published leaderboard's row, and small cases worked out by hand.

Deliberate bugs that these tests find: excluded conditions left in, conditions averaged over
observers first with unequal weights, ``na`` counted as correct, an observer compared with itself.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from typer.testing import CliRunner

import texshape.cli.score  # noqa: F401 (registers the command)
from texshape.cli.main import app
from texshape.techniques.human_consistency import humans
from texshape.trials.files import Trials
from texshape.trials.imagenet16 import CATEGORIES

DATA = "github/bethgelab/model-vs-human/93ee6766db71bc99de23a16cf5216acff181b470/raw-data"


@pytest.fixture(scope="module")
def published(mirror):
    arguments = ["benchmark", str(mirror / DATA), "--format", "json"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    return {row["subject"]: row for row in json.loads(result.stdout)}, result.stderr


def test_resnet50_has_its_published_row(published):
    row = published[0]["resnet50"]
    found = [row[measure] for measure in humans.MEASURES]
    assert [round(value, 3) for value in found] == [0.087, 0.665, 0.208, 0.559]
    assert row["n_datasets"] == 17
    assert published[1] == ""


def test_humans_are_the_ceiling(published):
    rows = published[0]
    ceiling = rows.pop("humans")
    assert len(rows) == 7
    assert all(row["error_consistency"] < ceiling["error_consistency"] for row in rows.values())
    assert all(row["accuracy_difference"] > ceiling["accuracy_difference"] for row in rows.values())


def test_every_excluded_condition_occurs(mirror):
    from texshape.trials import files

    for name, excluded in humans.EXCLUDED.items():
        path = next((mirror / DATA / name).glob("*resnet50*"))
        shown = {humans.condition_name(text) for text in files.read(path)["condition"]}
        assert {humans.condition_name(text) for text in excluded or ()} <= shown, name


def test_error_consistency_is_cohens_kappa_of_being_right():
    generator = np.random.default_rng(1)
    first, second = generator.integers(0, 2, (3, 50)), generator.integers(0, 2, (4, 50))
    found = humans.compare(first.astype(float), second.astype(float))
    for i in range(3):
        for j in range(4):
            expected = cohen_kappa_score(first[i], second[j])
            assert found["error_consistency"][0, i, j] == pytest.approx(expected, abs=1e-6)
            agreed = (first[i] == second[j]).mean()
            assert found["observed_consistency"][0, i, j] == pytest.approx(agreed)
            difference = (first[i].mean() - second[j].mean()) ** 2
            assert found["accuracy_difference"][0, i, j] == pytest.approx(difference)


def test_independent_equal_and_opposite_errors():
    a = np.array([[1.0, 1, 0, 0]])
    for other, kappa in (([1, 0, 1, 0], 0), ([1, 1, 0, 0], 1), ([0, 0, 1, 1], -1)):
        found = humans.compare(a, np.array([other], dtype=float))
        assert found["error_consistency"].item() == pytest.approx(kappa)


def test_kappa_is_undefined_where_chance_explains_all():
    ones = np.ones((1, 5))
    found = humans.compare(ones, ones)
    assert np.isnan(found["error_consistency"]).all()
    assert found["observed_consistency"].item() == 1


def test_images_that_one_did_not_see_do_not_count():
    first = np.array([[1.0, 0, 1, np.nan, 1]])
    second = np.array([[1.0, 1, np.nan, 0, 0]])
    found = humans.compare(first, second)
    assert found["observed_consistency"].item() == pytest.approx(1 / 3)
    assert found["ood_accuracy"].item() == pytest.approx(2 / 3)


def _trials(subject, answers, image="boat{}-na0.png"):
    n = len(answers)
    columns = {
        "subj": [subject] * n, "session": ["1"] * n, "trial": ["1"] * n, "rt": ["NaN"] * n,
        "object_response": list(answers), "category": ["boat"] * n, "condition": ["0"] * n,
        "imagename": [image.format(i) for i in range(n)],
    }  # fmt: skip
    return Trials(subject, CATEGORIES, columns)


def test_the_ceiling_leaves_out_the_observer_itself():
    # Errors of the two observers are independent: kappa 0, observed 1/2, both right on half.
    files = [
        _trials("subject-01", ["boat", "boat", "car", "na"]),
        _trials("subject-02", ["boat", "truck", "boat", "car"], image="1_s02_0_boat_00_boat{}.png"),
        _trials("net", ["boat", "boat", "boat", "boat"]),
    ]
    rows, warnings = humans.benchmark([humans.align("edge", files)])
    net, ceiling = rows
    assert ceiling == {
        "subject": "humans", "accuracy_difference": 0, "observed_consistency": 0.5,
        "error_consistency": 0, "ood_accuracy": 0.5, "n_datasets": 1,
    }  # fmt: skip
    assert net == {
        "subject": "net", "accuracy_difference": 0.25, "observed_consistency": 0.5,
        "error_consistency": 0, "ood_accuracy": 1, "n_datasets": 1,
    }  # fmt: skip
    assert warnings == []


def test_intervals_hold_the_value_and_shrink_with_images():
    generator = np.random.default_rng(3)

    def width(n):
        files = [
            _trials(name, np.where(generator.random(n) < 0.6, "boat", "car"))
            for name in ("subject-01", "subject-02", "subject-03", "net")
        ]
        dataset = humans.align("edge", files)
        net = humans.benchmark([dataset], resamples=2000, seed=1)[0][0]
        assert net["ood_accuracy_low"] < net["ood_accuracy"] < net["ood_accuracy_high"]
        return net["ood_accuracy_high"] - net["ood_accuracy_low"]

    assert width(100) == pytest.approx(2 * 1.96 * np.sqrt(0.24 / 100), rel=0.15)
    assert width(400) == pytest.approx(2 * 1.96 * np.sqrt(0.24 / 400), rel=0.15)


def _dataset(name, conditions):
    """A data set of conditions {name: {subject: responses}}."""
    answers = {s for subjects in conditions.values() for s in subjects}
    return humans.Dataset(
        name,
        tuple(sorted(answers)),
        tuple(
            humans.Responses(
                condition,
                tuple(f"{i}" for i in range(len(next(iter(subjects.values()))))),
                ("bear",) * len(next(iter(subjects.values()))),
                np.array([subjects[s] for s in sorted(answers)], dtype=np.float32),
            )
            for condition, subjects in conditions.items()
        ),
    )


def test_undefined_values_have_no_weight():
    values = np.array([[1, np.nan, 3], [np.nan, np.nan, np.nan], [2, 4, 6]])
    weights = np.array([[1, 5, 3], [1, 1, 1], [0, 1, 1]])
    np.testing.assert_array_equal(humans.weighted(values, weights), [2.5, np.nan, 5])


def test_every_data_set_and_subject_is_told_of_what_was_left_out():
    """Two data sets, a condition each in which a network is always right; images that it did not see."""
    always, mixed = [1, 1, 1, 1], [1, 0, 1, 0]
    conditions = {
        "a": {"subject-01": always, "subject-02": always, "net": always, "other": mixed},
        "b": {
            "subject-01": always, "subject-02": mixed, "net": always, "other": [1, np.nan, 1, 0],
        },
    }  # fmt: skip
    lone = {"a": {"subject-01": mixed, "late": mixed}}
    sets = [_dataset("edge", conditions), _dataset("sketch", conditions), _dataset("colour", lone)]
    rows, warnings = humans.benchmark(sets)
    undefined = (  # a: net with both, the observers with each other; b: net with the first
        "error consistency is undefined for 5 comparisons (both always right or always wrong); "
        "left out of the mean"
    )
    lacking = "subject 'other' lacks 1 of 8 images; compared on the others"
    assert warnings == [
        f"{name}: {line}" for name in ("edge", "sketch") for line in (undefined, lacking)
    ]
    assert {row["subject"]: row["n_datasets"] for row in rows} == {
        "late": 1, "net": 2, "other": 2, "humans": 2,
    }  # fmt: skip


def test_one_observer_is_no_ceiling():
    alone = _dataset("edge", {"a": {"subject-01": [1, 0], "net": [1, 1]}})
    rows, _ = humans.benchmark([alone], resamples=10)
    assert [row["subject"] for row in rows] == ["net"]
    nobody = _dataset("edge", {"a": {"subject-01": [1, 0]}})
    both = humans.benchmark([nobody, alone])[0]
    assert [(row["subject"], row["n_datasets"]) for row in both] == [("net", 1)]


def test_intervals_come_from_the_seed_and_the_level():
    generator = np.random.default_rng(5)
    names = ("subject-01", "subject-02", "subject-03", "subject-04", "net")
    answers = {name: generator.integers(0, 2, 60) for name in names}
    dataset = _dataset("edge", {"a": answers, "b": answers})
    wide, again, narrow, other = (
        humans.benchmark([dataset], resamples=400, level=level, seed=seed)[0]
        for level, seed in ((0.95, 7), (0.95, 7), (0.5, 7), (0.95, 8))
    )
    assert wide == again
    default, zero = (humans.benchmark([dataset], resamples=400, **own)[0]
                     for own in ({}, {"level": 0.95, "seed": 0}))  # fmt: skip
    assert default == zero
    assert wide != other
    for row, less in zip(wide, narrow, strict=True):
        for measure in humans.MEASURES:
            low, high = row[f"{measure}_low"], row[f"{measure}_high"]
            assert low < less[f"{measure}_low"] < less[f"{measure}_high"] < high
            assert low <= row[measure] <= high or measure == "accuracy_difference"


def test_the_observers_interval_weighs_pairs_by_both():
    """Resampled observers: a pair counts as often as the product of its two, and never with itself."""
    right = {"subject-01": [1, 1, 1, 0], "subject-02": [1, 1, 0, 1], "subject-03": [0, 0, 0, 1]}
    dataset = _dataset("edge", {"a": {name: right[name] * 300 for name in right}})
    row = humans.benchmark([dataset], resamples=4000, seed=1)[0][-1]
    # Images are many, so what varies is the draw of three observers: consistencies of the pairs are
    # 1/2, 0 and 1/2; three times the same observer has no pair, and is left out.
    assert row["observed_consistency"] == pytest.approx(1 / 3, abs=1e-6)
    assert row["observed_consistency_low"] == pytest.approx(0, abs=0.01)
    assert row["observed_consistency_high"] == pytest.approx(0.5, abs=0.03)
