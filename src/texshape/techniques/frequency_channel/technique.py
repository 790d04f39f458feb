"""Spatial-frequency channel: the declaration."""

from __future__ import annotations

from texshape.techniques.base import Figure, Measure, Section, Technique
from texshape.techniques.frequency_channel.tables import BANDS, CHANNEL

TECHNIQUE = Technique(
    name="frequency_channel",
    title="spatial-frequency channel",
    question="By which spatial frequencies does a network recognise, and how wide is their band?",
    paper="Subramanian and others 2023, arXiv 2309.13190",
    explanation="frequency-channel",
    heading="decides",
    run="texshape.techniques.frequency_channel.measure:run",
    applies="texshape.techniques.frequency_channel.measure:reason",
    ahead="texshape.techniques.frequency_channel.measure:ahead",
    settings="texshape.techniques.frequency_channel.settings:FrequencyChannelSettings",
    sections=("evaluation",),
    tables=(CHANNEL, BANDS),
    images=("plain",),
    brings="photographs",
    downloads={"photographs": ("critical-band",)},
    network=True,
    gpu=True,
    memory=2500,
    figures=(
        Figure(
            name="frequency_channel",
            tables=("frequency_bands", "frequency_channel"),
            draw="texshape.techniques.frequency_channel.figure:by_band",
            caption="Sensitivity to noise of each octave, 1 / the noise at which accuracy is half way "
            "between chance and what the network reaches without noise, and the fitted channel with its "
            "width at half of its peak. Lines are intervals over pictures.",
            alt="Sensitivity by spatial frequency, a panel a network.",
        ),
    ),
    measures=(
        Measure(
            name="channel_bandwidth",
            label="channel's bandwidth",
            unit="octaves",
            table="frequency_channel",
            value="bandwidth",
            interval=("bandwidth_low", "bandwidth_high"),
            n="n",
            # The paper reads a wide channel as a sign of texture.
            cue="texture",
        ),
    ),
    section=Section(
        title="Spatial-frequency channel",
        question="By which spatial frequencies does a network recognise, and how wide is their band?",
        method="Grey pictures of low contrast are shown under Gaussian noise of one octave in several "
        "strengths. Accuracy over noise has a psychometric function for each octave, with one asymptote "
        "for all; its threshold lies half way between chance and that. The channel is a Gaussian over "
        "octaves, fitted to the same trials; its bandwidth is the width at half of the peak's "
        "sensitivity.",
        limits="Small pictures show few octaves. Noise of one octave is far from what networks are "
        "trained on, and a wide channel can be a lack of robustness to noise.",
    ),
)
