"""Decisions by a read-out: exact where the features are known, guessing where there is nothing to read."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests import coded_network, photographs_world
from torch import nn

from texshape.decision_readout import photographs as labelled
from texshape.decision_readout.fit import fit
from texshape.decision_readout.measure import measure
from texshape.decision_readout.settings import DecisionReadoutSettings
from texshape.models import changed, fitted
from texshape.models.fitted import Fitted
from texshape.models.identity import identity
from texshape.models.loading import load
from texshape.models.network import Network
from texshape.trials.evaluate import decide

SETTINGS = DecisionReadoutSettings(penalties=(0.1, 0.01, 0.001), inner_folds=2)


def read_by(cue: str, count: int = 80) -> tuple[Network, Fitted]:
    """The coded network with a read-out of photographs that are labelled by a cue."""
    network = photographs_world.coded_backbone()
    read_out, _ = measure(network, photographs_world.coded_photographs(cue, count), SETTINGS)
    return fitted.attach(network, read_out), read_out


def conflict() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures in conflict that no photograph is, with the classes of shape and texture."""
    images = coded_network.images_of(photographs_world.coded_labels("conflict", 60, seed=9))
    return (
        images.images,
        images.labels["shape"].to_numpy(dtype=str),
        images.labels["texture"].to_numpy(dtype=str),
    )


@pytest.mark.parametrize("cue", ["shape", "texture"])
def test_a_network_decides_by_what_the_photographs_are_labelled_by(cue: str) -> None:
    """The stage holds both cues; labels say which of them counts, and decisions are exact."""
    network, _ = read_by(cue)
    images, shape, texture = conflict()
    found = decide(network, images)
    assert (found == (shape if cue == "shape" else texture)).all()
    assert (found == (texture if cue == "shape" else shape)).sum() == 0
    assert network.classes == coded_network.CLASSES
    assert network.decides_by == "readout"
    assert network.outputs == 4


def test_permuted_classes_would_be_seen() -> None:
    """A read-out whose classes stand in another order decides for none of the right ones."""
    network = photographs_world.coded_backbone()
    read_out, _ = measure(network, photographs_world.coded_photographs("shape"), SETTINGS)
    turned = replace(read_out, classes=read_out.classes[1:] + read_out.classes[:1])
    images, shape, _ = conflict()
    assert (decide(fitted.attach(network, turned), images) == shape).mean() == 0


def test_the_logits_are_those_of_the_fit() -> None:
    """The module behind the network computes what was fitted, up to float32."""
    bare = photographs_world.coded_backbone()
    shown = photographs_world.coded_photographs("shape")
    place = fitted.where(bare)
    assert (place.stage, place.submodule, place.input, place.units) == ("last", "code", "pooled", 8)
    values = fitted.features(bare, place, shown.images)
    found = fit(values, shown.labels, SETTINGS)
    network, _ = read_by("shape")
    with torch.no_grad():
        pixels = torch.from_numpy(shown.images).permute(0, 3, 1, 2)
        logits = network.module(network.preprocess(pixels)).numpy()
    assert np.abs(logits - (values @ found.weights.T + found.intercept)).max() < 1e-4
    assert found.accuracy == 1
    assert (found.correct == 1).all()


def test_what_is_changed_at_the_last_stage_changes_the_decisions() -> None:
    """Whatever is hooked to the stage later, the read-out sees what the stage passes on."""
    network, _ = read_by("shape")
    images, shape, texture = conflict()
    index = {name: number for number, name in enumerate(network.require_classes())}

    def swapped(flat: torch.Tensor) -> torch.Tensor:
        return flat.roll(4, 1)  # units of shape and units of texture in each other's place

    for after in ("", "code"):  # as a whole, and played back up to the stage
        plain, moved, again = changed.decisions(
            network,
            images,
            [
                changed.unchanged,
                lambda rows: changed.output_of(network.module, "code", swapped),
                lambda rows: nullcontext(),
            ],
            after=after,
        )
        assert (plain == [index[name] for name in shape]).all()
        assert (moved == [index[name] for name in texture]).all()
        assert (again == plain).all()


def test_gradients_reach_the_picture_and_the_read_out_counts_for_the_identity() -> None:
    network, read_out = read_by("shape")
    pixels = torch.rand(2, 3, 8, 8, requires_grad=True)
    network.module(pixels)[:, 0].sum().backward()
    moved = pixels.grad.abs().sum((0, 1))
    assert (moved[0, :4] > 0).all()  # the row of shape
    assert moved[2:].sum() == 0  # what the stage does not pass on
    other = replace(read_out, intercept=read_out.intercept + 1)
    same, again = (fitted.attach(photographs_world.coded_backbone(), read_out) for _ in range(2))
    changed_one = fitted.attach(photographs_world.coded_backbone(), other)
    assert identity(same) == identity(again) != identity(changed_one)


