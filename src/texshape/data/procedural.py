"""The procedural images: a textured silhouette on a smooth ground, where every cue is known.

Run it::

    texshape run render --settings "$(yq -o json .data params.yaml)" --seed 2019 --variant base \
        --set train-plain --set cue-conflict --output-dir results/procedural/data/base

Class k names one silhouette and one texture, so that in a plain image both cues agree. The sets:

- ``train|validation|test-plain``: shape class = texture class, each image with its own exemplars;
- ``train|validation|test-stylized``: the outlines of the plain set again, filled by the renderer
  with a style of another family, or by one colour (exact re-texturing, not style transfer);
- ``train|validation-unpaired``: the plain set with its silhouettes dealt anew among the pictures, so
  that the texture alone is a class that can be learned;
- ``cue-conflict``: every shape exemplar once with each texture class;
  ``cue-conflict-strength-A``: the same images with the contrast of the texture scaled by A;
- ``silhouettes``: black on white; ``textures``: a class texture all over the image.

Randomness: each outline, each pattern and each image's appearance (grey levels, tint, ground,
noise) has a stream of its own, seeded by numbers that name the split, the class and the exemplar,
and never by the variant, the worker or the order. So a variant draws the same images with other
ranges, and any number of processes writes the same bytes.
"""

from __future__ import annotations

import multiprocessing
import re
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np

from texshape.config.data import DataSettings, DrawnSettings
from texshape.data.imageset import LABEL_COLUMNS, ImageSet
from texshape.data.outlines import CLASSES, Pose, coverage, draw_pose, outline
from texshape.data.textures import (
    STYLES,
    TEXTURES,
    Pattern,
    draw_pattern,
    field,
    smooth_noise,
)
from texshape.errors import InputError, nearest

SETS = (
    "train-plain",
    "train-stylized",
    "validation-plain",
    "validation-stylized",
    "test-plain",
    "test-stylized",
    "silhouettes",
    "textures",
    "cue-conflict",
)
# For networks that are to name the texture: the plain sets, their silhouettes dealt anew.
UNPAIRED = ("train-unpaired", "validation-unpaired")
FLAT = "flat"
ABSENT = "na"

# Numbers in the seeds of the random streams; changing one changes every image of its kind.
_OUTLINE, _PATTERN, _APPEARANCE = 1, 2, 3
_SPLITS = {
    "train": 1,
    "validation": 2,
    "test": 3,
    "silhouettes": 4,
    "textures": 5,
    "cue-conflict": 6,
    "styles": 7,
}
_PAIRING = 4

_CHUNK = 60  # images a task of a worker
_CHROMA = 0.3  # colourfulness of a flat fill
_GROUND_CELLS = 3  # bumps of the ground a side


# --- settings ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """What is drawn: the checked section `data` of the parameters with one of its variants, in one row."""

    image_size: int
    supersampling: int
    half_size: tuple[float, float]
    rotation: float
    log_aspect: float
    warp: float
    period: tuple[float, float]
    orientation: float
    contrast: float
    tint: float
    noise: float
    ground: float
    flat_fill_share: float
    train: int
    validation: int
    test: int
    shape_exemplars: int
    texture_exemplars: int


def parse_settings(section: Mapping[str, Any], variant: str = "base") -> Settings:
    """Check the section `data` of the parameters and apply one of its variants.

    Parameters
    ----------
    section : mapping
        What the renderer reads of it (`texshape.config.data.DrawnSettings`).
    variant : str
        A key of `variants`; ``base`` needs no entry.

    Returns
    -------
    Settings

    Raises
    ------
    InputError
        If a key is missing or out of range, or the variant or one of its keys is unknown.
    """
    drawn = drawn_settings(section).variant(variant)
    values = {**dict(drawn), **dict(drawn.outline), **dict(drawn.texture), **dict(drawn.colour)}
    return Settings(**{part.name: values[part.name] for part in fields(Settings)})


