"""The technique `frequency_channel`: plain pictures under noise of one octave."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from texshape.techniques.base import Inputs, Outputs


def run(inputs: Inputs) -> Outputs:
    """Show each picture once, under one noise of one band, and fit the channel."""

    from texshape.techniques.corruptions.accuracy import balanced
    from texshape.techniques.frequency_channel import bands, channel
    from texshape.trials.evaluate import decide, speed

    settings = inputs.settings
    shown = inputs.images("plain")
    rows = balanced(shown.labels["shape"].to_numpy(), settings.images, seed=inputs.seed)
    chosen = shown.take(rows)
    masked = bands.masked(
        chosen, seed=inputs.seed, noises=settings.noises, bands=settings.bands,
        contrast=settings.contrast,
    )  # fmt: skip
    network = inputs.deciding("plain")
    decisions = decide(network, masked.images.images, **speed(inputs.evaluation))
    trials = masked.trials.assign(
        correct=(decisions == chosen.labels["shape"].to_numpy()).astype(int)
    )
    by_band, found = channel.measure(
        trials, chance=1 / len(network.require_classes()), resamples=settings.resamples,
        level=settings.level, seed=inputs.seed,
    )  # fmt: skip
    return {"frequency_bands": by_band, "frequency_channel": found}


def reason(inputs: Inputs) -> str:
    """Why it cannot be measured; empty where it can."""
    from texshape.techniques.frequency_channel.bands import shown_bands
    from texshape.techniques.reasons import without_classes

    side = inputs.images("plain").images.shape[1]
    shown = len(shown_bands(side, inputs.settings.bands))
    if shown < 3:
        return f"pictures of {side} px show {shown} octaves; a channel needs three"
    return without_classes(inputs, "plain")
