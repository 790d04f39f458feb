"""Patch shuffling, edges, mixing and fading."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from texshape.data import probes
from texshape.data.imageset import ImageSet
from texshape.errors import InputError
from texshape.techniques.cue_strength import probes as measures


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 48, 48, 3), dtype=np.uint8)


@pytest.mark.parametrize("k", [2, 3, 4, 6, 8])
def test_shuffling_moves_whole_patches(images, k):
    shuffled = probes.shuffle_patches(images, k, seed=1)
    side = 48 // k

    def patches(image: np.ndarray) -> list[bytes]:
        return [
            image[i : i + side, j : j + side].tobytes()
            for i in range(0, 48, side)
            for j in range(0, 48, side)
        ]

    for before, after in zip(images, shuffled, strict=True):
        assert sorted(patches(before)) == sorted(patches(after))
        assert patches(before) != patches(after)


def test_orders_are_seeded_by_image_and_never_the_identity(images):
    same = np.repeat(images[:1], 200, 0)
    shuffled = probes.shuffle_patches(same, 2, seed=1)
    assert not (shuffled == same).all((1, 2, 3)).any()  # 1 in 24 orders would be the identity
    assert len({image.tobytes() for image in shuffled}) == 23
    parts = [
        probes.shuffle_patches(images[:2], 3, seed=1),
        probes.shuffle_patches(images[2:], 3, seed=1, first=2),
    ]
    assert (np.concatenate(parts) == probes.shuffle_patches(images, 3, seed=1)).all()


def test_one_patch_is_the_image_and_uneven_cuts_are_errors(images):
    assert (probes.shuffle_patches(images, 1, seed=0) == images).all()
    with pytest.raises(InputError, match=r"5 x 5 patches do not cut 48 x 48 px evenly; .* 4, 6"):
        probes.shuffle_patches(images, 5, seed=0)


def test_edges_of_a_mask_are_its_outline():
    mask = np.zeros((1, 20, 20), np.uint8)
    mask[0, 5:15, 4:12] = 1
    drawn = probes.edges(np.zeros((1, 20, 20, 3), np.uint8), mask)[0, ..., 0]
    assert (drawn == 0).sum() == 2 * 10 + 2 * 8 - 4
    assert drawn[5, 4] == 0
    assert drawn[7, 7] == 255


def test_edges_without_a_mask_lie_where_the_luminance_jumps():
    image = np.zeros((1, 40, 40, 3), np.uint8)
    image[:, :, 20:] = 200
    drawn = probes.edges(image)[0, ..., 0]
    assert set(np.flatnonzero((drawn == 0).any(0))) <= {19, 20}
    assert (drawn[5:-5, 19:21] == 0).any()


def test_mixing_and_fading_at_their_ends_and_between(images):
    silhouettes = np.zeros_like(images)
    assert (probes.mix(silhouettes, images, 1) == images).all()
    assert (probes.mix(silhouettes, images, 0) == silhouettes).all()
    half = probes.mix(silhouettes, images, 0.5)
    assert np.abs(half - images / 2).max() <= 0.5

    mask = np.zeros(images.shape[:3], np.uint8)
    mask[:, 10:30, 10:30] = 1
    assert (probes.fade_texture(images, mask, 1) == images).all()
    flat = probes.fade_texture(images, mask, 0)
    assert flat[:, 10:30, 10:30].std((1, 2)).max() == 0
    assert (flat[:, :10] == images[:, :10]).all()
    quarter = probes.fade_texture(images, mask, 0.25)[:, 10:30, 10:30].astype(float)
    full = images[:, 10:30, 10:30].astype(float)
    assert quarter.std((1, 2)) == pytest.approx(0.25 * full.std((1, 2)), rel=0.02)
    assert quarter.mean((1, 2)) == pytest.approx(full.mean((1, 2)), abs=0.3)
    with pytest.raises(InputError, match=r"\[0, 1\]"):
        probes.fade_texture(images, mask, 1.5)
    with pytest.raises(InputError, match="shapes"):
        probes.mix(silhouettes[:2], images, 0.5)


def labelled(names: list[tuple[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "imagename": [f"{s}-{t}.png" for s, t in names],
            "shape": [s[:-1] for s, _ in names],
            "texture": [t[:-1] for _, t in names],
            "shape_exemplar": [s for s, _ in names],
            "texture_exemplar": [t for _, t in names],
            "condition": "0",
        }
    )


def test_sets_without_masks_are_mixed_with_their_silhouette(images):
    stimuli = ImageSet(images[:2], labelled([("cat1", "dog1"), ("dog2", "cat1")]))
    shapes = ImageSet(images[2:4], labelled([("dog2", "na0"), ("cat1", "na0")]))
    faded = measures.faded(stimuli, [0, 0.5, 1], shapes)
    assert (faded[0.0].images == images[[3, 2]]).all()
    assert (faded[1.0].images == images[:2]).all()
    with pytest.raises(InputError, match="no silhouette of shape exemplar 'cat1'"):
        measures.faded(stimuli, [0], ImageSet(images[2:3], labelled([("dog2", "na0")])))
    with pytest.raises(InputError, match="needs the silhouettes"):
        measures.faded(stimuli, [0])
