"""Twelve textures that name classes, and twelve styles of other families that stylize images.

Each is a scalar field in [0, 1] over the image, 0 for one colour and 1 for the other; it is drawn
on a finer grid and averaged down. Lengths are multiples of the pattern's period, which is in pixels
of the final image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft, ndimage

from texshape.data.outlines import CLASSES


@dataclass(frozen=True)
class Pattern:
    """One exemplar of a texture or style.

    Attributes
    ----------
    period : float
        In pixels of the final image.
    orientation : float
        Angle in radian, clockwise on the screen.
    phase : tuple of two floats
        Shift along both axes of the pattern, in periods.
    seed : int
        Seed of the random elements (cells, noise, strokes).
    """

    period: float
    orientation: float
    phase: tuple[float, float]
    seed: int


def draw_pattern(
    rng: np.random.Generator, *, period: tuple[float, float], orientation: float
) -> Pattern:
    """Draw a pattern; the number of random draws does not depend on the ranges."""
    draws = rng.random(4)
    return Pattern(
        period=period[0] + (period[1] - period[0]) * draws[0],
        orientation=orientation * (2 * draws[1] - 1),
        phase=tuple(8 * draws[2:4]),
        seed=int(rng.integers(2**32)),
    )


@dataclass(frozen=True)
class _Canvas:
    """Where a pattern is drawn.

    `u` and `v`, each of shape (n, n), are float32 coordinates in periods, shifted and turned;
    `unit` is the number of grid points a period.
    """

    u: np.ndarray
    v: np.ndarray
    unit: float
    phase: tuple[float, float]
    rng: np.random.Generator

    @property
    def n(self) -> int:
        return len(self.u)


def field(name: str, pattern: Pattern, size: int, supersampling: int = 2) -> np.ndarray:
    """Draw a class texture or a style.

    Parameters
    ----------
    name : str
        A class of `TEXTURES` or a family of `STYLES`.
    pattern : Pattern
    size : int
        Image side in pixels.
    supersampling : int
        Grid points a pixel along each axis.

    Returns
    -------
    ndarray of shape (size, size), float32
        From 0 to 1.
    """
    x, y = _coordinates(size, supersampling)
    cosine = np.float32(np.cos(pattern.orientation) / pattern.period)
    sine = np.float32(np.sin(pattern.orientation) / pattern.period)
    canvas = _Canvas(
        u=x * cosine + y * sine + np.float32(pattern.phase[0]),
        v=y * cosine - x * sine + np.float32(pattern.phase[1]),
        unit=pattern.period * supersampling,
        phase=pattern.phase,
        rng=np.random.default_rng(pattern.seed),
    )
    draw = TEXTURES[name][1] if name in TEXTURES else STYLES[name]
    fine = np.asarray(draw(canvas), dtype=np.float32)
    return fine.reshape(size, supersampling, size, supersampling).mean(axis=(1, 3))


@lru_cache
def _coordinates(size: int, supersampling: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates of the grid points, from the centre of the image; (1, n) and (n, 1)."""
    axis = (np.arange(size * supersampling, dtype=np.float32) + 0.5) / supersampling - size / 2
    axis = axis.astype(np.float32)
    return axis[None, :], axis[:, None]


# --- helpers -----------------------------------------------------------------------------


def _fraction(values: np.ndarray) -> np.ndarray:
    return values - np.floor(values)


def _wave(values: np.ndarray) -> np.ndarray:
    """A sine of period 1 between 0 and 1."""
    return 0.5 + 0.5 * np.sin(np.float32(2 * np.pi) * values)


def _stretched(values: np.ndarray) -> np.ndarray:
    """Bring the bulk of the values to [0, 1], so that every exemplar has full contrast."""
    low, high = np.quantile(values[::3, ::3], [0.03, 0.97])
    return np.clip((values - low) / max(high - low, 1e-6), 0, 1)


def _ranked(values: np.ndarray) -> np.ndarray:
    """Replace smooth values by their rank, from 0 to 1: each level gets the same area."""
    levels = np.quantile(values[::3, ::3], np.linspace(0, 1, 17))
    return np.interp(values, levels, np.linspace(0, 1, 17))


def _hexagonal(canvas: _Canvas, pitch: float) -> np.ndarray:
    """Distance, in units of the pitch, to the nearest point of a triangular lattice."""
    u, v = canvas.u / pitch, canvas.v / (pitch * np.float32(np.sqrt(3)))
    distances = []
    for shift in (0.0, 0.5):
        du = _fraction(u + shift) - 0.5
        dv = (_fraction(v + shift) - 0.5) * np.float32(np.sqrt(3))
        distances.append(du * du + dv * dv)
    return np.sqrt(np.minimum(*distances))


