"""Accuracy that is kept when one cue is suppressed in degrees.

What a network relies on it loses with the cue that is taken away: *kept* is the accuracy on
suppressed images over the accuracy on the same images intact (Burgert et al., NeurIPS 2025, arXiv
2509.20234, who find that networks rely on local shape, and texture bias an artefact of conflict).
Guessing keeps chance / intact accuracy, not 0, so that this floor stands beside it. Where intact
images are recognised no better than by guessing there is nothing to keep.

The control is a cue that is not there: texture taken from silhouettes, shape from texture patches.
What is lost then is lost to the manipulation and not to the cue.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from texshape.errors import InputError, nearest
from texshape.stats import bootstrap
from texshape.stats import exemplars as ex
from texshape.techniques.suppression.filters import SUPPRESSIONS, degrees, suppress

if TYPE_CHECKING:
    import pandas as pd

    from texshape.data.imageset import ImageSet
    from texshape.models.network import Network

INTACT = "none"  # the row of images as they are, degree 0


def truth(labels: pd.DataFrame) -> tuple[np.ndarray, str]:
    """The class that an image is of, and which cues show it.

    Parameters
    ----------
    labels : DataFrame with n rows and `texshape.data.imageset.LABEL_COLUMNS`

    Returns
    -------
    classes : ndarray of shape (n,) of str
    shows : str
        ``shape``, ``texture`` or ``both``.

    Raises
    ------
    InputError
        If the two cues of an image disagree, or some images lack a cue that others have.
    """
    shape, texture = (labels[name].astype(str).to_numpy(dtype=object) for name in ex.CUES)
    present = [(column != ex.ABSENT) for column in (shape, texture)]
    shown = [bool(each.all()) for each in present]
    if any(each.any() and not each.all() for each in present) or not any(shown):
        raise InputError(
            "suppression: some images show a cue that others lack; expected images that all show "
            "shape, or texture, or both"
        )
    if all(shown):
        if (shape != texture).any():
            raise InputError(
                f"suppression: image '{labels['imagename'].iloc[int((shape != texture).argmax())]}' "
                "is of two classes; expected images whose cues agree"
            )
        return shape, "both"
    return (shape, "shape") if shown[0] else (texture, "texture")


def kept(
    correct: np.ndarray,
    intact: np.ndarray,
    labels: pd.DataFrame,
    classes: int,
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Any]:
    """Accuracy under a suppression and the share of the intact accuracy that it is.

    Parameters
    ----------
    correct, intact : ndarray of shape (n,), bool
        Whether each image was recognised suppressed, and as it is.
    labels : DataFrame with n rows
        Exemplars, which are resampled within classes, the same for both, so that the quotient is
        paired.
    classes : int
        Classes that the network decides between: guessing has the accuracy 1 / classes.
    resamples, level, seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``accuracy, accuracy_low, accuracy_high, intact, kept, kept_low, kept_high, kept_by_chance,
        reason``.
    """
    chance = 1 / classes
    accuracy, whole = float(np.mean(correct)), float(np.mean(intact))
    row: dict[str, Any] = {
        "accuracy": accuracy, "accuracy_low": math.nan, "accuracy_high": math.nan, "intact": whole,
        "kept": math.nan, "kept_low": math.nan, "kept_high": math.nan,
        "kept_by_chance": math.nan, "reason": "",
    }  # fmt: skip
    low = whole
    limits = (math.nan, math.nan)
    if resamples:
        drawn = ex.resampled_means(
            np.column_stack([correct, intact]), labels, resamples=resamples, seed=seed
        )
        row["accuracy_low"], row["accuracy_high"] = bootstrap.interval(drawn[:, 0], level)
        low = bootstrap.interval(drawn[:, 1], level)[0]
        limits = bootstrap.interval(bootstrap.divide(drawn[:, 0], drawn[:, 1]), level)
    if not low > chance:
        row["reason"] = "intact images are recognised no better than by guessing"
        return row
    row["kept"] = accuracy / whole
    row["kept_low"], row["kept_high"] = limits
    row["kept_by_chance"] = chance / whole
    return row


def measure(
    network: Network,
    images: ImageSet,
    *,
    name: str = "",
    suppressions: Sequence[str] = tuple(SUPPRESSIONS),
    most: int | None = None,
    scale: bool = True,
    block: int = 200,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
    decide: Callable[..., np.ndarray] | None = None,
    **speed: Any,
) -> list[dict[str, Any]]:
    """Accuracy of a network on images with each cue suppressed in each degree.

    Parameters
    ----------
    network : Network
        With decision classes that hold all classes of the images.
    images : ImageSet
        Labelled images whose cues agree, or that show one cue.
    name : str
        Of the images, for the column ``set``.
    suppressions : sequence of str
        Keys of `texshape.techniques.suppression.filters.SUPPRESSIONS`.
    most : int, optional
        At most so many images, the classes in equal shares.
    scale : bool
        Whether kernels are scaled with the image's side.
    block : int
        Images that are treated at a time; the result does not depend on it.
    resamples, level, seed
        Of the bootstrap; the seed is also that of patches and channels.
    decide : callable, optional
        (network, pixels, **speed) to the classes decided for; `texshape.trials.evaluate.decide`
        by default.
    **speed
        As `texshape.trials.evaluate.evaluate` takes them.

    Returns
    -------
    list of dict
        Rows of the table ``suppression``, the intact images first.

    Raises
    ------
    InputError
        If a suppression is unknown, the network does not decide between the classes, or an image
        is of two.
    """
    if decide is None:
        from texshape.trials.evaluate import decide
    from texshape.techniques.corruptions.accuracy import balanced

    for kind in suppressions:
        if kind not in SUPPRESSIONS:
            raise InputError(f"suppression '{kind}' is unknown{nearest(kind, SUPPRESSIONS)}")
    right, shows = truth(images.labels)
    classes = network.require_classes()
    unknown = sorted(set(right) - set(classes))
    if unknown:
        raise InputError(f"{network.name}: class '{unknown[0]}' is none of its classes")
    chosen = balanced(right, most, seed=seed)
    right, labels = right[chosen], images.labels.iloc[chosen]

    def recognised(kind: str, number: int) -> np.ndarray:
        found = []
        for start in range(0, len(chosen), block):
            pixels = np.asarray(images.images[chosen[start : start + block]])
            if kind != INTACT:
                pixels = suppress(pixels, kind, number, seed=seed, first=start, scale=scale)
            found.append(decide(network, pixels, **speed) == right[start : start + block])
        return np.concatenate(found).astype(bool)

    how = {"resamples": resamples, "level": level, "seed": seed}
    intact = recognised(INTACT, 0)
    height, width = images.images.shape[1:3]
    cells = [(INTACT, 0, "", "as they are")] + [
        (kind, number, "+".join(SUPPRESSIONS[kind].cues),
         SUPPRESSIONS[kind].describe(SUPPRESSIONS[kind].degrees[number - 1]))
        for kind in suppressions
        for number in degrees(kind, height, width)
    ]  # fmt: skip
    rows = []
    for kind, number, cues, described in cells:
        correct = intact if kind == INTACT else recognised(kind, number)
        found = kept(correct, intact, labels, len(classes), **how)
        rows.append(
            {
                "set": name, "shows": shows, "suppression": kind, "suppresses": cues,
                "degree": number, "constants": described, **found, "n_images": len(labels),
            }
        )  # fmt: skip
    return rows
