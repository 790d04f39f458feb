"""Error consistency with its uncertainty: other people's formulas, simulation, published trials."""

from __future__ import annotations

import json
import math
from itertools import product

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa
from typer.testing import CliRunner

import texshape.cli.score  # noqa: F401 (registers the command)
from texshape.cli.main import app
from texshape.errors import InputError
from texshape.techniques.consistency_power import estimate, planning
from texshape.techniques.consistency_power.planning import Observer
from texshape.techniques.consistency_power.tables import CONSISTENCY_DIFFERENCES, CONSISTENCY_POWER
from texshape.techniques.human_consistency import humans

DATA = "github/bethgelab/model-vs-human/93ee6766db71bc99de23a16cf5216acff181b470/raw-data"
CASES = [(0.8, 0.7, 0.3), (0.5, 0.5, 0.0), (0.9, 0.6, 0.1), (0.3, 0.35, -0.2)]


def kappa(first, second) -> float:
    found = humans.compare(np.asarray(first, float)[None], np.asarray(second, float)[None])
    return found["error_consistency"].item()


def answers(random, reference, accuracy, wanted, n_reference):
    """Answers of an observer that has a given kappa with the reference's answers."""
    joint = planning.cells(accuracy, n_reference, wanted)
    right = joint[1] / joint.sum(0)  # given the reference's answer
    return (random.random(reference.shape) < right[reference.astype(int)]).astype(float)


# --- one kappa ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second", "wanted"), CASES)
def test_cells_have_the_accuracies_and_the_kappa(first, second, wanted):
    table = planning.cells(first, second, wanted)
    assert table.sum() == pytest.approx(1)
    assert table[1].sum() == pytest.approx(first)
    assert table[:, 1].sum() == pytest.approx(second)
    assert cohens_kappa(table).kappa == pytest.approx(wanted)


@pytest.mark.parametrize(("first", "second", "wanted"), CASES)
def test_standard_error_is_that_of_fleiss_cohen_and_everitt(first, second, wanted):
    table = planning.cells(first, second, wanted)
    expected = cohens_kappa(400 * table).std_kappa
    assert planning.standard_error(first, second, wanted, 400) == pytest.approx(expected)
    moved = table * planning.influence(first, second, wanted)
    assert moved.sum() == pytest.approx(0, abs=1e-12)


def test_deliberate_bug_chance_taken_for_known():
    """The common short formula holds the chance agreement fixed; away from one half it errs."""
    first, second, wanted = 0.9, 0.9, 0.3
    table = planning.cells(first, second, wanted)
    agreed, chance = np.trace(table), first * second + (1 - first) * (1 - second)
    short = math.sqrt(agreed * (1 - agreed) / 500) / (1 - chance)
    random = np.random.default_rng(0)
    drawn = random.multinomial(500, table.ravel(), size=4000).reshape(-1, 2, 2) / 500
    p, q = drawn[:, 1].sum(1), drawn[:, :, 1].sum(1)
    e = p * q + (1 - p) * (1 - q)
    spread = ((drawn[:, 0, 0] + drawn[:, 1, 1] - e) / (1 - e)).std()
    assert planning.standard_error(first, second, wanted, 500) == pytest.approx(spread, rel=0.05)
    assert abs(short / spread - 1) > 0.1


def test_kappa_is_the_probability_of_copying():
    """The model of Klein et al., played through: two equally good observers, one copies."""
    random = np.random.default_rng(1)
    for copied in (0.0, 0.35, 0.8):
        first = random.random(200_000) < 0.7
        alone = random.random(200_000) < 0.7
        second = np.where(random.random(200_000) < copied, first, alone)
        assert kappa(first, second) == pytest.approx(copied, abs=0.01)