def drawn_settings(section: Mapping[str, Any]) -> DrawnSettings:
    """What the renderer reads of the section `data`; its other keys are left out.

    Raises
    ------
    InputError
        If a key is missing, unknown or out of range.
    """
    if not isinstance(section, Mapping):
        return DrawnSettings.parse(section)
    others = DataSettings.model_fields.keys() - DrawnSettings.model_fields.keys()
    return DrawnSettings.parse({key: value for key, value in section.items() if key not in others})


# --- which picture shows what ------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """What one image shows, before any pixel is drawn.

    Attributes
    ----------
    shape, texture : str
        Class of the silhouette; class, style family or ``flat`` of the fill; ``na`` where absent.
    shape_exemplar, texture_exemplar : int
        Numbers within the class or family.
    outline_split, pattern_split : str
        Split whose streams the exemplars come from.
    appearance : tuple of two ints
        Stream of grey levels, tint, ground and noise.
    """

    shape: str
    shape_exemplar: int
    texture: str
    texture_exemplar: int
    outline_split: str
    pattern_split: str
    appearance: tuple[int, int]

    @property
    def imagename(self) -> str:
        """As the published stimuli are named: ``disc3-star2.png``."""
        return f"{self.shape}{self.shape_exemplar}-{self.texture}{self.texture_exemplar}.png"

    def labels(self, condition: str) -> tuple[str, ...]:
        """The row of `LABEL_COLUMNS`."""
        shape_exemplar = ABSENT if self.shape == ABSENT else f"{self.shape}{self.shape_exemplar}"
        texture_exemplar = (
            ABSENT if self.texture == ABSENT else f"{self.texture}{self.texture_exemplar}"
        )
        return (
            self.imagename,
            self.shape,
            self.texture,
            shape_exemplar,
            texture_exemplar,
            condition,
        )


def strength_set(strength: float) -> str:
    """Name of the cue-conflict set whose texture contrast is scaled by `strength`.

    Raises
    ------
    InputError
        If the strength is outside [0, 1].
    """
    if not 0 <= strength <= 1:
        raise InputError(f"texture strength: {strength:g}; expected a number from 0 to 1")
    return f"cue-conflict-strength-{strength:g}"


def split_strength(name: str) -> tuple[str, float]:
    """Take a set's name apart into the set and its texture strength, 1 if it names none.

    Raises
    ------
    InputError
        If there is no such set, or the strength is outside [0, 1].
    """
    match = re.fullmatch(r"cue-conflict-strength-(\d+(?:\.\d+)?)", name)
    if match:
        strength_set(float(match[1]))
        return "cue-conflict", float(match[1])
    if name not in (*SETS, *UNPAIRED):
        raise InputError(f"set: no set '{name}'{nearest(name, (*SETS, *UNPAIRED))}")
    return name, 1.0


@lru_cache(maxsize=16)
def pictures(settings: Settings, seed: int, name: str) -> tuple[Picture, ...]:
    """List what each image of a set shows.

    Parameters
    ----------
    settings : Settings
    seed : int
        Only the pairing of the cue-conflict set is drawn; all else is counted.
    name : str
        One of `SETS` or `UNPAIRED`.

    Returns
    -------
    tuple of Picture
    """
    if name in UNPAIRED:
        return tuple(_unpaired(pictures(settings, seed, name.replace("unpaired", "plain")), seed))
    stream = SETS.index(name)
    if name == "cue-conflict":
        return tuple(_conflict(settings, seed, stream))
    split, _, kind = name.partition("-")
    count = settings.test if name in ("silhouettes", "textures") else getattr(settings, split)
    result = []
    styles = dict.fromkeys((*STYLES, FLAT), 0)
    for index in range(count):
        shape = texture = CLASSES[index % len(CLASSES)]
        exemplar = texture_exemplar = index // len(CLASSES) + 1
        if kind == "stylized":
            texture = _style(index, settings.flat_fill_share)
            texture_exemplar = styles[texture] = styles[texture] + 1
        elif name == "silhouettes":
            texture, texture_exemplar = ABSENT, 0
        if name == "textures":
            picture = Picture(ABSENT, 0, texture, exemplar, split, split, (stream, index))
        else:
            picture = Picture(
                shape, exemplar, texture, texture_exemplar, split, split, (stream, index)
            )
        result.append(picture)
    return tuple(result)


def _unpaired(plain: tuple[Picture, ...], seed: int) -> Iterator[Picture]:
    """The plain pictures with their silhouettes dealt anew among each dozen of one per class.

    Every outline, pattern and appearance of the plain set occurs once, and the shape says nothing
    about the texture.
    """
    split = _SPLITS[plain[0].outline_split]
    rng = np.random.default_rng([seed, _PAIRING, split])
    for start in range(0, len(plain), len(CLASSES)):
        dozen = plain[start : start + len(CLASSES)]
        for picture, place in zip(dozen, rng.permutation(len(dozen)), strict=True):
            other = dozen[place]
            yield replace(picture, shape=other.shape, shape_exemplar=other.shape_exemplar)


def _style(index: int, flat_share: float) -> str:
    """Fill of a stylized image: each class meets all style families, and flat fills, alike."""
    klass, exemplar = index % len(CLASSES), index // len(CLASSES)
    before, after = int(exemplar * flat_share + 1e-9), int((exemplar + 1) * flat_share + 1e-9)
    if after > before:
        return FLAT
    return tuple(STYLES)[(exemplar - before + klass) % len(STYLES)]


def _conflict(settings: Settings, seed: int, stream: int) -> Iterator[Picture]:
    """Pair every shape exemplar with each texture class, once.

    Within a pair of classes the shape exemplars come in blocks, as long as there are texture
    exemplars, and each block gets these in an order drawn at random: all are used equally often,
    and which one a shape exemplar meets in one class says nothing about another class.
    """
    blocks = settings.shape_exemplars // settings.texture_exemplars
    orders = np.random.default_rng([seed, _PAIRING]).permuted(
        np.tile(np.arange(settings.texture_exemplars), (len(CLASSES), len(CLASSES), blocks, 1)),
        axis=-1,
    )  # (shape classes, texture classes, blocks, texture exemplars)
    orders = orders.reshape(len(CLASSES), len(CLASSES), settings.shape_exemplars)
    index = 0
    for s, shape in enumerate(CLASSES):
        for e in range(settings.shape_exemplars):
            for t, texture in enumerate(CLASSES):
                yield Picture(
                    shape,
                    e + 1,
                    texture,
                    int(orders[s, t, e]) + 1,
                    "cue-conflict",
                    "cue-conflict",
                    (stream, index),
                )
                index += 1


# --- exemplars and appearance ------------------------------------------------------------


def shape_exemplar(settings: Settings, seed: int, split: str, shape: str, number: int) -> Pose:
    """Pose of a shape exemplar; depends on the seed, the split, the class and the number alone."""
    stream = [seed, _OUTLINE, _SPLITS[split], CLASSES.index(shape), number]
    return draw_pose(
        np.random.default_rng(stream),
        half_size=settings.half_size,
        rotation=settings.rotation,
        log_aspect=settings.log_aspect,
        warp=settings.warp,
    )


def texture_exemplar(
    settings: Settings, seed: int, split: str, texture: str, number: int
) -> Pattern:
    """Pattern of a texture exemplar, or of a style, whose orientation is always free."""
    family = (*TEXTURES, *STYLES).index(texture)
    return draw_pattern(
        np.random.default_rng([seed, _PATTERN, _SPLITS[split], family, number]),
        period=settings.period,
        orientation=settings.orientation if texture in TEXTURES else np.pi,
    )


@dataclass(frozen=True)
class Appearance:
    """What an image draws for itself, whatever its exemplars are.

    Attributes
    ----------
    levels : tuple of two floats
        Grey levels of the two ends of the texture, at least `contrast` apart, in either order.
    ground_level : float
        Grey level of the ground, at least a quarter of `contrast` from both and from their mean, so
        that the object stays visible with whatever share of either, and with its texture faded.
    colours : ndarray of shape (3, 3)
        RGB of both ends of the texture and of the ground, tinted.
    flat_colour : ndarray of shape (3,)
        RGB of a flat fill.
    ground : ndarray of shape (size, size, 3)
        The ground, varying smoothly.
    noise : ndarray of shape (size, size, 3)
        Pixel noise.
    """

    levels: tuple[float, float]
    ground_level: float
    colours: np.ndarray
    flat_colour: np.ndarray
    ground: np.ndarray
    noise: np.ndarray


def draw_appearance(settings: Settings, rng: np.random.Generator) -> Appearance:
    """Draw grey levels, tints, ground and noise; the number of draws does not depend on ranges."""
    draws = rng.random(5)
    size, contrast = settings.image_size, settings.contrast
    # Uniform over all pairs of levels that are far enough apart: the density of d is ~ 1 - d.
    distance = 1 - (1 - contrast) * np.sqrt(1 - draws[0])
    dark = draws[1] * (1 - distance)
    levels = (dark, dark + distance) if draws[2] < 0.5 else (dark + distance, dark)
    ground_level = _apart(draws[3], levels, contrast / 4)
    tints = settings.tint * rng.uniform(-1, 1, (3, 3))
    colours = np.array([*levels, ground_level])[:, None] + tints
    chroma = _CHROMA * rng.uniform(-1, 1, 3)
    farther = max(levels, key=lambda level: abs(level - ground_level))
    bumps = smooth_noise(rng, size, _GROUND_CELLS, channels=4)
    bumps = settings.ground * (0.8 * bumps[0, :, :, None] + 0.6 * bumps[1:].transpose(1, 2, 0))
    strength = settings.noise * draws[4]
    return Appearance(
        levels=levels,
        ground_level=ground_level,
        colours=colours.astype(np.float32),
        flat_colour=(farther + chroma - chroma.mean()).astype(np.float32),
        ground=colours[2].astype(np.float32) + bumps,
        noise=np.float32(strength) * rng.standard_normal((size, size, 3), dtype=np.float32),
    )


def _apart(draw: float, levels: tuple[float, float], margin: float) -> float:
    """Map a uniform draw to a grey level that keeps a margin to two others and to their mean."""
    low, high = sorted(levels)
    taken = [low, (low + high) / 2, high]
    begins = [0.0] + [level + margin for level in taken]
    ends = [level - margin for level in taken] + [1.0]
    free = [(begin, end) for begin, end in zip(begins, ends, strict=True) if end > begin]
    rest = draw * sum(end - begin for begin, end in free)
    for begin, end in free:
        if rest <= end - begin:
            return begin + rest
        rest -= end - begin
    return free[-1][1]  # by rounding only


# --- pixels ------------------------------------------------------------------------------


def draw_picture(
    settings: Settings, seed: int, picture: Picture, texture_strength: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one image.

    Parameters
    ----------
    settings : Settings
    seed : int
    picture : Picture
    texture_strength : float
        Contrast of the texture inside the object, scaled around its mean there: 1 as it is, 0 flat.

    Returns
    -------
    image : ndarray of shape (size, size, 3), uint8
    mask : ndarray of shape (size, size), uint8
        1 where the object covers more than half of the pixel; a texture patch covers all.
    """
    size = settings.image_size
    rng = np.random.default_rng([seed, _APPEARANCE, *picture.appearance])
    look = draw_appearance(settings, rng)
    share = None
    if picture.shape != ABSENT:
        pose = shape_exemplar(
            settings, seed, picture.outline_split, picture.shape, picture.shape_exemplar
        )
        share = coverage(outline(picture.shape, pose, size), size)

    if picture.texture == ABSENT:
        fill, ground = np.float32(0), np.float32(1)
    elif picture.texture == FLAT:
        fill, ground = look.flat_colour, look.ground
    else:
        pattern = texture_exemplar(
            settings, seed, picture.pattern_split, picture.texture, picture.texture_exemplar
        )
        blend = field(picture.texture, pattern, size, settings.supersampling)
        if texture_strength != 1:
            weight = np.ones_like(blend) if share is None else share
            mean = np.average(blend, weights=weight)
            blend = (mean + texture_strength * (blend - mean)).astype(np.float32)
        first, second, _ = look.colours
        fill, ground = first + blend[:, :, None] * (second - first), look.ground

    if share is None:
        return _bytes(fill + look.noise), np.ones((size, size), np.uint8)
    inside = share[:, :, None]
    return _bytes(ground + inside * (fill - ground) + look.noise), (share > 0.5).astype(np.uint8)


