"""Silhouettes whose parts are kept and whose configuration is not.

A silhouette is cut in two and one part is mirrored along the cut. **Joined** again, the outline goes on
across the cut: its local shape is kept, mirrored at most, and the whole is another. **Apart**, the same
two parts are shifted against each other and do not touch, so that the outline is broken. People lose by
either; networks that go by local shape lose by the second only (Baker and Elder 2022, *iScience* 25,
104913, whose *frankenstein* and *fragmented* pictures these are).

Pixels are moved, never resampled: the mirrored part is an exact mirror image, and all conditions stand
on squares of one side at one scale, so that no condition alone is smaller after a network's resizing.

The cut lies in the middle third of the silhouette's height or width, where the mirrored part meets the
other as it did before; of these it is the one that changes the silhouette most. A silhouette that
mirroring leaves as it is (a disc) or that no cut divides cleanly shows nothing and is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from texshape.data.imageset import LABEL_COLUMNS, ImageSet
from texshape.errors import InputError

WHOLE, JOINED, APART = "whole", "joined", "apart"
CONDITIONS = (WHOLE, JOINED, APART)
SEAM = 0.15  # largest share of the cut's line on which the mirrored part meets nothing, or less than it did
CHANGED = 0.15  # least share of the pixels of both that differ between whole and joined
ROOM = 1.5  # side of the squares that conditions stand on, in units of the silhouette's
_INSIDE, _NOISE = 0.5, 0.15


@dataclass(frozen=True)
class Cut:
    """Where a silhouette is cut, and what mirroring does to it.

    Attributes
    ----------
    upright : bool
        Whether the cut runs from top to bottom, so that the left part is mirrored; else the upper part.
    place : int
        Rows (columns) of the mirrored part.
    axis : int
        Sum of the first and the last pixel of the cut's line: pixel x goes to axis - x.
    seam : float
        Share of the line of the cut that differs after mirroring.
    changed : float
        Share of the pixels of whole and joined that differ.
    """

    upright: bool
    place: int
    axis: int
    seam: float
    changed: float


def ink(image: np.ndarray) -> np.ndarray:
    """How much of the object each pixel of a black silhouette on white shows.

    Parameters
    ----------
    image : ndarray of shape (height, width, 3), uint8

    Returns
    -------
    ndarray of shape (height, width), uint8
        255 inside; what is nearly white is 0, since drawn silhouettes carry pixel noise.
    """
    drawn = 255 - np.asarray(image).min(-1)
    return np.where(drawn < 255 * _NOISE, 0, drawn).astype(np.uint8)


def find_cut(drawn: np.ndarray) -> tuple[Cut | None, str]:
    """Choose the cut of a silhouette.

    Parameters
    ----------
    drawn : ndarray of shape (side, side), uint8
        From `ink`.

    Returns
    -------
    tuple of Cut or None and str
        Without a cut, the reason.
    """
    cuts = [cut for upright in (False, True) for cut in _cuts(drawn, upright)]
    if not cuts:
        return None, "no cut across which the mirrored part goes on"
    if max(cut.changed for cut in cuts) < CHANGED:
        return None, "mirroring leaves it as it is"
    largest = ROOM * len(drawn) - 2 * margin(len(drawn))
    for cut in sorted(cuts, key=lambda cut: (-cut.changed, cut.seam, cut.place)):
        if cut.changed < CHANGED:
            break
        if max(max(part.shape) for part in conditions(drawn, cut).values()) <= largest:
            return cut, ""
    return None, f"its parts need more than {ROOM:g} times the side"


def _cuts(drawn: np.ndarray, upright: bool) -> list[Cut]:
    """All cuts of one direction across which the mirrored part goes on."""
    turned = drawn.T if upright else drawn
    inside = turned > 255 * _INSIDE
    lines = np.flatnonzero(inside.any(1))
    if len(lines) < 6:
        return []
    found = []
    first, length = lines[0], lines[-1] + 1 - lines[0]
    for place in range(first + length // 3, first + length - length // 3 + 1):
        beside = [np.flatnonzero(inside[line]) for line in (place - 1, place)]
        if not all(map(len, beside)):
            continue
        axis = round(float(np.mean([line[0] + line[-1] for line in beside])))
        # Two neighbouring lines of one outline differ a little before anything is mirrored.
        above, below = turned[place - 1], turned[place]
        seam = _differ(_mirror(above[None], axis)[0], below) - _differ(above, below)
        if seam > SEAM:
            continue
        joined = np.concatenate([_mirror(turned[:place], axis), turned[place:]])
        found.append(Cut(upright, place, axis, max(seam, 0.0), _differ(turned, joined)))
    return found


def _mirror(part: np.ndarray, axis: int) -> np.ndarray:
    """Pixel x goes to axis - x; what would leave the frame is lost (see `conditions`, which pads)."""
    width = part.shape[1]
    result = np.zeros_like(part)
    source = axis - np.arange(width)
    there = (source >= 0) & (source < width)
    result[:, there] = part[:, source[there]]
    return result


def _differ(first: np.ndarray, second: np.ndarray) -> float:
    first, second = first.astype(float), second.astype(float)
    whole = np.maximum(first, second).sum()
    return float(np.abs(first - second).sum() / whole) if whole else 0.0


def margin(side: int) -> int:
    """White pixels that stay around everything."""
    return max(1, side // 32)


def conditions(drawn: np.ndarray, cut: Cut) -> dict[str, np.ndarray]:
    """The three conditions, each cropped to what it shows.

    Apart, the mirrored part is shifted by half of the cut's length, and a gap is left between the parts.

    Parameters
    ----------
    drawn : ndarray of shape (side, side), uint8
    cut : Cut

    Returns
    -------
    dict of str to ndarray of shape (height, width), uint8
    """
    turned = drawn.T if cut.upright else drawn
    side = turned.shape[1]
    wide = np.pad(turned, ((0, 0), (side, 2 * side)))  # parts may stick out
    upper, lower = _mirror(wide[: cut.place], cut.axis + 2 * side), wide[cut.place :]
    joined = np.concatenate([upper, lower])
    run = np.flatnonzero(lower[0])
    shift, gap = (run[-1] + 1 - run[0]) // 2, max(2, side // 16)
    white = np.zeros((gap, wide.shape[1]), wide.dtype)
    apart = np.concatenate([np.roll(upper, shift, axis=1), white, lower])
    found = {WHOLE: wide, JOINED: joined, APART: apart}
    return {name: _cropped(part.T if cut.upright else part) for name, part in found.items()}


def _cropped(drawn: np.ndarray) -> np.ndarray:
    rows, columns = (np.flatnonzero(drawn.any(axis)) for axis in (1, 0))
    return drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def centred(drawn: np.ndarray, side: int) -> np.ndarray:
    """Put what is drawn in the middle of a white square; uint8 of shape (side, side, 3)."""
    canvas = np.zeros((side, side), np.uint8)
    top, left = (side - drawn.shape[0]) // 2, (side - drawn.shape[1]) // 2
    canvas[top : top + drawn.shape[0], left : left + drawn.shape[1]] = drawn
    return np.repeat(255 - canvas[..., None], 3, -1)


def make(silhouettes: ImageSet) -> tuple[ImageSet, pd.DataFrame]:
    """Make all conditions of a set of silhouettes.

    Parameters
    ----------
    silhouettes : ImageSet
        Black on white; the label is ``shape``.

    Returns
    -------
    ImageSet
        `CONDITIONS` of each silhouette that has a cut, on squares of `ROOM` times the side.
    DataFrame
        A row a silhouette: ``shape, shape_exemplar, upright, place, seam, changed, reason``; the
        reason says why one was left out.

    Raises
    ------
    InputError
        If no silhouette has a cut.
    """
    side = silhouettes.images.shape[1]
    rows, made = [], []
    for row, labels in enumerate(silhouettes.labels.to_dict("records")):
        drawn = ink(silhouettes.images[row])
        cut, reason = find_cut(drawn)
        rows.append(
            {
                "shape": labels["shape"],
                "shape_exemplar": labels["shape_exemplar"],
                "upright": cut.upright if cut else None,
                "place": cut.place if cut else None,
                "seam": cut.seam if cut else np.nan,
                "changed": cut.changed if cut else np.nan,
                "reason": reason,
            }
        )
        if cut:
            made.append((labels, conditions(drawn, cut)))
    if not made:
        raise InputError(
            f"configural shape: none of {len(rows)} silhouettes can be cut ({rows[0]['reason']})"
            if rows
            else "configural shape: no silhouettes"
        )
    side = int(ROOM * side)
    images, names = [], []
    for labels, parts in made:
        for condition, part in parts.items():
            images.append(centred(part, side))
            name = str(labels["imagename"])
            names.append({**labels, "imagename": f"{condition}-{name}", "condition": condition})
    frame = pd.DataFrame(names, columns=LABEL_COLUMNS)
    return ImageSet(np.stack(images), frame), pd.DataFrame(rows)
