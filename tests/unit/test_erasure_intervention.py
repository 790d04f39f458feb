"""Erasure inside a network: the hook, its layouts, and what it does to decisions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.cue_conflict_design import labels
from torch import nn

from texshape.data.imageset import ImageSet
from texshape.errors import InputError
from texshape.models import positions
from texshape.models.network import Network
from texshape.stats import exemplars as ex
from texshape.techniques.erasure import erased
from texshape.techniques.erasure import intervention as iv
from texshape.techniques.erasure import subspace as er
from texshape.techniques.erasure.settings import ErasureSettings
from texshape.techniques.erasure.tables import ERASURE

CLASSES = ("a", "b", "c", "d")
FAST = ErasureSettings.of(random_draws=1, groupings=2, resamples=40, batch_size=13)


class Painted(nn.Module):
    """A stage of twelve channels, an average over positions, and a linear decision."""

    def __init__(self, weights: torch.Tensor) -> None:
        super().__init__()
        self.calls = 0
        self.stage = nn.PixelUnshuffle(2)  # (B, 3, 6, 6) -> (B, 12, 3, 3)
        self.head = nn.Linear(12, len(weights), bias=False)
        self.head.weight.data = weights.repeat_interleave(4, dim=1) / 4

    def forward(self, x):
        self.calls += len(x)
        return self.head(self.stage(x).mean((2, 3)))


def network(module: nn.Module, stage: str = "stage") -> Network:
    return Network(
        name="painted", slug="painted--none", module=module.eval(), input_size=6,
        preprocess=lambda images: images.float() / 255, classes=CLASSES,
        decide=lambda logits: logits, stages={"last": stage},
    )  # fmt: skip


def images_of(table, seed=0) -> ImageSet:
    """Red and green tell the shape, blue and red the texture; noise tells nothing."""
    random = np.random.default_rng(seed)
    points = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    shape, texture = (ex.cue(table, cue).classes for cue in ex.CUES)
    base = np.full((len(table), 3), 60.0)
    base[:, :2] += 90 * points[shape]
    base[:, 2] += 40 * texture
    pixels = base[:, None, None, :] + random.normal(0, 12, (len(table), 6, 6, 3))
    return ImageSet(np.clip(pixels, 0, 255).astype(np.uint8), table)


SHAPE_READER = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [-1, 1, 0], [1, 1, 0]]) * 5


@pytest.fixture(scope="module")
def table():
    return labels(classes=4, shapes=6, textures=4)


@pytest.fixture(scope="module")
def rows(table):
    module = Painted(SHAPE_READER)
    # decisions need an offset: centre the two channels
    module.register_forward_pre_hook(lambda _, x: x[0] - 105 / 255)
    return iv.measure(network(module), images_of(table), settings=FAST, plain=images_of(table))


def find(rows, cue, erased):
    return next(row for row in rows if (row["cue"], row["erased"]) == (cue, erased))


def test_a_network_that_decides_by_shape_loses_its_decisions_with_the_shape_alone(rows):
    before = find(rows, "shape", "nothing")
    assert before["shape_share"] > 0.95
    assert before["decisions_changed"] == 0
    after = find(rows, "shape", "cue")
    assert after["shape_share"] == pytest.approx(0.25, abs=0.17)
    assert after["readout_shape"] == pytest.approx(0.25, abs=0.1)
    assert after["readout_shape_low"] <= after["readout_shape"] <= after["readout_shape_high"]
    assert after["taken"] == pytest.approx(1, abs=0.2)
    assert after["beyond_low"] > 0
    assert after["decisions_changed"] > 0.5
    assert find(rows, "texture", "cue")["shape_share"] > 0.9
    assert find(rows, "texture", "cue")["decisions_changed"] < 0.1


def test_rows_hold_counts_and_intervals(rows, table):
    assert len(rows) == 2 * (1 + 1 + 2 + 1 + 2)
    assert set().union(*rows) == set(ERASURE.names)
    for row in rows:
        assert row["n_images"] == int(ex.conflicting(table).sum())
        assert row["n_plain"] == len(table)
        assert row["n_units"] == 12
        assert row["shape_share_low"] <= row["shape_share"] <= row["shape_share_high"]
        assert row["cue_match_rate"] == pytest.approx(row["shape_share"] + row["texture_share"])
    assert find(rows, "shape", "nothing")["dimension"] == 0
    assert (
        find(rows, "shape", "random")["dimension"] == find(rows, "shape", "cue")["dimension"] == 3
    )


def test_versions_are_computed_in_one_pass_and_the_hook_goes(table):
    module = Painted(SHAPE_READER)
    images = images_of(table)
    found = network(module)
    iv.measure(found, images, settings=FAST)
    # To fit, to find the decision layer (one batch), to try what the network allows, to decide.
    tried = 2 * erased.TRIED
    assert module.calls == len(table) + FAST.batch_size + tried + ex.conflicting(table).sum()
    assert not module.stage._forward_hooks


def test_unchanged_version_gives_the_network_s_own_decisions(table):
    module = Painted(SHAPE_READER)
    images = images_of(table)
    indices = np.arange(len(table))
    erasers = [{positions.Group("positions"): (None, None)}] * 3
    halves = [indices % 2] * 3
    found = erased.decisions(
        network(module), images.images, indices, "stage", erasers, halves, batch_size=7
    )
    batch = torch.from_numpy(images.images).permute(0, 3, 1, 2).float() / 255
    expected = module(batch).argmax(1).numpy()
    for version in range(3):
        np.testing.assert_array_equal(found[version], expected)


def test_undefined_scores_are_no_decision(table):
    """Every third image overflows in one output, where argmax would find the largest."""
    module = Painted(SHAPE_READER)
    images = images_of(table)
    indices = np.arange(len(table))
    count = [0]

    def overflow(_, __, logits):
        rows = torch.arange(count[0], count[0] + len(logits))
        count[0] += len(logits)
        logits = logits.clone()
        logits[rows % 3 == 0, 2] = torch.nan
        logits[rows % 6 == 0, 2] = torch.inf
        return logits

    plain, erasers = {positions.Group("positions"): (None, None)}, [indices % 2]
    expected = erased.decisions(
        network(module), images.images, indices, "stage", [plain], erasers, batch_size=7
    )[0]
    module.register_forward_hook(overflow)
    found = erased.decisions(
        network(module), images.images, indices, "stage", [plain], erasers, batch_size=7
    )[0]
    np.testing.assert_array_equal(found, np.where(indices % 3 == 0, -1, expected))


def test_erasing_every_position_is_erasing_the_average(table):
    """The reason why the last stage's claim is exact."""
    images = images_of(table)
    batch = torch.from_numpy(images.images).permute(0, 3, 1, 2).float() / 255
    module = Painted(SHAPE_READER)
    values = module.stage(batch).mean((2, 3)).numpy()
    white = er.whitening(values)
    eraser = er.erase_classes(white, values, ex.cue(table, "shape").classes)
    with erased.erased(
        network(module), "stage", [{positions.Group("positions"): (eraser, eraser)}]
    ) as hook:
        hook.shown = [(0, np.zeros(len(table), dtype=int))]
        found = module(batch).detach().numpy()
    expected = eraser(values) @ module.head.weight.detach().numpy().T
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("shape", [(4, 3, 5, 5), (4, 6, 6, 3), (4, 10, 3), (4, 3)])
def test_the_hook_keeps_each_layout_and_changes_each_half_by_its_own_map(shape):
    random = np.random.default_rng(0)
    erasers = [er.Eraser(random.normal(size=3), random.normal(size=(3, 3)), 3) for _ in range(2)]
    module = nn.Module()
    module.num_prefix_tokens, module.cls_token = 1, torch.zeros(1)
    output = torch.from_numpy(random.normal(size=shape)).float()
    form = erased._stages.layout(module, "x", shape)
    group = positions.groups(form)[0]
    hook = erased.Erased(module, "x", [{group: tuple(erasers)}, {group: (None, None)}])
    half = np.array([0, 1, 1, 0])
    hook.shown = [(0, half), (1, half)]
    found = hook(output).numpy()
    assert found.shape == (8, *shape[1:])
    np.testing.assert_array_equal(found[4:], output.numpy())
    axis = 1 if len(shape) == 4 and shape[1] == 3 else len(shape) - 1
    last = np.moveaxis(output.numpy(), axis, -1)
    expected = np.stack([erasers[half[i]](last[i]) for i in range(4)])
    if form.kind == "tokens":
        expected[:, 0] = last[:, 0]  # the class token has an eraser of its own
    np.testing.assert_allclose(np.moveaxis(found[:4], axis, -1), expected, atol=1e-5)


