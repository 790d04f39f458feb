"""Attention radius: what may reach a patch, in modules of three libraries, and a bias that must move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from open_clip.transformer import VisionTransformer as OpenClip
from tests import coded_network as coded
from tests.cue_conflict_design import labels
from timm.layers import Attention
from torch import nn
from torchvision.models import VisionTransformer as Torchvision

from texshape.data.imageset import ImageSet
from texshape.errors import InputError
from texshape.models.stages import captured
from texshape.techniques.attention_radius import mask, measure
from texshape.techniques.attention_radius.settings import AttentionRadiusSettings
from texshape.techniques.inputs import Inputs

GRID, PATCH, K = 4, 4, 4
SIDE = GRID * PATCH


def timm_vit(**given):
    return timm.create_model(
        "vit_tiny_patch16_224", img_size=SIDE, patch_size=PATCH, embed_dim=24, depth=2, num_heads=2,
        num_classes=5, **given,
    )  # fmt: skip


def torchvision_vit():
    return Torchvision(image_size=SIDE, patch_size=PATCH, num_layers=2, num_heads=2, hidden_dim=24,
                       mlp_dim=48, num_classes=5)  # fmt: skip


def open_clip_vit():
    return OpenClip(image_size=SIDE, patch_size=PATCH, width=24, layers=2, heads=2, mlp_ratio=2.0,
                    output_dim=5)  # fmt: skip


#: what makes a network -> name of its first block, and tokens before the patches
VITS = {
    "timm": (timm_vit, "blocks.0", 1),
    "timm, registers": (lambda: timm_vit(reg_tokens=3), "blocks.0", 4),
    "timm, no class token": (lambda: timm_vit(class_token=False, global_pool="avg"), "blocks.0", 0),
    "torchvision": (torchvision_vit, "encoder.layers.encoder_layer_0", 1),
    "open_clip": (open_clip_vit, "transformer.resblocks.0", 1),
}


@pytest.fixture(params=VITS, scope="module")
def vit(request):
    build, block, prefix = VITS[request.param]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = build().eval()
        for parameter in module.parameters():  # weights that leave no path out
            parameter.data.normal_(0, 0.3)
    grid, reason = mask.find(module, SIDE, getattr(module, "num_prefix_tokens", None))
    assert reason == ""
    assert (grid.side, grid.prefix, len(grid.modules)) == (GRID, prefix, 2)
    return module, block, grid


def passed_on(module, block, pictures):
    """Tokens after a block, and the network's output."""
    with torch.no_grad(), captured(module, {"block": block}) as seen:
        out = module(pictures)
    return seen["block"], out


def test_no_radius_is_attention_as_it_is(vit):
    module, block, grid = vit
    pictures = torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    plain = passed_on(module, block, pictures)
    far = mask.near(GRID, 2 * GRID)
    assert far.all()
    with mask.masked(module, grid.modules, mask.scores(far, grid.prefix, relay=True)):
        masked = passed_on(module, block, pictures)
    for one, other in zip(plain, masked, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    near = mask.scores(mask.near(GRID, 1), grid.prefix, relay=True)
    with mask.masked(module, grid.modules, near):
        assert (passed_on(module, block, pictures)[1] - plain[1]).abs().max() > 1e-3
    torch.testing.assert_close(passed_on(module, block, pictures)[1], plain[1])  # as before


def reached(vit, radius, block=None):
    """Patches whose token after a block depends on the pixels of patch (1, 0)."""
    module, first, grid = vit
    pictures = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).repeat(
        2, 1, 1, 1
    )
    pictures[1, :, PATCH : 2 * PATCH, :PATCH] = 0
    with mask.masked(
        module, grid.modules, mask.scores(mask.near(GRID, radius), grid.prefix, relay=False)
    ):
        tokens, _ = passed_on(module, block or first, pictures)
    apart = (tokens[0] - tokens[1]).abs().amax(-1)[grid.prefix :]
    return (apart > 1e-5).reshape(GRID, GRID).numpy()