def test_a_pass_that_fails_leaves_nothing_behind() -> None:
    network, _ = read_by("shape")
    images, shape, _ = conflict()
    with pytest.raises(RuntimeError):
        network.module(torch.zeros(1, 3, 1, 1))
    assert (decide(network, images) == shape).all()
    assert len(network.module.code._forward_hooks) == 0


@pytest.mark.parametrize("units", [20, 400])
def test_noise_is_read_at_guessing(units: int) -> None:
    """Fewer units than photographs, and more: what is held out takes no part in any choice."""
    rng = np.random.default_rng(units)
    labels = np.repeat(np.array(["a", "b", "c", "d"]), 50)
    found = fit(rng.normal(size=(200, units)), labels, SETTINGS)
    assert found.at_guessing
    assert found.low < 0.25 < found.high
    # On the photographs that it was fitted on it is right: that number would say nothing.
    assert found.chance == 0.25


def test_a_class_that_is_common_is_no_knowledge() -> None:
    """Always naming the commonest class is what guessing is held to."""
    rng = np.random.default_rng(1)
    labels = np.repeat(np.array(["a", "b", "c"]), [160, 20, 20])
    found = fit(rng.normal(size=(200, 10)), labels, SETTINGS)
    assert found.accuracy > 0.7
    assert found.chance == 0.8
    assert found.at_guessing


def test_the_held_out_accuracy_is_that_of_fresh_pictures() -> None:
    """Of two overlapping normal classes, over 20 draws: what is told is not too high, and intervals cover."""
    rng = np.random.default_rng(3)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        sign = rng.choice([-1, 1], n)
        features = rng.normal(size=(n, 30))
        features[:, 0] += 0.8 * sign
        return features, np.where(sign > 0, "up", "down")

    told, truths, covered = [], [], 0
    for _ in range(20):
        found = fit(*draw(200), SETTINGS)
        fresh, right = draw(4_000)
        named = np.array(found.classes)[(fresh @ found.weights.T + found.intercept).argmax(1)]
        told.append(found.accuracy)
        truths.append(float((named == right).mean()))
        covered += found.low < truths[-1] < found.high
    # A fit without a fifth of the photographs is a bit worse than the one on all, and never better.
    assert -0.03 < np.mean(told) - np.mean(truths) < 0.01
    assert covered >= 17


def test_units_that_differ_by_rounding_alone_count_for_nothing() -> None:
    rng = np.random.default_rng(5)
    labels = np.repeat(np.array(["a", "b"]), 40)
    features = np.zeros((80, 3), np.float32)
    features[:, 0] = np.where(labels == "a", -1, 1) + rng.normal(0, 0.1, 80)
    features[:, 1] = 7 + 7e-7 * np.where(labels == "a", -1, 1)  # a constant, as float32 computes it
    found = fit(features, labels, SETTINGS)
    assert (found.weights[:, 1:] == 0).all()
    assert found.accuracy == 1


def test_a_network_without_stages_is_read_by_its_outputs() -> None:
    class Flat(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, 0, :2, :4].flatten(1)

    bare = replace(
        photographs_world.coded_backbone(), module=Flat().eval(), stages={}, outputs=8, labels=None
    )
    read_out, table = measure(bare, photographs_world.coded_photographs("shape"), SETTINGS)
    images, shape, _ = conflict()
    assert (decide(fitted.attach(bare, read_out), images) == shape).all()
    assert table.loc[0, "input"] == "outputs"
    assert table.loc[0, "units"] == 8


# --- public photographs ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grey(mirror: Path, tmp_path_factory) -> labelled.Photographs:
    """Every fourth of the grey photographs."""
    found = labelled.bring(DecisionReadoutSettings(), tmp_path_factory.mktemp("grey"))
    assert len(found.labels) == 1050
    assert len(found.classes) == 16
    assert {*np.unique(found.labels, return_counts=True)[1].tolist()} >= {50, 90}
    return replace(found, images=found.images[::4], labels=found.labels[::4], key="every fourth")


def test_an_imagenet_network_names_the_grey_photographs_and_random_weights_hardly_do(grey) -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason="the extra lite is not installed")
    name = "readout:efficientnet_lite_pytorch:efficientnet-lite0"
    settings = DecisionReadoutSettings(folds=3, inner_folds=2, penalties=(1.0, 0.1, 0.01))
    _, trained = measure(load(name), grey, settings)
    _, random = measure(load(name, weights=False), grey, settings)
    permuted = replace(grey, labels=np.random.default_rng(0).permutation(grey.labels))
    _, null = measure(load(name), permuted, settings)
    assert trained.loc[0, "accuracy"] > 0.8
    assert random.loc[0, "accuracy"] < 0.35
    assert trained.loc[0, "ci_low"] > random.loc[0, "ci_high"]
    assert bool(null.loc[0, "at_guessing"])
    assert not bool(trained.loc[0, "at_guessing"])