def test_a_transformer_s_class_token_and_patches_are_groups():
    form = erased._stages.Layout("tokens", 8, 3, 3, prefix=5, class_token=True)
    assert [(g.name, g.start, g.stop) for g in positions.groups(form)] == [
        ("patches", 5, None), ("class token", 0, 1),
    ]  # fmt: skip


def test_a_vit_with_random_weights_goes_through(table):
    timm = pytest.importorskip("timm")
    module = timm.create_model(
        "vit_tiny_patch16_224", img_size=32, patch_size=8, depth=2, num_classes=4
    ).eval()
    found = Network(
        name="vit", slug="vit--random", module=module, input_size=32,
        preprocess=lambda x: nn.functional.interpolate(x.float() / 255, (32, 32)),
        classes=CLASSES, decide=lambda logits: logits,
        stages={"block01": "blocks.0", "block02": "blocks.1"},
    )  # fmt: skip
    rows = iv.measure(found, images_of(table), settings=FAST)
    assert {row["stage"] for row in rows} == {"block02"}
    assert all(row["n_units"] == 192 for row in rows)
    after = find(rows, "shape", "cue")
    assert after["dimension"] == 3
    assert after["readout_shape"] < find(rows, "shape", "nothing")["readout_shape"] - 0.3


def test_sampled_positions_are_rows_of_their_image(table):
    settings = ErasureSettings.of(fit="spatial", positions=5, batch_size=10)
    images = images_of(table)
    indices = np.arange(10, 40)
    (found,) = erased.collect(
        network(Painted(SHAPE_READER)), images.images, indices, "stage", settings=settings
    )
    assert found.rows.shape == (30 * 5, 12)
    for row, image in zip(found.rows, found.images, strict=True):
        batch = torch.from_numpy(images.images[indices[image]]).permute(2, 0, 1) / 255
        positions = nn.functional.pixel_unshuffle(batch, 2).flatten(1).T.numpy()
        assert np.isclose(positions, row, atol=1e-6).all(1).any()
    rows = iv.measure(network(Painted(SHAPE_READER)), images, settings=settings)
    assert len(rows) == 2 * (1 + 1 + 5 + 2 + 2)


