"""Rank of a cue: answers by construction, chance by counting, and what must not be found."""

from __future__ import annotations

from itertools import combinations, permutations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from texshape.data import published
from texshape.data.download import fetch_all, mirror_path
from texshape.data.imageset import LABEL_COLUMNS
from texshape.errors import InputError
from texshape.stats import exemplars as ex
from texshape.techniques.cue_rank import estimate, refined


def shapes_alone(classes: int, exemplars: int, images: int) -> pd.DataFrame:
    """Labels of images that show shapes without texture, several images an exemplar."""
    rows = [
        [f"{c}-{e}-{i}", f"c{c}", "na", f"c{c}e{e}", "na", "drawn"]
        for c in range(classes)
        for e in range(exemplars)
        for i in range(images)
    ]
    return pd.DataFrame(rows, columns=LABEL_COLUMNS)


def placed(ranks: np.ndarray, outputs: int, true: np.ndarray) -> np.ndarray:
    """Scores in which the true output of each image has a given rank, the others in any order."""
    random = np.random.default_rng(0)
    scores = np.empty((len(ranks), outputs))
    for row, (rank, own) in enumerate(zip(ranks, true, strict=True)):
        order = [k for k in random.permutation(outputs) if k != own]
        order.insert(rank - 1, own)
        scores[row, order] = -np.arange(outputs)
    return scores


# --- ranks and chance -----------------------------------------------------------------------------


def test_score_is_the_mean_of_reciprocal_ranks_that_were_put_in():
    labels = shapes_alone(3, 4, 5)
    true = labels["shape"].str[1:].astype(int).to_numpy()
    places = np.random.default_rng(1).integers(1, 51, len(labels))
    rows = estimate.of_cue(
        placed(places, 50, true), labels, "shape", {f"c{k}": [k] for k in range(3)}, resamples=0
    )
    assert rows[0]["score"] == pytest.approx(np.mean(1 / places), abs=1e-12)
    assert rows[0]["top1"] == pytest.approx(np.mean(places == 1))
    assert rows[0]["median_rank"] == np.median(places)
    for row in rows[1:]:
        own = places[labels["shape"] == row["class"]]
        assert row["score"] == pytest.approx(np.mean(1 / own), abs=1e-12)
    assert [row["class"] for row in rows] == ["all", "c0", "c1", "c2"]


def test_of_several_outputs_the_best_rank_counts():
    """The published rule, written as it is there: the first place that holds any of the outputs."""
    random = np.random.default_rng(2)
    scores = random.normal(size=(200, 30))
    own = [4, 11, 28]
    found = estimate.ranks(scores, [own] * 200)
    first = [next(i for i, k in enumerate(np.argsort(-row)) if k in own) + 1 for row in scores]
    np.testing.assert_allclose(found.reciprocal, 1 / np.array(first))
    np.testing.assert_array_equal(found.rank, first)


@pytest.mark.parametrize(("outputs", "members"), [(5, 1), (6, 2), (7, 3), (4, 4)])
def test_chance_by_counting_all_orders(outputs, members):
    best = [min(chosen) for chosen in combinations(range(1, outputs + 1), members)]
    assert estimate.chance(outputs, members) == pytest.approx(np.mean(1 / np.array(best)))


def test_chance_among_the_outputs_of_imagenet():
    assert estimate.chance(1000) == pytest.approx(sum(1 / k for k in range(1, 1001)) / 1000)
    assert estimate.chance(1000) == pytest.approx(0.0075, abs=5e-5)


def test_ties_are_worth_the_mean_over_all_ways_to_break_them():
    values, own = np.array([3.0, 1, 1, 1, 0]), [2, 3]
    tied = [1, 2, 3]
    broken, best = [], []
    for order in permutations(tied):
        ranked = [0, *order, 4]
        best.append(min(ranked.index(k) for k in own) + 1)
        broken.append(1 / best[-1])
    found = estimate.ranks(values[None], [own])
    assert found.reciprocal[0] == pytest.approx(np.mean(broken))
    assert found.rank[0] == pytest.approx(np.mean(best))
    assert found.first[0] == 0


