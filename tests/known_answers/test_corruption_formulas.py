"""Corruptions against formulas, library implementations and direct loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from texshape.techniques.corruptions import types as corruptions
from texshape.techniques.corruptions.types import CONSTANTS, corrupt

GREY = np.full((8, 64, 64, 3), 128, np.uint8)
UNIT = 128 / 255


def unit(images: np.ndarray) -> np.ndarray:
    return images.astype(float) / 255


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    from skimage import data
    from skimage.transform import resize

    small = resize(data.astronaut(), (48, 48), anti_aliasing=True)
    return np.rint(255 * small).astype(np.uint8)[None]


@pytest.mark.parametrize("table", CONSTANTS)
@pytest.mark.parametrize("severity", [1, 2])
def test_noise_has_the_published_spread(table, severity):
    """On mid grey: sigma, sqrt(x / photons), x sigma, and a share of pixels at 0 and at 1."""
    c = {name: values[severity - 1] for name, values in CONSTANTS[table].items()}
    rounding = 1 / 255**2 / 12

    def deviation(name: str) -> float:
        return unit(corrupt(GREY, name, severity, seed=5, table=table)).std()

    expected = {
        "gaussian_noise": c["gaussian_noise"],
        "shot_noise": math.sqrt(UNIT / c["shot_noise"]),
        "speckle_noise": UNIT * c["speckle_noise"],
    }
    for name, sigma in expected.items():
        assert deviation(name) == pytest.approx(math.sqrt(sigma**2 + rounding), rel=0.02), name
    salted = corrupt(GREY, "impulse_noise", severity, seed=5, table=table)
    n, share = salted.size, c["impulse_noise"] / 2
    tolerance = 4 * math.sqrt(share * (1 - share) / n)
    assert abs((salted == 0).mean() - share) < tolerance
    assert abs((salted == 255).mean() - share) < tolerance


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_brightness_is_value_of_hsv_and_contrast_a_pull_to_the_mean(picture, severity):
    from skimage.color import hsv2rgb, rgb2hsv

    hsv = rgb2hsv(unit(picture))
    hsv[..., 2] = np.clip(hsv[..., 2] + CONSTANTS["cifar"]["brightness"][severity - 1], 0, 1)
    brighter = corrupt(picture, "brightness", severity, seed=0)
    assert np.abs(brighter - 255 * hsv2rgb(hsv)).max() <= 1

    factor = CONSTANTS["cifar"]["contrast"][severity - 1]
    flatter = unit(corrupt(picture, "contrast", severity, seed=0))
    assert flatter.mean((1, 2)) == pytest.approx(unit(picture).mean((1, 2)), abs=0.01)
    expected = factor * unit(picture).std((1, 2))
    assert flatter.std((1, 2)) == pytest.approx(expected, rel=0.03)


def test_black_gets_grey_under_brightness():
    black = np.zeros((1, 32, 32, 3), np.uint8)
    assert (corrupt(black, "brightness", 5, seed=0) == round(0.3 * 255)).all()


def test_defocus_is_a_convolution_with_a_normalised_disk(picture):
    kernel = corruptions.disk_kernel(1.5, 0.1)
    assert kernel.sum() == pytest.approx(1)
    # 9 of the 25 places lie within 1.5 px; the smoothing is too narrow to reach others
    assert kernel[kernel > 1e-6] == pytest.approx(np.full(9, 1 / 9))
    expected = np.stack(
        [ndimage.convolve(unit(picture[0])[..., c], kernel, mode="mirror") for c in range(3)], -1
    )
    assert np.abs(corrupt(picture, "defocus_blur", 5, seed=0)[0] - 255 * expected).max() <= 1
    assert corruptions.disk_kernel(10, 0.5).shape[0] >= 21


@pytest.mark.parametrize(
    ("severity", "published"), [(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.013), (5, 1.011)]
)
def test_grey_stays_grey_but_for_the_published_kernel(severity, published):
    """Sums of the published kernels by OpenCV (GaussianBlur mirrors at the border of the disk)."""
    constants = corruptions.CONSTANTS["imagenet"]["defocus_blur"][severity - 1]
    assert corruptions.disk_kernel(*constants).sum() == pytest.approx(1, abs=1e-9)
    theirs = corruptions.disk_kernel(*constants, published=True).sum()
    assert theirs == pytest.approx(published, abs=6e-4)
    grey = np.full((1, 128, 128, 3), 200, np.uint8)
    for name, level in (("defocus_blur", 200), ("defocus_blur_published", round(200 * theirs))):
        assert set(np.unique(corrupt(grey, name, severity, seed=0, table="imagenet"))) == {level}


@pytest.mark.parametrize("table", ["cifar", "tiny", "imagenet"])
def test_defocus_agrees_with_a_direct_convolution(table):
    image = np.random.default_rng(0).random((1, 64, 72, 3), dtype=np.float32)
    for constants in corruptions.CONSTANTS[table]["defocus_blur"]:
        kernel = corruptions.disk_kernel(*constants)
        found = corruptions._defocus_blur(image, constants, [])
        for c in range(3):
            direct = ndimage.convolve(image[0, ..., c].astype(float), kernel, mode="mirror")
            assert np.abs(found[0, ..., c] - direct).max() < 1e-6


def test_zoom_agrees_with_scipy(picture):
    factor = 1.2
    crop = math.ceil(48 / factor)
    start = (48 - crop) // 2
    middle = unit(picture[0])[start : start + crop, start : start + crop]
    expected = ndimage.zoom(middle, (factor, factor, 1), order=1)
    ours = corruptions._zoom(unit(picture).astype(np.float32), factor)[0]
    assert expected.shape == ours.shape
    assert np.abs(ours - expected).max() < 1e-5


def test_motion_blur_is_a_one_sided_gaussian_along_the_line():
    dot = np.zeros((1, 33, 33, 1), np.float32)
    dot[0, 16, 16] = 1
    streak = corruptions._along_line(dot, 4, 2.0, np.array([0.0]))[0, :, :, 0]
    weights = np.exp(-(np.arange(9) ** 2) / 8)
    expected = np.zeros((33, 33))
    expected[16, 16 - np.arange(9)] = weights / weights.sum()
    assert np.abs(streak - expected).max() < 1e-3  # negligible weights are left out


def test_fast_glass_blur_is_the_loop_over_pixels():
    rng = np.random.default_rng(0)
    x = rng.random((2, 40, 40, 3)).astype(np.float32)
    for iterations in (1, 2):
        draws = [np.random.default_rng([9, i]) for i in range(2)]
        ours = corruptions._glass_blur(x, (0.25, 1, iterations), draws)
        expected = []
        for index in range(2):
            image = corruptions._gaussian(x[index : index + 1], 0.25)[0]
            steps = np.random.default_rng([9, index]).integers(-1, 1, (iterations, 38, 38, 2))
            for k in range(iterations):
                for i, row in enumerate(range(39, 1, -1)):
                    for j, column in enumerate(range(39, 1, -1)):
                        down, right = steps[k, i, j]
                        image[row, column] = image[row + down, column + right]
            expected.append(corruptions._gaussian(image[None], 0.25)[0])
        assert np.abs(ours - np.stack(expected)).max() < 1e-6


def test_plasma_covers_the_unit_interval_and_is_rougher_with_slower_decay():
    def maps(decay: float) -> np.ndarray:
        return corruptions.plasma([np.random.default_rng(i) for i in range(5)], 64, decay)

    smooth, rough = maps(3.0), maps(1.5)
    assert smooth.min((1, 2)) == pytest.approx(0)
    assert smooth.max((1, 2)) == pytest.approx(1)
    assert np.abs(np.diff(rough)).mean() > 1.5 * np.abs(np.diff(smooth)).mean()


def test_fog_keeps_the_brightest_value_and_lifts_black():
    picture = np.zeros((3, 64, 64, 3), np.uint8)
    picture[:, :, 32:] = 200
    fogged = corrupt(picture, "fog", 3, seed=0)
    assert fogged.max() <= 200
    assert fogged[:, :, :32].mean() > 20


def test_jpeg_and_pixelate_are_pillow():
    import io

    from PIL import Image

    image = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=58)
    assert (corrupt(image[None], "jpeg_compression", 3, seed=0)[0] == Image.open(file)).all()
    halves = corrupt(image[None].repeat(2, 1).repeat(2, 2), "pixelate", 5, seed=0, table="tiny")[0]
    assert (halves == image.repeat(2, 0).repeat(2, 1)).all()  # 64 px of 2 x 2 blocks, factor 0.5


def test_elastic_without_displacement_is_affine():
    """The published first severity moves three corners only: straight lines stay straight."""
    row, column = np.mgrid[:48, :48]
    ramp = np.repeat((2.0 * row + 1.5 * column)[None, ..., None], 3, -1) / 255
    draws = [np.random.default_rng(4)]
    moved = corruptions._elastic_transform(ramp.astype(np.float32), (0, 0, 0.08), draws)[0, ..., 0]
    middle = moved[16:32, 16:32]
    assert np.abs(np.diff(middle, 2, axis=0)).max() < 1e-4
    assert np.abs(np.diff(middle, 2, axis=1)).max() < 1e-4
    assert np.abs(middle - ramp[0, 16:32, 16:32, 0]).max() > 1e-3
