"""Common corruptions of images (Hendrycks and Dietterich 2019), in memory, seeded and without data.

Fifteen types in five severities, plus three of the paper's extra types and a variant. The constants are the
published ones, from the scripts that made the public data sets; which table is used follows the
image's side (`table_for`):

- ``cifar`` (CIFAR-10-C, 32 px): sides up to 48 px;
- ``tiny`` (Tiny-ImageNet-C, 64 px): up to 112 px;
- ``imagenet`` (ImageNet-C, 224 px): above.

Lengths in pixels (radii, sigmas) are used as published; elastic displacements, which the scripts
state as shares of the side, scale with it.

What differs from the published scripts, and why:

- ``frost_like`` is not the published frost, which blends photographs of ice. Crystals are drawn
  here by the program and blended with frost's published weights: same idea, another stimulus, hence
  another name.
- Glass blur replaces each pixel by one nearby. The published script means to swap the two, but
  assigns views of one array to each other, which copies; the published images are made that way,
  and so are these.
- Motion blur is written out (one-sided Gaussian along a line, nearest pixel, edges repeated)
  instead of calling ImageMagick.
- Defocus blur has a kernel that sums to one; the scripts' own, which brightens at severities 4 and
  5 at 224 px (`disk_kernel`), is the type ``defocus_blur_published``, to compare with published
  errors. It is named in `corruptions.types` where it is wanted.
- Results are rounded to uint8 where the scripts truncate, which darkens theirs by half a grey level
  on average.
- The paper's extra type spatter is left out.

Each image has its own generator, seeded by (seed, type, severity, index of the image): an image is
corrupted in the same way whatever batch it comes in.

References
----------
Hendrycks and Dietterich (2019), Benchmarking neural network robustness to common corruptions and
perturbations, arXiv 1903.12261, sections 3 and appendix B; scripts at
github.com/hendrycks/robustness.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator

from texshape.errors import InputError, nearest

SEVERITIES = (1, 2, 3, 4, 5)

# One row a type, five severities each; the order within tuples is the order of use below.
CONSTANTS: dict[str, dict[str, list]] = {
    "cifar": {
        "gaussian_noise": [0.04, 0.06, 0.08, 0.09, 0.10],
        "shot_noise": [500, 250, 100, 75, 50],
        "impulse_noise": [0.01, 0.02, 0.03, 0.05, 0.07],
        "defocus_blur": [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)],
        "glass_blur": [(0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)],
        "motion_blur": [(6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)],
        "zoom_blur": [(1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)],
        "snow": [
            (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
            (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
            (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
            (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
            (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
        ],
        "frost_like": [(1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)],
        "fog": [(0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)],
        "brightness": [0.05, 0.1, 0.15, 0.2, 0.3],
        "contrast": [0.75, 0.5, 0.4, 0.3, 0.15],
        "elastic_transform": [
            (0, 0, 0.08),
            (0.05, 0.2, 0.07),
            (0.08, 0.06, 0.06),
            (0.1, 0.04, 0.05),
            (0.1, 0.03, 0.03),
        ],
        "pixelate": [0.95, 0.9, 0.85, 0.75, 0.65],
        "jpeg_compression": [80, 65, 58, 50, 40],
        "speckle_noise": [0.06, 0.1, 0.12, 0.16, 0.2],
        "gaussian_blur": [0.4, 0.6, 0.7, 0.8, 1],
        "saturate": [(0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)],
    },
    "tiny": {
        "gaussian_noise": [0.04, 0.08, 0.12, 0.15, 0.18],
        "shot_noise": [250, 100, 50, 30, 15],
        "impulse_noise": [0.01, 0.02, 0.05, 0.08, 0.14],
        "defocus_blur": [(0.5, 0.6), (1, 0.1), (1.5, 0.1), (2.5, 0.01), (3, 0.1)],
        "glass_blur": [(0.1, 1, 1), (0.5, 1, 1), (0.6, 1, 2), (0.7, 2, 1), (0.9, 2, 2)],
        "motion_blur": [(10, 1), (10, 1.5), (10, 2), (10, 2.5), (12, 3)],
        "zoom_blur": [(1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)],
        "snow": [
            (0.1, 0.2, 1, 0.6, 8, 3, 0.8),
            (0.1, 0.2, 1, 0.5, 10, 4, 0.8),
            (0.15, 0.3, 1.75, 0.55, 10, 4, 0.7),
            (0.25, 0.3, 2.25, 0.6, 12, 6, 0.65),
            (0.3, 0.3, 1.25, 0.65, 14, 12, 0.6),
        ],
        "frost_like": [(1, 0.3), (0.9, 0.4), (0.8, 0.45), (0.75, 0.5), (0.7, 0.55)],
        "fog": [(0.4, 3), (0.7, 3), (1, 2.5), (1.5, 2), (2, 1.75)],
        "brightness": [0.1, 0.2, 0.3, 0.4, 0.5],
        "contrast": [0.4, 0.3, 0.2, 0.1, 0.05],
        "elastic_transform": [
            (0, 0, 0.08),
            (0.05, 0.3, 0.06),
            (0.1, 0.08, 0.06),
            (0.1, 0.03, 0.03),
            (0.16, 0.03, 0.02),
        ],
        "pixelate": [0.9, 0.8, 0.7, 0.6, 0.5],
        "jpeg_compression": [65, 58, 50, 40, 25],
        "speckle_noise": [0.15, 0.2, 0.25, 0.3, 0.35],
        "gaussian_blur": [0.5, 0.75, 1, 1.25, 1.5],
        "saturate": [(0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (30, 0.2)],
    },
    "imagenet": {
        "gaussian_noise": [0.08, 0.12, 0.18, 0.26, 0.38],
        "shot_noise": [60, 25, 12, 5, 3],
        "impulse_noise": [0.03, 0.06, 0.09, 0.17, 0.27],
        "defocus_blur": [(3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)],
        "glass_blur": [(0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)],
        "motion_blur": [(10, 3), (15, 5), (15, 8), (15, 12), (20, 15)],
        "zoom_blur": [(1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)],
        "snow": [
            (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
            (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
            (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
            (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
            (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
        ],
        "frost_like": [(1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)],
        "fog": [(1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)],
        "brightness": [0.1, 0.2, 0.3, 0.4, 0.5],
        "contrast": [0.4, 0.3, 0.2, 0.1, 0.05],
        # The script multiplies by 244 px at a side of 224 px.
        "elastic_transform": [
            tuple(share * 244 / 224 for share in shares)
            for shares in [
                (2, 0.7, 0.1),
                (2, 0.08, 0.2),
                (0.05, 0.01, 0.02),
                (0.07, 0.01, 0.02),
                (0.12, 0.01, 0.02),
            ]
        ],
        "pixelate": [0.6, 0.5, 0.4, 0.3, 0.25],
        "jpeg_compression": [25, 18, 15, 10, 7],
        "speckle_noise": [0.15, 0.2, 0.35, 0.45, 0.6],
        "gaussian_blur": [1, 2, 3, 4, 6],
        "saturate": [(0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)],
    },
}

for _constants in CONSTANTS.values():  # the same lens with the scripts' own kernel
    _constants["defocus_blur_published"] = _constants["defocus_blur"]

EXTRA = ("speckle_noise", "gaussian_blur", "saturate", "defocus_blur_published")
TYPES = tuple(name for name in CONSTANTS["cifar"] if name not in EXTRA)
NUMBER = {name: number for number, name in enumerate((*TYPES, *EXTRA))}  # part of an image's seed


def table_for(side: int) -> str:
    """Name of the table of constants for images of this side in pixels."""
    return "cifar" if side <= 48 else "tiny" if side <= 112 else "imagenet"


def corrupt(
    images: np.ndarray,
    name: str,
    severity: int,
    *,
    seed: int,
    first: int = 0,
    table: str | None = None,
) -> np.ndarray:
    """Corrupt a batch of images.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, 3), uint8
        Square or not, sides of 32 px or more.
    name : str
        One of `TYPES` or `EXTRA`.
    severity : int
        1 to 5.
    seed : int
    first : int
        Index of the batch's first image within its set, so that batches can be cut anywhere.
    table : str, optional
        Table of `CONSTANTS`; by default the one for the shorter side.

    Returns
    -------
    ndarray of shape (n, height, width, 3), uint8
    """
    if name not in NUMBER:
        raise InputError(f"unknown corruption '{name}'{nearest(name, NUMBER)}")
    if severity not in SEVERITIES:
        raise InputError(f"severity of corruption '{name}': expected 1 to 5, got {severity}")
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise InputError(
            f"corruptions expect uint8 images of shape (n, height, width, 3), "
            f"got {images.dtype} of shape {images.shape}"
        )
    side = min(images.shape[1:3])
    if side < 32:
        raise InputError(f"corruptions are defined for sides of 32 px or more, got {side} px")
    table = table or table_for(side)
    if table not in CONSTANTS:
        raise InputError(
            f"unknown table of corruption constants '{table}'{nearest(table, CONSTANTS)}"
        )
    if len(images) == 0:
        return images.copy()
    constants = CONSTANTS[table][name][severity - 1]
    draws = [
        np.random.default_rng([seed, NUMBER[name], severity, first + index])
        for index in range(len(images))
    ]
    if name in ("pixelate", "jpeg_compression"):
        return _FUNCTIONS[name](images, constants, draws)
    unit = images.astype(np.float32) / 255
    result = _FUNCTIONS[name](unit, constants, draws)
    return np.rint(np.clip(result, 0, 1) * 255).astype(np.uint8)


# --- noise ---------------------------------------------------------------------------------------


def _normal(draws: list[Generator], shape: Sequence[int]) -> np.ndarray:
    return np.stack([draw.standard_normal(shape, dtype=np.float32) for draw in draws])


def _uniform(draws: list[Generator], shape: Sequence[int], low: float, high: float) -> np.ndarray:
    drawn = np.stack([draw.random(shape, dtype=np.float32) for draw in draws])
    return low + (high - low) * drawn


def _gaussian_noise(x: np.ndarray, scale: float, draws: list[Generator]) -> np.ndarray:
    return x + scale * _normal(draws, x.shape[1:])


def _shot_noise(x: np.ndarray, photons: float, draws: list[Generator]) -> np.ndarray:
    counts = [draw.poisson(one * photons) for draw, one in zip(draws, x, strict=True)]
    return np.stack(counts).astype(np.float32) / np.float32(photons)


def _impulse_noise(x: np.ndarray, amount: float, draws: list[Generator]) -> np.ndarray:
    drawn = _uniform(draws, x.shape[1:], 0, 1)  # each channel by itself, as scikit-image's 's&p'
    return np.where(drawn < amount / 2, 0, np.where(drawn < amount, 1, x))


def _speckle_noise(x: np.ndarray, scale: float, draws: list[Generator]) -> np.ndarray:
    return x + x * scale * _normal(draws, x.shape[1:])


# --- blur ----------------------------------------------------------------------------------------


def _gaussian(x: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian filter over rows and columns of (n, height, width, ...), edges repeated."""
    from scipy.ndimage import gaussian_filter1d

    for axis in (1, 2):
        x = gaussian_filter1d(x, sigma, axis=axis, mode="nearest")
    return x


