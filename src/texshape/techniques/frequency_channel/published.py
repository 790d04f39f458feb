"""The published estimator of the channel, by name, to compare with published values.

For each band, the number of noises, counted from the strongest, up to the first under which more than
half of the pictures are recognised; a Gaussian over bands fitted to these numbers by least squares,
its height between 0 and 4; bandwidth 2 sqrt(ln 4) sigma octaves, centre 1.75 x 2^mu cycles an image
(Subramanian et al. 2023, arXiv 2309.13190; ``analysis/analysis.py`` of
github.com/ajaysub110/critical-band-masking at a2b3d34e).

**It breaks** where fewer than half of the pictures are recognised without noise: the number is then
the same whatever the band, and the Gaussian that fits a constant has any width. The fit is returned
as it comes, with the reason to mistrust it. The number is a log2 of sensitivity above a floor, the
strongest noise, so that its half height depends on the noises shown: these octaves are not those of
`channel`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from texshape.stats.bootstrap import divide
from texshape.techniques.frequency_channel.bands import centre
from texshape.techniques.frequency_channel.psychometric import Counts

CRITERION = 0.5
DEGENERATE = "recognises no more than half of the pictures without noise"
SAME = "every band has the same threshold"
WIDER = "the fitted channel is wider than the bands shown"


@dataclass(frozen=True)
class Published:
    """What the published estimator returns.

    Attributes
    ----------
    bandwidth : float
        In octaves.
    centre : float
        In cycles an image.
    height : float
        Of the Gaussian, in steps of noise.
    steps : ndarray of shape (bands,), int
        The number for each band.
    reason : str
        Why the bandwidth means nothing; empty where it may.
    """

    bandwidth: float
    centre: float
    height: float
    steps: np.ndarray
    reason: str


def estimate(accuracy: np.ndarray) -> Published:
    """Apply the published estimator.

    Parameters
    ----------
    accuracy : ndarray of shape (noises, bands)
        Noises increase, the first is none; bands in order, the first around 1.75 cycles an image.

    Returns
    -------
    Published
        NaN where the fit fails.
    """
    from scipy.optimize import OptimizeWarning, curve_fit

    levels, bands = accuracy.shape
    above = accuracy[::-1] > CRITERION
    steps = np.where(above.any(0), above.argmax(0), levels - 1)

    def gaussian(x: np.ndarray, height: float, mu: float, sigma: float) -> np.ndarray:
        return height * np.exp(-((x - mu) ** 2) / (2 * sigma**2))

    limits = ([0, -np.inf, -np.inf], [levels - 1, np.inf, np.inf])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            (height, mu, sigma), _ = curve_fit(
                gaussian, np.arange(bands), steps, p0=[1.0, 0.0, 1.0], bounds=limits
            )
    except (RuntimeError, ValueError) as error:
        nan = float("nan")
        return Published(nan, nan, nan, steps, f"the fit fails ({error})")
    width = float(2 * np.sqrt(np.log(4)) * abs(sigma))
    reason = WIDER if width > bands else ""
    if (steps == steps[0]).all():
        reason = SAME
    if accuracy[0].mean() <= CRITERION:
        reason = DEGENERATE
    with np.errstate(over="ignore"):
        return Published(width, float(centre(mu)), float(height), steps, reason)


def from_counts(counts: Counts) -> Published:
    """Apply it to counted trials; without noise all bands have one accuracy."""
    shown, right = counts.by_band
    masked = divide(right, shown).T
    unmasked = np.full((1, masked.shape[1]), counts.right[0] / counts.shown[0])
    return estimate(np.concatenate([unmasked, masked]))
