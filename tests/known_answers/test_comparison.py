"""The comparison against other people's code, exact enumerations and planted pairs."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from tests import comparison_world as world

from texshape.comparison import correlation, disagreement, equivalence, limits, measures
from texshape.comparison.decisions import rate_intervals
from texshape.config.comparison import ComparisonSettings
from texshape.errors import InputError
from texshape.stats.proportions import wilson
from texshape.trials.files import Trials
from texshape.trials.score import gather

RANDOM = np.random.default_rng(5)


def test_holm_against_statsmodels():
    from statsmodels.stats.multitest import multipletests

    for size in (1, 2, 7, 40):
        p = RANDOM.random(size) ** 3
        expected = multipletests(p, method="holm")[1]
        np.testing.assert_allclose(correlation.holm(p), expected)
    p = np.array([0.01, np.nan, 0.04, 0.01])
    expected = multipletests(p[~np.isnan(p)], method="holm")[1]
    found = correlation.holm(p)
    np.testing.assert_allclose(found[~np.isnan(p)], expected)
    assert np.isnan(found[1])


def test_ranks_and_spearman_against_scipy():
    from scipy.stats import rankdata, spearmanr

    x = RANDOM.integers(0, 5, (6, 12)).astype(float)  # many ties
    y = RANDOM.integers(0, 9, (6, 12)).astype(float)
    np.testing.assert_allclose(correlation.ranks(x), rankdata(x, axis=1))
    expected = [spearmanr(*pair).statistic for pair in zip(x, y, strict=True)]
    np.testing.assert_allclose(correlation.spearman(x, y), expected)
    assert np.isnan(correlation.spearman(np.ones(5), np.arange(5.0)))


def test_partial_correlation_is_that_of_residual_ranks():
    from scipy.stats import rankdata

    x, y, z = RANDOM.random((3, 14))
    design = np.column_stack([np.ones(14), rankdata(z)])
    left = [
        rankdata(v) - design @ np.linalg.lstsq(design, rankdata(v), rcond=None)[0] for v in (x, y)
    ]
    expected = np.corrcoef(*left)[0, 1]
    assert correlation.partial_spearman(x, y, z) == pytest.approx(expected)
    # A third measure that causes both: the correlation goes when it is held constant.
    z = RANDOM.normal(size=4000)
    x, y = z + RANDOM.normal(size=4000), z + RANDOM.normal(size=4000)
    assert correlation.spearman(x, y) > 0.4
    assert abs(correlation.partial_spearman(x, y, z)) < 0.06


def test_permutation_p_against_full_enumeration():
    from scipy.stats import spearmanr

    x, y = np.array([1.0, 2, 3, 4, 5, 6]), np.array([2.0, 1, 4, 3, 6, 5])
    observed = abs(spearmanr(x, y).statistic)
    every = [abs(spearmanr(x, order).statistic) for order in permutations(y)]
    exact = np.mean(np.array(every) >= observed - 1e-12)
    found = correlation.permutation_p(x, y, permutations=20_000, seed=1)
    assert found == pytest.approx(exact, abs=0.005)


def test_two_groups_that_lie_apart_are_no_correlation_within_them():
    """Six networks low in both measures, six high: within either, y falls with x."""
    x = np.concatenate([np.arange(6), 100 + np.arange(6)]).astype(float)
    y = np.concatenate([5 - np.arange(6), 105 - np.arange(6)]).astype(float)
    groups = ["a"] * 6 + ["b"] * 6
    assert correlation.spearman(x, y) > 0.4
    assert correlation.permutation_p(x, y, permutations=4000) < 0.15
    rho, p, n = correlation.within(x, y, groups, permutations=4000)
    assert (rho, n) == (pytest.approx(-1), 12)
    assert p < 0.001


def test_permutation_within_groups_against_full_enumeration():
    x, y = np.array([1.0, 2, 3, 7, 8, 9, 5]), np.array([2.0, 1, 3, 9, 7, 8, 0])
    groups = ["a", "a", "a", "b", "b", "b", "alone"]
    rho, p, n = correlation.within(x, y, groups, permutations=20_000, seed=1)
    # Ranks less their mean: x (-1, 0, 1) twice; y (0, -1, 1) and (1, -1, 0): (1 - 1) / 4.
    assert (rho, n) == (pytest.approx(0), 6)
    assert p == 1
    y[3:6] = 7, 9, 8  # y (-1, 1, 0) in the second group: (1 + 1) / 4
    rho, p, n = correlation.within(x, y, groups, permutations=20_000, seed=1)
    assert rho == pytest.approx(0.5)
    sums = [np.dot((-1, 0, 1), one) + np.dot((-1, 0, 1), other)
            for one in permutations((0, -1, 1)) for other in permutations((-1, 1, 0))]  # fmt: skip
    assert p == pytest.approx(np.mean(np.abs(sums) >= 2), abs=0.01)
    assert np.isnan(correlation.within(x, y, list("abcdefg"), permutations=10)[0])
    assert correlation.within(x, y, list("abcdefg"), permutations=10)[2] == 0


def test_within_arms_and_within_architectures_are_two_questions():
    """Larger architectures are higher in both measures; what moves one measure by the arm lowers the other."""
    rows = []
    for architecture, base in (("small", 0), ("large", 100)):
        for arm in range(6):
            values = {"shape_bias": base + arm, "readout_shape": base - arm}
            rows += [
                {"model": f"{architecture}--{arm}", "architecture": architecture, "arm": str(arm),
                 "seed": 0, "measure": measure, "value": value}
                for measure, value in values.items()
            ]  # fmt: skip
    few = ComparisonSettings.of(resamples=20, correlations=[["shape_bias", "readout_shape"]])
    (row,) = correlation.correlations(pd.DataFrame(rows), few).to_dict("records")
    assert (row["within_rho"], row["n_within"]) == (pytest.approx(1), 12)
    assert (row["architecture_rho"], row["n_architecture"]) == (pytest.approx(-1), 12)
    assert row["architecture_p"] == row["architecture_holm"] < 0.001
    assert 0.4 < row["rho"] < 1
    alone = pd.DataFrame(rows).assign(architecture=lambda frame: frame["model"])
    (row,) = correlation.correlations(alone, few).to_dict("records")
    assert np.isnan(row["architecture_rho"])
    assert np.isnan(row["architecture_holm"])
    assert row["n_architecture"] == 0


def test_measures_that_are_tied_are_marked():
    table = correlation.correlations(
        measures.collect(world.tables(), SETTINGS), SETTINGS, seed=1
    ).set_index(["measure_x", "measure_y"])
    assert "share of decisions" in table.loc[("shape_bias", "used_shape"), "coupled"]
    assert table.loc[("shape_bias", "readout_shape"), "coupled"] == ""
    assert table.loc[("readout_shape", "information_shape"), "coupled"] != ""


def test_difference_limits_against_normal_theory():
    # Two independent normal estimates: the limits are those of their difference.
    low, high = limits.difference((1.0, 1 - 1.96 * 0.3, 1 + 1.96 * 0.3),
                                  (0.4, 0.4 - 1.96 * 0.4, 0.4 + 1.96 * 0.4))  # fmt: skip
    np.testing.assert_allclose([low, high], [0.6 - 1.96 * 0.5, 0.6 + 1.96 * 0.5])


def test_ratio_limits_against_fieller():
    # For symmetric normal limits and independent estimates the ratio's limits are Fieller's.
    a, b, sa, sb, z = 2.0, 4.0, 0.3, 0.5, 1.959964
    low, high = limits.ratio((a, a - z * sa, a + z * sa), (b, b - z * sb, b + z * sb))
    roots = np.roots([b**2 - (z * sb) ** 2, -2 * a * b, a**2 - (z * sa) ** 2])
    np.testing.assert_allclose([low, high], sorted(roots))


def test_wilson_against_statsmodels():
    from statsmodels.stats.proportion import proportion_confint

    expected = proportion_confint([3, 50, 100], [10, 100, 100], alpha=0.05, method="wilson")
    found = wilson([0.3, 0.5, 1.0], [10, 100, 100], 0.95)
    np.testing.assert_allclose(found, expected)


def _gathered(frame: pd.DataFrame):
    columns = {name: [str(v) for v in frame[name]] for name in frame.columns}
    trials = Trials("invented", world.PROCEDURAL_CLASSES, columns)
    (own,) = gather([trials])[0].values()
    return own


def _decided(networks: dict) -> dict:
    return {
        model: {seed: _gathered(world.trials(model, seed, shares[:2])) for seed in world.SEEDS}
        for model, shares in networks.items()
    }


# A quarter of the images chooses, another one confirms: 264 each, which no small margin fits.
SETTINGS = ComparisonSettings.of(resamples=2000, margin=0.2)
PLANTED = {
    **world.NETWORKS,
    "cnn--plain": (0.27, 0.63, 0.77),
    "rf9--plain": (0.27, 0.63, 0.25),  # as biased as cnn--plain, and knows less of shape
    "rf17--plain": (0.55, 0.35, 0.41),
}
TWO = {name: PLANTED[name] for name in ("cnn--plain", "rf9--plain")}


def _pairs(networks: dict, settings: ComparisonSettings = SETTINGS, comparison=None):
    if comparison is None:
        comparison = measures.collect(world.tables(networks), settings)
    table = equivalence.equivalent_pairs(_decided(networks), comparison, settings, seed=1)
    return table.set_index("information")


def test_planted_pair_is_found_and_confirmed():
    table = _pairs(PLANTED)
    assert list(table.index) == ["readout_shape", "information_shape"]
    for _, row in table.iterrows():
        assert {row["model_a"], row["model_b"]} == {"cnn--plain", "rf9--plain"}
        assert row["confirmed"]
        assert row["reason"] == ""
        assert (row["choose_seeds"], row["confirm_seeds"]) == ("0", "1 2")
        # Half of the four shape and of the two texture exemplars a class: 24 x 12, less 24 a class.
        assert row["choose_n_images"] == row["confirm_n_images"] == 24 * 12 - 24
        assert row["n_pairs"] == 10  # rf9--stylized rests on too few decisions
        assert row["n_away"] == 3  # mixed and stylized lie too near to 1
        counts = row[["n_networks", "n_searched", "n_few_seeds", "n_few_matches"]]
        assert counts.tolist() == [6, 5, 0, 1]
        assert -0.2 < row["confirm_bias_low"] < row["confirm_bias_high"] < 0.2
        assert row["confirm_cue_match_low"] < 0 < row["confirm_cue_match_high"]
        assert row["equivalence_p"] < 0.05
    row = table.loc["readout_shape"]
    assert row["confirm_information_difference"] == pytest.approx(0.77 - 0.25)
    assert row["confirm_information_low"] > 0


def test_pair_outside_the_margin_is_not_taken():
    networks = {"cnn--plain": (0.27, 0.63, 0.77), "rf9--plain": (0.50, 0.40, 0.25)}
    table = _pairs(networks)
    assert table["model_a"].isna().all()
    assert table["confirmed"].isna().all()
    reason = table.loc["readout_shape", "reason"]
    assert reason.startswith("the one pair is not equivalent in shape bias within 0.2")
    assert "nearest cnn--plain and rf9--plain: -0.2" in reason


def test_equal_difference_is_not_equivalence():
    # Twenty-four images cannot show equivalence, however equal the two biases are.
    networks = TWO
    labels = world.images()
    # The first half of the shapes and of the textures of three classes: 18 images.
    index = labels["imagename"].str.extract(r"^\D+(\d+)-\D+(\d+)").astype(int)
    three = world.PROCEDURAL_CLASSES[:3]
    chosen = (labels["shape"].isin(three) & labels["texture"].isin(three)).to_numpy()
    first = (index[0] % 2 == 1) & (index[1] == 1)
    labels, place = labels[chosen], first[chosen].cumsum().to_numpy()
    few: dict = {}
    for number, model in enumerate(networks):
        frame = world.trials(model, 0, (0.0, 0.0))[chosen]
        by_shape = place % 3 == number  # a third, other images for each
        answers = np.where(by_shape, labels["shape"], labels["texture"])
        few[model] = dict.fromkeys(world.SEEDS, _gathered(frame.assign(object_response=answers)))
    comparison = measures.collect(world.tables(networks), SETTINGS)
    (half, _), reason = equivalence.halves(few)
    assert (len(half), reason) == (12, "")
    part = equivalence.Part(few, half, comparison, {model: [0] for model in few}, SETTINGS, 1)
    assert part.compare(*networks, "readout_shape")["bias_difference"] == 0
    table = equivalence.equivalent_pairs(few, comparison, SETTINGS)
    assert table["model_a"].isna().all()
    assert table["reason"].str.startswith("the one pair is not equivalent").all()


def test_pair_that_knows_the_same_is_not_taken():
    networks = {"cnn--plain": (0.27, 0.63, 0.50), "rf9--plain": (0.27, 0.63, 0.51)}
    table = _pairs(networks)
    assert table["model_a"].isna().all()
    assert "the one equivalent pair does not differ in readout_shape" in table["reason"].iloc[0]


def test_pair_that_differs_on_the_choosing_seed_alone_is_not_confirmed():
    networks = TWO
    comparison = measures.collect(world.tables(networks), SETTINGS)
    later = (comparison["seed"] > 0) & (comparison["measure"] == "readout_shape")
    comparison.loc[later, ["value", "ci_low", "ci_high"]] = [0.5, 0.47, 0.53]
    row = _pairs(networks, comparison=comparison).loc["readout_shape"]
    assert {row["model_a"], row["model_b"]} == {"cnn--plain", "rf9--plain"}
    assert not row["confirmed"]
    assert "the interval of the difference of readout_shape holds 0" in row["reason"]


def test_bias_that_drifts_apart_on_other_seeds_is_not_confirmed():
    networks = TWO
    decided = _decided(networks)
    for seed in (1, 2):
        decided["rf9--plain"][seed] = _gathered(world.trials("rf9--plain", seed, (0.6, 0.3)))
    comparison = measures.collect(world.tables(networks), SETTINGS)
    table = equivalence.equivalent_pairs(decided, comparison, SETTINGS)
    assert not table["confirmed"].any()
    assert table["reason"].str.contains("the biases are not equivalent").all()


def test_one_seed_gives_the_reason():
    networks = TWO
    decided = {model: {0: own[0]} for model, own in _decided(networks).items()}
    comparison = measures.collect(world.tables(networks), SETTINGS)
    table = equivalence.equivalent_pairs(decided, comparison, SETTINGS)
    assert table["reason"].str.startswith("0 of 2 networks have").all()


def test_other_images_cannot_be_compared():
    networks = TWO
    decided = _decided(networks)
    decided["rf9--plain"][1] = _gathered(world.trials("rf9--plain", 1, (0.1, 0.8)).head(500))
    comparison = measures.collect(world.tables(networks), SETTINGS)
    with pytest.raises(InputError, match=r"rf9--plain, seed 1 and .* different cue-conflict"):
        equivalence.equivalent_pairs(decided, comparison, SETTINGS)


def test_biases_near_the_floor_are_no_pair():
    # Equivalent they are, as all networks that hardly ever follow the shape are.
    networks = {"cnn--plain": (0.02, 0.88, 0.77), "rf9--plain": (0.03, 0.87, 0.25)}
    table = _pairs(networks)
    assert table["model_a"].isna().all()
    assert (table["n_pairs"] == 1).all()
    assert (table["n_away"] == 0).all()
    assert table["reason"].str.startswith("in the one pair a bias lies no further").all()
    # As near to 1, and a bias that leaves the middle on the confirming seeds.
    top = {name: (texture, shape, known) for name, (shape, texture, known) in networks.items()}
    assert (_pairs(top)["n_away"] == 0).all()
    decided = _decided(TWO)
    for own in decided.values():
        for seed in (1, 2):
            own[seed] = _gathered(world.trials("cnn--plain", seed, (0.02, 0.88)))
    table = equivalence.equivalent_pairs(
        decided, measures.collect(world.tables(TWO), SETTINGS), SETTINGS, seed=1
    )
    assert not table["confirmed"].any()
    assert table["reason"].str.contains("a bias within 0.2 of 0 or 1").all()


def test_one_confirming_seed_is_too_few():
    decided = {model: {seed: own[seed] for seed in (0, 1)} for model, own in _decided(TWO).items()}
    comparison = measures.collect(world.tables(TWO), SETTINGS)
    table = equivalence.equivalent_pairs(decided, comparison, SETTINGS)
    assert table["reason"].str.contains(r"choose on \(0\) and in 2 others to confirm on").all()
    assert (table["n_few_seeds"] == 2).all()
    alone = ComparisonSettings.of(resamples=500, margin=0.2, least_confirming=1)
    assert equivalence.equivalent_pairs(decided, comparison, alone)["model_a"].notna().all()


def test_trainings_that_decide_and_lack_the_measure_take_no_network_out():
    """Seed 3 decides alone: the others choose and confirm as if it were not there."""
    comparison = measures.collect(world.tables(TWO), SETTINGS)
    decided = _decided(TWO)
    plain = equivalence.equivalent_pairs(decided, comparison, SETTINGS, seed=1)
    for model, (shape, texture, _) in TWO.items():
        decided[model][3] = _gathered(world.trials(model, 3, (texture, shape)))  # another bias
    more = equivalence.equivalent_pairs(decided, comparison, SETTINGS, seed=1)
    pd.testing.assert_frame_equal(more, plain)
    assert more["confirmed"].all()
    # One measure is missing in a confirming seed: two are needed, so that the network is left out of its row.
    gone = (comparison["seed"] == 2) & (comparison["measure"] == "readout_shape")
    gone &= comparison["model"] == "rf9--plain"
    comparison.loc[gone, ["ci_low", "ci_high"]] = np.nan
    table = equivalence.equivalent_pairs(decided, comparison, SETTINGS).set_index("information")
    row = table.loc["readout_shape"]
    assert row["reason"].startswith("1 of 2 networks have readout_shape with an interval in seeds")
    assert row[["n_networks", "n_searched", "n_few_seeds"]].tolist() == [2, 0, 1]
    assert table.loc["information_shape", "confirmed"]
    # Nobody has the measure.
    none = comparison[comparison["measure"] != "readout_shape"]
    table = equivalence.equivalent_pairs(decided, none, SETTINGS).set_index("information")
    assert table.loc["readout_shape", "n_few_seeds"] == 2
    assert table.loc["information_shape", "confirmed"]


def test_the_halves_share_no_exemplar():
    (first, second), reason = equivalence.halves(_decided(TWO))
    assert reason == ""
    assert len(first) == len(second) == 264
    for cue in (0, 1):
        assert not {image[cue] for image in first} & {image[cue] for image in second}


def test_an_artefact_of_the_choosing_exemplars_is_not_confirmed():
    """Equal on the exemplars that choose, apart on the others: with all images in both it stands."""
    decided = _decided(TWO)
    (first, _), _ = equivalence.halves(decided)
    for seed, own in decided["rf9--plain"].items():
        pairs = zip(own.shape_exemplar, own.texture_exemplar, strict=True)
        own.response = [
            answer if image in first else shape
            for answer, shape, image in zip(own.response, own.shape, pairs, strict=True)
        ]
        assert seed in world.SEEDS
    comparison = measures.collect(world.tables(TWO), SETTINGS)
    table = equivalence.equivalent_pairs(decided, comparison, SETTINGS, seed=1)
    assert table["model_a"].notna().all()
    assert not table["confirmed"].any()
    assert table["reason"].str.contains("the biases are not equivalent").all()


def test_a_class_of_one_exemplar_cannot_be_split():
    labels = world.images()
    one = labels["texture_exemplar"].str.endswith("1").to_numpy()
    decided = {
        model: {seed: _gathered(world.trials(model, seed, shares[:2])[one]) for seed in world.SEEDS}
        for model, shares in TWO.items()
    }
    comparison = measures.collect(world.tables(TWO), SETTINGS)
    table = equivalence.equivalent_pairs(decided, comparison, SETTINGS)
    assert table["reason"].str.contains("has a single texture exemplar").all()


def test_interval_of_the_cue_match_rate_against_direct_resamples():
    frame = world.trials("cnn--plain", 0, (0.3, 0.4))
    found = rate_intervals({("cnn--plain", 0): [_gathered(frame)]}, resamples=4000, level=0.95,
                           seed=3)  # fmt: skip
    labels = world.images()
    matched = (frame["object_response"] == labels["shape"]) | (
        frame["object_response"] == labels["texture"]
    )
    matched = matched.to_numpy()
    shapes, rows = np.unique(labels["shape_exemplar"], return_inverse=True)
    textures, columns = np.unique(labels["texture_exemplar"], return_inverse=True)
    generator = np.random.default_rng(0)
    rates = []

    def draw(names, cue):
        """Exemplars of each class in place of as many of that class."""
        owner = labels.drop_duplicates(f"{cue}_exemplar").set_index(f"{cue}_exemplar")[cue]
        classes = owner[names].to_numpy()
        chosen = [generator.choice(np.flatnonzero(classes == one), (classes == one).sum())
                  for one in np.unique(classes)]  # fmt: skip
        return np.bincount(np.concatenate(chosen), minlength=len(names))

    for _ in range(2000):
        row, column = draw(shapes, "shape"), draw(textures, "texture")
        weight = row[rows] * column[columns]
        rates.append((weight * matched).sum() / weight.sum())
    expected = np.quantile(rates, [0.025, 0.975])
    np.testing.assert_allclose(found["cnn--plain", 0, "cue_match_rate"], expected, atol=0.008)


def test_entropy_of_one_answer_is_nothing():
    frame = world.trials("cnn--plain", 0, (0.0, 0.0)).assign(object_response="disc")
    found = rate_intervals({("cnn--plain", 0): [_gathered(frame)]}, resamples=100, level=0.95,
                           seed=3)  # fmt: skip
    assert found["cnn--plain", 0, "response_entropy"] == (0.0, 0.0)


def test_disagreement_counts_what_was_planted():
    frame = world.trials("cnn--plain", 0, (0.1, 0.8))
    columns = {name: [str(v) for v in frame[name]] for name in frame.columns}
    trials = Trials("invented", world.PROCEDURAL_CLASSES, columns)
    labels = world.images()
    by_texture = (frame["object_response"] == labels["texture"]).to_numpy()
    readings = world.readings(frame, 0.0)
    # The reader of shape is right on exactly the images that were decided by texture.
    chosen = (readings["stage"] == "stage3") & (readings["cue"] == "shape")
    readings.loc[chosen, "correct"] = by_texture.astype(float)
    joined = disagreement.join(trials, readings, input="pooled", name="readings")
    key = ("cnn--plain", "cnn", "plain", 0)
    table = disagreement.count({key: joined}, ComparisonSettings.of(resamples=500))
    cells = table.set_index(["cue", "decision", "readout"])
    n = by_texture.sum()
    assert cells.loc[("shape", "texture", "right"), "n"] == n == 845
    assert cells.loc[("shape", "texture", "wrong"), "n"] == 0
    assert cells.loc[("shape", "shape", "right"), "n"] == 0
    assert cells.loc[("shape", "texture", "right"), "expected_share"] == pytest.approx(
        (845 / 1056) ** 2
    )
    assert cells.loc[("texture", "shape", "right"), "n"] == 106
    for cue in ("shape", "texture"):
        assert cells.loc[cue]["n"].sum() == 1056
        assert cells.loc[cue]["share"].sum() == pytest.approx(1)
        assert cells.loc[cue]["expected_share"].sum() == pytest.approx(1)
    row = cells.loc[("shape", "texture", "right")]
    assert row["ci_low"] < row["share"] < row["ci_high"]
    assert set(table["stage"]) == {"stage3"}


def _planted(of_shape: float, of_texture: float, of_neither: float) -> pd.DataFrame:
    """Decisions drawn anew; the reader of shape is right on so many of each kind of decision."""
    frame = world.trials("cnn--plain", 0, (0.3, 0.5))
    columns = {name: [str(v) for v in frame[name]] for name in frame.columns}
    trials = Trials("invented", world.PROCEDURAL_CLASSES, columns)
    readings = world.readings(frame, 0.0)
    chosen = (readings["stage"] == "stage3") & (readings["cue"] == "shape")
    labels = world.images()
    answers = frame["object_response"].to_numpy()
    share = np.select(
        [answers == labels["shape"], answers == labels["texture"]],
        [of_shape, of_texture], of_neither,
    )  # fmt: skip
    right = np.random.default_rng(8).random(len(share)) < share
    readings.loc[chosen, "correct"] = right.astype(float)
    return disagreement.join(trials, readings, input="pooled", name="readings")


@pytest.mark.parametrize(
    ("shares", "excess", "read"),
    [((0.9, 0.4, 0.6), -1, 1), ((0.4, 0.9, 0.6), 1, -1), ((0.6, 0.6, 0.6), 0, 0)],
)
def test_reading_and_deciding_less_more_and_as_independent(shares, excess, read):
    joined = _planted(*shares)
    table = disagreement.count(
        {("a--b", "a", "b", 0): joined}, ComparisonSettings.of(resamples=2000)
    )
    row = table.set_index(["cue", "decision", "readout"]).loc[("shape", "texture", "right")]
    side = lambda low, high: int(low > 0) - int(high < 0)  # noqa: E731
    assert side(row["excess_low"], row["excess_high"]) == excess
    assert side(row["read_low"], row["read_high"]) == read
    assert row["excess"] == pytest.approx(row["share"] - row["expected_share"])
    known = joined["readout_shape"] == 1
    by = {name: known[joined["decision"] == name].mean() for name in ("shape", "texture")}
    assert row["read_difference"] == pytest.approx(by["shape"] - by["texture"])
    assert row["expected_share"] == pytest.approx((joined["decision"] == "texture").mean()
                                                  * known.mean())  # fmt: skip


def test_excess_against_direct_resamples():
    """Both margins are drawn anew with the cell: a fixed expectation gives another interval."""
    joined = _planted(0.9, 0.4, 0.6)
    table = disagreement.count(
        {("a--b", "a", "b", 0): joined}, ComparisonSettings.of(resamples=4000)
    )
    row = table.set_index(["cue", "decision", "readout"]).loc[("shape", "texture", "right")]
    generator = np.random.default_rng(0)
    exemplars = []  # of either cue: number of each image's, and those of each class
    for cue in ("shape", "texture"):
        names = np.unique(joined[f"{cue}_exemplar"], return_inverse=True)[1]
        members = [np.unique(names[joined[cue] == one]) for one in joined[cue].unique()]
        exemplars.append((names, members))
    decided = (joined["decision"] == "texture").to_numpy()
    known = (joined["readout_shape"] == 1).to_numpy()
    values = []
    for _ in range(1500):
        weight = np.ones(len(joined))
        for names, members in exemplars:
            drawn = [generator.choice(own, len(own)) for own in members]
            weight *= np.bincount(np.concatenate(drawn), minlength=names.max() + 1)[names]
        weight /= weight.sum()
        values.append(weight[decided & known].sum() - weight[decided].sum() * weight[known].sum())
    low, high = np.quantile(values, [0.025, 0.975])
    assert row["excess_low"] == pytest.approx(low, abs=0.004)
    assert row["excess_high"] == pytest.approx(high, abs=0.004)
    fixed = (row["ci_low"] - row["expected_share"], row["ci_high"] - row["expected_share"])
    assert fixed[1] - fixed[0] > 1.5 * (high - low)


def test_unread_images_give_a_reason():
    frame = world.trials("cnn--plain", 0, (0.1, 0.8))
    columns = {name: [str(v) for v in frame[name]] for name in frame.columns}
    trials = Trials("invented", world.PROCEDURAL_CLASSES, columns)
    readings = world.readings(frame, 0.5)
    readings.loc[readings["cue"] == "shape", "correct"] = np.nan  # as where all units are constant
    joined = disagreement.join(trials, readings, input="pooled", name="readings")
    table = disagreement.count({("a--b", "a", "b", 0): joined}, ComparisonSettings.of(resamples=50))
    shape = table[table["cue"] == "shape"]
    assert shape["n"].isna().all()
    assert set(shape["reason"]) == {"shape was not read"}
    assert table[table["cue"] == "texture"]["n"].sum() == 1056


def test_nested_resampling_draws_every_network_and_each_of_its_seeds():
    """Three networks of 1, 2 and 3 seeds; the second's two differ, so its means are 0, 1/2 and 1."""
    values = [np.array([[10.0]]), np.array([[20.0], [21.0]]), np.full((3, 1), 30.0)]
    drawn = correlation.nested(values, 6000, [4])
    assert drawn.shape == (6000, 3, 1)
    shares = {value: (drawn == value).mean() for value in np.unique(drawn)}
    expected = {10.0: 1 / 3, 20.0: 1 / 12, 20.5: 1 / 6, 21.0: 1 / 12, 30.0: 1 / 3}
    assert shares.keys() == expected.keys()
    for value, share in expected.items():
        assert shares[value] == pytest.approx(share, abs=0.015)
    np.testing.assert_array_equal(drawn, correlation.nested(values, 6000, [4]))
    assert (drawn != correlation.nested(values, 6000, [5])).any()


def test_equivalence_is_the_larger_of_two_one_sided_shares():
    part = equivalence.Part.__new__(equivalence.Part)
    part.settings = ComparisonSettings.of(margin=0.05)
    part.draws = {
        "a": np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, np.nan]),
        "b": np.array([0.4, 0.44, 0.5, 0.5, 0.5, 0.5, 0.6, 0.5]),  # twice beyond, once below
    }
    assert part.equivalence_p("a", "b") == part.equivalence_p("b", "a") == (1 + 2) / (1 + 7)