def _gaussian_blur(x: np.ndarray, sigma: float, draws: list[Generator]) -> np.ndarray:
    return _gaussian(x, sigma)


def disk_kernel(radius: float, alias_blur: float, *, published: bool = False) -> np.ndarray:
    """Disk of a defocused lens, smoothed by a Gaussian of 3 taps (5 above a radius of 8).

    It sums to one, as optics asks for: what is grey stays as grey. The scripts' own kernel
    (``published``) ends where the disk does from a radius of 8 on, and mirrors there what the
    smoothing takes from beyond: with the constants for 224 px it sums to 1.013 and 1.011 at
    severities 4 and 5 (grey 200 becomes 202.6) and to one at the others.
    """
    from scipy.ndimage import convolve1d

    reach = 1 if radius <= 8 else 2
    half = (8 if radius <= 8 else math.ceil(radius)) + (0 if published else reach)
    steps = np.arange(-half, half + 1)
    disk = (steps[:, None] ** 2 + steps[None] ** 2 <= radius**2).astype(np.float64)
    disk /= disk.sum()
    taps = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * alias_blur**2))
    taps /= taps.sum()
    for axis in (0, 1):
        disk = convolve1d(disk, taps, axis=axis, mode="mirror" if published else "constant")
    used = np.flatnonzero(disk.sum(0) > 1e-7)
    disk = disk[used[0] : used[-1] + 1, used[0] : used[-1] + 1]
    return disk if published else disk / disk.sum()


