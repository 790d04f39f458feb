"""Twelve silhouettes: closed outlines with a pose, and the exact share of each pixel they cover.

An outline is one closed polygon, or two for a shape with a hole, the hole running the other way
round. Posing it changes aspect, orientation, warp, size and place; `coverage` turns it into pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

CLASSES = (
    "disc",
    "triangle",
    "square",
    "star",
    "plus",
    "ring",
    "crescent",
    "heart",
    "gear",
    "arrow",
    "ell",
    "hourglass",
)

# Waves of the warp, in cycles per image side. Its slope, 2 pi x 1.5 x amplitude, stays below 1 up to the
# largest amplitude that the parameters allow (`texshape.config.data.WARP_LIMIT`), so that a warped outline
# cannot cross itself.
WARP_CYCLES = (0.8, 1.5)

_STEP = 0.06  # longest edge of an outline before it is posed; short edges bend smoothly


@dataclass(frozen=True)
class Pose:
    """How one exemplar of a silhouette is shaped and placed.

    Attributes
    ----------
    half_size : float
        Half of the longer side of the bounding box, in units of the image side.
    rotation : float
        Angle in radian, clockwise on the screen.
    log_aspect : float
        Natural logarithm of width over height, applied before the rotation.
    warp : tuple of two floats
        Amplitudes of the sinusoidal displacement along x and along y, in units of the image side.
    cycles, phases : tuple of two floats
        Waves per image side and phases (radian) of the displacement along x and along y.
    place : tuple of two floats
        Where the bounding box stands, from the left (top) edge, 0, to the right (bottom) edge, 1.
    """

    half_size: float
    rotation: float
    log_aspect: float
    warp: tuple[float, float]
    cycles: tuple[float, float]
    phases: tuple[float, float]
    place: tuple[float, float]


def draw_pose(
    rng: np.random.Generator,
    *,
    half_size: tuple[float, float],
    rotation: float,
    log_aspect: float,
    warp: float,
) -> Pose:
    """Draw a pose; the number of random draws does not depend on the ranges.

    Parameters
    ----------
    rng : Generator
    half_size : tuple of two floats
        Smallest and largest half-size.
    rotation, log_aspect : float
        Largest absolute value; drawn uniformly between minus and plus it.
    warp : float
        Largest amplitude of the warp.
    """
    draws = rng.random(11)
    low, high = half_size
    return Pose(
        half_size=low + (high - low) * draws[0],
        rotation=rotation * (2 * draws[1] - 1),
        log_aspect=log_aspect * (2 * draws[2] - 1),
        warp=tuple(warp * draws[9:11]),
        cycles=tuple(WARP_CYCLES[0] + (WARP_CYCLES[1] - WARP_CYCLES[0]) * draws[3:5]),
        phases=tuple(2 * np.pi * draws[5:7]),
        place=tuple(draws[7:9]),
    )


def outline(shape: str, pose: Pose, size: int) -> list[np.ndarray]:
    """Outline of a shape class in a pose.

    Parameters
    ----------
    shape : str
        One of `CLASSES`.
    pose : Pose
    size : int
        Image side in pixels.

    Returns
    -------
    list of ndarray of shape (vertices, 2)
        Closed polygons, (x, y) in pixels from the upper left corner of the image, inside the image.
    """
    loops = _unit_outline(shape)
    points = np.concatenate(loops)
    stretch = np.exp(pose.log_aspect / 2)
    points = points * [stretch, 1 / stretch]
    cosine, sine = np.cos(pose.rotation), np.sin(pose.rotation)
    points = _normalised(points @ np.array([[cosine, sine], [-sine, cosine]]))
    # Units are half-sizes here; waves and amplitude are given per image side.
    waves = 2 * np.pi * pose.half_size * np.array(pose.cycles)
    shift = np.sin(points[:, ::-1] * waves + pose.phases)
    points = _normalised(points + np.array(pose.warp) / pose.half_size * shift)
    points = points * pose.half_size * size
    extent = np.abs(points).max(axis=0)  # half of each side of the bounding box
    points = points + extent + np.array(pose.place) * (size - 2 * extent)
    return np.split(points, np.cumsum([len(loop) for loop in loops])[:-1])


def coverage(loops: list[np.ndarray], size: int, scanlines: int = 8) -> np.ndarray:
    """Share of each pixel that lies inside an outline.

    Along x the share is exact; along y it is the mean over `scanlines` lines a pixel. The sum of
    signed crossings is the winding number, so loops must not cross and holes run the other way.

    Parameters
    ----------
    loops : list of ndarray of shape (vertices, 2)
        As `outline` returns them.
    size : int
        Image side in pixels.
    scanlines : int
        Lines a pixel.

    Returns
    -------
    ndarray of shape (size, size), float32
        From 0 (outside) to 1 (inside).
    """
    start = np.concatenate(loops)
    end = np.concatenate([np.roll(loop, -1, axis=0) for loop in loops])
    x0, y0 = start[:, 0], start[:, 1] * scanlines
    x1, y1 = end[:, 0], end[:, 1] * scanlines
    rows = size * scanlines
    # A line runs through the middle of its row: an edge meets the rows in [first, last).
    first = np.clip(np.ceil(np.minimum(y0, y1) - 0.5), 0, rows).astype(int)
    last = np.clip(np.ceil(np.maximum(y0, y1) - 0.5), 0, rows).astype(int)
    count = last - first
    edge = np.repeat(np.arange(len(start)), count)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    x = x0[edge] + (row + 0.5 - y0[edge]) * (x1 - x0)[edge] / (y1 - y0)[edge]
    x = np.clip(x, 0, size)
    sign = np.where(y1 > y0, 1.0, -1.0)[edge]
    column = np.minimum(x.astype(int), size - 1)
    part = column + 1 - x  # of this pixel lies right of the crossing; pixels further right entirely
    cell = row * (size + 1) + column
    change = np.bincount(cell, sign * part, rows * (size + 1))
    change += np.bincount(cell + 1, sign * (1 - part), rows * (size + 1))
    winding = np.cumsum(change.reshape(rows, size + 1), axis=1)[:, :size]
    share = np.abs(winding.reshape(size, scanlines, size).mean(axis=1))
    return np.clip(share, 0, 1).astype(np.float32)


def _normalised(points: np.ndarray) -> np.ndarray:
    """Centre the bounding box on the origin and give its longer side the length 2."""
    low, high = points.min(axis=0), points.max(axis=0)
    return (points - (low + high) / 2) / ((high - low).max() / 2)


@lru_cache
def _unit_outline(shape: str) -> list[np.ndarray]:
    """Outline of a class before it is posed, y pointing down; short edges."""
    return [_subdivided(np.asarray(loop, dtype=float)) for loop in _OUTLINES[shape]()]


def _subdivided(loop: np.ndarray) -> np.ndarray:
    pieces = []
    for begin, end in zip(loop, np.roll(loop, -1, axis=0), strict=True):
        count = max(1, int(np.ceil(np.hypot(*(end - begin)) / _STEP)))
        pieces.append(begin + (end - begin) * (np.arange(count) / count)[:, None])
    return np.concatenate(pieces)


def _arc(
    radius: float, begin: float, end: float, centre: float = 0.0, count: int = 96
) -> np.ndarray:
    """Points on a circle around (centre, 0) between two angles."""
    angles = np.linspace(begin, end, count)
    return np.stack([centre + radius * np.cos(angles), radius * np.sin(angles)], axis=1)


def _circle(radius: float) -> np.ndarray:
    return _arc(radius, 0, 2 * np.pi)[:-1]


def _polar(radii: list[float], angles: list[float]) -> np.ndarray:
    return np.stack(
        [np.multiply(radii, np.sin(angles)), -np.multiply(radii, np.cos(angles))], axis=1
    )


def _star() -> list[np.ndarray]:
    return [_polar([1.0, 0.46] * 5, [np.pi * k / 5 for k in range(10)])]


def _gear() -> list[np.ndarray]:
    """Eight teeth, narrower at their tips."""
    tooth = 2 * np.pi / 8
    offsets = [-0.30, -0.19, 0.19, 0.30]
    angles = [tooth * (k + offset) for k in range(8) for offset in offsets]
    return [_polar([0.7, 1.0, 1.0, 0.7] * 8, angles)]


def _crescent() -> list[np.ndarray]:
    """A disc of radius 1 without a disc of radius 0.8 around (0.45, 0)."""
    x = (1 - 0.8**2 + 0.45**2) / (2 * 0.45)  # where the two circles meet
    outer, inner = np.arccos(x), np.arccos((x - 0.45) / 0.8)
    back = _arc(0.8, 2 * np.pi - inner, inner, centre=0.45)
    return [np.concatenate([_arc(1, outer, 2 * np.pi - outer), back[1:-1]])]


def _heart() -> list[np.ndarray]:
    t = np.linspace(0, 2 * np.pi, 128, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return [np.stack([x, -y], axis=1) / 16]


def _plus() -> list[np.ndarray]:
    a, b = 0.34, 1.0
    corners = [(a, b), (a, a), (b, a), (b, -a), (a, -a), (a, -b)]
    return [np.array(corners + [(-x, -y) for x, y in corners])]


def _hourglass() -> list[np.ndarray]:
    return [[(-0.85, -1), (0.85, -1), (0.13, 0), (0.85, 1), (-0.85, 1), (-0.13, 0)]]


def _arrow() -> list[np.ndarray]:
    return [
        [(0, -1), (0.8, -0.1), (0.32, -0.1), (0.32, 1), (-0.32, 1), (-0.32, -0.1), (-0.8, -0.1)]
    ]


def _ell() -> list[np.ndarray]:
    return [[(-0.8, -1), (-0.15, -1), (-0.15, 0.35), (0.8, 0.35), (0.8, 1), (-0.8, 1)]]


_OUTLINES = {
    "disc": lambda: [_circle(1)],
    "triangle": lambda: [_polar([1.0] * 3, [2 * np.pi * k / 3 for k in range(3)])],
    "square": lambda: [[(-1, -1), (1, -1), (1, 1), (-1, 1)]],
    "star": _star,
    "plus": _plus,
    "ring": lambda: [_circle(1), _circle(0.5)[::-1]],
    "crescent": _crescent,
    "heart": _heart,
    "gear": _gear,
    "arrow": _arrow,
    "ell": _ell,
    "hourglass": _hourglass,
}
