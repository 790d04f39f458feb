"""Read-outs of activations that are known: the mask itself, nothing, and a frozen network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.segmentation_scene import CLASSES, known_network, scene

from texshape.errors import InputError
from texshape.techniques.segmentation import maps, measure, train
from texshape.techniques.segmentation.settings import ReadoutTraining, SegmentationSettings
from texshape.techniques.segmentation.train import Grid


def training(**changes) -> ReadoutTraining:
    """At every pixel, the same number of epochs for both heads."""
    return ReadoutTraining.of(**{"pixel_step": 1, "conv3_epochs": None, **changes})


@pytest.fixture(scope="module")
def table():
    plan = SegmentationSettings.of(
        heads=("conv1",),
        stages=("pixels", "blind", "pooled"),
        train_share=0.5,
        train_images=None,
        test_images=None,
        epochs=30,
        learning_rate=0.05,
        pixel_step=2,
        resamples=200,
        end_to_end=("binary",),
        end_to_end_epochs=2,
    )
    task = measure.conflict_task(scene(), CLASSES, plan, seed=0)
    return measure.measure(known_network(), task, plan, seed=0)


def rows(table, **keys):
    frame = table[0]
    for key, value in keys.items():
        frame = frame[frame[key] == value]
    return frame


def test_activations_that_hold_the_mask_give_an_miou_near_one(table):
    for target in ("binary", "shape", "texture"):
        row = rows(table, stage="pixels", target=target).iloc[0]
        assert row["miou"] > 0.97, target
        assert row["miou_foreground"] > 0.95
        assert row["ci_low"] - 1e-9 <= row["miou"] <= row["ci_high"] + 1e-9
        assert row["mean_mask_miou"] < 0.7
        assert row["n_classes"] == (2 if target == "binary" else 4)


def test_activations_that_hold_nothing_are_as_good_as_all_ground(table):
    row = rows(table, stage="blind", target="binary").iloc[0]
    truth = table[1]["binary/truth"]
    assert row["miou"] < 0.55
    assert 0 < (truth == 1).mean() < 0.5


def test_a_stage_without_a_map_is_an_empty_cell_with_its_reason(table):
    for row in rows(table, stage="pooled", bound="readout").itertuples():
        assert np.isnan(row.miou)
        assert row.reason == "the stage gives no spatial map"
        assert row.n_train > 0


def test_backbone_stays_as_it_is():
    network = known_network()
    before = {k: v.clone() for k, v in network.module.state_dict().items()}
    network.module.train()  # whoever left it so
    images = scene(2).images
    first = maps.cache(network, images, stages=["normed"])["normed"]
    assert not network.module.training
    for key, value in network.module.state_dict().items():
        assert torch.equal(value, before[key]), key
    # in evaluation mode a map does not depend on the batch around it
    alone = maps.cache(network, images[:1], stages=["normed"])["normed"]
    assert np.allclose(first[:1], alone, atol=1e-6)


def test_end_to_end_trains_a_copy():
    network = known_network()
    before = {k: v.clone() for k, v in network.module.state_dict().items()}
    data = scene(2)
    inputs = network.preprocess(torch.from_numpy(data.images).movedim(-1, 1))
    target = data.masks
    fitted = train.train_end_to_end(
        network.module, "normed", inputs, target, 2, head="conv1", seed=0,
        settings=training(epochs=20, learning_rate=0.02),
    )  # fmt: skip
    assert all(torch.equal(v, before[k]) for k, v in network.module.state_dict().items())
    moved = fitted.module.state_dict()
    assert not torch.equal(moved["normed.0.weight"], before["normed.0.weight"])
    assert not torch.equal(moved["normed.1.running_mean"], before["normed.1.running_mean"])
    assert not any(p.requires_grad for p in network.module.parameters())
    assert (fitted.predict(inputs, target.shape[1:]) == target).mean() > 0.95


def test_grid_takes_the_pixels_of_bilinear_interpolation():
    scores = torch.randn(2, 3, 6, 5, generator=torch.Generator().manual_seed(0))
    full = torch.nn.functional.interpolate(scores, size=(24, 20), mode="bilinear")
    assert torch.allclose(Grid((24, 20)).of_scores(scores), full, atol=1e-5)
    part = Grid((24, 20), 3, (2, 1)).of_scores(scores)
    assert torch.allclose(part, full[:, :, 2::3, 1::3], atol=1e-5)


def test_shortcut_for_large_maps_is_the_convolution_itself():
    x = torch.randn(2, 4, 12, 12, generator=torch.Generator().manual_seed(0))
    model = train.Readout(torch.nn.Conv2d(4, 3, 3, padding=1), np.zeros(4), np.ones(4))
    full = model.head(x)
    for step, offset in [(1, (0, 0)), (3, (2, 1)), (2, (0, 1))]:
        part = model(x, Grid((12, 12), step, offset))
        assert torch.allclose(part, full[:, :, offset[0] :: step, offset[1] :: step], atol=1e-5)


def test_ignored_pixels_change_neither_loss_nor_gradient():
    scores = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    target = torch.zeros(1, 4, 4, dtype=torch.long)
    target[0, :2] = 255
    changed = scores.clone()
    changed[:, :, :2] += 100 * torch.randn(1, 3, 2, 4)
    assert train.loss(scores, target) == pytest.approx(train.loss(changed, target).item())
    expected = -torch.log_softmax(scores, 1)[0, 0, 2:].mean()
    assert train.loss(scores, target).item() == pytest.approx(expected.item(), rel=1e-5)
    assert train.loss(scores, torch.full_like(target, 255)) == 0


def test_readout_is_the_same_each_time_and_another_with_another_seed():
    data = scene(2)
    network = known_network()
    stage = maps.cache(network, data.images, stages=["normed"])["normed"]

    def weight(seed: int) -> torch.Tensor:
        settings = training(epochs=2)
        fitted = train.train_readout(stage, data.masks, 2, head="conv1", seed=seed,
                                     settings=settings)  # fmt: skip
        return fitted.head.weight

    assert torch.equal(weight(0), weight(0))
    assert not torch.equal(weight(0), weight(1))


def test_epoch_is_chosen_on_training_images():
    data = scene(3)
    stage = maps.cache(known_network(), data.images, stages=["pixels"])["pixels"]
    settings = training(epochs=4, epoch_from="validation", validation_share=0.25)
    model = train.train_readout(stage, data.masks, 2, head="conv1", seed=0, settings=settings)
    assert (train.predict(model, stage, (32, 32)) == data.masks).mean() > 0.9


def test_three_convolutions_follow_the_published_layout():
    from texshape.techniques.segmentation import heads

    head = heads.build("conv3", 64, 21, seed=0)
    kinds = [type(layer).__name__ for layer in head]
    assert kinds == ["Conv2d", "BatchNorm2d", "ReLU"] * 2 + ["Conv2d"]
    assert [layer.out_channels for layer in head if hasattr(layer, "out_channels")] == [
        256,
        128,
        21,
    ]
    assert heads.build("conv1", 64, 21, seed=0).kernel_size == (3, 3)


def test_conv3_learns_what_conv1_learns():
    data = scene(2)
    stage = maps.cache(known_network(), data.images, stages=["pixels"])["pixels"]
    settings = training(epochs=12, learning_rate=0.02, conv3_widths=(8, 8))
    model = train.train_readout(stage, data.masks, 2, head="conv3", seed=0, settings=settings)
    assert (train.predict(model, stage, (32, 32)) == data.masks).mean() > 0.97


def test_halves_share_no_exemplar():
    from texshape.techniques.segmentation.targets import split_exemplars

    labels = scene().labels
    parts = split_exemplars(labels, train_share=0.5, seed=3)
    for cue in ("shape", "texture"):
        one, other = (set(labels[f"{cue}_exemplar"].iloc[rows]) for rows in parts)
        assert not one & other
        assert len(one) == len(other) == 6
        assert set(labels[cue].iloc[parts[0]]) == set(labels[cue].iloc[parts[1]]) == set(CLASSES)


def test_conv3_has_its_own_number_of_epochs(monkeypatch):
    used = {}
    monkeypatch.setattr(
        train, "_fit", lambda *given, settings, **rest: used.update(epochs=settings.epochs)
    )
    stage, masks = np.zeros((2, 3, 4, 4), np.float32), np.zeros((2, 8, 8), np.uint8)
    for own, expected in ((None, 4), (9, 9)):
        settings = training(epochs=4, conv3_epochs=own, conv3_widths=(2, 2))
        for head, epochs in (("conv3", expected), ("conv1", 4)):
            train.train_readout(stage, masks, 2, head=head, seed=0, settings=settings)
            assert used["epochs"] == epochs
    with pytest.raises(
        InputError, match="conv3_epochs: expected a whole number of at least 1 or null"
    ):
        training(conv3_epochs=0)
