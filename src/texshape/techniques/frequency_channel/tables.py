"""Tables of the spatial-frequency channel."""

from __future__ import annotations

from texshape.tables import Column, Table, interval

_PICTURES = "over pictures"
_NOISE = "standard deviation, black 0, white 1"
_OCTAVES = "octaves"
_CYCLES = "cycles an image"

BANDS = Table(
    name="frequency_bands",
    about="one octave of noise",
    columns=(
        Column("band", "whole", "number of the octave; 0 is the lowest"),
        Column("frequency", "number", "its centre", _CYCLES),
        Column("accuracy_unmasked", "number", "accuracy without noise", "fraction"),
        Column("asymptote", "number", "the same as fitted, common to all bands", "fraction"),
        Column("threshold", "number", "noise that takes half of what lies above chance", _NOISE),
        *interval("threshold", "threshold", _NOISE, _PICTURES),
        Column("sensitivity", "number", "1 / threshold"),
        *interval("sensitivity", "sensitivity", "", _PICTURES),
        Column("fitted_sensitivity", "number", "sensitivity of the fitted channel in this band"),
        Column("n", "whole", "pictures shown under noise of this band"),
        Column("reason", "text", "why there is no threshold"),
    ),
    keys=("band",),
)  # fmt: skip

CHANNEL = Table(
    name="frequency_channel",
    about="one network",
    columns=(
        Column("set", "text", "the pictures: `plain`, or `critical-band`, the published photographs"),
        Column("bandwidth", "number", "full width of the channel at half of its peak", _OCTAVES),
        *interval("bandwidth", "bandwidth", _OCTAVES, "over pictures; its ends are at most the bands shown"),
        Column("centre", "number", "where the channel peaks", _CYCLES),
        *interval("centre", "centre", _CYCLES, _PICTURES),
        Column("peak_sensitivity", "number", "1 / threshold at the peak"),
        Column("asymptote", "number", "accuracy without noise, as fitted", "fraction"),
        Column("slope", "number", "steepness of the psychometric functions"),
        Column("deviance", "number", "twice the log likelihood it lacks of free thresholds"),
        Column("degrees", "whole", "degrees of freedom of the deviance"),
        Column("published_bandwidth", "number", "bandwidth by the published estimator", _OCTAVES),
        Column("published_centre", "number", "centre by the published estimator", _CYCLES),
        Column("published_reason", "text", "why the published estimator means nothing here"),
        Column("accuracy_unmasked", "number", "accuracy without noise", "fraction"),
        Column("chance", "number", "accuracy of guessing", "fraction"),
        Column("n", "whole", "pictures shown"),
        Column("n_bands", "whole", "bands shown"),
        Column("n_noises", "whole", "strengths of noise shown"),
        Column("defined_resamples", "number", "share of resamples that have a bandwidth", "fraction"),
        Column("reason", "text", "why there is no bandwidth"),
    ),
)  # fmt: skip
