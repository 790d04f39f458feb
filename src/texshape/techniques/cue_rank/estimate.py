"""Sensitivity to one cue by the rank of its class, on images that show this cue alone.

A shape bias says which of two cues wins; it does not say how well either is seen. Kim et al. (2026,
REFINED-BIAS, arXiv 2603.10834) show each cue alone and score it by the mean over images of
1 / (rank of the true class among all outputs), the best rank where several outputs mean the class.
Chance is not 0: for one class among K outputs it is H(K) / K, with H the harmonic number (0.0075
for 1,000). A mean hides a rank that is either 1 or in the hundreds, so the share of first places
and the median rank stand beside it.

Outputs that are equal share their places: an image gets the mean of 1 / rank over all ways to break
the tie, so that a network which answers nothing scores chance and not the place of an index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from texshape.errors import InputError, nearest
from texshape.stats import bootstrap
from texshape.stats import exemplars as ex

if TYPE_CHECKING:
    from texshape.data.imageset import ImageSet
    from texshape.models.network import Network

ALL = "all"  # the row of all classes together


@dataclass(frozen=True)
class Ranks:
    """Places of the true class, image by image.

    Attributes
    ----------
    reciprocal : ndarray of shape (n,), float
        1 / rank, its mean over ties; 0 where the network's outputs are undefined.
    first : ndarray of shape (n,), float
        Probability of the first place; 0 where the outputs are undefined.
    rank : ndarray of shape (n,), float
        Best rank of the true class, its mean over ties; NaN where the outputs are undefined.
    chance, chance_first : ndarray of shape (n,), float
        What outputs in random order would give.
    """

    reciprocal: np.ndarray
    first: np.ndarray
    rank: np.ndarray
    chance: np.ndarray
    chance_first: np.ndarray


def chance(outputs: int, members: int = 1) -> float:
    """Mean of 1 / best rank of `members` outputs among `outputs` in random order.

    Examples
    --------
    >>> round(chance(1000), 4)
    0.0075
    """
    return float(_mean_reciprocal(0, outputs, members))


def _mean_reciprocal(above: int, tied: int, members: int) -> float:
    """Mean of 1 / (above + best place of `members` among `tied` in random order)."""
    places = np.arange(1, tied - members + 2)
    # P(best place = r) = C(tied - r, members - 1) / C(tied, members), by its recursion over r.
    share = np.empty(len(places))
    share[0] = members / tied
    for r in range(1, len(places)):
        share[r] = share[r - 1] * (tied - r - members + 1) / (tied - r)
    return float((share / (above + places)).sum())


def ranks(scores: np.ndarray, members: Sequence[Sequence[int]]) -> Ranks:
    """Rank of the true class of each image among all outputs.

    Parameters
    ----------
    scores : ndarray of shape (n, K)
        Logits or probabilities; higher is preferred. A row with an undefined score counts as no
        answer.
    members : sequence of n sequences of int
        The outputs that mean the class which the image shows.

    Returns
    -------
    Ranks

    Raises
    ------
    InputError
        If an image's class has no output, or an output does not exist.
    """
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 2 or len(members) != len(scores):
        raise InputError(
            f"ranks: scores of shape {scores.shape} for {len(members)} images; expected a row each"
        )
    n, outputs = scores.shape
    found = np.zeros((5, n))
    known: dict[tuple[int, int, int], float] = {}

    def mean(*key: int) -> float:
        if key not in known:
            known[key] = _mean_reciprocal(*key)
        return known[key]

    for row, (values, own) in enumerate(zip(scores, members, strict=True)):
        own = np.unique(np.asarray(own, dtype=int))
        if not len(own) or own[0] < 0 or own[-1] >= outputs:
            raise InputError(
                f"ranks: image {row} is of a class with the outputs {own.tolist()}; expected some of "
                f"0 to {outputs - 1}"
            )
        found[3:, row] = mean(0, outputs, len(own)), len(own) / outputs
        if not np.isfinite(values).all():
            found[:3, row] = 0, 0, np.nan
            continue
        best = values[own].max()
        above, tied = int((values > best).sum()), int((values == best).sum())
        mine = int((values[own] == best).sum())
        found[0, row] = mean(above, tied, mine)
        found[1, row] = mine / tied if not above else 0
        found[2, row] = above + (tied + 1) / (mine + 1)
    return Ranks(*found)


def of_cue(
    scores: np.ndarray,
    labels: pd.DataFrame,
    cue: str,
    members: Mapping[str, Sequence[int]],
    *,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Score of a cue over the images that show it, and of each of its classes.

    Parameters
    ----------
    scores : ndarray of shape (n, K)
        All outputs for each image.
    labels : DataFrame with n rows and `texshape.data.imageset.LABEL_COLUMNS`
    cue : str
        ``shape`` or ``texture``.
    members : mapping of str to sequence of int
        Output indices of each class.
    resamples, level, seed
        Of the bootstrap over exemplars within classes: images of one exemplar (a texture tiled more
        and less finely) are one draw.

    Returns
    -------
    list of dict
        Rows of the table ``cue_rank``, the classes together first.

    Raises
    ------
    InputError
        If the cue is unknown, no image shows it, or a class has no output.
    """
    if cue not in ex.CUES:
        raise InputError(f"cue '{cue}' is unknown{nearest(cue, ex.CUES)}")
    shown = (labels[cue].astype(str) != ex.ABSENT).to_numpy()
    if not shown.any():
        raise InputError(f"rank of the {cue}: no image shows a {cue}; expected at least one")
    labels, scores = labels[shown], np.asarray(scores)[shown]
    classes = labels[cue].astype(str).to_numpy()
    unknown = sorted(set(classes) - set(members))
    if unknown:
        raise InputError(
            f"rank of the {cue}: class '{unknown[0]}' has no output{nearest(unknown[0], members)}"
        )
    found = ranks(scores, [members[name] for name in classes])
    values = np.column_stack([found.reciprocal, found.first])
    how = {"resamples": resamples, "level": level, "seed": seed}
    rows = [_row(cue, ALL, found, values, labels, np.ones(len(labels), bool), scores.shape[1], how)]
    for name in sorted(set(classes)):
        rows.append(
            _row(cue, name, found, values, labels, classes == name, scores.shape[1], how)
        )  # fmt: skip
    return rows