# --- the decision layer, and what erasure takes ---------------------------------------------------


def test_the_decision_layer_is_found_and_its_null_space_decides_nothing(rows, table):
    images = images_of(table)
    module = Painted(SHAPE_READER)
    (part,) = erased.collect(
        network(module), images.images, np.arange(20), "stage", settings=FAST
    )  # fmt: skip
    found = erased.decision_layer(network(module), images.images, np.arange(20), part.pooled, 8)
    np.testing.assert_allclose(found, module.head.weight.detach().numpy())
    for cue in ex.CUES:
        blind, left = find(rows, cue, "head"), find(rows, cue, "null_space")
        assert left["decisions_changed"] == 0
        assert left["shape_share"] == find(rows, cue, "nothing")["shape_share"]
        assert blind["dimension"] + left["dimension"] == 12
        assert blind["dimension"] == 2  # red and green
        assert blind["accuracy_plain"] == pytest.approx(0.25, abs=0.01)  # all decide alike
    # What the layer reads holds the shape; blue, which it does not read, holds the texture.
    assert find(rows, "shape", "null_space")["readout_shape"] > 0.9
    assert find(rows, "shape", "head")["readout_shape"] < 0.4
    assert find(rows, "texture", "head")["readout_texture"] > 0.65
    assert find(rows, "texture", "null_space")["readout_texture"] < 0.45


class Bent(Painted):
    """Something that is not linear stands between the average and the layer."""

    def forward(self, x):
        return self.head(torch.relu(self.stage(x).mean((2, 3)) - 0.2))


class Scaled(Painted):
    """What leaves the layer is not what the network gives."""

    def forward(self, x):
        return torch.tanh(super().forward(x))


class ByPosition(Painted):
    """The layer decides at each position, and decisions are averaged."""

    def forward(self, x):
        return self.head(self.stage(x).flatten(2).transpose(1, 2)).mean(1)


@pytest.mark.parametrize("kind", [Bent, Scaled, ByPosition])
def test_other_endings_have_no_rows_of_a_decision_layer(kind, table):
    rows = iv.measure(network(kind(SHAPE_READER)), images_of(table), settings=FAST)
    assert {row["erased"] for row in rows} == {"nothing", "cue", "groups", "random"}


