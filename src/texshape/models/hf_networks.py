"""Networks of transformers: ``hf:OWNER/NAME`` of the hub, or a folder as `save_pretrained` writes it.

Image classifiers and backbones, with their own preprocessing: what it makes of a black, a white and a red
picture says size, mean, standard deviation and order of the channels, whichever class of transformers it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from texshape.errors import InputError
from texshape.models.preprocessing import Own
from texshape.notices import note

CLASSIFIER = "ImageClassification"
BACKBONE = "it is a backbone without classes"
# Numbers of Pillow's filters; a tensor is not resized by Lanczos', whose nearest is bicubic.
_FILTERS = {0: "nearest", 1: "bicubic", 2: "bilinear", 3: "bicubic"}
_SQUEEZED = 384  # from this side on ConvNeXt's processor cuts nothing off


@dataclass(frozen=True)
class HfNetwork:
    """A network of transformers.

    Attributes
    ----------
    module : nn.Module
        Pictures to an output of transformers.
    own : Own or None
        Its preprocessing; None where it has none, or fixes no size.
    size : int or None
        Side that its configuration names.
    bgr : bool
        Whether it takes blue first.
    labels : dict or None
        Numbers of the outputs to their names.
    classifies : bool
    """

    module: nn.Module
    own: Own | None
    size: int | None
    bgr: bool
    labels: dict[int, str] | None
    classifies: bool


def read(source: str, name: str, *, weights: bool) -> HfNetwork:
    """Load a network.

    Parameters
    ----------
    source : str
        ``OWNER/NAME``, or a folder.
    name : str
        Of the network, for messages.
    weights : bool
        False: random weights.

    Raises
    ------
    InputError
        If it takes more than pictures, needs code of its own, or lacks weights of its classifier. What
        transformers raises where a file is missing or damaged is passed on.
    """
    import transformers

    with _silent(transformers):
        config = transformers.AutoConfig.from_pretrained(source, trust_remote_code=False)
        kind = " ".join(config.architectures or ())
        classifies = CLASSIFIER in kind
        auto = transformers.AutoModel
        if classifies:
            auto = transformers.AutoModelForImageClassification
        elif "Backbone" in kind:
            auto = transformers.AutoBackbone
        module = _made(auto, source, config, name, weights=weights)
        _check_input(module, name)
        own, bgr = _preprocessing(transformers, source, config, name)
    labels = config.id2label if classifies else None
    if labels and all(str(label) == f"LABEL_{place}" for place, label in labels.items()):
        labels = None  # transformers' own stopgap
    size = getattr(config, "image_size", None)
    return HfNetwork(module, own, size if isinstance(size, int) else None, bgr, labels, classifies)


def with_outputs(source: str, outputs: int) -> nn.Module:
    """The architecture of a classifier with another number of outputs and random weights."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(source, num_labels=outputs)
    return transformers.AutoModelForImageClassification.from_config(config)


def _made(auto: Any, source: str, config: Any, name: str, *, weights: bool) -> nn.Module:
    if not weights:
        return auto.from_config(config)
    module, found = auto.from_pretrained(
        source, config=config, output_loading_info=True, trust_remote_code=False
    )
    missing = sorted(found["missing_keys"])
    # A backbone cut out of a classifier has no pooling of its own, and needs none.
    missing = [
        key for key in missing if "pooler." not in key or CLASSIFIER in type(module).__name__
    ]
    if missing:
        raise InputError(
            f"model '{name}': {source} lacks the weights '{missing[0]}' ({len(missing)} such entries) of a "
            f"{type(module).__name__}"
        )
    return module


def _check_input(module: nn.Module, name: str) -> None:
    found = getattr(module, "main_input_name", "pixel_values")
    if found != "pixel_values" or hasattr(module, "text_model"):
        raise InputError(
            f"model '{name}': {type(module).__name__} takes more than pictures; expected an image "
            "classifier or a backbone (CLIP and the like are named open_clip:NAME)"
        )


# --- preprocessing -------------------------------------------------------------------------------


def _preprocessing(
    transformers: Any, source: str, config: Any, name: str
) -> tuple[Own | None, bool]:
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(source)
    except (OSError, ValueError):  # none is there
        return None, False
    try:
        black, white, red = (
            _shown(processor, np.broadcast_to(np.array(colour, np.uint8), (300, 300, 3)))
            for colour in ((0, 0, 0), (255, 255, 255), (255, 0, 0))
        )
        larger = _shown(processor, np.zeros((340, 340, 3), np.uint8))
    except Exception as error:  # whatever a processor of somebody's raises
        raise InputError(
            f"model '{name}': its {type(processor).__name__} cannot be shown a picture ({error})"
        ) from None
    sides = black.shape[1:]
    if len(set(sides)) > 1:
        raise InputError(
            f"model '{name}': takes pictures of {sides[0]} x {sides[1]} px; expected a square"
        )
    size = sides[0]
    if larger.shape != black.shape:  # it leaves the size as it is
        size = getattr(config, "image_size", None) or 224
        note(name, f"its preprocessing fixes no size; {size} px are taken")
    first, last = (values[:, black.shape[1] // 2, black.shape[2] // 2] for values in (black, white))
    half = red[:, black.shape[1] // 2, black.shape[2] // 2]
    std = 1 / (last - first)
    mean = -first * std
    bgr = bool(np.abs(half - first).argmax() == 2)
    if bgr:
        mean, std = mean[::-1], std[::-1]
    own = Own(
        int(size),
        mean=_exact(getattr(processor, "image_mean", None), mean),
        std=_exact(getattr(processor, "image_std", None), std),
        resize=_resize(processor, int(size)),
        interpolation=_FILTERS.get(_number(getattr(processor, "resample", None)), "bicubic"),
    )
    return own, bgr


def _exact(said: Any, found: np.ndarray) -> tuple[float, ...]:
    """Three numbers as the processor says them, where that is what it does; else as they were found."""
    values = np.broadcast_to(np.asarray(np.nan if said is None else said, float), found.shape)
    if not np.allclose(values, found, atol=1e-4):
        values = found.round(6)
    return tuple(map(float, values))


def _shown(processor: Any, picture: np.ndarray) -> np.ndarray:
    """One picture (H, W, 3) as the network gets it, (3, H, W)."""
    found = processor(images=[np.ascontiguousarray(picture)], return_tensors="np")["pixel_values"]
    return np.asarray(found, np.float64)[0]


def _resize(processor: Any, size: int) -> int | None:
    """Shorter side before the centre crop; None where the whole picture is squeezed to the size."""
    shortest = _entry(getattr(processor, "size", None), "shortest_edge")
    share = getattr(processor, "crop_pct", None)
    if share and shortest:  # ConvNeXt and its like
        return int(shortest / share) if shortest < _SQUEEZED else None
    if not getattr(processor, "do_center_crop", False):
        return shortest
    return shortest or _entry(processor.size, "height")


def _entry(value: Any, key: str) -> int | None:
    found = value.get(key) if isinstance(value, dict) else getattr(value, key, None)
    return int(found) if found else None


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


@contextmanager
def _silent(transformers: Any) -> Iterator[None]:
    """Without the library's own lines and bars: what a user must know is said in one line of ours."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
