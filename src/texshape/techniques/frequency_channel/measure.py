"""The technique `frequency_channel`: pictures under noise of one octave, made here or published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.data import critical_band
from texshape.decision_readout.settings import GREY
from texshape.techniques.base import imported
from texshape.techniques.inputs import DECISIONS, Ahead
from texshape.trials.imagenet16 import CATEGORIES
from texshape.trials.names import ABSENT

if TYPE_CHECKING:
    import pandas as pd

    from texshape.data.imageset import ImageSet
    from texshape.models.network import Network
    from texshape.techniques.inputs import Inputs, Outputs


def run(inputs: Inputs) -> Outputs:
    """Show each picture once, under one noise of one band, and fit the channel."""
    from texshape.techniques.frequency_channel import channel
    from texshape.trials.evaluate import decide, speed

    settings = inputs.settings
    shown, trials = _published(inputs) if settings.photographs else _masked(inputs)
    network = _deciding(inputs, shown.labels)
    decisions = decide(network, shown.images, **speed(inputs.evaluation))
    trials = trials.assign(correct=(decisions == shown.labels["shape"].to_numpy()).astype(int))
    by_band, found = channel.measure(
        trials, chance=1 / len(network.require_classes()), resamples=settings.resamples,
        level=settings.level, seed=inputs.seed,
    )  # fmt: skip
    name = critical_band.SOURCE if settings.photographs else "plain"
    return {"frequency_bands": by_band, "frequency_channel": found.assign(set=name)}


def _masked(inputs: Inputs) -> tuple[ImageSet, pd.DataFrame]:
    """Plain pictures, each under one noise of one band, and their conditions."""
    from texshape.techniques.corruptions.accuracy import balanced
    from texshape.techniques.frequency_channel import bands

    settings = inputs.settings
    plain = inputs.images("plain")
    rows = balanced(plain.labels["shape"].to_numpy(), settings.images, seed=inputs.seed)
    masked = bands.masked(
        plain.take(rows), seed=inputs.seed, noises=settings.noises, bands=settings.bands,
        contrast=settings.contrast,
    )  # fmt: skip
    return masked.images, masked.trials


def _published(inputs: Inputs) -> tuple[ImageSet, pd.DataFrame]:
    """The published photographs, which are under noise already."""
    from texshape.techniques.corruptions.accuracy import balanced

    images, trials = critical_band.stimuli(inputs.settings.cache)
    conditions = trials["band"].astype(str) + " " + trials["noise"].astype(str)
    rows = balanced(conditions.to_numpy(), inputs.settings.images, seed=inputs.seed)
    return images.take(rows), trials.iloc[rows].reset_index(drop=True)


def _deciding(inputs: Inputs, labels: pd.DataFrame) -> Network:
    """The network as it decides about pictures with such labels."""
    return imported(DECISIONS)(inputs.network(), labels, inputs.evaluation.aggregation)


def reason(inputs: Inputs) -> str:
    """Why it cannot be measured; empty where it can."""
    import pandas as pd

    from texshape.techniques.frequency_channel.bands import shown_bands
    from texshape.techniques.reasons import undecided, without_classes

    if inputs.settings.photographs:  # known without the download
        labels = pd.DataFrame({"shape": CATEGORIES, "texture": ABSENT})
        network = _deciding(inputs, labels)
        if network.fitted_on == GREY:
            return "its decisions are a read-out that was fitted on these very photographs"
        return undecided(network, labels)
    side = inputs.images("plain").images.shape[1]
    bands = len(shown_bands(side, inputs.settings.bands))
    if bands < 3:
        return f"pictures of {side} px show {bands} octaves; a channel needs three"
    return without_classes(inputs, "plain")


def ahead(inputs: Inputs) -> Ahead:
    """Each picture once: the published photographs, or plain pictures."""
    from texshape.techniques.corruptions.accuracy import balanced

    settings = inputs.settings
    if not settings.photographs:
        labels = inputs.images("plain").labels["shape"].to_numpy()
        return Ahead(shown=len(balanced(labels, settings.images, seed=inputs.seed)))
    files = critical_band.items(settings.cache)
    return Ahead(shown=min(len(files), settings.images or len(files)), downloads=tuple(files))
