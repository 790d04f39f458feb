"""The spatial-frequency channel by which a network recognises: where it lies, and how wide it is.

Noise of a band hides what the network needs from that band. The less noise it takes, the more
sensitive the network is there: sensitivity = 1 / threshold, per unit of the noise's standard
deviation. The channel is a Gaussian over octaves,

    sensitivity(b) = peak exp(-(b - centre)^2 / (2 sigma^2)),

fitted by maximum likelihood to the same trials as the thresholds of each band: a band that no noise
shown can mask takes part by what it is, trials that stay right, with no number made up for it. The
bandwidth is the full width at half of the peak's sensitivity, 2 sqrt(2 ln 2) sigma octaves.

    Subramanian et al. 2023, arXiv 2309.13190, for the question and the design; the estimator there is
    `published`. Solomon and Pelli 1994, *Nature* 369, 395-397, for critical-band masking.

A bandwidth is undefined, with the reason, where the network is no better than chance without noise,
where no noise shown masks any band, where the peak's threshold lies far outside the noises, and where
sensitivity does not fall to half of its peak on both sides within the bands.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from texshape.errors import InputError
from texshape.stats.bootstrap import interval
from texshape.stats.proportions import wilson
from texshape.techniques.frequency_channel import psychometric, published, tables
from texshape.techniques.frequency_channel.bands import centre
from texshape.techniques.frequency_channel.psychometric import Counts, Fit

WIDTH = 2 * np.sqrt(2 * np.log(2))  # full width at half maximum of a Gaussian of deviation 1
GUESSES = "recognises no more than guessing without noise"
UNMASKED = "more than half is recognised in every band under the strongest noise shown"
TOO_SENSITIVE = "less than half is recognised at the peak under half of the weakest noise shown"
NOT_BELOW = "sensitivity does not fall to half of its peak at lower frequencies shown"
NOT_ABOVE = "sensitivity does not fall to half of its peak at higher frequencies shown"
NOT_REACHED = "more than half is recognised under the strongest noise shown"
BELOW = "less than half is recognised under the weakest noise shown"
_SPREAD = (0.15, 20.0)  # octaves; bounds of sigma


def fit_channel(counts: Counts, chance: float, first: Fit | None = None) -> Fit:
    """Fit the Gaussian channel to trials.

    Parameters
    ----------
    counts : Counts
        Of one set of trials, or of resamples where `first` is given.
    chance : float
    first : Fit, optional
        To begin from: the fit to all pictures.

    Returns
    -------
    Fit
        ``parameters[..., 2:]`` are log2 of the peak's sensitivity, the centre in bands and the
        natural log of sigma in bands.
    """
    octaves, bands = np.log2(counts.noises), counts.bands.astype(float)

    def tuning(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        peak, middle, spread = np.moveaxis(parameters[..., None, :], -1, 0)
        distance = (bands - middle) / np.exp(spread)
        fall = distance**2 / (2 * np.log(2))
        by_middle = -distance / np.exp(spread) / np.log(2)
        derivatives = np.stack([-np.ones_like(fall), by_middle, -2 * fall], -1)
        # Far from the peak a fall without end would make numbers infinite; none of it matters.
        return np.minimum(fall - peak, octaves[-1] + 30), derivatives

    room = psychometric.BEYOND
    low, high = psychometric.bounds(
        octaves,
        [-octaves[-1] - room, bands[0] - 3, np.log(_SPREAD[0])],
        [-octaves[0] + room, bands[-1] + 3, np.log(_SPREAD[1])],
    )
    if first is not None:
        return psychometric.fit(
            counts, chance, tuning=tuning, start=first.parameters, low=low, high=high
        )
    # The likelihood may have several maxima: from many places at once, the highest counts.
    begin = psychometric.start(counts, chance)
    starts = np.array(
        [
            [*begin, -octaves.mean(), middle, np.log(spread)]
            for middle in bands
            for spread in (0.8, 2.0)
        ]
    )
    found = psychometric.fit(
        counts.repeated(len(starts)), chance, tuning=tuning, start=starts, low=low, high=high
    )
    return found.row(int(found.deviance.argmin()))


def reasons(found: Fit, counts: Counts) -> np.ndarray:
    """Why each channel has no bandwidth; empty where it has one. Shape (...), str."""
    peak, middle, spread = np.moveaxis(found.parameters[..., 2:], -1, 0)
    half = WIDTH / 2 * np.exp(spread)
    octaves = np.log2(counts.noises)
    conditions = [
        (found.thresholds > octaves[-1]).all(-1),
        -peak < octaves[0] - 1,
        middle - half < counts.bands[0] - 0.5,
        middle + half > counts.bands[-1] + 0.5,
    ]
    return np.select(conditions, [UNMASKED, TOO_SENSITIVE, NOT_BELOW, NOT_ABOVE], "")


def measure(
    trials: pd.DataFrame,
    *,
    chance: float,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Thresholds of each band and the channel of one network.

    Parameters
    ----------
    trials : DataFrame
        A row a picture shown: ``picture``, ``band`` (int), ``noise`` (standard deviation, 0 for
        none), ``correct`` (0 or 1); ``stratum`` where pictures are resampled within classes or
        conditions.
    chance : float
        1 over the number of classes.
    resamples, level, seed
        Of the bootstrap over pictures.

    Returns
    -------
    tuple of DataFrame
        `tables.BANDS`, a row a band, and `tables.CHANNEL`, one row. Undefined
        values are NaN with the reason. A resampled threshold outside the noises counts as their
        end, a resampled channel that is wider than the bands shown as them, a centre outside as
        their end; ``defined_resamples`` is the share of resamples that have a bandwidth.
        ``published_bandwidth`` is given only where it means something.
        ``deviance`` is what the channel lacks of free thresholds, on ``degrees`` degrees of
        freedom if trials are independent.

    Raises
    ------
    InputError
        If `chance` is no share, or trials lack a column or a kind.
    """
    if not 0 < chance < 1:
        raise InputError(f"frequency channel: chance is {chance!r}; expected a share above 0")
    counts, drawn = psychometric.count(trials, resamples=resamples, seed=seed)
    nan = float("nan")
    unmasked = float(counts.right[0] / counts.shown[0])
    guesses = not wilson(unmasked, counts.shown[0], level)[0] > chance
    free, tuned = psychometric.fit_thresholds(counts, chance), fit_channel(counts, chance)
    shown, _ = counts.by_band
    octaves = np.log2(counts.noises)

    free_drawn = psychometric.fit_thresholds(drawn, chance, free).thresholds if drawn else None
    rows = []
    for i, band in enumerate(counts.bands):
        threshold = free.thresholds[i]
        reason = _band_reason(threshold, octaves, guesses)
        row = {
            "band": int(band),
            "frequency": float(centre(int(band))),
            "accuracy_unmasked": unmasked,
            "asymptote": nan if guesses else float(free.asymptote),
            "threshold": nan if reason else 2.0**threshold,
            "threshold_low": nan,
            "threshold_high": nan,
            "fitted_sensitivity": nan if guesses else 2.0 ** -float(tuned.thresholds[i]),
            "n": int(shown[i].sum()),
            "reason": reason,
        }
        if free_drawn is not None and not reason:
            low, high = interval(np.clip(free_drawn[:, i], octaves[0], octaves[-1]), level)
            row |= {"threshold_low": 2.0**low, "threshold_high": 2.0**high}
        row |= {
            "sensitivity": 1 / row["threshold"],
            "sensitivity_low": 1 / row["threshold_high"],
            "sensitivity_high": 1 / row["threshold_low"],
        }
        rows.append(row)

    reason = GUESSES if guesses else str(reasons(tuned, counts))
    peak, middle, spread = tuned.parameters[2:]
    by_name = published.from_counts(counts)
    row = {
        "asymptote": nan if guesses else float(tuned.asymptote),
        "slope": nan if guesses else float(tuned.slope),
        "deviance": nan if guesses else float(tuned.deviance - free.deviance),
        "degrees": len(counts.bands) - 3,
        "published_bandwidth": nan if by_name.reason else by_name.bandwidth,
        "published_centre": nan if by_name.reason else by_name.centre,
        "published_reason": by_name.reason,
        "accuracy_unmasked": unmasked,
        "chance": chance,
        "n": int(counts.shown.sum()),
        "n_bands": len(counts.bands),
        "n_noises": len(counts.noises),
        "reason": reason,
    }
    if not reason:
        row["bandwidth"] = WIDTH * np.exp(spread)
        row["centre"] = float(centre(middle))
        row["peak_sensitivity"] = 2.0**peak
        if drawn is not None:
            again = fit_channel(drawn, chance, tuned)
            row["defined_resamples"] = float((reasons(again, counts) == "").mean())
            ends = counts.bands[0] - 0.5, counts.bands[-1] + 0.5
            widths = np.minimum(WIDTH * np.exp(again.parameters[:, 4]), ends[1] - ends[0])
            row["bandwidth_low"], row["bandwidth_high"] = interval(widths, level)
            middles = np.clip(again.parameters[:, 3], *ends)
            row["centre_low"], row["centre_high"] = interval(centre(middles), level)
    return tables.BANDS.frame(rows), tables.CHANNEL.frame([row])


def _band_reason(threshold: float, octaves: np.ndarray, guesses: bool) -> str:
    if guesses:
        return GUESSES
    if threshold > octaves[-1]:
        return NOT_REACHED
    return BELOW if threshold < octaves[0] else ""
