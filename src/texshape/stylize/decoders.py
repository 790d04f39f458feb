"""Decoders: from the features of an encoder's layer back to an image.

A decoder mirrors its encoder: 3x3 convolutions with reflection padding and ReLU, nearest-neighbour
upsampling where the encoder shrank the map. Its plan, a list of widths and ``"up"``, is stored with
its weights. The published decoder of AdaIN (Huang and Belongie 2017) is one such plan, and its file
of weights loads as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from texshape.errors import InputError
from texshape.files import atomic_path
from texshape.stylize.weights import load_weights, state_digest

FORMAT = 1
KIND = "texshape decoder"

# From relu4_1 of VGG-19 to an image, as published.
PUBLISHED_PLAN: tuple[int | str, ...] = (
    512, 256, "up", 256, 256, 256, 128, "up", 128, 64, "up", 64, 3,
)  # fmt: skip


class Decoder(nn.Sequential):
    """Features (B, C, h, w) to images (B, 3, h * stride, w * stride) in [0, 1], not clipped.

    Parameters
    ----------
    plan : sequence of int or "up"
        Channels of the input, then the width of each convolution; ``"up"`` doubles the map.

    Attributes
    ----------
    plan : tuple
    channels, stride : int
        Of the features that it takes.
    """

    def __init__(self, plan: Sequence[int | str]) -> None:
        self.plan = tuple(plan)
        widths = [width for width in self.plan if width != "up"]
        if len(widths) < 2 or widths[-1] != 3 or self.plan[0] == "up" or self.plan[-1] == "up":
            raise InputError(f"decoder: plan {self.plan}; expected widths from channels to 3")
        layers: list[nn.Module] = []
        width, last = widths[0], len(self.plan) - 1
        for place, step in enumerate(self.plan[1:], start=1):
            if step == "up":
                layers.append(nn.Upsample(scale_factor=2, mode="nearest"))
                continue
            layers += [nn.ReflectionPad2d(1), nn.Conv2d(width, int(step), 3)]
            if place < last:
                layers.append(nn.ReLU())
            width = int(step)
        super().__init__(*layers)
        self.channels = widths[0]
        self.stride = 2 ** self.plan.count("up")


def mirror_plan(channels: int, stride: int, width: int, least: int = 16) -> tuple[int | str, ...]:
    """Plan of a decoder for features of so many channels at so many pixels a step.

    Parameters
    ----------
    channels, stride : int
        Of the features; the stride is a power of two.
    width : int
        Channels of the first convolution; each doubling of the map halves them.
    least : int
        Channels are not fewer than these.
    """
    doublings = round(math.log2(stride))
    if 2**doublings != stride:
        raise InputError(f"decoder: features at stride {stride}; expected a power of two")
    plan: list[int | str] = [channels, width]
    for _ in range(doublings):
        width = max(least, width // 2)
        plan += ["up", width]
    return (*plan, width, 3)


def write(path: str | Path, decoder: Decoder, description: Mapping[str, Any]) -> None:
    """Write a decoder with what is needed to rebuild it and to know its encoder, atomically.

    Parameters
    ----------
    description : mapping
        Plain values: ``encoder`` (its `Encoder.identity`), ``layer``, ``training``.
    """
    state = {name: value.detach().cpu() for name, value in decoder.state_dict().items()}
    content = {"format": FORMAT, "kind": KIND, "plan": list(decoder.plan), "state": state}
    with atomic_path(path) as temporary:
        try:
            torch.save({**content, **description}, temporary)
        except RuntimeError as error:  # how torch reports a failed write, as a full disk
            raise InputError(f"{path}: cannot be written ({error})") from error


def read(path: str | Path, sha256: str | None = None) -> tuple[Decoder, dict[str, Any]]:
    """Read a decoder of ours, or the published one (a dictionary of weights).

    Parameters
    ----------
    path : str or Path
    sha256 : str, optional
        Expected check sum of the file.

    Returns
    -------
    decoder : Decoder
        In evaluation mode, frozen.
    description : dict
        ``encoder``, ``layer`` and ``training`` where the file says; always ``digest``, 16 digits of
        a hash of the weights.

    Raises
    ------
    InputError
        If the file is missing, damaged, has another check sum, or is no decoder.
    """
    content = load_weights(path, sha256)
    if content.get("kind") == KIND:
        if content.get("format") != FORMAT:
            raise InputError(f"{path}: decoder format {content.get('format')}, expected {FORMAT}")
        plan, state = content["plan"], content["state"]
        description = {
            key: value for key, value in content.items() if key not in ("plan", "state", "format")
        }
    else:
        plan, state, description = PUBLISHED_PLAN, content, {"published": True}
    decoder = Decoder(plan)
    try:
        decoder.load_state_dict(state)
    except (RuntimeError, AttributeError, TypeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise InputError(
            f"{path}: neither a decoder of texshape nor the published one of AdaIN ({reason})"
        ) from None
    description["digest"] = state_digest(decoder.state_dict())
    return decoder.eval().requires_grad_(False), description


def check_fit(
    decoder: Decoder,
    description: Mapping[str, Any],
    *,
    encoder: str,
    layer: str,
    channels: int,
    stride: int,
    path: object = "decoder",
) -> None:
    """Insist that a decoder was made for these features.

    Raises
    ------
    InputError
        If the numbers of channels or the strides differ, or the file names another encoder.
    """
    if (decoder.channels, decoder.stride) != (channels, stride):
        raise InputError(
            f"{path}: does not fit the encoder: takes {decoder.channels} channels at stride "
            f"{decoder.stride}, but layer '{layer}' gives {channels} at stride {stride}"
        )
    made_for = description.get("encoder"), description.get("layer")
    if None not in made_for and made_for != (encoder, layer):
        raise InputError(
            f"{path}: does not fit the encoder: trained for layer '{made_for[1]}' of {made_for[0]}, "
            f"used with layer '{layer}' of {encoder}"
        )