def test_limits_by_counting_all_tables_of_twelve_trials():
    n = 12
    for right_first, right_second in product((3, 6, 11), repeat=2):
        found = []
        for both in range(n + 1):
            table = np.array([[n - right_first - right_second + both, right_second - both],
                              [right_first - both, both]])  # fmt: skip
            if (table >= 0).all():
                found.append(cohens_kappa(table).kappa)
        limits = planning.kappa_limits(right_first / n, right_second / n)
        assert limits == pytest.approx((min(found), max(found)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: planning.cells(0.9, 0.5, 0.5), "kappa 0.5 cannot be at accuracies 0.9 and 0.5"),
        (lambda: planning.cells(1.0, 0.5, 0.0), "accuracy 1; expected a number between 0 and 1"),
        (lambda: planning.smallest_difference(0.1, power=1.0), "power 1; expected a number"),
        (
            lambda: planning.trials_for(0, 0.5, Observer(0.5, 0), Observer(0.5, 0)),
            "difference of 0",
        ),
        (lambda: estimate.draw([]), "no data set"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


# --- two kappas -----------------------------------------------------------------------------------


def found_share(one: Observer, other: Observer, trials: int, paired: bool) -> float:
    """How often a difference of two kappas is found, over simulated experiments."""
    random = np.random.default_rng(2)
    error = planning.difference_error(0.75, one, other, trials, paired=paired)
    differences = []
    for _ in range(3000):
        values = []
        reference = (random.random(trials) < 0.75).astype(float)
        for observer in (one, other):
            if not paired:
                reference = (random.random(trials) < 0.75).astype(float)
            own = answers(random, reference, observer.accuracy, observer.kappa, 0.75)
            p, q, agreed = own.mean(), reference.mean(), (own == reference).mean()
            chance = p * q + (1 - p) * (1 - q)
            values.append((agreed - chance) / (1 - chance))
        differences.append(values[0] - values[1])
    return float((np.abs(differences) > 1.959964 * error).mean())


@pytest.mark.parametrize("paired", [True, False])
def test_the_number_of_trials_gives_the_power_that_was_asked_for(paired):
    one, other = Observer(0.7, 0.45), Observer(0.6, 0.2)
    trials = planning.trials_for(0.25, 0.75, one, other, paired=paired)
    assert found_share(one, other, trials, paired) == pytest.approx(0.8, abs=0.035)
    assert planning.power_of(
        0.25, planning.difference_error(0.75, one, other, trials, paired=paired)
    ) == pytest.approx(0.8, abs=0.01)


def test_two_equal_kappas_are_told_apart_as_often_as_the_level_says():
    same = Observer(0.65, 0.3)
    assert found_share(same, same, 300, True) == pytest.approx(0.05, abs=0.02)


# --- data sets ------------------------------------------------------------------------------------


def data_set(seed, networks, *, people=4, n=250, spread=0.0, mean=0.0):
    """One condition: an image's difficulty is shared, observers differ in their kappas.

    Networks answer each image by themselves or copy a latent answer, which the observers copy too.
    """
    random = np.random.default_rng(seed)
    latent = random.random(n) < 0.7
    rows = {}
    for i in range(people):
        copied = np.clip(0.6 + spread * random.normal(), 0, 1)
        alone = random.random(n) < 0.7
        rows[f"subject-{i + 1:02}"] = np.where(random.random(n) < copied, latent, alone)
    for name, copied in networks.items():
        alone = random.random(n) < 0.7
        rows[name] = np.where(random.random(n) < copied, latent, alone)
    subjects = tuple(sorted(rows))
    correct = np.array([rows[name] for name in subjects], dtype=np.float32)
    shown = humans.Responses("0", tuple(map(str, range(n))), ("bear",) * n, correct)
    return humans.Dataset("edge", subjects, (shown,))


def test_a_network_has_its_benchmark_value_and_interval():
    sets = [data_set(0, {"a": 0.5, "b": 0.2})]
    rows = estimate.of_subjects(estimate.draw(sets, resamples=500, seed=3))
    expected, _ = humans.benchmark(sets, resamples=500, seed=3)
    assert [row["subject"] for row in rows] == [row["subject"] for row in expected]
    for row, other in zip(rows, expected, strict=True):
        for column, name in (
            ("error_consistency", "error_consistency"), ("ci_low", "error_consistency_low"),
            ("ci_high", "error_consistency_high"),
        ):  # fmt: skip
            assert row[column] == pytest.approx(other[name], abs=1e-9)
    assert [row["n_trials"] for row in rows] == [250] * 3


def covered(spread: float, column: str) -> float:
    """How often the interval holds the true kappa of a network, observers drawn from a population.

    A network that copies the latent answer with probability c and an observer that does with b
    share c b of their answers, which is their kappa; b has the mean 0.6.
    """
    hits = []
    for seed in range(100):
        sets = [data_set(seed, {"net": 0.5}, people=8, spread=spread)]
        row = estimate.of_subjects(estimate.draw(sets, resamples=200, seed=seed))[0]
        hits.append(abs(row["error_consistency"] - 0.3) < 1.96 * row[column])
    return float(np.mean(hits))


def test_intervals_hold_the_kappa_of_a_population_of_observers():
    assert covered(0.2, "standard_error") > 0.9


def test_deliberate_bug_observers_held_fixed():
    assert covered(0.2, "standard_error_trials") < 0.9


def test_a_difference_is_found_as_often_as_the_smallest_difference_says():
    """Kappas that differ by what 80 % power asks for, and kappas that do not differ."""
    found: dict[str, list[bool]] = {"apart": [], "equal": []}
    for seed in range(100):
        sets = [data_set(seed, {"a": 0.75, "b": 0.4, "c": 0.4})]
        rows = estimate.of_differences(estimate.draw(sets, resamples=200, seed=seed))
        by_pair = {(row["subject_a"], row["subject_b"]): row for row in rows}
        found["apart"].append(by_pair["a", "b"]["p"] < 0.05)
        found["equal"].append(by_pair["b", "c"]["p"] < 0.05)
        smallest = [by_pair["a", "b"]["smallest_difference"]]
    power = planning.power_of(0.35 * 0.6, smallest[0] / planning.smallest_difference(1))
    assert np.mean(found["apart"]) == pytest.approx(power, abs=0.12)
    assert np.mean(found["equal"]) < 0.12


def test_deliberate_bug_other_trials_for_the_second_network():
    """Two networks that answer almost alike differ by little, and surely so: draws are shared."""
    sets = [data_set(0, {"a": 0.5})]
    subjects, shown = sets[0].subjects, sets[0].conditions[0]
    twin = shown.correct[subjects.index("a")].copy()
    twin[:8] = 1 - twin[:8]
    correct = np.vstack([shown.correct, twin])
    shown = humans.Responses("0", shown.images, shown.categories, correct)
    draws = estimate.draw(
        [humans.Dataset("edge", (*subjects, "twin"), (shown,))], resamples=500, seed=0
    )
    pair = next(r for r in estimate.of_differences(draws) if r["subject_b"] == "twin")
    alone = {row["subject"]: row["standard_error"] for row in estimate.of_subjects(draws)}
    unpaired = math.hypot(alone["a"], alone["twin"])
    assert pair["standard_error"] < 0.5 * unpaired


def test_so_many_times_the_trials_give_the_power():
    """The trials' part of the variance shrinks with their number, the observers' does not."""
    given = 0
    for seed in range(20):
        sets = [data_set(seed, {"a": 0.7, "b": 0.4}, n=120)]
        (row, *_) = estimate.of_differences(estimate.draw(sets, resamples=300, seed=0))
        if "times_trials" not in row:
            continue
        given += 1
        error, by_trials = row["standard_error"], row["standard_error_trials"]
        observers = max(error**2 - by_trials**2, 0)
        later = math.sqrt(observers + by_trials**2 / row["times_trials"])
        assert planning.power_of(row["difference"], later) == pytest.approx(0.8, abs=0.005)
        assert (row["times_trials"] < 1) == (abs(row["difference"]) > row["smallest_difference"])
    assert given >= 10


def test_observers_who_differ_too_much_are_the_reason():
    sets = [data_set(1, {"a": 0.5, "b": 0.49}, people=2, spread=0.4, n=4000)]
    (row, *_) = estimate.of_differences(estimate.draw(sets, resamples=300, seed=0))
    assert "times_trials" not in row
    assert row["reason"] == "more trials alone would not show it: observers differ too much"


def test_subjects_without_a_common_data_set_and_undefined_kappas_have_reasons():
    first = data_set(0, {"a": 0.5})
    second = humans.Dataset("sketch", data_set(1, {"b": 0.5}).subjects,
                            data_set(1, {"b": 0.5}).conditions)  # fmt: skip
    always = np.vstack([np.ones((2, 20)), np.ones((1, 20))]).astype(np.float32)
    shown = humans.Responses("0", tuple(map(str, range(20))), ("bear",) * 20, always)
    third = humans.Dataset("colour", ("c", "subject-01", "subject-02"), (shown,))
    draws = estimate.draw([first, second, third], resamples=50)
    rows = estimate.of_differences(draws)
    reasons = {(row["subject_a"], row["subject_b"]): row["reason"] for row in rows}
    assert reasons["a", "b"] == "no data set in common"
    assert reasons["c", "humans"] == "a kappa is undefined"
    alone = {row["subject"]: row for row in estimate.of_subjects(draws)}
    assert alone["c"]["reason"].startswith("always right")


def test_a_difference_is_over_data_sets_in_which_both_have_a_kappa():
    """One network's kappa is 0/0 in the first set: the other's there has nothing to stand beside."""

    def draws(*kappas: float) -> estimate.Draws:
        drawn = np.repeat(np.array(kappas)[:, None], 50, axis=1) + np.linspace(-0.01, 0.01, 50)
        return estimate.Draws(("edge", "sketch"), np.array(kappas), drawn, drawn, 100, 4)

    (row,) = estimate.of_differences({"a": draws(np.nan, 0.5), "b": draws(0.1, 0.5)})
    assert row["difference"] == pytest.approx(0)
    assert row["n_datasets"] == 1
    (row,) = estimate.of_differences({"a": draws(np.nan, 0.5), "b": draws(0.1, np.nan)})
    assert row["reason"] == "a kappa is undefined"


def test_published_trials_have_their_published_kappa_and_all_networks_lie_below_humans(mirror):
    datasets = humans.read_folder(mirror / DATA)[0]
    draws = estimate.draw(datasets, resamples=60, seed=0)
    rows = {row["subject"]: row for row in estimate.of_subjects(draws)}
    assert round(rows["resnet50"]["error_consistency"], 3) == 0.208
    assert rows["resnet50"]["ci_low"] < 0.208 < rows["resnet50"]["ci_high"]
    pairs = estimate.of_differences(draws)
    below = [row for row in pairs if row["subject_b"] == "humans"]
    assert len(below) == 7
    assert all(row["difference"] < 0 and row["p_holm"] < 0.05 for row in below)
    hardest = max(pairs, key=lambda row: row["p"])
    assert abs(hardest["difference"]) < hardest["smallest_difference"]


def test_tables_of_groups_of_data_sets_hold_who_saw_them_all():
    first, other = data_set(0, {"a": 0.5, "b": 0.4}), data_set(1, {"a": 0.5})
    second = humans.Dataset("sketch", other.subjects, other.conditions)
    subjects, pairs = estimate.tables({"both": [first, second], "edge": [first]}, resamples=50)
    CONSISTENCY_POWER.check(subjects)
    CONSISTENCY_DIFFERENCES.check(pairs)
    groups = subjects.groupby("datasets")["subject"].agg(list).to_dict()
    assert groups == {"both": ["a", "humans"], "edge": ["a", "b", "humans"]}
    assert pairs.groupby("datasets").size().to_dict() == {"both": 1, "edge": 3}


def test_the_command_lists_every_pair(tmp_path):
    header = "subj,session,trial,rt,object_response,category,condition,imagename"
    random = np.random.default_rng(0)
    for subject in ("subject-01", "subject-02", "net"):
        lines = [header]
        for i in range(60):
            answer = "boat" if random.random() < 0.6 else "car"
            lines.append(f"{subject},1,{i},NaN,{answer},boat,0,boat{i}-na0.png")
        (tmp_path / "data" / "edge").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "edge" / f"{subject}.csv").write_text("\n".join(lines) + "\n")
    arguments = ["benchmark", str(tmp_path / "data"), "--differences", "--format", "json"]
    result = CliRunner().invoke(app, [*arguments, "--resamples", "100"], catch_exceptions=False)
    (row,) = json.loads(result.stdout)
    assert (row["subject_a"], row["subject_b"]) == ("net", "humans")
    assert row["ci_low"] < row["difference"] < row["ci_high"]
    for path in (tmp_path / "data" / "edge").glob("subject-02*"):
        path.unlink()
    with pytest.raises(
        InputError, match="holds nothing to compare two by two; expected two networks"
    ):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