def test_outputs_that_are_all_equal_score_chance():
    """A network that answers nothing must not profit from the place of an index."""
    found = estimate.ranks(np.zeros((4, 1000)), [[0], [999], [1, 2], [500]])
    assert found.reciprocal == pytest.approx([estimate.chance(1000, m) for m in (1, 1, 2, 1)])
    assert found.first == pytest.approx([0.001, 0.001, 0.002, 0.001])


def test_an_undefined_answer_counts_as_none():
    scores = np.eye(3)
    scores[1, 0] = np.nan
    labels = shapes_alone(3, 1, 1)
    row = estimate.of_cue(scores, labels, "shape", {f"c{k}": [k] for k in range(3)}, resamples=0)[0]
    assert row["score"] == pytest.approx(2 / 3)
    assert row["median_rank"] == 1
    assert "1 images without defined outputs" in row["reason"]


# --- nulls and intervals --------------------------------------------------------------------------


def random_scores(labels: pd.DataFrame, seed: int, shared: float) -> np.ndarray:
    """Outputs that know no class; images of an exemplar share a part of theirs."""
    random = np.random.default_rng(seed)
    _, code = np.unique(labels["shape_exemplar"], return_inverse=True)
    common = random.normal(size=(code.max() + 1, 40))[code]
    return shared * common + np.sqrt(1 - shared**2) * random.normal(size=(len(labels), 40))


def covered(resample) -> tuple[float, float]:
    """How often the interval of a network that knows nothing holds chance, and its mean score."""
    labels = shapes_alone(4, 20, 5)
    members = {f"c{k}": [k] for k in range(4)}
    hits, scores = [], []
    for seed in range(80):
        row = resample(random_scores(labels, seed, 0.98), labels, members)
        hits.append(row["ci_low"] <= row["chance"] <= row["ci_high"])
        scores.append(row["score"])
    return float(np.mean(hits)), float(np.mean(scores))


def test_a_network_that_knows_nothing_scores_chance():
    share, mean = covered(
        lambda scores, labels, members: estimate.of_cue(
            scores, labels, "shape", members, resamples=300
        )[0]
    )
    assert mean == pytest.approx(estimate.chance(40), rel=0.05)
    assert share > 0.85


def test_deliberate_bug_images_resampled_in_place_of_exemplars():
    def by_image(scores, labels, members):
        alone = labels.assign(shape_exemplar=labels["imagename"])
        return estimate.of_cue(scores, alone, "shape", members, resamples=300)[0]

    assert covered(by_image)[0] < 0.8


def test_deliberate_bug_indices_shifted_by_one():
    labels = shapes_alone(10, 3, 2)
    true = labels["shape"].str[1:].astype(int).to_numpy()
    scores = placed(np.ones(len(labels), int), 20, true)
    right = {f"c{k}": [k] for k in range(10)}
    shifted = {f"c{k}": [k + 1] for k in range(10)}
    how = {"resamples": 200}
    assert estimate.of_cue(scores, labels, "shape", right, **how)[0]["ci_low"] == 1
    assert estimate.of_cue(scores, labels, "shape", shifted, **how)[0]["ci_high"] < 0.5


def test_a_cue_that_no_image_shows_is_refused():
    labels = shapes_alone(2, 2, 1)
    with pytest.raises(InputError, match="no image shows a texture"):
        estimate.of_cue(np.zeros((4, 2)), labels, "texture", {"c0": [0], "c1": [1]})