def test_chance_is_what_the_same_decisions_match_on_another_picture():
    # With texture 0 the pictures show the shapes 1, 1, 2; with texture 1 the shapes 0, 2.
    texture = np.array([0, 0, 0, 1, 1])
    shape = np.array([1, 1, 2, 0, 2])
    decided = np.array([1, 2, 0, 0, 3])
    found = iv.by_chance(decided, shape, texture)
    np.testing.assert_allclose(found, [2 / 3, 1 / 3, 0, 1 / 2, 0])
    # A decision that is none matches no picture's class, and not that of the last class either.
    none = iv.by_chance(np.full(5, -1), shape, texture)
    np.testing.assert_array_equal(none, np.zeros(5))


def conditions_with(shares: dict[tuple[str, int], tuple[float, float]]):
    """Shares of shape decisions and their chance, without any spread."""
    keys = {er.Condition("shape", erased, draw): pair for (erased, draw), pair in shares.items()}
    flat = {key: np.array([share, 0.5, chance, 0.1]) for key, (share, chance) in keys.items()}
    return flat, {key: np.tile(value, (50, 1)) for key, value in flat.items()}


def test_what_erasure_takes_is_a_share_of_what_is_there_beyond_the_control():
    shares, rates = conditions_with(
        {("nothing", 0): (0.5, 0.1), ("cue", 0): (0.3, 0.1), ("groups", 0): (0.4, 0.1),
         ("groups", 1): (0.46, 0.1)}
    )  # fmt: skip
    found = iv._taken(er.Condition("shape", "cue"), shares, rates, 0.95, 0)
    assert found["taken"] == pytest.approx(0.5)
    assert found["beyond"] == pytest.approx(0.5 - (0.25 + 0.1) / 2)
    # The groupings are drawn anew too: twice the one, or twice the other.
    assert found["beyond_low"] == pytest.approx(0.25)
    assert found["beyond_high"] == pytest.approx(0.4)
    control = iv._taken(er.Condition("shape", "groups", 1), shares, rates, 0.95, 0)
    assert control["taken"] == pytest.approx(0.1)
    assert "beyond" not in control


@pytest.mark.parametrize("share", [0.2, 0.05])
def test_erasing_what_decides_by_chance_takes_an_equal_share_whatever_the_bias(share):
    """Not bounded by the bias: half of a few decisions is as much as half of many."""
    shares, rates = conditions_with(
        {("nothing", 0): (share, 0.01), ("cue", 0): (0.01 + (share - 0.01) / 2, 0.01),
         ("groups", 0): (share, 0.01)}
    )  # fmt: skip
    found = iv._taken(er.Condition("shape", "cue"), shares, rates, 0.95, 0)
    assert found["beyond"] == pytest.approx(0.5)


def test_where_no_decision_follows_the_cue_nothing_can_be_taken(table):
    texture_reader = SHAPE_READER * 0 + torch.tensor([[0, 0, k] for k in (-1.0, 1, 2, 3)])
    rows = iv.measure(network(Painted(texture_reader)), images_of(table), settings=FAST)
    after = find(rows, "shape", "cue")
    assert "taken" not in after
    assert "no decisions for shape beyond chance" in after["reason"]


def test_two_exemplars_are_decided_on_and_not_read():
    table = labels(classes=4, shapes=2, textures=4)
    rows = iv.measure(network(Painted(SHAPE_READER)), images_of(table), settings=FAST)
    after = find(rows, "shape", "cue")
    assert np.isfinite(after["shape_share"])
    assert "readout_shape" not in after
    assert "fewer than three shape exemplars" in after["reason"]
    assert after["n_readout"] == 0
    assert find(rows, "texture", "cue")["n_readout"] > 0


# --- what cannot be measured ----------------------------------------------------------------------


def test_wrong_stage_lists_the_right_ones(table):
    settings = ErasureSettings.of(stages=("stage9",))
    with pytest.raises(InputError, match=r"stage 'stage9' does not exist .*last"):
        iv.measure(network(Painted(SHAPE_READER)), images_of(table), settings=settings)


