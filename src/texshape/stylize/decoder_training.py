"""Training of an AdaIN decoder on the data at hand, and the error of its reconstruction.

The loss is that of Huang and Belongie (2017), equations 11 to 13: the features of the result
should be the exchanged ones (content), and its channel means and deviations those of the style at
several layers (style). A pixel loss on reconstructed images is added: a small decoder that sees a
few thousand images learns sooner what its features look like.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from texshape.errors import InputError, nearest
from texshape.stylize.decoders import Decoder, mirror_plan
from texshape.stylize.encoders import Encoder
from texshape.stylize.pixels import Preparation, to_float
from texshape.stylize.statistics import adaptive_instance_normalisation, channel_statistics

_WEIGHTS, _BATCHES = 1, 2  # numbers in the seeds of the random streams


@dataclass(frozen=True)
class DecoderSettings:
    """How a decoder is trained.

    Attributes
    ----------
    layer : str
        Whose features are exchanged and decoded; also the layer of the content loss.
    style_layers : tuple of str
    style_weight : float
        Of the style loss, the content loss having 1; 10 in the authors' code.
    reconstruction_weight : float
        Of the pixel loss (mean squared error of images in [0, 1]).
    width : int
        Channels of the decoder's first convolution.
    steps, batch_size : int
    learning_rate : float
        Of Adam, falling to zero by half a cosine.
    """

    layer: str
    style_layers: tuple[str, ...]
    style_weight: float = 10.0
    reconstruction_weight: float = 100.0
    width: int = 64
    steps: int = 600
    batch_size: int = 8
    learning_rate: float = 2e-3

    @classmethod
    def parse(cls, section: Mapping[str, Any], where: str = "decoder") -> DecoderSettings:
        """Check a section of the parameters.

        Raises
        ------
        InputError
            If a key is unknown or missing, or a value is out of range.
        """
        known = [part.name for part in fields(cls)]
        for key in section:
            if key not in known:
                raise InputError(f"{where}.{key}: unknown setting{nearest(str(key), known)}")
        for key in ("layer", "style_layers"):
            if not section.get(key):
                raise InputError(f"{where}.{key}: missing")
        values = dict(section)
        if isinstance(values["style_layers"], str) or not all(
            isinstance(name, str) for name in values["style_layers"]
        ):
            raise InputError(f"{where}.style_layers: expected a list of layers")
        values["style_layers"] = tuple(values["style_layers"])
        for key in ("width", "steps", "batch_size"):
            value = values.get(key, 1)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(f"{where}.{key}: {value!r}; expected an integer of 1 or more")
        for key in ("style_weight", "reconstruction_weight", "learning_rate"):
            value = values.get(key, 1.0)
            good = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not good or not math.isfinite(value) or value < 0:
                raise InputError(f"{where}.{key}: {value!r}; expected a number of 0 or more")
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"style_layers": list(self.style_layers)}


def layer_scales(encoder: Encoder, images: Tensor, layers: Sequence[str]) -> dict[str, float]:
    """Mean square of the activations of each layer, over some images.

    The losses are divided by it. The papers' VGG-19 was rescaled so that its mean activations are
    1; other encoders are not, and a weight should mean the same with each.
    """
    with torch.no_grad():
        maps = encoder(images, layers)
    return {name: max(float(maps[name].square().mean()), 1e-12) for name in layers}


def style_loss(
    maps: Mapping[str, Tensor],
    style: Mapping[str, tuple[Tensor, Tensor]],
    scales: Mapping[str, float],
) -> Tensor:
    """Squared differences of channel means and deviations, summed over layers (equation 13)."""
    total = torch.zeros(())
    for name, (mean, deviation) in style.items():
        own_mean, own_deviation = channel_statistics(maps[name])
        loss = functional.mse_loss(own_mean, mean) + functional.mse_loss(own_deviation, deviation)
        total = total + loss / scales[name]
    return total


def train_decoder(
    encoder: Encoder,
    contents: np.ndarray,
    styles: np.ndarray,
    settings: DecoderSettings,
    *,
    preparation: Preparation | None = None,
    seed: int,
    log: Callable[[str], None] = lambda line: None,
) -> tuple[Decoder, list[dict[str, float]]]:
    """Train a decoder that mirrors the encoder up to a layer.

    Parameters
    ----------
    encoder : Encoder
    contents, styles : ndarray of shape (n, H, W, 3), uint8
        Images of the training split alone.
    settings : DecoderSettings
    preparation : Preparation, optional
        What the engine will do to contents before it encodes them.
    seed : int
        Of the weights and of the batches.
    log : callable
        Takes a line about ten times in all.

    Returns
    -------
    decoder : Decoder
        In evaluation mode, frozen.
    history : list of dict
        ``step, content_loss, style_loss, reconstruction_loss``, means since the last row.

    Raises
    ------
    InputError
        If a layer does not exist, or the loss is no longer finite.
    """
    wanted = list(dict.fromkeys([settings.layer, *settings.style_layers]))
    encoder.require(wanted)
    layer = encoder.layers[settings.layer]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_derived(seed, _WEIGHTS))
        decoder = Decoder(mirror_plan(layer.channels, layer.stride, settings.width))
    device = next(encoder.buffers(), next(encoder.parameters(), torch.zeros(()))).device
    decoder.to(device, memory_format=torch.channels_last).train()
    preparation = preparation or Preparation()
    optimizer = torch.optim.Adam(decoder.parameters(), settings.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    rng = np.random.default_rng([seed, _BATCHES])
    history: list[dict[str, float]] = []
    sums, counted = np.zeros(3), 0
    scales = layer_scales(encoder, to_float(styles[:64]).to(device), wanted)
    every = max(1, settings.steps // 10)
    for step in range(1, settings.steps + 1):
        chosen = rng.integers(len(contents), size=settings.batch_size)
        content = to_float(contents[chosen]).to(device)
        content = preparation(content, [(seed, step, place) for place in range(len(chosen))])
        style = to_float(styles[rng.integers(len(styles), size=settings.batch_size)]).to(device)
        losses = _losses(encoder, decoder, content, style, settings, scales)
        loss = (
            losses[0]
            + settings.style_weight * losses[1]
            + settings.reconstruction_weight * losses[2]
        )
        values = [part.item() for part in losses]
        if not all(map(math.isfinite, values)):
            raise InputError(
                f"decoder: the loss is not finite at step {step}; try a lower "
                "decoder.learning_rate"
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        sums, counted = sums + values, counted + 1
        if step % every == 0 or step == settings.steps:
            means = dict(zip(("content_loss", "style_loss", "reconstruction_loss"), sums / counted,
                             strict=True))  # fmt: skip
            history.append({"step": step, **{key: float(value) for key, value in means.items()}})
            log(f"step {step}: " + ", ".join(f"{key} {value:.4g}" for key, value in means.items()))
            sums, counted = np.zeros(3), 0
    return decoder.eval().requires_grad_(False), history


def _losses(
    encoder: Encoder,
    decoder: Decoder,
    content: Tensor,
    style: Tensor,
    settings: DecoderSettings,
    scales: Mapping[str, float],
) -> tuple[Tensor, Tensor, Tensor]:
    """Content, style and reconstruction loss of a batch."""
    wanted = list(scales)
    with torch.no_grad():
        content_map = encoder(content, [settings.layer])[settings.layer]
        style_maps = encoder(style, wanted)
        statistics = {name: channel_statistics(style_maps[name]) for name in settings.style_layers}
        style_map = style_maps[settings.layer]
        target = adaptive_instance_normalisation(content_map, style_map)
    result = decoder(target)
    maps = encoder(result, wanted)
    content_loss = functional.mse_loss(maps[settings.layer], target) / scales[settings.layer]
    if settings.reconstruction_weight:
        # Half of either: a decoder must paint styles as well as contents.
        half = (len(content) + 1) // 2
        features = torch.cat([content_map[:half], style_map[half:]])
        images = torch.cat([content[:half], style[half:]])
        pixel_loss = functional.mse_loss(decoder(features), images)
    else:
        pixel_loss = torch.zeros(())
    return content_loss, style_loss(maps, statistics, scales), pixel_loss


def _derived(seed: int, stream: int) -> int:
    return int(np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)[0] >> 1)