def _bytes(image: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def _draw_chunk(settings: Settings, seed: int, name: str, begin: int, end: int):
    base, strength = split_strength(name)
    drawn = [
        draw_picture(settings, seed, picture, strength)
        for picture in pictures(settings, seed, base)[begin:end]
    ]
    return np.stack([image for image, _ in drawn]), np.stack([mask for _, mask in drawn])


@contextmanager
def worker_pool(workers: int) -> Iterator[Executor | None]:
    """Processes that draw; None for a single worker, which is this process."""
    if workers < 1:
        raise InputError(f"workers: {workers}; expected at least 1")
    if workers == 1:
        yield None
        return
    method = "fork" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(workers, mp_context=context) as executor:
        yield executor


def render(
    settings: Settings, seed: int, name: str, *, executor: Executor | None = None
) -> ImageSet:
    """Draw a set.

    Parameters
    ----------
    settings : Settings
    seed : int
        Root of all randomness.
    name : str
        One of `SETS`, or ``cue-conflict-strength-A``.
    executor : Executor, optional
        Processes to share the work; the bytes do not depend on it.

    Returns
    -------
    ImageSet
        With masks; those of texture patches are 1 throughout.

    Raises
    ------
    InputError
        If there is no such set.
    """
    import pandas as pd

    base, _ = split_strength(name)
    shown = pictures(settings, seed, base)
    begins = range(0, len(shown), _CHUNK)
    arguments = [(settings, seed, name, b, min(b + _CHUNK, len(shown))) for b in begins]
    if executor is None:
        chunks = [_draw_chunk(*call) for call in arguments]
    else:
        chunks = list(executor.map(_draw_chunk, *zip(*arguments, strict=True)))
    rows = [picture.labels(name) for picture in shown]
    return ImageSet(
        images=np.concatenate([images for images, _ in chunks]),
        labels=pd.DataFrame(rows, columns=LABEL_COLUMNS),
        masks=np.concatenate([masks for _, masks in chunks]),
    )


# --- for stylization by a network --------------------------------------------------------


def restyled_labels(labels, styles, condition: str):
    """Labels of a stylized set made from a plain one: same shapes, the styles in place of textures.

    A stylized set, by whatever engine, is the plain set's masks, new pixels and these labels.

    Parameters
    ----------
    labels : DataFrame
        Labels of the plain set.
    styles : sequence of (str, int)
        Style family, no class, and number of the style image, one an image.
    condition : str
        Name of the new set.

    Returns
    -------
    DataFrame with `LABEL_COLUMNS`
    """
    styles = list(styles)
    if len(styles) != len(labels):
        raise InputError(f"{condition}: {len(styles)} styles for {len(labels)} images")
    for family in {family for family, _ in styles}:
        if family in CLASSES:
            raise InputError(f"{condition}: style '{family}' is also a class")
    result = labels.copy()
    result["texture"] = [family for family, _ in styles]
    result["texture_exemplar"] = [f"{family}{number}" for family, number in styles]
    result["imagename"] = result["shape_exemplar"] + "-" + result["texture_exemplar"] + ".png"
    result["condition"] = condition
    return result[LABEL_COLUMNS]


def style_images(
    settings: Settings, seed: int, count: int, size: int
) -> tuple[np.ndarray, list[str]]:
    """Draw images filled with the style families in turn, for style transfer.

    Returns
    -------
    images : ndarray of shape (count, size, size, 3), uint8
    families : list of str
    """
    values = {part.name: getattr(settings, part.name) for part in fields(Settings)}
    settings = Settings(**{**values, "image_size": size})
    families = tuple(STYLES)
    names = [families[index % len(families)] for index in range(count)]
    stream = len(SETS) + _SPLITS["styles"]
    shown = [
        Picture(ABSENT, 0, name, index // len(families) + 1, "styles", "styles", (stream, index))
        for index, name in enumerate(names)
    ]
    return np.stack([draw_picture(settings, seed, picture)[0] for picture in shown]), names
