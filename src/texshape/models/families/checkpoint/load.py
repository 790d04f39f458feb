"""Load a network that was trained here."""

from __future__ import annotations

from texshape.models.families.base import ModelName
from texshape.models.families.loaded import Loaded
from texshape.models.preprocessing import Own


def load(name: ModelName, weights: bool) -> Loaded:
    """See `texshape.models.families.loaded.loader`."""
    from texshape.models import trainable
    from texshape.training import checkpoints

    content = checkpoints.read(name.architecture)
    classes = tuple(content["classes"])
    module = (
        checkpoints.rebuild(content)
        if weights
        else trainable.build(content["architecture"], len(classes), given=content["configuration"])
    )
    own = Own(
        size=content["image_size"],
        mean=tuple(content["mean"]),
        std=tuple(content["std"]),
        resize=content["image_size"],
    )
    return Loaded(module, own, classes, decides=True)