def _defocused(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    from scipy.signal import fftconvolve

    half = len(kernel) // 2
    padded = np.pad(x, [(0, 0), (half, half), (half, half), (0, 0)], mode="reflect")
    kernel = kernel.astype(np.float32)[None, :, :, None]
    return fftconvolve(padded, kernel, mode="valid", axes=(1, 2))


def _defocus_blur(x: np.ndarray, constants: tuple, draws: list[Generator]) -> np.ndarray:
    return _defocused(x, disk_kernel(*constants))


def _defocus_blur_published(x: np.ndarray, constants: tuple, draws: list[Generator]) -> np.ndarray:
    return _defocused(x, disk_kernel(*constants, published=True))


def _glass_blur(x: np.ndarray, constants: tuple, draws: list[Generator]) -> np.ndarray:
    sigma, reach, iterations = constants
    n, height, width = x.shape[:3]
    x = _gaussian(x, sigma)
    rows = range(height - reach, reach, -1)
    columns = range(width - reach, reach, -1)
    # Steps from -reach to reach - 1, as the published call draws them.
    steps = np.stack(
        [draw.integers(-reach, reach, (iterations, len(rows), len(columns), 2)) for draw in draws],
        axis=-1,
    )
    each = np.arange(n)
    for iteration in range(iterations):
        if reach == 1:  # steps go up and left only, to pixels not yet changed: all at once
            down, right = np.moveaxis(steps[iteration, ::-1, ::-1], (2, 3), (0, 1))
            down = down + np.arange(reach + 1, height)[:, None]
            right = right + np.arange(reach + 1, width)
            x[:, reach + 1 :, reach + 1 :] = x[each[:, None, None], down, right]
            continue
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                down, right = steps[iteration, i, j]
                x[:, row, column] = x[each, row + down, column + right]
    return _gaussian(x, sigma)


def _along_line(x: np.ndarray, radius: int, sigma: float, degrees: np.ndarray) -> np.ndarray:
    """Motion blur: mean along a line that starts at each pixel, weighted by half a Gaussian.

    ``x`` has shape (n, height, width, channels) and ``degrees`` shape (n,).
    """
    n, height, width = x.shape[:3]
    distance = np.arange(2 * radius + 1)
    weights = np.exp(-(distance**2) / (2 * sigma**2))
    weights /= weights.sum()
    angle = np.deg2rad(degrees)
    result = np.zeros_like(x)
    each = np.arange(n)[:, None, None]
    for step, weight in zip(distance, weights, strict=True):
        if weight < 1e-4:
            break
        down = np.rint(step * np.sin(angle)).astype(int)
        right = np.rint(step * np.cos(angle)).astype(int)
        rows = np.clip(np.arange(height) + down[:, None], 0, height - 1)
        columns = np.clip(np.arange(width) + right[:, None], 0, width - 1)
        result += np.float32(weight) * x[each, rows[:, :, None], columns[:, None, :]]
    return result


def _motion_blur(x: np.ndarray, constants: tuple, draws: list[Generator]) -> np.ndarray:
    radius, sigma = constants
    return _along_line(x, radius, sigma, _uniform(draws, (), -45, 45))


def _zoom(x: np.ndarray, factor: float) -> np.ndarray:
    """Magnify the middle of (n, height, width, channels) by a factor, bilinear, same size."""
    import torch
    from torch.nn import functional

    height, width = x.shape[1:3]
    crop = [math.ceil(side / factor) for side in (height, width)]
    top, left = (height - crop[0]) // 2, (width - crop[1]) // 2
    middle = torch.from_numpy(x[:, top : top + crop[0], left : left + crop[1]]).movedim(-1, 1)
    size = [max(round(c * factor), side) for c, side in zip(crop, (height, width), strict=True)]
    zoomed = functional.interpolate(middle, size=size, mode="bilinear", align_corners=True)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return zoomed[..., top : top + height, left : left + width].movedim(1, -1).numpy()


def _zoom_blur(x: np.ndarray, constants: tuple, draws: list[Generator]) -> np.ndarray:
    stop, step = constants
    factors = np.arange(1, stop, step)
    return (x + sum(_zoom(x, factor) for factor in factors)) / (len(factors) + 1)


# --- weather -------------------------------------------------------------------------------------


def _snow(x: np.ndarray, constants: tuple, draws: list[Generator]) -> np.ndarray:
    mean, deviation, zoom, threshold, radius, sigma, keep = constants
    flakes = mean + deviation * _normal(draws, (*x.shape[1:3], 1))
    flakes = _zoom(flakes, zoom)
    flakes = np.clip(np.where(flakes < threshold, 0, flakes), 0, 1)
    flakes = _along_line(flakes, radius, sigma, _uniform(draws, (), -135, -45))
    grey = x @ np.array([0.299, 0.587, 0.114], np.float32)
    whiter = np.maximum(x, grey[..., None] * 1.5 + 0.5)
    return keep * x + (1 - keep) * whiter + flakes + flakes[:, ::-1, ::-1]


def plasma(draws: list[Generator], side: int, decay: float) -> np.ndarray:
    """Height maps in [0, 1] by the diamond-square algorithm on a torus.

    Parameters
    ----------
    draws : list of n generators
    side : int
        A power of two.
    decay : float
        By how much the random offsets shrink from one scale to the next.

    Returns
    -------
    ndarray of shape (n, side, side), float32
    """
    field = np.zeros((len(draws), side, side))
    step, offset = side, 100.0

    def jitter(corners: np.ndarray) -> np.ndarray:
        # The published script multiplies the offset by a number as large as the offset.
        return corners / 4 + offset * _uniform(draws, corners.shape[1:], -offset, offset)

    while step >= 2:
        half = step // 2
        corners = field[:, ::step, ::step]
        rows = corners + np.roll(corners, -1, axis=1)
        field[:, half::step, half::step] = jitter(rows + np.roll(rows, -1, axis=2))
        centres = field[:, half::step, half::step]
        # Edge midpoints have two corners and two centres for neighbours.
        beside = centres + np.roll(centres, 1, axis=1) + corners + np.roll(corners, -1, axis=2)
        below = centres + np.roll(centres, 1, axis=2) + corners + np.roll(corners, -1, axis=1)
        field[:, ::step, half::step] = jitter(beside)
        field[:, half::step, ::step] = jitter(below)
        step, offset = half, offset / decay
    field -= field.min((1, 2), keepdims=True)
    return (field / field.max((1, 2), keepdims=True)).astype(np.float32)


def _plasma_like(x: np.ndarray, draws: list[Generator], decay: float) -> np.ndarray:
    height, width = x.shape[1:3]
    side = 1 << (max(height, width) - 1).bit_length()
    return plasma(draws, side, decay)[:, :height, :width]


def _fog(x: np.ndarray, constants: tuple, draws: list[Generator]) -> np.ndarray:
    amount, decay = constants
    brightest = x.max((1, 2, 3), keepdims=True)
    mist = _plasma_like(x, draws, decay)[..., None]
    return (x + amount * mist) * brightest / (brightest + amount)


def _frost_like(x: np.ndarray, constants: tuple, draws: list[Generator]) -> np.ndarray:
    """Ice drawn by the program: needles of random direction on an uneven bluish veil."""
    keep, amount = constants
    n, height, width = x.shape[:3]
    veil = _plasma_like(x, draws, 2.0)
    needles = np.zeros((n, height, width, 1), np.float32)
    for _ in range(4):
        seeds = (_uniform(draws, (height, width, 1), 0, 1) > 0.97).astype(np.float32)
        degrees = _uniform(draws, (), 0, 360)
        for turn in (0, 60, -60):  # ice branches at 60 degrees
            needles += _along_line(seeds, max(3, min(height, width) // 16), 6.0, degrees + turn)
    needles = np.clip(3 * needles, 0, 1)
    ice = np.clip(0.55 * veil[..., None] + 0.6 * needles * (0.4 + 0.6 * veil[..., None]), 0, 1)
    return keep * x + amount * ice * np.array([0.85, 0.95, 1.0], np.float32)


# --- colour and coding ---------------------------------------------------------------------------


def _brightness(x: np.ndarray, amount: float, draws: list[Generator]) -> np.ndarray:
    # Adding to V in HSV leaves hue and saturation: all channels grow by the factor V grows by.
    value = x.max(-1, keepdims=True)
    brighter = np.clip(value + amount, 0, 1)
    return np.where(value > 0, x * brighter / np.maximum(value, 1e-6), brighter)


def _contrast(x: np.ndarray, factor: float, draws: list[Generator]) -> np.ndarray:
    means = x.mean((1, 2), keepdims=True)
    return (x - means) * factor + means


def _saturate(x: np.ndarray, constants: tuple, draws: list[Generator]) -> np.ndarray:
    from skimage.color import hsv2rgb, rgb2hsv

    factor, offset = constants
    hsv = rgb2hsv(x)
    hsv[..., 1] = np.clip(hsv[..., 1] * factor + offset, 0, 1)
    return hsv2rgb(hsv)


def _elastic_transform(x: np.ndarray, constants: tuple, draws: list[Generator]) -> np.ndarray:
    import torch
    from scipy.ndimage import gaussian_filter1d
    from torch.nn import functional

    n, height, width = x.shape[:3]
    side = min(height, width)
    alpha, sigma, shift = (share * side for share in constants)
    row, column = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")

    # An affine map that moves three corners of the central square by up to `shift`.
    arm = side // 3
    centre = np.array([width // 2, height // 2])
    corners = centre + np.array([[arm, arm], [arm, -arm], [-arm, -arm]])  # (x, y)
    moved = corners + _uniform(draws, (3, 2), -shift, shift)
    # The output at `moved` shows the input at `corners`: fit the inverse map directly.
    matrix = np.linalg.solve(
        np.dstack([moved, np.ones((n, 3))]), np.broadcast_to(corners, moved.shape)
    )
    points = np.stack([column, row, np.ones_like(row)], -1).reshape(-1, 3)
    source = (points @ matrix).reshape(n, height, width, 2)  # (x, y) in the input

    def sample(batch: torch.Tensor, places: np.ndarray) -> torch.Tensor:
        scale = np.array([2 / (width - 1), 2 / (height - 1)])
        grid = torch.from_numpy((places * scale - 1).astype(np.float32))
        return functional.grid_sample(
            batch, grid, mode="bilinear", padding_mode="reflection", align_corners=True
        )

    batch = sample(torch.from_numpy(x).movedim(-1, 1), source)
    if alpha > 0:
        field = _uniform(draws, (height, width, 2), -1, 1)
        for axis in (1, 2):
            field = gaussian_filter1d(field, sigma, axis=axis, mode="reflect", truncate=3)
        batch = sample(batch, np.stack([column, row], -1) + alpha * field)
    return batch.movedim(1, -1).numpy()


def _pixelate(images: np.ndarray, factor: float, draws: list[Generator]) -> np.ndarray:
    from PIL import Image

    height, width = images.shape[1:3]
    small = (int(width * factor), int(height * factor))
    box = Image.Resampling.BOX
    return np.stack(
        [
            np.asarray(Image.fromarray(image).resize(small, box).resize((width, height), box))
            for image in images
        ]
    )


def _jpeg_compression(images: np.ndarray, quality: int, draws: list[Generator]) -> np.ndarray:
    from PIL import Image

    result = np.empty_like(images)
    for index, image in enumerate(images):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=quality)
        result[index] = np.asarray(Image.open(file))
    return result


_FUNCTIONS: dict[str, Callable] = {
    "gaussian_noise": _gaussian_noise,
    "shot_noise": _shot_noise,
    "impulse_noise": _impulse_noise,
    "defocus_blur": _defocus_blur,
    "glass_blur": _glass_blur,
    "motion_blur": _motion_blur,
    "zoom_blur": _zoom_blur,
    "snow": _snow,
    "frost_like": _frost_like,
    "fog": _fog,
    "brightness": _brightness,
    "contrast": _contrast,
    "elastic_transform": _elastic_transform,
    "pixelate": _pixelate,
    "jpeg_compression": _jpeg_compression,
    "speckle_noise": _speckle_noise,
    "gaussian_blur": _gaussian_blur,
    "saturate": _saturate,
    "defocus_blur_published": _defocus_blur_published,
}
