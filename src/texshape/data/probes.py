"""Image probes: stimuli that take one cue away, or fade it.

All functions take and return uint8 images (n, height, width, 3) and know no path.
"""

from __future__ import annotations

import numpy as np

from texshape.errors import InputError


def divisors(side: int) -> list[int]:
    """Numbers of patches a side that cut a side of so many pixels evenly."""
    return [k for k in range(1, side + 1) if side % k == 0]


def draw_order(patches: int, rng: np.random.Generator) -> np.ndarray:
    """A random order of patches that moves at least one; ndarray of shape (patches,)."""
    order = rng.permutation(patches)
    while patches > 1 and (order == np.arange(patches)).all():
        order = rng.permutation(patches)
    return order


def shuffle_patches(images: np.ndarray, k: int, *, seed: int, first: int = 0) -> np.ndarray:
    """Cut each image into k x k patches and put them in a random order.

    What survives is what lies within a patch; accuracy against k says how local a network's cues
    are.

    Parameters
    ----------
    images : ndarray of shape (n, side, side, 3), uint8
    k : int
        Patches a side; must divide the side. 1 leaves the image as it is.
    seed : int
        Each image has an order of its own, from (seed, k, index).
    first : int
        Index of the first image within its set.

    Returns
    -------
    ndarray of shape (n, side, side, 3), uint8
        The same pixels in other places.

    Raises
    ------
    InputError
        If k does not divide the side.
    """
    height, width = images.shape[1:3]
    if k < 1 or height % k or width % k:
        fits = [str(d) for d in divisors(height) if width % d == 0]
        raise InputError(
            f"shuffling: {k} x {k} patches do not cut {height} x {width} px evenly; "
            f"expected one of {', '.join(fits)}"
        )
    shuffled = np.empty_like(images)
    tall, wide = height // k, width // k
    for index, image in enumerate(images):
        order = draw_order(k * k, np.random.default_rng([seed, k, first + index]))
        patches = image.reshape(k, tall, k, wide, 3).swapaxes(1, 2).reshape(k * k, tall, wide, 3)
        moved = patches[order].reshape(k, k, tall, wide, 3).swapaxes(1, 2)
        shuffled[index] = moved.reshape(height, width, 3)
    return shuffled


def edges(images: np.ndarray, masks: np.ndarray | None = None, *, sigma: float = 1.0) -> np.ndarray:
    """Black contours on white.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, 3), uint8
    masks : ndarray of shape (n, height, width), optional
        With masks: the object's outline, one pixel wide, inside the object. Without: all edges of
        the luminance by Canny's detector (scikit-image).
    sigma : float
        Width in px of the Gaussian before the detector.

    Returns
    -------
    ndarray of shape (n, height, width, 3), uint8
    """
    if masks is not None:
        from scipy.ndimage import binary_erosion

        inside = np.asarray(masks) > 0
        cross = np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], bool)
        contours = inside & ~binary_erosion(inside, cross)
    else:
        from skimage.color import rgb2gray
        from skimage.feature import canny

        contours = np.stack([canny(rgb2gray(image), sigma=sigma) for image in images])
    grey = np.where(contours, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)


def mix(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """``(1 - share) * one + share * other``, rounded.

    With ``one`` the filled silhouette of a stimulus's shape exemplar and ``other`` the stimulus
    this fades the texture cue of published stimuli, which cannot be drawn again: at 0 only the
    shape is left. It fades the ground's texture along with the object's.
    """
    if one.shape != other.shape:
        raise InputError(f"mixing: images of shapes {one.shape} and {other.shape}")
    if not 0 <= share <= 1:
        raise InputError(f"mixing: share {share}; expected a number in [0, 1]")
    mixed = (1 - share) * one.astype(np.float32) + share * other.astype(np.float32)
    return np.rint(mixed).astype(np.uint8)


def fade_texture(images: np.ndarray, masks: np.ndarray, strength: float) -> np.ndarray:
    """Scale the contrast inside the object around its mean colour; the ground stays.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, 3), uint8
    masks : ndarray of shape (n, height, width)
        Above 0 inside the object.
    strength : float
        1 leaves the texture as it is, 0 leaves a flat object.

    Returns
    -------
    ndarray of shape (n, height, width, 3), uint8
    """
    if not 0 <= strength <= 1:
        raise InputError(f"texture strength {strength}; expected a number in [0, 1]")
    inside = (np.asarray(masks) > 0)[..., None]
    pixels = images.astype(np.float32)
    count = inside.sum((1, 2), keepdims=True)
    mean = (pixels * inside).sum((1, 2), keepdims=True) / np.maximum(count, 1)
    faded = np.where(inside, mean + strength * (pixels - mean), pixels)
    return np.rint(faded).astype(np.uint8)