def test_a_network_that_decides_between_other_classes_is_an_error(table):
    other = images_of(table.assign(shape=table["shape"].replace("d", "z")))
    with pytest.raises(InputError, match="decides between a, b, c, d; the images show z too"):
        iv.measure(network(Painted(SHAPE_READER)), other, settings=FAST)


def test_a_network_without_class_map_is_an_error(table):
    found = network(Painted(SHAPE_READER))
    found = replace(found, classes=None, decide=None)
    with pytest.raises(InputError, match="class map"):
        iv.measure(found, images_of(table), settings=FAST)


def test_a_single_exemplar_is_an_error():
    table = labels(classes=4, shapes=1, textures=4)
    with pytest.raises(InputError, match="a class has a single shape exemplar"):
        iv.measure(network(Painted(SHAPE_READER)), images_of(table), settings=FAST)


def test_agreeing_images_alone_are_an_error(table):
    agreeing = table[table["shape"] == table["texture"]].reset_index(drop=True)
    with pytest.raises(InputError, match="no image whose shape and texture are in conflict"):
        iv.measure(network(Painted(SHAPE_READER)), images_of(agreeing), settings=FAST)


def test_constant_activations_are_an_error(table):
    images = ImageSet(np.full((len(table), 6, 6, 3), 128, np.uint8), table)
    with pytest.raises(InputError, match="all units are constant"):
        iv.measure(network(Painted(SHAPE_READER)), images, settings=FAST)


# --- what the network allows ----------------------------------------------------------------------


class Counted(nn.Module):
    """Passes on what it gets, and counts the images."""

    def __init__(self) -> None:
        super().__init__()
        self.images = 0

    def forward(self, x):
        self.images += len(x)
        return x


class Long(Painted):
    """With layers before the stage."""

    def __init__(self, weights):
        super().__init__(weights)
        self.first, self.second = Counted(), Counted()

    def before(self, x):
        return self.second(self.first(x - 105 / 255))

    def forward(self, x):
        return self.head(self.stage(self.before(x)).mean((2, 3)))


class LongByBatch(Long):
    """Reads the size of its batch at the start and reshapes by it, as EfficientNet-Lite's code does."""

    def forward(self, x):
        count = len(x)
        return self.head(self.stage(self.before(x)).mean((2, 3)).view(count, -1))


class LongByOthers(Long):
    """Takes off the mean of the batch: an answer depends on the pictures beside it."""

    def forward(self, x):
        mean = self.stage(self.before(x)).mean((2, 3))
        return self.head(mean - 0.5 * mean.mean(0))


class LongTwice(Long):
    """One layer, before the stage and after it."""

    def forward(self, x):
        return self.head(self.second(self.stage(self.before(x))).mean((2, 3)))


class LongAround(LongByBatch):
    """What a layer gave is written over, and goes around the stage too."""

    def forward(self, x):
        count = len(x)
        first = self.first(x - 105 / 255)
        first += 1
        around = nn.functional.pixel_unshuffle(first, 2) - 1
        mean = (self.stage(self.second(first) - 1) + 0.1 * around).mean((2, 3))
        return self.head(mean.view(count, -1))


class Added(nn.Module):
    """Writes over what it gets."""

    def forward(self, x):
        return x.add_(1)


class LongThatHolds(LongAround):
    """Takes around the stage what another layer has written over: cannot be played back."""

    def __init__(self, weights):
        super().__init__(weights)
        self.added = Added()

    def forward(self, x):
        count = len(x)
        first = self.first(x - 105 / 255)
        added = self.added(first)
        around = nn.functional.pixel_unshuffle(first, 2) - 1
        mean = (self.stage(added - 1) + 0.1 * around).mean((2, 3))
        return self.head(mean.view(count, -1))


def decide(module, table):
    """Decisions under six versions, three of them drawn at random."""
    images = images_of(table)
    indices = np.arange(len(table))
    (part,) = erased.collect(network(module), images.images, indices, "stage", settings=FAST)
    cues = {name: ex.cue(table, name) for name in ex.CUES}
    plan = er.fit_erasers(part.rows, part.images, cues, random_draws=3, groupings=1, seed=0)
    erasers = [{part.group: pair} for pair in list(plan.values())[:6]]
    before = module.first.images
    halves = [er.halves(cues["shape"])] * len(erasers)
    found = erased.decisions(
        network(module), images.images, indices, "stage", erasers, halves, batch_size=BATCH
    )
    return found, module.first.images - before


