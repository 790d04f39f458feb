"""Grey pictures of low contrast under noise of one octave of spatial frequency.

The bands are an octave wide and an octave apart, band b around 1.75 x 2^b cycles an image (Subramanian
et al. 2023, arXiv 2309.13190, section 3). Noise is white Gaussian noise of which an ideal filter in
Fourier space keeps one band, brought to the standard deviation that is asked for: bands differ in
nothing but their place. (The published stimuli take levels of a Laplacian pyramid, which overlap, and
bring them to the power of the first, some 0.9 of the value that they name.)

A picture shows only frequencies up to half its side in pixels. Bands whose centre lies above are not
made: of the seven, 64 px show five and 48 px four.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from texshape.data.imageset import ImageSet
from texshape.errors import InputError
from texshape.techniques.frequency_channel.settings import BANDS, CONTRAST, NOISES

LOWEST = 1.75  # cycles an image, centre of band 0
MEAN = 0.449  # grey level: mean of ImageNet's pixels
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def centre(band: float | np.ndarray) -> float | np.ndarray:
    """Centre frequency of a band in cycles an image; bands may be fractional."""
    return LOWEST * 2.0 ** np.asarray(band)


def shown_bands(side: int, bands: int = BANDS) -> tuple[int, ...]:
    """Bands whose centre a picture of this side (px) can show."""
    return tuple(band for band in range(bands) if centre(band) <= side / 2)


def band_noise(rng: np.random.Generator, side: int, band: int, deviation: float) -> np.ndarray:
    """Gaussian noise of one octave.

    Parameters
    ----------
    rng : Generator
    side : int
        In px.
    band : int
    deviation : float
        Standard deviation over the picture; exact.

    Returns
    -------
    ndarray of shape (side, side)
        With mean 0.

    Raises
    ------
    InputError
        If the picture is too small to show the band.
    """
    if band not in shown_bands(side, band + 1):
        raise InputError(
            f"frequency channel: {side} px show no frequencies around {centre(band):g} cycles an "
            f"image; expected at least {int(np.ceil(2 * centre(band)))} px for band {band}"
        )
    rows, columns = np.fft.fftfreq(side, 1 / side), np.fft.rfftfreq(side, 1 / side)
    radius = np.hypot(rows[:, None], columns[None])
    kept = (radius >= centre(band - 0.5)) & (radius < centre(band + 0.5))
    spectrum = np.fft.rfft2(rng.standard_normal((side, side))) * kept
    noise = np.fft.irfft2(spectrum, (side, side))
    return deviation * noise / noise.std()


def grey(images: np.ndarray, contrast: float = CONTRAST, mean: float = MEAN) -> np.ndarray:
    """Grey pictures of one mean and of lower contrast.

    Parameters
    ----------
    images : ndarray of shape (n, height, width, 3), uint8
    contrast : float
        Factor of each picture's deviations from its mean.
    mean : float
        Grey level that each picture gets.

    Returns
    -------
    ndarray of shape (n, height, width)
        0 is black and 1 white.
    """
    levels = np.asarray(images) @ np.array(LUMA) / 255
    return (levels - levels.mean((1, 2), keepdims=True)) * contrast + mean


@dataclass(frozen=True)
class Masked:
    """Pictures under noise, each with its condition.

    Attributes
    ----------
    images : ImageSet
        Condition ``noise-SD-band-B`` in the labels.
    trials : DataFrame
        A row an image: ``picture``, ``stratum`` (its class), ``band``, ``noise``.
    clipped : float
        Share of pixels that noise took below black or above white, where they were cut off.
    """

    images: ImageSet
    trials: pd.DataFrame
    clipped: float


def masked(
    images: ImageSet,
    *,
    seed: int,
    noises: Sequence[float] = NOISES,
    bands: int = BANDS,
    contrast: float = CONTRAST,
) -> Masked:
    """Show each picture once, under one noise of one band.

    Conditions are dealt out within each class in an order drawn at random, all equally often: no
    picture appears twice, so that pictures are independent, as in the published set.

    Parameters
    ----------
    images : ImageSet
        Labelled pictures; the label is ``shape``.
    seed : int
    noises : sequence of float
        Standard deviations; 0 among them.
    bands : int
        The most bands; those that the pictures are too small for are left out.
    contrast : float

    Raises
    ------
    InputError
        If no noise is 0, or none is larger.
    """
    if 0 not in noises or len(set(noises)) < 2:
        raise InputError(
            f"frequency channel: noises {', '.join(f'{value:g}' for value in noises)}; expected 0 "
            "and at least one more"
        )
    side = images.images.shape[1]
    conditions = [(noise, band) for noise in noises for band in shown_bands(side, bands)]
    rng = np.random.default_rng([seed, 13])
    labels = images.labels.reset_index(drop=True)
    dealt = np.empty(len(labels), int)
    for _, rows in labels.groupby("shape", sort=True).indices.items():
        order = np.concatenate(
            [rng.permutation(len(conditions)) for _ in range(-(-len(rows) // len(conditions)))]
        )
        dealt[rng.permutation(rows)] = order[: len(rows)]
    pixels = np.empty(np.asarray(images.images).shape, np.uint8)
    cut = 0
    for row, condition in enumerate(dealt):
        noise, band = conditions[condition]
        levels = grey(np.asarray(images.images[row])[None], contrast)[0]
        if noise:
            levels = levels + band_noise(rng, side, band, noise)
        cut += ((levels < 0) | (levels > 1)).sum()
        pixels[row] = np.rint(np.clip(levels, 0, 1) * 255).astype(np.uint8)[:, :, None]
    noise, band = (np.array(values) for values in zip(*conditions, strict=True))
    trials = pd.DataFrame(
        {
            "picture": labels["imagename"].astype(str),
            "stratum": labels["shape"].astype(str),
            "band": band[dealt],
            "noise": noise[dealt],
        }
    )
    names = [f"noise-{n:g}-band-{b}" for n, b in zip(trials["noise"], trials["band"], strict=True)]
    shown = ImageSet(pixels, labels.assign(condition=names), images.masks)
    return Masked(shown, trials, float(cut / pixels[..., 0].size))
