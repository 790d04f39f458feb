"""The section `stylize` of the parameters, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from texshape.data.photographs import FORMATS, ImageSettings
from texshape.errors import InputError, nearest
from texshape.parameters import check_keys

ENGINES = ("adain", "optimisation")
OPTIMIZERS = ("lbfgs", "adam")
STARTS = ("noise", "content")
_VGG_STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")


@dataclass(frozen=True)
class EncoderSettings:
    """Which encoder.

    Attributes
    ----------
    name : str
        ``vgg19``, ``efficientnet-lite0``, ``random-pyramid``, or a network's name or checkpoint.
    weights, sha256 : str or None
        Of ``vgg19``: a local file and its check sum; without, torchvision's weights.
    layers : mapping of str to str, or None
        Of a network: layer to submodule, from shallow to deep, in place of its stages.
    random : mapping
        Of ``random-pyramid``: ``filters``, ``size``, ``levels``, ``seed``.
    """

    name: str = "vgg19"
    weights: str | None = None
    sha256: str | None = None
    layers: Mapping[str, str] | None = None
    random: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Preparation:
    """What AdaIN does to a content image before it encodes it: nothing, in the paper.

    Attributes
    ----------
    low_pass : float
        Deviation of a Gaussian in pixels; 0 for none.
    noise : float
        Deviation of white noise on the brightness, pixels being in [0, 1].
    """

    low_pass: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True)
class DecoderSettings:
    """The layer that AdaIN exchanges, and how a decoder for it is trained.

    Attributes
    ----------
    layer : str
        Whose features are exchanged and decoded; also the layer of the content loss.
    style_layers : tuple of str
    style_weight : float
        Of the style loss, the content loss having 1; 10 in the authors' code.
    reconstruction_weight : float
        Of the pixel loss (mean squared error of images in [0, 1]); 0 in the paper.
    width : int
        Channels of the decoder's first convolution.
    steps, batch_size : int
    learning_rate : float
        Of Adam, falling to zero by half a cosine.
    images : int
        Contents taken at most from a folder, at even distances.
    """

    layer: str = "relu4_1"
    style_layers: tuple[str, ...] = _VGG_STYLE
    style_weight: float = 10.0
    reconstruction_weight: float = 0.0
    width: int = 256
    steps: int = 160_000
    batch_size: int = 8
    learning_rate: float = 1e-4
    images: int = 4096


@dataclass(frozen=True)
class OptimisationSettings:
    """How pixels are optimised.

    Attributes
    ----------
    content_layers, style_layers : tuple of str
    content_weight, style_weight : float
        Of the mean over layers; the paper's ratio is 1 to 1000.
    optimizer : str
        ``lbfgs`` or ``adam``.
    steps : int
        Evaluations of the losses.
    learning_rate : float
        Adam's in units of pixels in [0, 1]; 1 for L-BFGS.
    start : str
        ``noise`` as in the paper, or ``content``.
    noise : float
        Deviation of white noise on the brightness of a content to start from: where it is flat, no
        gradient would say in which place of a texture it is.
    """

    content_layers: tuple[str, ...] = ("relu4_2",)
    style_layers: tuple[str, ...] = (*_VGG_STYLE, "relu5_1")
    content_weight: float = 1.0
    style_weight: float = 1000.0
    optimizer: str = "lbfgs"
    steps: int = 500
    learning_rate: float = 1.0
    start: str = "noise"
    noise: float = 0.0


@dataclass(frozen=True)
class StyleSettings:
    """Style images.

    Attributes
    ----------
    size : int
        Side in pixels: the largest central square, resized.
    count : int or None
        Images drawn by the renderer, or at most taken from a folder; None takes all of a folder.
    split : mapping of str to float
        Shares of train, validation and test; they add up to 1.
    group : str
        Regular expression that is removed from a file's stem: files of the same rest show the same
        painting and stay in one split.
    """

    size: int = 224
    count: int | None = None
    split: Mapping[str, float] = field(
        default_factory=lambda: {"train": 0.7, "validation": 0.15, "test": 0.15}
    )
    group: str = r"[ _-]*crop(ped)?[ _-]*\d*$"


@dataclass(frozen=True)
class StylizeSettings:
    """All of the section.

    Attributes
    ----------
    engine : str
        ``adain`` or ``optimisation``.
    alpha : float
        From 0, the content, to 1.
    encoder : EncoderSettings
    content : Preparation
    decoder : DecoderSettings
    decoder_sha256 : str or None
        Check sum of the decoder's file.
    optimisation : OptimisationSettings
    styles : StyleSettings
    styles_per_image : int
        Versions of each content, in different styles.
    images : ImageSettings
    batch_size : int
        Images at a time.
    tolerated : int
        Unusable images at which a run still succeeds.
    """

    engine: str = "adain"
    alpha: float = 1.0
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    content: Preparation = field(default_factory=Preparation)
    decoder: DecoderSettings = field(default_factory=DecoderSettings)
    decoder_sha256: str | None = None
    optimisation: OptimisationSettings = field(default_factory=OptimisationSettings)
    styles: StyleSettings = field(default_factory=StyleSettings)
    styles_per_image: int = 1
    images: ImageSettings = field(default_factory=ImageSettings)
    batch_size: int = 32
    tolerated: int = 0


_SECTIONS = {
    "encoder": EncoderSettings,
    "content": Preparation,
    "decoder": DecoderSettings,
    "optimisation": OptimisationSettings,
    "styles": StyleSettings,
    "images": ImageSettings,
}
_CHOICES = {
    "engine": ENGINES,
    "optimisation.optimizer": OPTIMIZERS,
    "optimisation.start": STARTS,
    "images.format": FORMATS,
}
_LAYERS = {"decoder.style_layers", "optimisation.content_layers", "optimisation.style_layers"}
_TEXTS = {"encoder.name", "decoder.layer", "styles.group"}
_OPTIONAL_TEXTS = {"encoder.weights", "encoder.sha256", "decoder_sha256"}
# Whole numbers and numbers, with their ranges.
_WHOLE = {
    "decoder.width": (3, 4096),
    "decoder.steps": (1, 10**7),
    "decoder.batch_size": (1, 1024),
    "decoder.images": (1, 10**7),
    "optimisation.steps": (1, 10**6),
    "styles.size": (8, 4096),
    "styles_per_image": (1, 10**6),
    "images.resize": (8, 4096),
    "images.crop": (8, 4096),
    "images.quality": (1, 100),
    "images.min_side": (1, 4096),
    "batch_size": (1, 4096),
    "tolerated": (0, 10**9),
}
_NUMBERS = {
    "alpha": (0, 1),
    "content.low_pass": (0, 100),
    "content.noise": (0, 1),
    "decoder.style_weight": (0, 1e12),
    "decoder.reconstruction_weight": (0, 1e12),
    "decoder.learning_rate": (1e-9, 1e3),
    "optimisation.content_weight": (0, 1e12),
    "optimisation.style_weight": (0, 1e12),
    "optimisation.learning_rate": (1e-9, 1e3),
    "optimisation.noise": (0, 1),
    "images.max_megapixels": (1e-4, 1e6),
}


def parse(section: Mapping[str, Any]) -> StylizeSettings:
    """Check the section `stylize` of the parameters; what it leaves out has the papers' values.

    Raises
    ------
    InputError
        If a key is unknown, or a value is of the wrong kind or out of range.
    """
    values = _known(section, StylizeSettings, "stylize")
    for key, cls in _SECTIONS.items():
        if key in values:
            values[key] = cls(**_section(values[key], cls, key))
    result = StylizeSettings(**_checked(values, ""))
    if result.images.crop > result.images.resize:
        raise InputError(
            f"stylize.images.crop: {result.images.crop}; expected at most images.resize, "
            f"{result.images.resize}"
        )
    return result


def _section(section: Any, cls: type, name: str) -> dict[str, Any]:
    values = _checked(_known(section, cls, f"stylize.{name}"), f"{name}.")
    if name == "styles":
        _check_styles(values)
    if name == "encoder":
        for key in ("layers", "random"):
            value = values.get(key)
            if value is not None and not isinstance(value, Mapping):
                raise InputError(f"stylize.encoder.{key}: {value!r}; expected a mapping")
        known = ("filters", "size", "levels", "seed")
        check_keys(values.get("random") or {}, known, "stylize.encoder.random")
        for key, value in (values.get("random") or {}).items():
            if not _is_whole(value) or not 0 <= value <= 10**6:
                raise InputError(
                    f"stylize.encoder.random.{key}: {value!r}; expected a whole number"
                )
        values["random"] = values.get("random") or {}
    return values


def _known(section: Any, cls: type, where: str) -> dict[str, Any]:
    if not isinstance(section, Mapping):
        raise InputError(f"{where}: expected a section with keys, found {section!r}")
    check_keys(section, [part.name for part in fields(cls)], where)
    return dict(section)


def _checked(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    for key, value in values.items():
        name, where = prefix + key, f"stylize.{prefix}{key}"
        if name in _CHOICES and value not in _CHOICES[name]:
            options = _CHOICES[name]
            raise InputError(f"{where}: {value!r}{nearest(str(value), options)}")
        if name in _LAYERS:
            if isinstance(value, str) or not value or not all(isinstance(v, str) for v in value):
                raise InputError(f"{where}: {value!r}; expected a list of layers")
            values[key] = tuple(value)
        if name in _TEXTS and not (isinstance(value, str) and value):
            raise InputError(f"{where}: {value!r}; expected a text")
        if name in _OPTIONAL_TEXTS and value is not None and not isinstance(value, str):
            raise InputError(f"{where}: {value!r}; expected a text or null")
        if name in _WHOLE:
            low, high = _WHOLE[name]
            if not _is_whole(value) or not low <= value <= high:
                raise InputError(
                    f"{where}: {value!r}; expected a whole number from {low} to {high}"
                )
        if name in _NUMBERS:
            low, high = _NUMBERS[name]
            if not _is_number(value) or not low <= value <= high:
                raise InputError(f"{where}: {value!r}; expected a number from {low:g} to {high:g}")
    return values


def _check_styles(values: dict[str, Any]) -> None:
    import re

    count = values.get("count")
    if count is not None and (not _is_whole(count) or count < 1):
        raise InputError(f"stylize.styles.count: {count!r}; expected 1 or more, or null for all")
    split = values.get("split")
    if split is not None:
        good = isinstance(split, Mapping) and set(split) == {"train", "validation", "test"}
        good = good and all(_is_number(share) and share >= 0 for share in split.values())
        if not good or not math.isclose(sum(split.values()), 1, abs_tol=1e-6):
            raise InputError(
                f"stylize.styles.split: {split!r}; expected shares of train, validation and test "
                "that add up to 1"
            )
    try:
        re.compile(values.get("group", ""))
    except re.error as error:
        raise InputError(f"stylize.styles.group: no regular expression ({error})") from None


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