@lru_cache(maxsize=256)
def _spline_basis(n: int, cells: int) -> np.ndarray:
    """Cubic B-splines over `cells` intervals at n points; shape (n, cells + 3)."""
    position = (np.arange(n) + 0.5) / n * cells + 1.0
    distance = np.abs(position[:, None] - np.arange(cells + 3)[None, :])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.where(distance < 1, near, far).astype(np.float32)


def smooth_noise(rng: np.random.Generator, n: int, cells: int, channels: int = 1) -> np.ndarray:
    """Smooth random field of shape (channels, n, n), about unit variance, `cells` bumps a side."""
    basis = _spline_basis(n, cells)
    knots = rng.standard_normal((channels, cells + 3, cells + 3), dtype=np.float32)
    # Splines average neighbours: a coefficient of 2 brings the variance of the sum back to about 1.
    # einsum does not go through BLAS, whose sums may depend on the number of threads.
    rows = np.einsum("cij,bj->cib", knots, basis)
    return 2 * np.einsum("ai,cib->cab", basis, rows)


def _noise(canvas: _Canvas, scale: float) -> np.ndarray:
    """Smooth noise with bumps of `scale` periods; shape (n, n)."""
    cells = max(1, round(canvas.n / (scale * canvas.unit)))
    return smooth_noise(canvas.rng, canvas.n, cells)[0]


