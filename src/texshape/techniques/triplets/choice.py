"""Choosing by likeness: is a picture more like one of its shape, or one of its texture?

A triplet is an anchor, a picture of the same shape with another texture, and one of the same texture
with another shape. The one whose features make the smaller angle with the anchor's is chosen. The share
of choices for shape says what a stage holds pictures alike by; it needs neither classes nor training,
and chance is one half (Tartaglini, Vong and Lake 2022, arXiv 2202.08340).

All triplets of a set count, each anchor alike. For one anchor the share is the probability that a
picture of its shape is more like it than a picture of its texture, which ranks give without going
through the pairs.

- **Match**: ``class``, another exemplar of the anchor's class stands for the cue; ``exemplar``, the very
  outline or pattern of the anchor does, as it lies, so that likeness of pixels helps.
- **Raw and centred**: in late stages features of all pictures share a large mean, which dominates the
  cosine. Both are given: features as they are, and with the mean over the set's pictures subtracted.

Intervals resample exemplars of shape and of texture within classes (`exemplars.exemplar_weights`). A triplet
depends on up to six exemplars, and the product of their weights would count the noise of single triplets
many times over; so the share is linearised in the weights, which keeps what each exemplar contributes in
all of its parts (Hajek's projection; van der Vaart 1998, *Asymptotic Statistics*, chapter 11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from texshape.errors import InputError
from texshape.stats import bootstrap
from texshape.stats import exemplars as ex
from texshape.techniques.triplets.settings import MATCHES
from texshape.techniques.triplets.tables import TRIPLETS

CHANCE = 0.5
SAME = "features do not differ between pictures"
UNDEFINED = "a feature is not finite"
NO_TRIPLETS = "no anchor has a picture of its shape and one of its texture"


@dataclass(frozen=True)
class Anchor:
    """One picture and those that it is compared with, by their rows.

    Attributes
    ----------
    row : int
    by_shape, by_texture : ndarray of int
        Pictures that share its shape, or its texture, and nothing else.
    """

    row: int
    by_shape: np.ndarray
    by_texture: np.ndarray


@dataclass(frozen=True)
class There:
    """Where the exemplars of a cue are among the triplets.

    Attributes
    ----------
    exemplars : ndarray of int
        One after the other, as their shares are added.
    places : ndarray of int
        Of each share among the shares by shape, then by texture, then by anchor.
    times : ndarray of shape (exemplars of the cue,)
        How often each exemplar is there; an anchor's pictures count as one.
    """

    exemplars: np.ndarray
    places: np.ndarray
    times: np.ndarray


@dataclass(frozen=True)
class Design:
    """All triplets of a set of conflict images.

    Attributes
    ----------
    match : str
    anchors : tuple of Anchor
    shape, texture : Cue
        Of the conflict images, in their order.
    chosen : ndarray of int
        Rows of the conflict images in the whole set.
    """

    match: str
    anchors: tuple[Anchor, ...]
    shape: ex.Cue
    texture: ex.Cue
    chosen: np.ndarray

    @cached_property
    def there(self) -> dict[str, There]:
        """Where the exemplars of each cue are among the triplets; of every stage the same."""
        return {cue: _there(self, cue) for cue in ex.CUES}

    @property
    def n_triplets(self) -> int:
        """Number of triplets of all anchors."""
        return sum(len(one.by_shape) * len(one.by_texture) for one in self.anchors)


def design(labels: pd.DataFrame, match: str = "class") -> Design:
    """List the triplets of a set.

    Parameters
    ----------
    labels : DataFrame with columns ``shape``, ``texture``, ``shape_exemplar``, ``texture_exemplar``
        Images whose cues agree, or that lack one, are left out.
    match : str
        ``class`` or ``exemplar``.

    Raises
    ------
    InputError
        If there is no such match, or no image in conflict.
    """
    if match not in MATCHES:
        raise InputError(f"triplets: match '{match}'; expected {' or '.join(MATCHES)}")
    chosen = np.flatnonzero(ex.conflicting(labels))
    if not len(chosen):
        raise InputError("triplets: no image whose shape and texture are in conflict")
    shown = labels.iloc[chosen]
    shape, texture = ex.cue(shown, "shape"), ex.cue(shown, "texture")
    anchors = []
    for row in range(len(chosen)):
        same_shape = shape.classes == shape.classes[row]
        same_texture = texture.classes == texture.classes[row]
        by_shape, by_texture = same_shape & ~same_texture, same_texture & ~same_shape
        own_shape = shape.exemplars == shape.exemplars[row]
        own_texture = texture.exemplars == texture.exemplars[row]
        by_shape &= own_shape if match == "exemplar" else ~own_shape
        by_texture &= own_texture if match == "exemplar" else ~own_texture
        if by_shape.any() and by_texture.any():
            anchors.append(Anchor(row, np.flatnonzero(by_shape), np.flatnonzero(by_texture)))
    return Design(match, tuple(anchors), shape, texture, chosen)


def _there(plan: Design, cue: str) -> There:
    """List a cue's exemplars in the pictures of each anchor, and the anchor's own once behind them."""
    exemplars = getattr(plan, cue).exemplars
    found, places, times = [], [], []
    sizes = [
        sum(len(getattr(one, by)) for one in plan.anchors) for by in ("by_shape", "by_texture")
    ]
    first = np.cumsum([0, *sizes])
    for number, one in enumerate(plan.anchors):
        for kind, rows in enumerate((one.by_shape, one.by_texture)):
            # Where a picture shares the anchor's exemplar, that one counts once, below.
            other = np.flatnonzero(exemplars[rows] != exemplars[one.row])
            found.append(exemplars[rows[other]])
            places.append(first[kind] + other)
            times.append(np.full(len(other), 1 / len(rows)))
            first[kind] += len(rows)
        found.append([exemplars[one.row]])
        places.append([first[2] + number])
        times.append([1.0])
    total = np.zeros(len(getattr(plan, cue).exemplar_names))
    at = np.concatenate(found).astype(int)
    np.add.at(total, at, np.concatenate(times))
    return There(at, np.concatenate(places).astype(int), total)


def cosines(features: np.ndarray, *, centred: bool) -> np.ndarray:
    """Cosine of the angle between each two pictures' features.

    Parameters
    ----------
    features : ndarray of shape (n, units)
    centred : bool
        Whether the mean over the pictures is subtracted first.

    Returns
    -------
    ndarray of shape (n, n)
        NaN in rows and columns of pictures whose features are zero.
    """
    values = np.asarray(features, dtype=np.float64).reshape(len(features), -1)
    if centred:
        values = values - values.mean(0)
    lengths = np.linalg.norm(values, axis=1)
    # Rounding leaves some of a mean that all pictures share; that is no direction.
    largest = np.abs(np.asarray(features, dtype=np.float64)).max(initial=0)
    lengths = np.where(lengths > 1e-7 * largest * np.sqrt(values.shape[1]), lengths, np.nan)
    unit = values / lengths[:, None]
    return unit @ unit.T


@dataclass(frozen=True)
class Choices:
    """Shares of choices for shape.

    Attributes
    ----------
    share : float
        Mean over anchors.
    by_shape, by_texture : ndarray of shape (exemplars,)
        What one exemplar of shape (texture), drawn once more, adds to the share.
    """

    share: float
    by_shape: np.ndarray
    by_texture: np.ndarray


def choose(likeness: np.ndarray, plan: Design) -> Choices:
    """Count the choices of all triplets; a tie is half a choice.

    Parameters
    ----------
    likeness : ndarray of shape (n, n)
        Of the conflict images; larger is more alike.
    plan : Design
    """
    wins, losses, means = [], [], []
    for one in plan.anchors:
        alike = likeness[one.row]
        shapes, textures = alike[one.by_shape], alike[one.by_texture]
        won = _above(shapes, textures)  # share of textures that each shape is above
        wins.append(won / len(shapes))
        losses.append((1 - _above(textures, shapes)) / len(textures))
        means.append(won.mean())
    n = len(plan.anchors)
    share = np.cumsum(means)[-1] / n  # one after the other; `sum` of Python 3.12 adds otherwise
    values = np.concatenate([*wins, *losses, means])
    parts = {}
    for cue, there in plan.there.items():
        chosen = np.zeros(len(there.times))
        np.add.at(chosen, there.exemplars, values[there.places])
        parts[cue] = (chosen - share * there.times) / n
    return Choices(float(share), parts["shape"], parts["texture"])


def _above(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each value, the share of the others that lie below it; ties count half."""
    ranked = others.copy()
    ranked.sort()
    below = ranked.searchsorted(values, "left") + ranked.searchsorted(values, "right")
    return below / (2 * len(others))


