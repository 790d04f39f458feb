"""Steering: a network whose decisions at every dose follow from arithmetic, and what nothing reads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from tests import coded_network as coded
from tests.cue_conflict_design import code, labels
from torch import nn

from texshape.errors import InputError
from texshape.models import changed
from texshape.models import stages as _stages
from texshape.stats import exemplars as ex
from texshape.techniques.steering import direction, measure
from texshape.techniques.steering.settings import SteeringSettings
from texshape.techniques.steering.tables import STEERING, STEERING_SLOPES
from texshape.trials import moved

WEIGHTS = (1.05, 1.2, 1.5, 2.4)  # of texture: without steering each class's texture wins
DOSES = (-0.5, 0.05, 0.2, 0.4, 0.8)
K = len(coded.CLASSES)
SETTINGS = {"doses": DOSES, "draws": 6, "resamples": 50, "images": None}


@pytest.fixture(scope="module")
def table():
    return labels(classes=K, shapes=4, textures=4)


def steered(table, *, reads=True, **changes):
    images = coded.images_of(table)
    settings = SteeringSettings(**SETTINGS | changes)
    rows, slopes = measure.measure(
        coded.network(coded.Coded(WEIGHTS, reads=reads)), images, images, own=True, settings=settings
    )  # fmt: skip
    return STEERING.frame(rows), STEERING_SLOPES.frame(slopes).set_index("direction")


def expected(table, dose):
    """Bias, matches and accuracy by arithmetic.

    Units that are 1 for one of four classes have the class means e - 1/4, whose lengths are sqrt(3/4); so
    has the spread of each cue. A dose c adds c (e_shape - 1/4) to the units of shape and takes
    c (e_texture - 1/4) from those of texture.
    """
    shape, texture = (np.array([coded.CLASSES.index(n) for n in table[cue]]) for cue in ex.CUES)
    one = np.eye(K)
    units = one[shape] + dose * (one[shape] - 1 / K), one[texture] - dose * (one[texture] - 1 / K)
    decided = (units[0] + np.array(WEIGHTS) * units[1]).argmax(1)
    apart = shape != texture
    by = [(decided == cue)[apart].mean() for cue in (shape, texture)]
    return by[0] / sum(by), sum(by), (decided == shape)[~apart].mean()


def check_doses(frame, table):
    for dose in DOSES:
        row = frame[(frame["direction"] == "cues") & (frame["dose"] == dose)].iloc[0]
        found = row[["shape_bias", "cue_match_rate", "accuracy"]].to_numpy(float)
        np.testing.assert_allclose(found, expected(table, dose), atol=1e-12)
    assert frame["length"].max() == pytest.approx(0.8 * np.sqrt(2 * 0.75))


def test_every_dose_moves_as_far_as_arithmetic_says(table):
    frame, slopes = steered(table)
    check_doses(frame, table)
    biases = [expected(table, dose)[0] for dose in DOSES]
    assert biases == sorted(biases)
    assert (biases[0], biases[-1]) == (0, 1)
    assert len(set(biases)) >= 4  # textures give way one after another
    assert slopes.loc["cues", "ci_low"] > 0
    # random directions, and those of other classes, on the same pictures
    for null in ("random", "others"):
        assert abs(slopes.loc[null, "bias_slope"]) < 0.35 * slopes.loc["cues", "bias_slope"]
    assert slopes.loc["cues", "beyond_random_low"] > 0


def test_nothing_that_a_network_does_not_read_moves_it(table):
    frame, slopes = steered(table, reads=False)
    assert len(frame) == 1 + len(DOSES) * (1 + 6 + 6)
    assert (frame["decisions_changed"] == 0).all()
    for rate in moved.RATES:
        assert (frame[f"{rate}_change"] == 0).all()
    assert (slopes["bias_slope"].abs() < 1e-12).all()


def test_all_directions_are_added_at_the_same_length(table):
    images = coded.images_of(table)
    found = coded.network(coded.Coded(WEIGHTS))
    lengths = {}
    for kind in (measure.CUES, measure.OTHERS, measure.RANDOM):
        seen = added(found, images, measure.Version(kind, 0, 0.4))
        lengths[kind] = np.linalg.norm(seen, axis=1)
        np.testing.assert_allclose(lengths[kind], 0.4 * np.sqrt(2 * 0.75), rtol=1e-5)


def added(network, images, version):
    """What steering adds to the stage's activations, picture by picture."""
    part = direction.parts(images.labels)
    names = list(coded.CLASSES)
    found = measure._fitted(network, "code", images, names, part, 16)
    shown = measure._Shown(images, np.arange(len(images)), names, part)
    change = shown.changes(network, "code", found, [version], seed=0)[0]
    batch = torch.from_numpy(images.images).permute(0, 3, 1, 2).float() / 255
    outputs = []
    for context in (changed.unchanged, change):
        with (
            context(np.arange(len(images))),
            _stages.captured(network.module, {"s": "code"}) as seen,
        ):
            network.module(batch)
            outputs.append(seen["s"].detach().numpy())
    return outputs[1] - outputs[0]