@pytest.mark.parametrize("radius", [0, 1, 1.5, 2])
def test_a_patch_reaches_those_within_the_radius_and_no_other(vit, radius):
    expected = [
        [(row - 1) ** 2 + column**2 <= radius**2 for column in range(GRID)] for row in range(GRID)
    ]
    np.testing.assert_array_equal(reached(vit, radius), expected)


def test_distances_add_up_over_blocks(vit):
    second = (
        vit[1].replace("0", "1") if "encoder" not in vit[1] else "encoder.layers.encoder_layer_1"
    )
    steps = np.add.outer(abs(np.arange(GRID) - 1), np.arange(GRID))  # of length one
    np.testing.assert_array_equal(reached(vit, 1, second), steps <= 2)


def test_masked_attention_is_the_formula():
    torch.manual_seed(0)
    one = Attention(8, num_heads=2, qkv_bias=True).eval()
    tokens = torch.randn(1, 5, 8)
    added = mask.scores(mask.near(2, 1), 1, relay=True)
    with torch.no_grad():
        query, key, value = (
            one.qkv(tokens)[0].reshape(5, 3, 2, 4).permute(1, 2, 0, 3).double().numpy()
        )
        weights = np.exp(query @ key.transpose(0, 2, 1) / 2 + added.double().numpy())
        heads = weights / weights.sum(-1, keepdims=True) @ value
        expected = one.proj(torch.from_numpy(heads.transpose(1, 0, 2).reshape(5, 8)).float())
        module = nn.Sequential(one)
        with mask.masked(module, ("0",), added):
            torch.testing.assert_close(module(tokens)[0], expected, rtol=1e-4, atol=1e-5)


# --- a bias that must move ------------------------------------------------------------------------


