"""Training of an AdaIN decoder on the data at hand, and the error of its reconstruction.

The loss is that of Huang and Belongie (2017), equations 11 to 13: the features of the result
should be the exchanged ones (content), and its channel means and deviations those of the style at
several layers (style). A pixel loss on reconstructed images is added: a small decoder that sees a
few thousand images learns sooner what its features look like.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from texshape.config.stylize import DecoderSettings, Preparation
from texshape.errors import InputError
from texshape.stylize.decoders import Decoder, mirror_plan
from texshape.stylize.encoders import Encoder
from texshape.stylize.pixels import enlarge, prepare, to_float
from texshape.stylize.statistics import adaptive_instance_normalisation, channel_statistics

_WEIGHTS, _BATCHES = 1, 2  # numbers in the seeds of the random streams


def style_loss(
    maps: Mapping[str, Tensor],
    style: Mapping[str, tuple[Tensor, Tensor]],
    scales: Mapping[str, float],
) -> Tensor:
    """Squared differences of channel means and deviations, summed over layers (equation 13).

    Each layer's is divided by its scale, the mean square of its activations.
    """
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
    enlargement: int = 1,
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
    enlargement : int
        Factor by which contents are enlarged before that; styles have the size that this gives.
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
    _check_borders(encoder, settings.layer, to_float(enlarge(contents[:1], enlargement)).to(device))
    preparation = preparation or Preparation()
    optimizer = torch.optim.Adam(decoder.parameters(), settings.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    rng = np.random.default_rng([seed, _BATCHES])
    history: list[dict[str, float]] = []
    sums, counted = np.zeros(3), 0
    scales = {name: encoder.scales[name] ** 2 for name in wanted}
    every = max(1, settings.steps // 10)
    for step in range(1, settings.steps + 1):
        chosen = rng.integers(len(contents), size=settings.batch_size)
        original = to_float(enlarge(contents[chosen], enlargement)).to(device)
        streams = [(seed, step, place) for place in range(len(chosen))]
        content = prepare(original, preparation, streams)
        style = to_float(styles[rng.integers(len(styles), size=settings.batch_size)]).to(device)
        losses = _losses(encoder, decoder, original, content, style, settings, scales)
        loss = (
            losses[0]
            + settings.style_weight * losses[1]
            + settings.reconstruction_weight * losses[2]
        )
        values = [part.item() for part in losses]
        if not all(map(math.isfinite, values)):
            raise InputError(
                f"decoder: the loss is not finite at step {step}; try a lower decoder.learning_rate"
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


def _check_borders(encoder: Encoder, name: str, image: Tensor) -> None:
    """Insist on a map that a decoder, which doubles it, brings to the size of the picture."""
    with torch.no_grad():
        found = encoder(image, [name])[name].shape[2:]
    expected = [-(-side // encoder.layers[name].stride) for side in image.shape[2:]]
    if list(found) != expected:
        raise InputError(
            f"decoder.layer '{name}': encoder {encoder.identity} gives a map of {found[0]} x {found[1]} for a "
            f"picture of {image.shape[2]} x {image.shape[3]}, expected {expected[0]} x {expected[1]}: no "
            "decoder mirrors a network without padding at its borders"
        )


def _losses(
    encoder: Encoder,
    decoder: Decoder,
    original: Tensor,
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
        # Half of either, as they are: a decoder must paint styles as well as contents.
        half = (len(original) + 1) // 2
        images = torch.cat([original[:half], style[half:]])
        with torch.no_grad():
            own = encoder(original[:half], [settings.layer])[settings.layer]
        features = torch.cat([own, style_map[half:]])
        pixel_loss = functional.mse_loss(decoder(features), images)
    else:
        pixel_loss = torch.zeros(())
    return content_loss, style_loss(maps, statistics, scales), pixel_loss


def _derived(seed: int, stream: int) -> int:
    return int(np.random.SeedSequence([seed, stream]).generate_state(1, np.uint64)[0] >> 1)
