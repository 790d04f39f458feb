"""Manipulations that suppress one cue in degrees (Burgert et al., NeurIPS 2025, arXiv 2509.20234).

Shape goes when patches are shuffled or turned, texture when a filter smooths what lies between
edges, colour when pixels are blended towards grey or channels change places. Degrees and constants
are those of the paper's protocol (github.com/tomburgert/feature-reliance), which is for images of
224 px. A kernel of so many pixels is another share of a smaller image, so **lengths are scaled with
the side**: radii and standard deviations in px are multiplied by side / 224 (and a radius is at
least 1 px). Differences of grey levels are not. ``scale=False`` takes pixels as they are.

Where the conventions of a filter matter they are OpenCV's, which the paper calls: a bilateral
filter weighs the sum of the three channels' absolute differences within a disc; non-local means
averages squared differences over a template whose even size 14 becomes 15; borders are mirrored
without repeating the edge. Grids that do not cut the side evenly are left out.

All functions take and return uint8 images (n, height, width, 3) and know no path.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from texshape.data.probes import shuffle_patches
from texshape.errors import InputError, nearest

REFERENCE = 224  # px, the side that constants are for
GRIDS = (2, 4, 6, 8, 10, 12, 14, 16)
BILATERAL = ((4, 50), (6, 80), (8, 110), (10, 140), (12, 170), (14, 200))  # diameter, sigma colour
SIGMA_SPACE = 75.0
KERNELS = (3, 5, 7, 9, 11, 13, 15)
STRENGTHS = (5, 10, 15, 20, 25)  # h of non-local means
TEMPLATE, SEARCH = 14, 21
SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as OpenCV's grey


@dataclass(frozen=True)
class Suppression:
    """One way to suppress a cue, in degrees.

    Attributes
    ----------
    cues : tuple of str
        What it suppresses: ``shape``, ``texture``, ``colour``.
    degrees : tuple
        From the weakest to the strongest; the constants of each.
    describe : callable
        A degree's constants in words.
    apply : callable
        (images, degree, seed, first, scale) to images.
    grid : callable
        The grid of a degree, which must cut the side evenly; 1 where there is none.
    """

    cues: tuple[str, ...]
    degrees: tuple[Any, ...]
    describe: Callable[[Any], str]
    apply: Callable[[np.ndarray, Any, int, int, bool], np.ndarray]
    grid: Callable[[Any], int] = lambda degree: 1


def rotate_patches(images: np.ndarray, k: int, *, seed: int, first: int = 0) -> np.ndarray:
    """Cut each image into k x k patches and turn each by a random multiple of 90 degrees.

    Parameters
    ----------
    images : ndarray of shape (n, side, side, 3), uint8
    k : int
        Patches a side; must divide the side.
    seed : int
        Each image has turns of its own, from (seed, k, index); at least one patch is turned.
    first : int
        Index of the first image within its set.

    Raises
    ------
    InputError
        If k does not divide the side, a patch is one pixel or an image is not square.
    """
    n, height, width = images.shape[:3]
    if k < 1 or height != width or height % k or height == k:
        raise InputError(
            f"rotation: {k} x {k} patches do not cut {height} x {width} px into squares of 2 px or "
            "more"
        )
    side = height // k
    found = np.empty_like(images)
    for index in range(n):
        rng = np.random.default_rng([seed, k, first + index, 1])
        turns = rng.integers(0, 4, (k, k))
        while not turns.any():
            turns = rng.integers(0, 4, (k, k))
        for i in range(k):
            for j in range(k):
                rows, columns = (slice(a * side, (a + 1) * side) for a in (i, j))
                found[index, rows, columns] = np.rot90(images[index, rows, columns], turns[i, j])
    return found


def bilateral(
    images: np.ndarray, diameter: float, sigma_colour: float, *, sigma_space: float = SIGMA_SPACE,
    scale: bool = True,
) -> np.ndarray:  # fmt: skip
    """Mean over a disc, weighted by nearness in place and in colour (Tomasi and Manduchi 1998).

    Parameters
    ----------
    images : ndarray of shape (n, height, width, 3), uint8
    diameter : float
        Of the disc, px of an image of `REFERENCE` px.
    sigma_colour : float
        Of the sum of the channels' absolute differences, grey levels.
    sigma_space : float
        px of an image of `REFERENCE` px.
    scale : bool
        Whether lengths are scaled with the image's side.
    """
    radius, factor = _length(images, diameter / 2, scale)
    found = np.empty_like(images)
    offsets = [
        (dy, dx)
        for dy in range(-radius, radius + 1)
        for dx in range(-radius, radius + 1)
        if dy**2 + dx**2 <= radius**2
    ]
    # Differences are whole numbers, so what each weighs is looked up; an image by itself stays in the cache.
    apart = np.arange(3 * 255 + 1, dtype=np.float32)
    weight_of = {
        square: np.exp(
            -(apart**2) / (2 * sigma_colour**2) - square / (2 * (sigma_space * factor) ** 2)
        )
        for square in {dy**2 + dx**2 for dy, dx in offsets}
    }
    height, width = images.shape[1:3]
    for index, image in enumerate(images):
        padded = np.ascontiguousarray(_mirrored(image[None], radius)[0].transpose(2, 0, 1))
        levels = padded.astype(np.int16)
        centre = np.ascontiguousarray(image.transpose(2, 0, 1)).astype(np.int16)
        total = np.zeros(centre.shape, np.float32)
        weights = np.zeros((height, width), np.float32)
        for dy, dx in offsets:
            place = np.s_[radius + dy : radius + dy + height, radius + dx : radius + dx + width]
            difference = sum(
                np.abs(other[place] - own) for other, own in zip(levels, centre, strict=True)
            )
            weight = weight_of[dy**2 + dx**2].take(difference)
            for channel, other in zip(total, padded, strict=True):
                channel += weight * other[place]
            weights += weight
        found[index] = _rounded(total / weights).transpose(1, 2, 0)
    return found


def gaussian_blur(images: np.ndarray, kernel: int, *, scale: bool = True) -> np.ndarray:
    """Gaussian of sigma 0.33 (kernel - 1) / 2, cut off at (kernel - 1) / 2."""
    from scipy.ndimage import correlate1d

    radius, factor = _length(images, (kernel - 1) / 2, scale)
    sigma = 0.33 * (kernel - 1) / 2 * factor
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    weights /= weights.sum()
    blurred = images.astype(np.float32)
    for axis in (1, 2):
        blurred = correlate1d(blurred, weights, axis=axis, mode="mirror")
    return _rounded(blurred)


def non_local_means(
    images: np.ndarray, strength: float, *, template: int = TEMPLATE, search: int = SEARCH,
    scale: bool = True,
) -> np.ndarray:  # fmt: skip
    """Mean over pixels nearby, weighted by how alike their surroundings are (Buades et al. 2005).

    Parameters
    ----------
    images : ndarray of shape (n, height, width, 3), uint8
    strength : float
        h, grey levels: weights are exp(-mean squared difference / h^2), those below 0.001 are 0.
    template, search : int
        Sides of the surroundings that are compared and of the window that is searched, px of an
        image of `REFERENCE` px; an even side becomes the odd one above it.
    scale : bool
        Whether lengths are scaled with the image's side.
    """
    from scipy.ndimage import uniform_filter1d

    around, _ = _length(images, template // 2, scale)
    reach, _ = _length(images, search // 2, scale)
    height, width = images.shape[1:3]
    found = np.empty_like(images)
    for index, image in enumerate(images):
        padded = _mirrored(image[None], around + reach)[0]
        inner = padded[reach : reach + height + 2 * around, reach : reach + width + 2 * around]
        total = np.zeros(image.shape, np.float32)
        weights = np.zeros(image.shape[:2], np.float32)
        for dy in range(2 * reach + 1):
            for dx in range(2 * reach + 1):
                other = padded[dy : dy + inner.shape[0], dx : dx + inner.shape[1]]
                apart = ((other - inner) ** 2).mean(-1)
                for axis in (0, 1):
                    apart = uniform_filter1d(apart, 2 * around + 1, axis=axis)
                apart = apart[around : around + height, around : around + width]
                weight = np.exp(-np.maximum(apart, 0) / strength**2)
                weight[weight < 1e-3] = 0
                moved = other[around : around + height, around : around + width]
                total += weight[..., None] * moved
                weights += weight
        found[index] = _rounded(total / weights[..., None])
    return found


def blend_with_grey(images: np.ndarray, share: float) -> np.ndarray:
    """``(1 - share) * image + share * grey``; at 1 no colour is left."""
    if not 0 <= share <= 1:
        raise InputError(f"grey: share {share}; expected a number in [0, 1]")
    pixels = images.astype(np.float32)
    grey = (pixels @ LUMINANCE.astype(np.float32))[..., None]
    return _rounded((1 - share) * pixels + share * grey)


def permute_channels(images: np.ndarray, *, seed: int, first: int = 0) -> np.ndarray:
    """Give each image's channels another order, drawn from (seed, index)."""
    orders = [order for order in permutations(range(3)) if order != (0, 1, 2)]
    found = np.empty_like(images)
    for index, image in enumerate(images):
        rng = np.random.default_rng([seed, first + index, 2])
        found[index] = image[..., orders[rng.integers(len(orders))]]
    return found


