"""Corruptions: seeded, batch-proof, ordered by severity, each what its constants say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from texshape.errors import InputError
from texshape.techniques.corruptions import types as corruptions
from texshape.techniques.corruptions.types import CONSTANTS, EXTRA, SEVERITIES, TYPES, corrupt


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Smooth pictures with a textured square, mid-range so that clipping stays rare."""
    rng = np.random.default_rng(3)
    row, column = np.mgrid[:48, :48] / 48
    base = 0.35 + 0.3 * np.stack([row, column, (row + column) / 2], -1)
    pictures = np.repeat(base[None], 6, 0) + 0.02 * rng.standard_normal((6, 48, 48, 3))
    pictures[:, 12:36, 12:36] += 0.15 * (((row * 48).astype(int) // 3) % 2)[12:36, 12:36, None]
    return np.rint(255 * pictures.clip(0, 1)).astype(np.uint8)


def test_fifteen_types_with_five_severities_in_each_table():
    assert len(TYPES) == 15
    for table in CONSTANTS.values():
        assert set(table) == {*TYPES, *EXTRA}
        assert all(len(constants) == 5 for constants in table.values())


@pytest.mark.parametrize("name", [*TYPES, *EXTRA])
def test_every_type_keeps_shape_and_type_and_is_seeded(images, name):
    for severity in (1, 5):
        once = corrupt(images, name, severity, seed=7)
        assert once.shape == images.shape
        assert once.dtype == np.uint8
        assert (once == corrupt(images, name, severity, seed=7)).all()
        assert (once != images).any()


@pytest.mark.parametrize("name", [*TYPES, *EXTRA])
def test_an_image_is_corrupted_alike_in_any_batch(images, name):
    whole = corrupt(images, name, 3, seed=7)
    parts = [corrupt(images[:2], name, 3, seed=7), corrupt(images[2:], name, 3, seed=7, first=2)]
    assert (whole == np.concatenate(parts)).all()


@pytest.mark.parametrize("name", [n for n in TYPES if "noise" in n or n in ("snow", "fog")])
def test_seeds_images_and_severities_differ(images, name):
    same = np.repeat(images[:1], 2, 0)
    first, second = corrupt(same, name, 4, seed=7)
    assert (first != second).any()
    assert (corrupt(same, name, 4, seed=8)[0] != first).any()


@pytest.mark.parametrize("side", [32, 48, 64, 224])
def test_all_types_work_at_published_sizes(side):
    image = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), dtype=np.uint8)
    for name in (*TYPES, *EXTRA):
        if name == "glass_blur" and side == 224:
            continue  # the loop over pixels is slow; 64 px runs the same lines
        assert corrupt(image, name, 5, seed=0).shape == image.shape


def test_tables_follow_the_side():
    assert [corruptions.table_for(s) for s in (32, 48, 64, 96, 224)] == [
        "cifar",
        "cifar",
        "tiny",
        "tiny",
        "imagenet",
    ]


@pytest.mark.parametrize("name", sorted(set(TYPES) - {"elastic_transform", "glass_blur"}))
def test_distortion_grows_with_severity(images, name):
    # Elastic and glass constants are not ordered by pixel distance in the published table.
    distance = [
        np.abs(corrupt(images, name, s, seed=1).astype(int) - images).mean() for s in SEVERITIES
    ]
    assert distance[-1] > distance[0]
    if name not in ("frost_like", "snow", "motion_blur"):  # these depend on the angles drawn
        assert all(b >= 0.95 * a for a, b in pairwise(distance))


def test_empty_batch_and_bad_input(images):
    assert corrupt(images[:0], "fog", 1, seed=0).shape == (0, 48, 48, 3)
    with pytest.raises(InputError, match="did you mean 'frost_like'"):
        corrupt(images, "frost", 1, seed=0)
    with pytest.raises(InputError, match="expected 1 to 5, got 6"):
        corrupt(images, "fog", 6, seed=0)
    with pytest.raises(InputError, match="32 px or more, got 16"):
        corrupt(images[:, :16, :16], "fog", 1, seed=0)
    with pytest.raises(InputError, match="uint8"):
        corrupt(images / 255, "fog", 1, seed=0)
    with pytest.raises(InputError, match="unknown table of corruption constants"):
        corrupt(images, "fog", 1, seed=0, table="cifer")