def measure(
    features: Iterable[tuple[str, np.ndarray]] | Mapping[str, np.ndarray],
    labels: pd.DataFrame,
    *,
    matches: Iterable[str] = MATCHES,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of choices for shape, by stage.

    Parameters
    ----------
    features : iterable of (str, ndarray of shape (n, ...)) or mapping
        A stage's name and its features of all images, one stage at a time.
    labels : DataFrame
        Of the n images.
    matches : iterable of str
    resamples, level, seed
        Of the bootstrap over exemplars.

    Returns
    -------
    DataFrame
        `tables.TRIPLETS`, a row a stage, match and centring; undefined shares are NaN with the
        reason.

    Raises
    ------
    InputError
        If features are not of n images, or no image is in conflict.
    """
    plans = [design(labels, match) for match in matches]
    drawn = [
        weights - 1
        for weights in ex.exemplar_weights(plans[0].shape, plans[0].texture, resamples, seed)
    ]
    rows = []
    for stage, values in features.items() if isinstance(features, Mapping) else features:
        if len(values) != len(labels):
            raise InputError(
                f"triplets: stage '{stage}' has features of {len(values)} images; expected "
                f"{len(labels)}, one a row of the labels"
            )
        shown = np.asarray(values[plans[0].chosen]).reshape(len(plans[0].chosen), -1)
        for centred in (False, True):
            likeness = cosines(shown, centred=centred) if np.isfinite(shown).all() else None
            for plan in plans:
                row = {
                    "stage": stage,
                    "match": plan.match,
                    "centred": centred,
                    "chance": CHANCE,
                    "n_units": shown.shape[1],
                    "n_anchors": len(plan.anchors),
                    "n_triplets": plan.n_triplets,
                    "reason": _reason(likeness, plan),
                }
                if not row["reason"]:
                    found = choose(likeness, plan)
                    moved = found.share + drawn[0] @ found.by_shape + drawn[1] @ found.by_texture
                    low, high = bootstrap.interval(np.clip(moved, 0, 1), level)
                    row |= {"shape_share": found.share, "ci_low": low, "ci_high": high}
                rows.append(row)
    return TRIPLETS.frame(rows)


def _reason(likeness: np.ndarray | None, plan: Design) -> str:
    if likeness is None:
        return UNDEFINED
    if not plan.anchors:
        return NO_TRIPLETS
    return SAME if np.isnan(likeness).any() else ""
