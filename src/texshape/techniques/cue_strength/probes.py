"""Networks on shuffled patches and along the cue-strength curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from texshape.data import probes
from texshape.errors import InputError
from texshape.stats.proportions import wilson
from texshape.techniques.corruptions.accuracy import balanced
from texshape.techniques.cue_strength import curve as cue_strength
from texshape.techniques.shuffling.tables import SHUFFLING
from texshape.trials.evaluate import decide

if TYPE_CHECKING:
    from texshape.data.imageset import ImageSet
    from texshape.models.network import Network


def shuffling(
    network: Network,
    images: ImageSet,
    *,
    name: str,
    ks: Sequence[int],
    seed: int,
    most: int | None = None,
    level: float = 0.95,
    speed: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Accuracy (shape label) on images cut into k x k patches that are put in a random order.

    Parameters
    ----------
    network : Network
    images : ImageSet
    name : str
        Of the set, for the table.
    ks : sequence of int
        Patches a side; 1 is the image as it is.
    seed : int
    most : int, optional
        The most images, classes in equal shares.
    speed : mapping, optional
        How images are pushed through, see `texshape.trials.evaluate.speed`.

    Returns
    -------
    DataFrame
        ``k, set, accuracy, ci_low, ci_high, n, chance``; the interval is Wilson's, images being
        independent.
    """
    labels = images.labels["shape"].to_numpy()
    rows = balanced(labels, most, seed=seed)
    shown, labels = np.asarray(images.images[rows]), labels[rows]
    table = []
    for k in ks:
        shuffled = probes.shuffle_patches(shown, k, seed=seed)
        right = int((decide(network, shuffled, **speed or {}) == labels).sum())
        low, high = wilson(right / len(rows), len(rows), level)
        table.append(
            {
                "k": k,
                "set": name,
                "accuracy": right / len(rows),
                "ci_low": float(low),
                "ci_high": float(high),
                "n": len(rows),
                "chance": 1 / len(network.require_classes()),
            }
        )
    return SHUFFLING.frame(table)


def faded(
    images: ImageSet, strengths: Sequence[float], silhouettes: ImageSet | None = None
) -> dict[float, ImageSet]:
    """Fade the texture cue of a cue-conflict set in steps.

    With masks the contrast inside the object is scaled (`probes.fade_texture`); without, each
    stimulus is mixed with the silhouette of its shape exemplar (`probes.mix`).

    Parameters
    ----------
    images : ImageSet
    strengths : sequence of float
        In [0, 1]; 1 is the set as it is.
    silhouettes : ImageSet, optional
        Needed for a set without masks; matched by shape exemplar.

    Returns
    -------
    dict of float to ImageSet
    """
    from texshape.data.imageset import ImageSet

    if images.masks is None and silhouettes is None:
        raise InputError("cue strength: a set without masks needs the silhouettes of its shapes")
    stimuli = np.asarray(images.images)
    plain = None
    if images.masks is None:
        index = {exemplar: i for i, exemplar in enumerate(silhouettes.labels["shape_exemplar"])}
        for exemplar in images.labels["shape_exemplar"]:
            if exemplar not in index:
                raise InputError(f"cue strength: no silhouette of shape exemplar '{exemplar}'")
        plain = silhouettes.images[[index[e] for e in images.labels["shape_exemplar"]]]
    result = {}
    for strength in strengths:
        if strength == 1:
            pixels = stimuli
        elif plain is None:
            pixels = probes.fade_texture(stimuli, images.masks, strength)
        else:
            pixels = probes.mix(np.asarray(plain), stimuli, strength)
        result[float(strength)] = ImageSet(pixels, images.labels, images.masks)
    return result


def thinned(images: ImageSet, most: int | None, *, seed: int) -> ImageSet:
    """At most so many conflict images, shape classes in equal shares; the same rows for every
    network."""
    return images.take(thinned_rows(images.labels, most, seed=seed))


def thinned_rows(labels: pd.DataFrame, most: int | None, *, seed: int) -> np.ndarray:
    """Rows of the images that `thinned` takes."""
    conflict = np.flatnonzero((labels["shape"] != labels["texture"]).to_numpy())
    return conflict[balanced(labels["shape"].to_numpy()[conflict], most, seed=seed)]


def strength_curve(
    network: Network,
    sets: Mapping[float, ImageSet],
    *,
    seed: int,
    resamples: int = 10_000,
    level: float = 0.95,
    speed: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """The cue-strength curve of a network; see `cue_strength.curve`.

    Parameters
    ----------
    network : Network
    sets : mapping of float to ImageSet
        Texture strength to the faded cue-conflict images.
    speed : mapping, optional
        How images are pushed through, see `texshape.trials.evaluate.speed`.
    """
    trials = pd.concat(
        [
            images.labels.assign(
                strength=strength, decision=decide(network, images.images, **speed or {})
            )
            for strength, images in sorted(sets.items())
        ]
    )
    return cue_strength.curve(trials, resamples=resamples, level=level, seed=seed)