class Votes(nn.Module):
    """Each patch hears the mean of those it attends to; what it hears of a class counts to 1 at most.

    A texture is in every patch, a shape in one, 12 times as strong. Heard everywhere, the shape has
    16 x 12 / 16 = 12 votes, the texture 16 / 2 = 8. Heard by itself alone it has 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(2 * K, 1, bias=False, batch_first=True)
        self.attention.in_proj_weight.data = torch.cat(
            [torch.zeros(4 * K, 2 * K), torch.eye(2 * K)]
        )
        self.attention.out_proj.weight.data = torch.eye(2 * K)

    def forward(self, x):
        patches = x[:, 0].unfold(1, PATCH, PATCH).unfold(2, PATCH, PATCH).flatten(1, 2)
        tokens = patches[:, :, :2].flatten(2) * 255 / 20
        heard = self.attention(tokens, tokens, tokens, need_weights=False)[0].clamp(max=1)
        votes = heard.sum(1)
        return votes[:, :K] + votes[:, K:] / 2


def images_of(table) -> ImageSet:
    pixels = np.zeros((len(table), SIDE, SIDE, 3), np.uint8)
    for row, (shape, texture) in enumerate(zip(table["shape"], table["texture"], strict=True)):
        y, x = PATCH * (row % GRID), PATCH * (row // GRID % GRID)
        pixels[row, y, x + coded.CLASSES.index(shape)] = 240
        pixels[row, 1::PATCH, coded.CLASSES.index(texture) :: PATCH] = 20
    return ImageSet(pixels, table)


class Given(Inputs):
    """One network and the conflict images."""

    def __init__(self, module, **settings) -> None:
        table = labels(classes=K, shapes=4, textures=4)
        self.module, self.shown = module.eval(), images_of(table)
        self.settings = AttentionRadiusSettings(resamples=50, images=None, **settings)
        self.parameters, self.seed, self.network_seed, self.epochs = {}, 0, 0, (0,)

    def sets(self, role):
        return {"conflict": self.shown} if role == "conflict" else {}

    def network(self, epoch=None):
        return replace(coded.network(self.module, "attention"), input_size=SIDE)

    def features(self, epoch):
        raise NotImplementedError


RADII = (0, 1, 1.5, 2.5, 5)


def expected_bias(table, radius):
    """By loops: votes for the shape against the texture's eight; a picture's shape lies in one patch."""
    wins = []
    for row, (shape, texture) in enumerate(zip(table["shape"], table["texture"], strict=True)):
        if shape == texture:
            continue
        source, votes = (row % GRID, row // GRID % GRID), 0.0
        for y in range(GRID):
            for x in range(GRID):
                heard = [(j, i) for j in range(GRID) for i in range(GRID)
                         if (j - y) ** 2 + (i - x) ** 2 <= radius**2]  # fmt: skip
                votes += min(1, 12 / len(heard)) if source in heard else 0
        wins.append(votes > 8)
    return np.mean(wins)


def check(frame, table):
    near = frame[frame["kept"] == "near"].set_index("radius")
    for radius in RADII:
        assert near.loc[radius, "shape_bias"] == pytest.approx(expected_bias(table, radius)), radius


def test_the_bias_moves_as_loops_over_patches_say():
    given = Given(Votes(), radii=RADII, draws=2)
    frame = measure.run(given)["attention_radius"]
    table = given.shown.labels
    check(frame, table)
    assert [expected_bias(table, radius) for radius in (0, 5)] == [0, 1]
    assert 0 < expected_bias(table, 2.5) < 1
    assert (frame["cue_match_rate"] == 1).all()
    assert frame["shape_bias"].iloc[0] == 1
    for radius, rows in frame.dropna(subset="radius").groupby("radius"):
        assert rows["pairs"].nunique() == 1, radius  # the control leaves as many
        assert len(rows) == 3
    assert set(frame[frame["strongest"].astype(bool)]["radius"]) == {0}


def test_a_random_mask_leaves_each_patch_as_many_and_itself():
    left = mask.near(GRID, 1.5)
    drawn = mask.as_many(left, np.random.default_rng(0))
    np.testing.assert_array_equal(drawn.sum(1), left.sum(1))
    assert drawn.diagonal().all()
    assert (drawn != left).any()


# --- networks that cannot be masked ---------------------------------------------------------------


def test_networks_without_attention_that_takes_a_mask_are_told_why():
    grid, why = mask.find(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten()), SIDE)
    assert (grid, why) == (None, "it has no attention between patches")
    swin = timm.create_model("swin_tiny_patch4_window7_224", img_size=32, window_size=4, embed_dim=8,
                             depths=(1, 1), num_heads=(1, 1), num_classes=5).eval()  # fmt: skip
    grid, why = mask.find(swin, 32)
    assert grid is None
    assert why == "its attention 'layers.0.blocks.0.attn' (WindowAttention) takes no mask"
    given = Given(nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(12, K)))
    given.network = lambda epoch=None: replace(coded.network(given.module, "0"), input_size=SIDE)
    frame = measure.run(given)["attention_radius"]
    assert frame["reason"].tolist() == ["it has no attention between patches"]
    assert frame["shape_bias"].isna().all()


def test_bad_parameters_are_named():
    for bad in ({"radii": [-1]}, {"radii": []}, {"radii": [1, 1]}, {"relay": 1}):
        with pytest.raises(InputError, match=rf"attention_radius\.{next(iter(bad))}"):
            AttentionRadiusSettings.parse(bad)


# --- bugs put in on purpose -----------------------------------------------------------------------


def test_bug_distance_is_counted_along_the_row_of_tokens(monkeypatch):
    place = np.arange(GRID * GRID)
    monkeypatch.setattr(
        mask, "near", lambda side, radius: abs(np.subtract.outer(place, place)) <= radius
    )
    given = Given(Votes(), radii=RADII)
    with pytest.raises(AssertionError):
        check(measure.run(given)["attention_radius"], given.shown.labels)


def test_bug_the_mask_says_whom_not_to_attend_to(monkeypatch):
    right = mask.near
    monkeypatch.setattr(
        mask, "near", lambda side, radius: ~right(side, radius) | np.eye(side * side, dtype=bool)
    )
    given = Given(Votes(), radii=RADII)
    with pytest.raises(AssertionError):
        check(measure.run(given)["attention_radius"], given.shown.labels)