SUPPRESSIONS: dict[str, Suppression] = {
    "patch-shuffle": Suppression(
        ("shape",), GRIDS, lambda k: f"{k} x {k} patches",
        lambda images, k, seed, first, scale: shuffle_patches(images, k, seed=seed, first=first),
        int,
    ),
    "patch-rotation": Suppression(
        ("shape",), GRIDS, lambda k: f"{k} x {k} patches",
        lambda images, k, seed, first, scale: rotate_patches(images, k, seed=seed, first=first),
        int,
    ),
    "bilateral": Suppression(
        ("texture",), BILATERAL, lambda d: f"diameter {d[0]}, sigma colour {d[1]}",
        lambda images, d, seed, first, scale: bilateral(images, *d, scale=scale),
    ),
    "gaussian-blur": Suppression(
        ("texture",), KERNELS, lambda k: f"kernel {k}",
        lambda images, k, seed, first, scale: gaussian_blur(images, k, scale=scale),
    ),
    "non-local-means": Suppression(
        ("texture",), STRENGTHS, lambda h: f"h {h}",
        lambda images, h, seed, first, scale: non_local_means(images, h, scale=scale),
    ),
    "grey": Suppression(
        ("colour",), SHARES, lambda share: f"share {share:g}",
        lambda images, share, seed, first, scale: blend_with_grey(images, share),
    ),
    "channels": Suppression(
        ("colour",), (1,), lambda degree: "another order",
        lambda images, degree, seed, first, scale: permute_channels(images, seed=seed, first=first),
    ),
    "patch-shuffle+grey": Suppression(
        ("shape", "colour"), GRIDS, lambda k: f"{k} x {k} patches, grey",
        lambda images, k, seed, first, scale: blend_with_grey(
            shuffle_patches(images, k, seed=seed, first=first), 1.0
        ),
        int,
    ),
    "bilateral+patch-shuffle": Suppression(
        ("shape", "texture"), tuple(zip(BILATERAL, GRIDS, strict=False)),
        lambda d: f"diameter {d[0][0]}, sigma colour {d[0][1]}, {d[1]} x {d[1]} patches",
        lambda images, d, seed, first, scale: shuffle_patches(
            bilateral(images, *d[0], scale=scale), d[1], seed=seed, first=first
        ),
        lambda d: d[1],
    ),
    "bilateral+grey": Suppression(
        ("texture", "colour"), BILATERAL, lambda d: f"diameter {d[0]}, sigma colour {d[1]}, grey",
        lambda images, d, seed, first, scale: blend_with_grey(
            bilateral(images, *d, scale=scale), 1.0
        ),
    ),
}  # fmt: skip