def _row(
    cue: str, name: str, found: Ranks, values: np.ndarray, labels: pd.DataFrame,
    chosen: np.ndarray, outputs: int, how: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    exemplars = labels[f"{cue}_exemplar"].astype(str)[chosen].unique()
    limits = [(np.nan, np.nan)] * 2
    several = len(exemplars) > 1
    if how["resamples"] and several:
        drawn = ex.resampled_means(
            values[chosen], labels[chosen], resamples=how["resamples"], seed=how["seed"]
        )
        limits = [bootstrap.interval(column, how["level"]) for column in drawn.T]
    score, first = values[chosen].mean(0)
    places = found.rank[chosen]
    undefined = int(np.isnan(places).sum())
    reasons = ["a single exemplar: no interval"] if not several else []
    reasons += [f"{undefined} images without defined outputs count as 0"] if undefined else []
    return {
        "cue": cue,
        "class": name,
        "score": score,
        "ci_low": limits[0][0],
        "ci_high": limits[0][1],
        "chance": found.chance[chosen].mean(),
        "top1": first,
        "top1_low": limits[1][0],
        "top1_high": limits[1][1],
        "top1_chance": found.chance_first[chosen].mean(),
        "median_rank": np.nan if undefined == chosen.sum() else float(np.nanmedian(places)),
        "n_outputs": outputs,
        "n_exemplars": len(exemplars),
        "n_images": int(chosen.sum()),
        "reason": "; ".join(reasons),
    }


def measure(
    network: Network,
    images: Mapping[str, ImageSet],
    *,
    name: str = "",
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
    **speed: Any,
) -> list[dict[str, Any]]:
    """Rank of each cue, a network shown images of the cue alone.

    Parameters
    ----------
    network : Network
    images : mapping of str to ImageSet
        By cue: ``shape`` to images without texture, ``texture`` to images without shape.
    name : str
        Of the images, for the column ``set``.
    resamples, level, seed
        As in `of_cue`.
    **speed
        As `texshape.trials.evaluate.evaluate` takes them.

    Returns
    -------
    list of dict
        Rows of the table ``cue_rank``.

    Raises
    ------
    InputError
        If the images show a class that none of the network's outputs means.
    """
    from texshape.trials.evaluate import evaluate_with

    rows = []
    for cue, shown in images.items():
        if cue not in ex.CUES:
            raise InputError(f"cue '{cue}' is unknown{nearest(cue, ex.CUES)}")
        decide, members = outputs_for(network, set(shown.labels[cue].astype(str)) - {ex.ABSENT})
        (scores,) = evaluate_with(network, shown.images, [decide], **speed)
        found = of_cue(
            scores, shown.labels, cue, members, resamples=resamples, level=level, seed=seed
        )
        rows += [{"set": name, **row} for row in found]
    return rows


def outputs_for(network: Network, wanted: set[str]) -> tuple[Any, Mapping[str, Sequence[int]]]:
    """Which outputs mean each class, and how to get at all of them.

    Where each class is an output, the places are among the network's decision classes; where it is
    several outputs of ImageNet, among all 1,000: categories of a class map, or the classes of
    `texshape.techniques.cue_rank.refined`.

    Parameters
    ----------
    network : Network
    wanted : set of str
        Classes that the images show.

    Returns
    -------
    decide : callable
        Logits (B, outputs) to the scores (B, K) that are ranked.
    members : mapping of str to sequence of int
        The columns of the scores that mean each class.

    Raises
    ------
    InputError
        If a class has no output.
    """
    from texshape.models import imagenet
    from texshape.techniques.cue_rank import refined

    def unchanged(logits: Any) -> Any:
        return logits

    if network.categories is not None and wanted <= set(network.categories):
        return unchanged, network.categories
    classes = network.classes or ()
    if network.categories is None and network.decide is not None and wanted <= set(classes):
        return network.decide, {name: (place,) for place, name in enumerate(classes)}
    if wanted <= set(refined.WORDNET) and network.outputs == imagenet.OUTPUTS:
        return unchanged, refined.members()
    known = [*(network.categories or classes)]
    missing = sorted(wanted - set(known))
    raise InputError(
        f"{network.name}: none of its outputs means '{(missing or sorted(wanted))[0]}'"
        f"{nearest((missing or sorted(wanted))[0], known)}"
    )
