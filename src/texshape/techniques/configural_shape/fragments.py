"""Outlines of which only pieces are drawn: short segments, or dots of the same ink in their places.

A segment says where the outline is and which way it runs; a dot says where. Who joins pieces into
outlines gains by the direction: integration bias = accuracy on segments minus accuracy on dots, by the
share of the outline that is drawn (Scialom et al. 2025, ICML, arXiv 2504.05253).

The outline is the line along which a pixel is half covered, divided into pieces of equal length. Which
of them are shown is drawn at random, and a larger share holds the pieces of a smaller one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from texshape.data.imageset import LABEL_COLUMNS, ImageSet
from texshape.errors import InputError
from texshape.techniques.configural_shape.mirrored import ink
from texshape.techniques.configural_shape.settings import SHARES

SEGMENTS, DOTS = "segments", "dots"
PIECE = 1 / 16  # length of a piece, in units of the image side
THICKNESS = 1 / 64  # of a segment


def name(kind: str, share: float) -> str:
    """Condition of a kind and a share: ``dots-25``, in percent."""
    return f"{kind}-{100 * share:g}"


def pieces(drawn: np.ndarray) -> np.ndarray:
    """Divide a silhouette's outline.

    Parameters
    ----------
    drawn : ndarray of shape (side, side), uint8
        From `mirrored.ink`.

    Returns
    -------
    ndarray of shape (pieces, 2, 2)
        Both ends of each piece, (row, column) in pixels, pixel centres at whole numbers.
    """
    from skimage.measure import find_contours

    side = drawn.shape[0]
    found = []
    for loop in find_contours(np.pad(drawn.astype(float) / 255, 1), 0.5):
        steps = np.hypot(*np.diff(loop, axis=0).T)
        along = np.concatenate([[0], np.cumsum(steps)])
        count = round(along[-1] / (PIECE * side))
        if count < 3:  # a speck
            continue
        places = np.linspace(0, along[-1], count + 1)
        points = np.stack([np.interp(places, along, values) for values in loop.T], -1) - 1
        found.append(np.stack([points[:-1], points[1:]], 1))
    return np.concatenate(found) if found else np.empty((0, 2, 2))


def draw(chosen: np.ndarray, kind: str, side: int) -> np.ndarray:
    """Draw pieces of an outline.

    Parameters
    ----------
    chosen : ndarray of shape (k, 2, 2)
        From `pieces`.
    kind : str
        `SEGMENTS`, or `DOTS` of the same area in the middle of each piece.
    side : int

    Returns
    -------
    ndarray of shape (side, side, 3), uint8
        Black on white, edges a pixel soft.
    """
    return _grown(chosen, [len(chosen)], kind, side)[0]


def _grown(ordered: np.ndarray, counts: Sequence[int], kind: str, side: int) -> list[np.ndarray]:
    """Draw the first pieces of an order, for each count; each piece is worked out once."""
    rows, columns = np.mgrid[:side, :side].astype(float)
    covered = np.zeros((side, side))
    thick = max(1.0, THICKNESS * side)
    drawn = {0: covered.copy()}
    for number, (begin, end) in enumerate(ordered[: max(counts, default=0)], 1):
        middle, length = (begin + end) / 2, float(np.hypot(*(end - begin)))
        y, x = rows - middle[0], columns - middle[1]
        if kind == SEGMENTS:
            dy, dx = (end - begin) / max(length, 1e-9)
            along, across = np.abs(y * dy + x * dx), np.abs(x * dy - y * dx)
            part = _inside(length / 2 - along) * _inside(thick / 2 - across)
        else:
            part = _inside(np.sqrt(length * thick / np.pi) - np.hypot(y, x))
        covered += part
        if number in counts:
            drawn[number] = covered.copy()
    return [_black_on_white(drawn[count]) for count in counts]


def _black_on_white(covered: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(255 * (1 - np.clip(covered, 0, 1))).astype(np.uint8)[..., None], 3, -1)


def _inside(depth: np.ndarray) -> np.ndarray:
    """Share of a pixel inside an edge that lies so many pixels beyond its centre."""
    return np.clip(depth + 0.5, 0, 1)


def make(silhouettes: ImageSet, *, seed: int, shares: Sequence[float] = SHARES) -> ImageSet:
    """Draw segments and dots of each share for each silhouette.

    Parameters
    ----------
    silhouettes : ImageSet
        Black on white.
    seed : int
    shares : sequence of float
        Of the pieces, above 0 and up to 1.

    Returns
    -------
    ImageSet
        Conditions named as `name` says.

    Raises
    ------
    InputError
        If a share is none, or a silhouette has no outline.
    """
    wrong = [share for share in shares if not 0 < share <= 1]
    if wrong:
        raise InputError(
            f"configural shape: share {wrong[0]!r}; expected more than 0 and at most 1"
        )
    side = silhouettes.images.shape[1]
    images, rows = [], []
    for row, labels in enumerate(silhouettes.labels.to_dict("records")):
        found = pieces(ink(silhouettes.images[row]))
        if not len(found):
            raise InputError(f"{labels['imagename']}: no outline; expected black on white")
        order = np.random.default_rng([seed, 12, row]).permutation(len(found))
        counts = [max(1, round(share * len(found))) for share in shares]
        drawn = {kind: _grown(found[order], counts, kind, side) for kind in (SEGMENTS, DOTS)}
        for place, share in enumerate(shares):
            for kind in (SEGMENTS, DOTS):
                images.append(drawn[kind][place])
                condition = name(kind, share)
                rows.append(
                    {
                        **labels,
                        "imagename": f"{condition}-{labels['imagename']}",
                        "condition": condition,
                    }
                )
    return ImageSet(np.stack(images), pd.DataFrame(rows, columns=LABEL_COLUMNS))