def degrees(name: str, height: int, width: int) -> list[int]:
    """Numbers of the degrees, from 1, that an image of this size allows.

    Raises
    ------
    InputError
        If there is no such suppression.
    """
    if name not in SUPPRESSIONS:
        raise InputError(f"suppression '{name}' is unknown{nearest(name, SUPPRESSIONS)}")
    kind = SUPPRESSIONS[name]
    turned = name == "patch-rotation"
    return [
        number
        for number, degree in enumerate(kind.degrees, 1)
        if height % kind.grid(degree) == width % kind.grid(degree) == 0
        and not (turned and (height != width or height == kind.grid(degree)))
    ]


def suppress(
    images: np.ndarray, name: str, number: int, *, seed: int = 0, first: int = 0,
    scale: bool = True,
) -> np.ndarray:  # fmt: skip
    """Suppress a cue in images.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, 3), uint8
    name : str
        A key of `SUPPRESSIONS`.
    number : int
        Of the degree, from 1.
    seed, first : int
        Of what is random; the index of the first image within its set, so that a set may be
        treated in parts.
    scale : bool
        Whether lengths are scaled with the image's side.

    Raises
    ------
    InputError
        If the suppression is unknown, or has no such degree at this size.
    """
    allowed = degrees(name, *images.shape[1:3])
    if number not in allowed:
        raise InputError(
            f"suppression '{name}': no degree {number} at {images.shape[1]} x {images.shape[2]} px; "
            f"expected one of {', '.join(map(str, allowed)) or 'none'}"
        )
    kind = SUPPRESSIONS[name]
    return kind.apply(images, kind.degrees[number - 1], seed, first, scale)


def scaled(radius: float, side: int, scale: bool = True) -> tuple[int, float]:
    """A radius in whole px of an image of so many px a side, and the factor of other lengths."""
    factor = side / REFERENCE if scale else 1.0
    return max(1, round(radius * factor)), factor


def _length(images: np.ndarray, radius: float, scale: bool) -> tuple[int, float]:
    """The same of images."""
    return scaled(radius, min(images.shape[1:3]), scale)


def _mirrored(images: np.ndarray, border: int) -> np.ndarray:
    """Borders mirrored without repeating the edge, float32."""
    widths = ((0, 0), (border, border), (border, border), (0, 0))
    return np.pad(images.astype(np.float32), widths, mode="reflect")


def _rounded(pixels: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
