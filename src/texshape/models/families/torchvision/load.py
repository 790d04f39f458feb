"""Load a network of torchvision."""

from __future__ import annotations

import sys
from typing import Any

from torch import nn

from texshape.errors import InputError, nearest
from texshape.models import imagenet
from texshape.models.families.base import ModelName
from texshape.models.families.downloads import fetching
from texshape.models.families.loaded import Loaded
from texshape.models.preprocessing import Own
from texshape.models.weight_files import load_into
from texshape.notices import note


def load(name: ModelName, weights: bool) -> Loaded:
    """See `texshape.models.families.loaded.loader`."""
    from torchvision import models

    known = models.list_models(module=models)
    if name.architecture not in known:
        raise InputError(
            f"model '{name.text}': torchvision has no such network"
            f"{nearest(name.architecture, known)}"
        )
    published = models.get_model_weights(name.architecture).DEFAULT
    transforms = published.transforms()
    own = Own(
        size=transforms.crop_size[0],
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        resize=transforms.resize_size[0],
        interpolation=transforms.interpolation.value,
        antialias=bool(transforms.antialias),
    )
    # What the library sets itself when it loads these weights; it would unpickle them in full.
    structure: dict[str, Any] = {}
    if name.architecture.startswith("vit_"):
        structure["image_size"] = own.size
    elif name.architecture in ("googlenet", "inception_v3"):
        structure = {"transform_input": True, "aux_logits": True, "init_weights": not weights}

    def build(count: int = imagenet.OUTPUTS) -> nn.Module:
        return models.get_model(name.architecture, weights=None, num_classes=count, **structure)

    module = build()
    if weights and name.weights is not None:
        if structure.get("transform_input"):
            note(
                name.text,
                "shifts the colours of its input, as torchvision's own weights want it "
                "(transform_input=True)",
            )
        module = load_into(module, name.weights, name.text, rebuild=build, size=own.size)
    elif weights:
        with fetching(name, True):
            state = published.get_state_dict(
                progress=sys.stderr.isatty(), check_hash=True, weights_only=True
            )
        module.load_state_dict(state)
    return Loaded(module, own, imagenet.labels())


def known() -> list[str]:
    """Names of all its networks."""
    from torchvision import models

    return models.list_models(module=models)
