"""Load the network of a card, which is shown pictures as the card says."""

from __future__ import annotations

from dataclasses import replace

import torch

from texshape.errors import InputError
from texshape.models import attributes, cards
from texshape.models.families.base import ModelName
from texshape.models.families.loaded import BlueFirst, Loaded, loaded_by_name
from texshape.models.modules import frozen
from texshape.models.preprocessing import Own


def load(name: ModelName, weights: bool) -> Loaded:
    """See `texshape.models.families.loaded.loader`."""
    card = cards.read(name.architecture)
    loaded = loaded_by_name(card.network, weights)
    said = card.input
    module, own = loaded.module, loaded.own
    if own is None:
        module = frozen(module, name.text)
        complete = said.size is not None and said.mean is not None
        own = Own(said.size) if complete else attributes.pipeline(module, name.text)
    if said.size is not None and said.size != own.size:
        resize = None if own.resize is None else round(own.resize * said.size / own.size)
        own = replace(own, size=said.size, resize=resize)
    if said.mean is not None:
        own = replace(own, mean=said.mean, std=said.std)
    if said.channels == "bgr":
        if isinstance(module, torch.jit.ScriptModule):
            raise InputError(
                f"{card.path}: input.channels: cannot be turned in a script of TorchScript"
            )
        module.register_forward_pre_hook(BlueFirst())
    assumed = loaded.assumed and said.mean is None
    return replace(loaded, module=module, own=own, assumed=assumed, card=card)