def _filtered(canvas: _Canvas, transfer: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """White noise with its spectrum shaped by a function of the frequency in cycles per period."""
    n = canvas.n
    white = canvas.rng.standard_normal((n, n), dtype=np.float32)
    frequency = np.hypot(fft.fftfreq(n)[:, None], fft.rfftfreq(n)[None, :]) * canvas.unit
    return fft.irfft2(fft.rfft2(white) * transfer(frequency).astype(np.float32), s=(n, n))


def _neighbourhood(canvas: _Canvas, centre: tuple[float, float], reach: float):
    """Slices of the grid around a centre, and the coordinates of their points relative to it."""
    n = canvas.n
    rows = slice(max(0, int(centre[1] - reach)), min(n, int(centre[1] + reach) + 2))
    columns = slice(max(0, int(centre[0] - reach)), min(n, int(centre[0] + reach) + 2))
    dx = (np.arange(columns.start, columns.stop, dtype=np.float32) - centre[0])[None, :]
    dy = (np.arange(rows.start, rows.stop, dtype=np.float32) - centre[1])[:, None]
    return (rows, columns), dx, dy


# --- textures of the classes -------------------------------------------------------------


def _stripes(c: _Canvas) -> np.ndarray:
    return _fraction(c.u) < 0.5


def _checker(c: _Canvas) -> np.ndarray:
    return (_fraction(c.u / 1.2) < 0.5) ^ (_fraction(c.v / 1.2) < 0.5)


def _dots(c: _Canvas) -> np.ndarray:
    return _hexagonal(c, 1.0) < 0.33


def _bricks(c: _Canvas) -> np.ndarray:
    row = c.v / 0.75
    along = c.u / 1.6 + 0.5 * (np.floor(row) % 2)
    return (_fraction(row) > 0.24) & (_fraction(along) > 0.11)


def _voronoi(c: _Canvas) -> np.ndarray:
    """Cells around jittered lattice points; the field is 0 on the seams between them."""
    u, v = c.u / 1.35, c.v / 1.35
    column, row = np.floor(u).astype(np.int32), np.floor(v).astype(np.int32)
    du, dv = u - column, v - row
    jitter = c.rng.uniform(0.1, 0.9, (2, 64, 64)).astype(np.float32)
    nearest = np.full(u.shape, np.inf, np.float32)
    second = nearest.copy()
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            at = ((row + i) & 63, (column + j) & 63)
            distance = (jitter[0][at] + j - du) ** 2 + (jitter[1][at] + i - dv) ** 2
            second = np.minimum(second, np.maximum(nearest, distance))
            nearest = np.minimum(nearest, distance)
    return np.sqrt(second) - np.sqrt(nearest) > 0.17


def _weave(c: _Canvas) -> np.ndarray:
    """Plain weave: strands in turn over and under each other, brightest where they are on top."""
    width = 0.3  # half the width of a strand, in units of the distance between strands
    u, v = c.u / 1.05, c.v / 1.05
    lengthwise = (np.floor(u) + np.floor(v)) % 2 == 0  # here the strand along u is on top
    du, dv = np.abs(_fraction(u) - 0.5), np.abs(_fraction(v) - 0.5)
    along, across = np.where(lengthwise, du, dv), np.where(lengthwise, dv, du)
    # Beside the top strand the crossing one comes up; it is on top one strand further on.
    distance = np.where(across < width, along, np.where(along < width, 1 - across, 1))
    reach = 1 - width
    return np.where(distance < reach, np.cos(np.float32(np.pi / 2.3) * distance / reach), 0)


def _scales(c: _Canvas) -> np.ndarray:
    """Rows of overlapping round scales, shaded towards their dark rims."""
    u, v = c.u / 1.5, c.v / 0.75
    row = np.floor(v)
    result = np.zeros(u.shape, np.float32)
    for above in (0, 1):  # the upper row is drawn last: its scales lie over those below
        centre = row - above
        du = _fraction(u + 0.5 * (centre % 2)) - 0.5
        distance = np.sqrt(du**2 + ((v - centre) / 2) ** 2) / 0.64
        shade = np.where(distance < 0.8, 1 - 0.5 * distance, 0)
        result = np.where(distance < 1, shade, result)
    return result


def _rings(c: _Canvas) -> np.ndarray:
    distance = _hexagonal(c, 1.3)
    return (distance > 0.2) & (distance < 0.42)


def _chevrons(c: _Canvas) -> np.ndarray:
    zigzag = np.abs(2 * _fraction(c.u / 1.7) - 1)
    return _fraction(c.v / 0.95 + 0.8 * zigzag) < 0.5


def _grid(c: _Canvas) -> np.ndarray:
    return (_fraction(c.u) < 0.24) | (_fraction(c.v) < 0.24)


def _labyrinth(c: _Canvas) -> np.ndarray:
    """The sign of noise in a narrow band of frequencies: winding lanes of one width."""
    return _filtered(c, lambda f: np.exp(-0.5 * ((f - 0.75) / 0.12) ** 2)) > 0


def _triangles(c: _Canvas) -> np.ndarray:
    """Rows of triangles, those that stand on a side against those on a tip."""
    row = c.v / (1.35 * np.float32(np.sqrt(0.75)))
    return _fraction(c.u / 1.35 - row / 2) + _fraction(row) < 1


# Class k names silhouette k and texture k; the pattern's own name says what is drawn.
TEXTURES: dict[str, tuple[str, Callable]] = dict(
    zip(
        CLASSES,
        [
            ("stripes", _stripes),
            ("checker", _checker),
            ("dots", _dots),
            ("bricks", _bricks),
            ("voronoi", _voronoi),
            ("weave", _weave),
            ("scales", _scales),
            ("rings", _rings),
            ("chevrons", _chevrons),
            ("grid", _grid),
            ("labyrinth", _labyrinth),
            ("triangles", _triangles),
        ],
        strict=True,
    )
)


# --- styles ------------------------------------------------------------------------------


def _marble(c: _Canvas) -> np.ndarray:
    bend = 0.5 * _noise(c, 2.0) + 0.2 * _noise(c, 0.9)
    return np.abs(2 * _fraction(c.u / 4 + bend) - 1) ** 0.7


def _wood(c: _Canvas) -> np.ndarray:
    """Growth rings, stretched along the grain, with a sharp late edge."""
    radius = np.hypot(c.u - c.phase[0] + 2, (c.v - c.phase[1]) / 6) * 0.9 + 0.35 * _noise(c, 3.0)
    return _fraction(radius) ** 1.5 * 0.85 + 0.15 * _wave(c.u * 1.7)


def _camouflage(c: _Canvas) -> np.ndarray:
    """Patches of three levels."""
    return np.floor(np.clip(_ranked(_noise(c, 1.2) + 0.4 * _noise(c, 0.6)), 0, 0.999) * 3) / 2


def _strokes(c: _Canvas) -> np.ndarray:
    """Short straight brush strokes about one direction."""
    image = np.full((c.n, c.n), c.rng.random(), np.float32)
    count = int(0.5 * (c.n / c.unit) ** 2) + 30
    direction = c.rng.random() * np.pi
    for _ in range(count):
        x, y, angle, length, width, level = c.rng.random(6)
        angle = direction + 1.2 * (angle - 0.5)
        length, width = (0.6 + 0.7 * length) * c.unit, (0.16 + 0.12 * width) * c.unit
        where, dx, dy = _neighbourhood(c, (x * c.n, y * c.n), length)
        along = np.cos(angle) * dx + np.sin(angle) * dy
        across = np.cos(angle) * dy - np.sin(angle) * dx
        image[where][(np.abs(along) < length) & (np.abs(across) < width)] = level
    return image


def _moire(c: _Canvas) -> np.ndarray:
    """Two sets of circles of slightly different period around neighbouring centres."""
    reach = 0.35 * c.n / c.unit
    first = reach * c.rng.uniform(-1, 1, 2)
    second = first + c.rng.uniform(-1.5, 1.5, 2)
    u, v = c.u - c.phase[0], c.v - c.phase[1]
    one = np.hypot(u - first[0], v - first[1])
    two = np.hypot(u - second[0], v - second[1])
    return _stretched((_wave(one / 1.1) + _wave(two / 1.3)) / 2)


def _spiral(c: _Canvas) -> np.ndarray:
    reach = 0.25 * c.n / c.unit
    centre = reach * c.rng.uniform(-1, 1, 2)
    u, v = c.u - c.phase[0] - centre[0], c.v - c.phase[1] - centre[1]
    arms = int(c.rng.integers(2, 5))
    return _wave(arms * np.arctan2(v, u) / (2 * np.pi) + np.hypot(u, v) / 2.2)


def _leaves(c: _Canvas) -> np.ndarray:
    """Dead leaves: discs that hide each other, radii by a power law."""
    image = np.full((c.n, c.n), c.rng.random(), np.float32)
    for _ in range(int(1.0 * (c.n / c.unit) ** 2) + 20):
        x, y, radius, level = c.rng.random(4)
        radius = c.unit * 0.3 / np.sqrt(1 - 0.94 * radius)  # density ~ r^-3 from 0.3 to 1.2 periods
        where, dx, dy = _neighbourhood(c, (x * c.n, y * c.n), radius)
        image[where][dx * dx + dy * dy < radius * radius] = level
    return image


def _saw(c: _Canvas) -> np.ndarray:
    """Ramps with a sharp end, in panels that are shifted against each other."""
    return _fraction(c.u / 2.2 + 0.37 * np.floor(c.v / 2.8))


def _rectangles(c: _Canvas) -> np.ndarray:
    """Rectangles along the image's axes that hide each other."""
    image = np.full((c.n, c.n), c.rng.random(), np.float32)
    for _ in range(int(1.0 * (c.n / c.unit) ** 2) + 20):
        x, y, width, height, level = c.rng.random(5)
        left, top = int(x * c.n * 1.2 - 0.2 * c.n), int(y * c.n * 1.2 - 0.2 * c.n)
        right = left + int((0.4 + 1.8 * width**2) * c.unit)
        bottom = top + int((0.4 + 1.8 * height**2) * c.unit)
        image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = level
    return image


def _cloud(c: _Canvas) -> np.ndarray:
    """Noise of amplitude 1/f."""
    return _stretched(_filtered(c, lambda f: 1 / np.maximum(f, 0.12) ** 1.1))


def _contours(c: _Canvas) -> np.ndarray:
    """Contour lines of a smooth landscape."""
    height = _noise(c, 3.0) + 0.15 * _noise(c, 1.0)
    slope_rows, slope_columns = np.gradient(height)
    slope = np.hypot(slope_rows, slope_columns) + 1e-3
    step = 0.4
    distance = np.abs(_fraction(height / step) - 0.5) * step / slope  # grid points from a line
    return np.clip(distance / (0.12 * c.unit) - 0.5, 0, 1)


def _speckle(c: _Canvas) -> np.ndarray:
    """Fine irregular grains of two levels."""
    white = c.rng.standard_normal((c.n, c.n), dtype=np.float32)
    blurred = ndimage.gaussian_filter(white, 0.13 * c.unit, mode="wrap", truncate=3)
    return blurred > np.quantile(blurred[::3, ::3], 0.62)


# None of these names is a class or the name of a class texture.
STYLES: dict[str, Callable] = {
    "marble": _marble,
    "wood": _wood,
    "camouflage": _camouflage,
    "strokes": _strokes,
    "moire": _moire,
    "spiral": _spiral,
    "leaves": _leaves,
    "saw": _saw,
    "rectangles": _rectangles,
    "cloud": _cloud,
    "contours": _contours,
    "speckle": _speckle,
}
