"""Load a network of timm."""

from __future__ import annotations

from texshape.errors import InputError, nearest
from texshape.models import imagenet
from texshape.models.families.base import ModelName
from texshape.models.families.downloads import fetching
from texshape.models.families.loaded import Loaded
from texshape.models.preprocessing import Own
from texshape.models.weight_files import load_into


def load(name: ModelName, weights: bool) -> Loaded:
    """See `texshape.models.families.loaded.loader`."""
    import timm

    full = name.architecture + (f".{name.tag}" if name.tag else "")
    hub = ":" in name.architecture
    if not hub and not timm.is_model(name.architecture):
        raise InputError(
            f"model '{name.text}': timm has no such network"
            f"{nearest(name.architecture, timm.list_models())}"
        )
    if name.tag and full not in (tagged := timm.list_pretrained(f"{name.architecture}.*")):
        raise InputError(f"model '{name.text}': timm has no such weights{nearest(full, tagged)}")
    pretrained = weights and name.weights is None
    with fetching(name, pretrained, hub=True, listed=not hub):
        module = timm.create_model(full, pretrained=pretrained)
    config = timm.data.resolve_model_data_config(module)
    size = config["input_size"][-1]
    if weights and name.weights is not None:
        module = load_into(
            module,
            name.weights,
            name.text,
            rebuild=lambda count: timm.create_model(full, num_classes=count),
            size=size,
        )
    squeezed = config.get("crop_mode") == "squash"
    own = Own(
        size=size,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        resize=None if squeezed else int(size / config["crop_pct"]),
        interpolation=config["interpolation"],
    )
    is_imagenet = getattr(module, "num_classes", None) == imagenet.OUTPUTS
    return Loaded(module, own, imagenet.labels() if is_imagenet else None)


def known() -> list[str]:
    """Names of all its networks."""
    import timm

    return timm.list_models()