def own_exemplars_tell(table):
    """Whether what an exemplar's pictures hold changes the direction that they take."""
    shape, texture = (ex.cue(table, cue) for cue in ex.CUES)
    part = direction.parts(table)
    rng = np.random.default_rng(3)
    values = code(table["shape_exemplar"], 6, rng) + code(table["texture_exemplar"], 6, rng)
    told = False
    for cue in (shape, texture):
        same = cue.exemplars == cue.exemplars[0]
        other = values + 5 * same[:, None] * rng.normal(size=6)
        before, after = (
            direction.towards_shape(
                direction.fit(each, shape.classes, texture.classes, part, K), part,
                shape.classes, texture.classes,
            )[same]
            for each in (values, other)
        )  # fmt: skip
        told |= bool(np.abs(before - after).max() > 1e-4)
    return told


def test_no_picture_is_moved_by_its_own_exemplars(table):
    assert not own_exemplars_tell(table)


def test_rare_pairs_of_classes_change_no_direction():
    """Least squares over both cues; means of classes would take one cue for the other."""
    table = labels(classes=K, shapes=8, textures=4)
    uneven = table[(table["shape"] != "a") | (table["texture"] != "b")]
    uneven = pd.concat([uneven, *[uneven[uneven["shape"] == uneven["texture"]]] * 3])
    shape, texture = (ex.cue(uneven, cue).classes for cue in ex.CUES)
    one = np.eye(K)
    values = np.concatenate([one[shape], 3 * one[texture]], axis=1)
    found = direction.fit(values, shape, texture, direction.parts(uneven), K)
    for number in range(5):
        np.testing.assert_allclose(found.shape[number, :, :K], one - 1 / K, atol=1e-9)
        np.testing.assert_allclose(found.shape[number, :, K:], 0, atol=1e-9)
        np.testing.assert_allclose(found.texture[number, :, K:], 3 * (one - 1 / K), atol=1e-9)


def test_other_classes_are_neither_of_the_pictures_own():
    pairs = direction.other_classes(K, np.random.default_rng(0))
    for shape in range(K):
        for texture in range(K):
            assert not set(pairs[shape, texture]) & {shape, texture}
            assert (pairs[shape, texture, 0] == pairs[shape, texture, 1]) == (shape == texture)


def test_what_comes_before_a_stage_is_played_back_with_the_same_decisions(table):
    torch.manual_seed(0)
    calls = []

    class Counted(nn.Conv2d):
        def forward(self, x):
            calls.append(1)
            return super().forward(x)

    module = nn.Sequential(Counted(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3), nn.ReLU(),
                           nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, K))  # fmt: skip
    images = coded.images_of(table)
    found = coded.network(module, "2")
    changes = [changed.unchanged] + [
        lambda rows, scale=scale: changed.output_of(module, "2", lambda output: output * scale)
        for scale in (-1.0, 0.5)
    ]
    both = []
    for after in ("", "2"):
        calls.clear()
        both.append(changed.decisions(found, images.images, changes, batch_size=16, after=after))
        both.append(len(calls))
    np.testing.assert_array_equal(both[0], both[2])
    assert (both[0][1] != both[0][0]).any()
    assert both[3] < both[1]
    for number, change in enumerate(changes):  # each alone
        alone = changed.decisions(found, images.images, [change], batch_size=7)
        np.testing.assert_array_equal(alone[0], both[0][number])


def test_a_class_that_the_network_lacks_and_a_stage_that_is_not_there_are_named(table):
    with pytest.raises(InputError, match="stage 'nowhere' does not exist"):
        steered(table, stages=["nowhere"])
    with pytest.raises(InputError, match="'e' is none that the network decides between"):
        moved.moves(np.zeros((1, 2), int), table.assign(shape="e")[:2], np.zeros((1, 0), int),
                    table[:0], coded.CLASSES)  # fmt: skip
    with pytest.raises(InputError, match=r"steering\.doses: expected doses other than 0"):
        SteeringSettings.parse({"doses": [0, 1]})


# --- bugs put in on purpose ---------------------------------------------------------------------------


def test_bug_the_direction_is_turned_round(monkeypatch, table):
    right = direction.towards_shape
    monkeypatch.setattr(direction, "towards_shape", lambda *given: -right(*given))
    with pytest.raises(AssertionError):
        check_doses(steered(table)[0], table)


def test_bug_directions_are_fitted_on_the_pictures_own_exemplars(monkeypatch, table):
    right = direction.fit
    monkeypatch.setattr(
        direction, "fit",
        lambda values, shape, texture, part, classes: right(values, shape, texture, 3 - part, classes),
    )  # fmt: skip
    assert own_exemplars_tell(table)


def test_bug_a_change_is_compared_with_other_exemplars(monkeypatch, table):
    """Unpaired, an unmoved bias gets an interval of a change that was none."""
    frame, _ = steered(table, reads=False)
    assert (frame["bias_change_high"] == 0).all()
    right = ex.resampled_rates

    def unpaired(marked, *cues, resamples, seed):
        columns = [right(column[:, None], *cues, resamples=resamples, seed=seed + number)
                   for number, column in enumerate(marked.T)]  # fmt: skip
        return np.concatenate(columns, axis=1)

    monkeypatch.setattr(ex, "resampled_rates", unpaired)
    # textures of two classes win: the bias differs between exemplars
    images = coded.images_of(table)
    found = coded.network(coded.Coded((0.5, 0.5, 1.5, 1.5), reads=False))
    rows, _ = measure.measure(found, images, images, own=True,
                              settings=SteeringSettings(**SETTINGS))  # fmt: skip
    assert max(row["bias_change_high"] for row in rows[1:]) > 0
