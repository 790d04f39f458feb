"""Top-k: a network in which few large activations tell the shape and many small ones the texture."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from tests import coded_network as coded
from tests.cue_conflict_design import labels
from torch import nn

from texshape.data.imageset import ImageSet
from texshape.errors import InputError
from texshape.techniques.inputs import Inputs
from texshape.techniques.top_k import measure, thin
from texshape.techniques.top_k.settings import TopKSettings

K, SIDE = 4, 8
PEAKS, HEIGHT = 3, 250  # a shape: 750 in all
POINTS, GREY = 60, 20  # a texture: 1,200 in all
# The k largest of a texture's channel hold 20 k: the shape wins where 20 k < 750, of 64 positions.
SHARES = (1.0, 0.75, 0.6, 0.56, 0.3, 0.05)


class Tiles(nn.Module):
    """A picture of 24 px as eight maps of 8 px, four of shapes, four of textures; scores are their sums."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tiles = x[:, 0].unfold(1, SIDE, SIDE).unfold(2, SIDE, SIDE).flatten(1, 2)[:, : 2 * K]
        sums = self.maps(tiles).sum((2, 3))
        return sums[:, :K] + sums[:, K:]


def images_of(table, seed=0) -> ImageSet:
    rng = np.random.default_rng(seed)
    tiles = np.zeros((len(table), 9, SIDE * SIDE), np.uint8)
    for row, (shape, texture) in enumerate(zip(table["shape"], table["texture"], strict=True)):
        order = rng.permutation(SIDE * SIDE)
        tiles[row, coded.CLASSES.index(shape), order[:PEAKS]] = HEIGHT
        tiles[row, K + coded.CLASSES.index(texture), order[-POINTS:]] = GREY
    pixels = tiles.reshape(-1, 3, 3, SIDE, SIDE).transpose(0, 1, 3, 2, 4).reshape(-1, 24, 24)
    return ImageSet(pixels[..., None].repeat(3, -1), table)


class Given(Inputs):
    """One network and the conflict images, among them those whose cues agree."""

    def __init__(self, module: nn.Module, images: ImageSet, settings) -> None:
        self.module, self.shown, self.settings = module, images, settings
        self.parameters, self.seed, self.network_seed, self.epochs = {}, 0, 0, (0,)

    def sets(self, role):
        return {"conflict": self.shown} if role == "conflict" else {}

    def network(self, epoch=None):
        from dataclasses import replace

        return replace(coded.network(self.module, "maps"), input_size=24)

    def features(self, epoch):
        raise NotImplementedError


def thinned(**changes) -> pd.DataFrame:
    table = labels(classes=K, shapes=4, textures=4)
    settings = TopKSettings(
        **{"shares": SHARES, "draws": 3, "resamples": 50, "images": None} | changes
    )
    return measure.run(Given(Tiles(), images_of(table), settings))["top_k"]


def check(frame):
    """The bias goes from texture to shape where 20 k gets less than 750, and at each position never."""
    for share in SHARES:
        k = round(share * SIDE * SIDE)
        row = frame[
            (frame["kept"] == "largest")
            & (frame["across"] == "channel")
            & (frame["share"] == share)
        ]
        assert row["shape_bias"].item() == (GREY * min(k, POINTS) < PEAKS * HEIGHT), share
        assert row["k"].item() == k
        assert row["of"].item() == SIDE * SIDE
    at_positions = frame[(frame["kept"] == "largest") & (frame["across"] == "position")]
    assert (at_positions["shape_bias"] == 0).all()
    assert (frame.loc[frame["kept"] == "largest", "cue_match_rate"] == 1).all()


@pytest.fixture(scope="module")
def frame():
    return thinned()


def test_the_bias_moves_at_the_share_that_arithmetic_says(frame):
    check(frame)
    whole = frame[frame["share"] == 1]
    assert (whole["decisions_changed"] == 0).all()
    assert set(whole["kept"]) == {"all", "largest", "random"}
    # as many at random take three large activations as often as many small ones
    control = frame[
        (frame["kept"] == "random") & (frame["across"] == "channel") & (frame["share"] == 0.56)
    ]
    assert len(control) == 3
    assert (control["shape_bias"] < 0.5).all()
    assert frame[frame["strongest"].astype(bool)]["share"].unique() == [0.05]