BATCH = 13


@pytest.fixture
def one_by_one(monkeypatch):
    """Whatever a network allows, it goes through everything for each version."""

    def ask(module, table):
        with monkeypatch.context() as patch:
            patch.setattr(erased._Rest, "_try", lambda rest, *_: setattr(rest, "size", 1))
            patch.setattr(erased, "Replay", Unplayed)
            return decide(module, table)

    return ask


class Unplayed:
    def __init__(self, module, path): ...
    def __enter__(self): ...
    def __exit__(self, *_): ...


@pytest.mark.parametrize(
    ("kind", "tried"),
    [
        (Long, 2),
        (LongTwice, 2),
        (LongByBatch, 3),
        (LongByOthers, 3),
        (LongAround, 3),
        (LongThatHolds, None),
    ],
)
def test_what_comes_before_the_stage_is_computed_once_for_all_versions(
    kind, tried, table, one_by_one
):
    expected, slow = one_by_one(kind(SHAPE_READER), table)
    found, shown = decide(kind(SHAPE_READER), table)
    np.testing.assert_array_equal(found, expected)
    assert len(np.unique(expected, axis=0)) > 3  # the versions differ
    assert slow == 6 * len(table)
    if tried is None:
        # alone, beside another, recorded; played passes show nothing to `first`
        assert shown == 6 * len(table) + 3 * erased.TRIED
    else:
        assert shown == len(table) + tried * erased.TRIED


def test_efficientnet_lite_computes_its_blocks_before_the_stage_once(table):
    """Its code reshapes by the size of the batch, so that each version needs a pass."""
    pytest.importorskip("efficientnet_lite_pytorch")
    from texshape.models.loading import load

    name = "efficientnet_lite_pytorch:efficientnet-lite0"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        lite = load(name, weights=False)
    few, stem = table[:12], Counted()
    lite.module._conv_stem = nn.Sequential(stem, lite.module._conv_stem)
    pixels = np.random.default_rng(0).integers(0, 255, (len(few), 64, 64, 3), dtype=np.uint8)
    small = replace(lite, preprocess=lambda images: images.float() / 255)
    random = np.random.default_rng(1)
    erasers = [
        er.Eraser(random.normal(size=320), random.normal(size=(320, 320)) / 20, 3) for _ in range(5)
    ]
    versions = [{positions.Group("positions"): (one, one)} for one in erasers]
    path = lite.stages["stage5"]
    asked = (small, pixels, np.arange(12), path, versions, [np.zeros(12, int)] * 5)
    found = erased.decisions(*asked, batch_size=5)
    assert stem.images == 12 + 3 * erased.TRIED
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(erased._Rest, "_try", lambda rest, *_: setattr(rest, "size", 1))
        np.testing.assert_array_equal(erased.decisions(*asked, batch_size=5), found)
    assert stem.images == 12 + 3 * erased.TRIED + 5 * 12


def test_versions_that_do_not_fit_into_memory_go_in_parts(table, monkeypatch):
    expected, _ = decide(Long(SHAPE_READER), table)
    # a batch is 13 images of 12 channels at 3 x 3 positions, 4 bytes each
    monkeypatch.setattr(erased, "STACKED_BYTES", 4 * BATCH * 12 * 9 * 4)
    module, stacks = Long(SHAPE_READER), []
    module.head.register_forward_hook(lambda _, x, __: stacks.append(len(x[0])))
    found, shown = decide(module, table)
    np.testing.assert_array_equal(found, expected)
    assert max(stacks) == 3 * BATCH  # two equal parts rather than four and two
    assert shown == len(table) + 3 * erased.TRIED


def test_the_network_is_as_before_even_when_it_breaks(table):
    module, calls = LongByBatch(SHAPE_READER), []

    def breaks(_, x):
        calls.append(len(x[0]))
        if len(calls) > 20:
            raise RuntimeError("broken")

    handle = module.head.register_forward_pre_hook(breaks)
    with pytest.raises(InputError, match=r"stage 'stage': cannot be changed \(broken\)"):
        decide(module, table)
    assert len(calls) == 21
    handle.remove()
    assert not any("forward" in vars(part) for part in module.modules())
    assert not module.stage._forward_hooks
    whole, _ = decide(LongByBatch(SHAPE_READER), table)
    np.testing.assert_array_equal(decide(module, table)[0], whole)