def test_images_of_one_cue_are_resampled_one_way_and_of_two_cues_both_ways():
    one = shapes_alone(3, 6, 4)
    values = np.random.default_rng(0).random((len(one), 1))
    found = ex.resampled_means(values, one, resamples=4000, seed=0)
    means = pd.Series(values[:, 0]).groupby(one["shape_exemplar"]).mean()
    within = means.groupby(means.index.str[:2]).var(ddof=0).sum() * 6
    assert found.var() == pytest.approx(within / len(means) ** 2, rel=0.1)
    both = one.assign(texture="t", texture_exemplar=[f"t{k % 5}" for k in range(len(one))])
    np.testing.assert_array_equal(
        ex.resampled_means(values, both, resamples=50, seed=3),
        ex.resampled_rates(values, ex.cue(both, "shape"), ex.cue(both, "texture"), resamples=50,
                           seed=3),
    )  # fmt: skip


def test_an_image_that_has_both_exemplars_to_itself_is_drawn_once():
    """Plain pictures: the variance is that of independent images, not thrice as much."""
    one = shapes_alone(2, 100, 1)
    plain = one.assign(texture=one["shape"], texture_exemplar=one["shape_exemplar"] + "t")
    values = np.random.default_rng(0).random((200, 1))
    found = ex.resampled_means(values, plain, resamples=4000, seed=0)
    within = pd.Series(values[:, 0]).groupby(one["shape"]).var(ddof=0).mean()
    assert found.var() == pytest.approx(within / 200, rel=0.1)


# --- networks and published images ----------------------------------------------------------------


def test_places_are_among_all_outputs_of_an_imagenet_network():
    network = SimpleNamespace(name="n", categories=None, classes=None, decide=None, outputs=1000)
    _, members = estimate.outputs_for(network, {"camera", "zebra"})
    assert members["camera"] == (732, 759)
    assert members["zebra"] == (340,)
    assert sum(len(own) for own in members.values()) == 24
    network.outputs = 1001
    with pytest.raises(InputError, match="none of its outputs means 'camera'"):
        estimate.outputs_for(network, {"camera", "zebra"})


def test_a_class_that_is_an_output_has_its_place_among_the_decision_classes():
    network = SimpleNamespace(
        name="n", categories=None, classes=("disc", "star"), decide=len, outputs=2
    )
    decide, members = estimate.outputs_for(network, {"star"})
    assert decide is len
    assert members == {"disc": (0,), "star": (1,)}
    with pytest.raises(InputError, match="means 'stat'; did you mean 'star'"):
        estimate.outputs_for(network, {"stat"})


def test_published_images_are_read(mirror, tmp_path):
    for cue, name in refined.SOURCES.items():
        every = published.items(name, tmp_path)
        assert len(every) == 3000
        there = [item for item in every if mirror_path(item.url, mirror).exists()]
        fetch_all(there, label=name)
        images = refined.image_set([item.destination for item in there], cue)
        assert images.images.shape == (len(there), 224, 224, 3)
        other = "texture" if cue == "shape" else "shape"
        assert set(images.labels[other]) == {"na"}
        assert images.labels[cue].nunique() == 10
        assert images.labels[f"{cue}_exemplar"].is_unique
        if cue == "shape":  # white edges on black
            assert images.images.mean() < 30
        else:
            assert set(images.labels["condition"]) <= {"4x4", "8x8", "16x16", "32x32"}


def test_some_of_the_published_images_are_brought_by_their_numbers(mirror, tmp_path):
    shapes = refined.fetch("shape", tmp_path, (0, 1))
    assert sorted(shapes.labels["shape_exemplar"])[:3] == ["balloon0", "balloon1", "book0"]
    assert len(shapes) == 20
    textures = refined.fetch("texture", tmp_path, (181,))
    assert set(textures.labels["texture_exemplar"].str[-3:]) == {"181"}
    assert len(textures) == 10
    for numbers in ((300,), ()):
        with pytest.raises(
            InputError, match=r"cue_rank\.exemplars\.shape: no image has the number"
        ):
            refined.fetch("shape", tmp_path, numbers)


def test_an_image_with_another_name_is_refused(tmp_path):
    path = tmp_path / "zebra" / "4x4_tiger_1.png"
    with pytest.raises(InputError, match="one of the 20 classes"):
        refined.image_set([path], "texture")