@pytest.mark.parametrize("across", thin.AXES)
def test_the_largest_are_those_of_a_direct_loop(across):
    values = np.random.default_rng(1).normal(size=(2, 6, 5)).astype(np.float32)
    expected = np.zeros_like(values)
    k = 2
    for image in range(2):
        for line in range(5 if across == "channel" else 6):
            place = np.s_[image, :, line] if across == "channel" else np.s_[image, line]
            best = sorted(abs(values[place]))[-k]
            expected[place] = np.where(abs(values[place]) >= best, values[place], 0)
    found = thin.largest(torch.from_numpy(values), across, k).numpy()
    np.testing.assert_array_equal(found, expected)
    all_of_it = torch.from_numpy(values)
    assert thin.largest(all_of_it, across, 6) is all_of_it


@pytest.mark.parametrize("across", thin.AXES)
def test_a_random_mask_leaves_as_many(across):
    mask = thin.random_mask(6, 5, across, 2, np.random.default_rng(0))
    assert (mask.sum(thin.AXES[across] - 1) == 2).all()
    other = thin.random_mask(6, 5, across, 2, np.random.default_rng(1))
    assert (mask != other).any()


@pytest.mark.parametrize("kept", ["largest", "random"])
def test_patches_are_thinned_and_a_class_token_stays(kept):
    tokens = torch.from_numpy(np.random.default_rng(2).normal(size=(3, 17, 8)).astype(np.float32))
    module = nn.Sequential(nn.Identity())
    module.num_prefix_tokens = 1
    version = measure.Version("channel", kept, 0, 0.25)
    with measure._thinned(coded.network(module, "0"), "0", version, 0, np.arange(3)):
        found = module(tokens)
    assert (found[:, 0] == tokens[:, 0]).all()
    patches = found[:, 1:]
    assert ((patches != 0).sum(1) == 4).all()
    assert ((patches == 0) | (patches == tokens[:, 1:])).all()
    assert (module(tokens) == tokens).all()  # as before


def test_the_same_seed_gives_the_same_rows_and_batches_do_not_matter(frame):
    again = thinned(shares=[0.56])
    rows = frame[frame["share"] == 0.56].reset_index(drop=True)
    columns = ["across", "kept", "draw", "shape_bias", "ci_low", "ci_high"]
    pd.testing.assert_frame_equal(again[1:].reset_index(drop=True)[columns], rows[columns])


def test_a_stage_without_positions_and_shares_out_of_range_are_named():
    settings = TopKSettings(stages=["maps"])
    flat = Given(coded.Coded((1.0,) * K), coded.images_of(labels()), settings)
    flat.network = lambda epoch=None: coded.network(flat.module)
    flat.settings = TopKSettings(stages=["last"])
    with pytest.raises(
        InputError, match="stage 'last': passes on a vector; expected a map or patches"
    ):
        measure.run(flat)
    flat.settings = TopKSettings()
    assert measure.reason(flat) == "none of its stages passes on a map or patches"
    for bad in ({"shares": [0]}, {"shares": [0.2, 1.5]}, {"across": ["row"]}):
        with pytest.raises(InputError, match=rf"top_k\.{next(iter(bad))}"):
            TopKSettings.parse(bad)


# --- bugs put in on purpose ---------------------------------------------------------------------------


def test_bug_axes_are_taken_for_one_another(monkeypatch):
    monkeypatch.setattr(thin, "AXES", {"channel": 2, "position": 1})
    with pytest.raises(AssertionError):
        check(thinned())


def test_bug_the_smallest_are_left(monkeypatch):
    right = thin.largest
    monkeypatch.setattr(
        thin,
        "largest",
        lambda flat, across, k: flat - right(flat, across, flat.shape[thin.AXES[across]] - k),
    )
    with pytest.raises(AssertionError):
        check(thinned())
