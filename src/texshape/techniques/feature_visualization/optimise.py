"""Feature visualization: images that excite one channel of a stage (Olah et al. 2017).

The image is not optimised pixel by pixel but as the spectrum of a picture with decorrelated
colours, which spreads the gradient evenly over spatial frequencies and colours; random jitter,
scale and rotation before every step keep the result from being an adversarial pattern. All shifts
are shares of the image's side, so that an image of 48 px is moved as much, in proportion, as one of
224.

References
----------
Olah, Mordvintsev and Schubert (2017), Feature visualization, Distill, doi 10.23915/distill.00007.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from texshape.errors import InputError, UnmeasurableError
from texshape.files import atomic_path
from texshape.techniques.feature_visualization.settings import (
    FeatureVisualizationSettings,
    ImageOptimisation,
)

# Square root of the covariance of the colours of ImageNet's pixels (rows: red, green, blue), from
# Olah et al.'s public code; divided below by its largest column norm.
_COLOUR = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))

LOUDER = 3  # how many times the contrast of a start may be multiplied by four


@dataclass(frozen=True)
class Visualization:
    """Images of several channels.

    Attributes
    ----------
    images : ndarray of shape (n, side, side, 3), uint8
    stages : list of n str
    channels : ndarray of n int
    before, after : ndarray of n float
        Activation (the objective, image not moved) of the random start and of the result.
    """

    images: np.ndarray
    stages: list[str]
    channels: np.ndarray
    before: np.ndarray
    after: np.ndarray


class FourierImage(nn.Module):
    """Images as spectra with decorrelated colours.

    Parameters
    ----------
    count, size : int
        Number of images and side in pixels.
    decay : float
        Power of 1 / frequency that scales the spectrum.
    generator : torch.Generator
        Draws the random start.
    """

    def __init__(self, count: int, size: int, *, decay: float, generator: torch.Generator) -> None:
        super().__init__()
        self.size = size
        rows = torch.fft.fftfreq(size)[:, None]
        columns = torch.fft.rfftfreq(size)[None, :]
        frequency = torch.sqrt(rows**2 + columns**2)
        # The lowest frequency, one period a side, has the same scale whatever the decay.
        scale = size**2 / (frequency * size).clamp_min(1) ** decay
        self.register_buffer("scale", scale)
        colour = torch.tensor(_COLOUR)
        self.register_buffer("colour", colour / colour.norm(dim=0).max())
        start = 0.01 * torch.randn(count, 3, size, size // 2 + 1, 2, generator=generator)
        self.spectrum = nn.Parameter(start)

    def forward(self) -> Tensor:
        """Images in [0, 1]: (count, 3, size, size)."""
        spectrum = torch.view_as_complex(self.spectrum) * self.scale
        values = torch.fft.irfft2(spectrum, s=(self.size, self.size), norm="backward") / 4
        return torch.sigmoid(torch.einsum("rc,bchw->brhw", self.colour, values))


def moved(images: Tensor, settings: ImageOptimisation, generator: torch.Generator) -> Tensor:
    """Images shifted, scaled and rotated at random, each its own way; the border is mirrored.

    Our own choice of movements, from continuous ranges: other programs pad, jitter twice, and draw
    scales and angles from lists, so their pictures of the same unit differ.

    Parameters
    ----------
    images : Tensor of shape (B, 3, side, side)
    """
    count = len(images)

    def uniform() -> Tensor:
        return 2 * torch.rand(count, generator=generator) - 1

    angle = math.radians(settings.rotation) * uniform()
    scale = 1 + settings.scale * uniform()
    # The coordinates of grid_sample run from -1 to 1: a shift of one side is 2.
    shift = [2 * settings.jitter * uniform() for _ in range(2)]
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    matrix = torch.stack(
        [torch.stack([cos, -sin, shift[0]], 1), torch.stack([sin, cos, shift[1]], 1)], 1
    ).to(images)
    grid = nn.functional.affine_grid(matrix, list(images.shape), align_corners=False)
    return nn.functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def normalisation(preprocess: Callable[[Tensor], Tensor], size: int) -> tuple[Tensor, Tensor]:
    """Offset and factor per channel that a network's preprocessing applies to pixels in [0, 1].

    Preprocessing takes whole numbers, which have no gradient; its constants are read off flat
    images.

    Raises
    ------
    InputError
        If it is not linear in the pixels.
    """
    levels = torch.tensor([0, 255, 51], dtype=torch.uint8)
    flat = levels[:, None, None, None].expand(3, 3, size, size).contiguous()
    black, white, grey = preprocess(flat).float().mean(dim=(2, 3))
    if not torch.allclose(grey, black + (white - black) * 0.2, atol=1e-3):
        raise UnmeasurableError("the network's preprocessing is not linear in the pixels")
    return black[:, None, None], (white - black)[:, None, None]


class _Reached(Exception):
    """The stage's output is there; the rest of the network need not run."""


def _activation(
    module: nn.Module, submodule: nn.Module, images: Tensor, channels: Tensor, objective: str
) -> Tensor:
    """Objective of image b's own channel: shape (B,)."""
    values = outputs(module, submodule, images)
    if _channels_last(values):
        values = values.movedim(-1, 1)
    own = values[torch.arange(len(values), device=values.device), channels]
    if objective == "centre" and own.ndim == 3:
        return own[:, own.shape[1] // 2, own.shape[2] // 2]
    return own.flatten(1).mean(1) if own.ndim > 1 else own


def _channels_last(values: Tensor) -> bool:
    """Tokens (B, tokens, units), or square maps (B, height, width, channels) as in Swin."""
    return values.ndim == 3 or (
        values.ndim == 4 and values.shape[1] == values.shape[2] != values.shape[3]
    )


def outputs(module: nn.Module, submodule: nn.Module, images: Tensor) -> Tensor:
    """Output of one submodule; the network runs no further than that."""
    held: list[Tensor] = []

    def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
        while isinstance(output, list | tuple):
            output = output[0]
        held.append(output)
        raise _Reached

    handle = submodule.register_forward_hook(hook)
    try:
        module(images)
    except _Reached:
        pass
    finally:
        handle.remove()
    if not held:
        raise UnmeasurableError("the stage is not reached in a forward pass")
    return held[0]


def count_channels(module: nn.Module, submodule: nn.Module, size: int) -> int:
    """Number of channels (units of a token) of a stage."""
    first = next(module.parameters())
    with torch.no_grad():
        values = outputs(module, submodule, torch.zeros(1, 3, size, size).to(first))
    return int(values.shape[-1 if _channels_last(values) else 1])


def choose(
    count: int, k: int, *, seed: int, key: int, variance: np.ndarray | None = None
) -> np.ndarray:
    """Channels to show.

    Parameters
    ----------
    count, k : int
        Number of channels of the stage and number wanted.
    seed, key : int
        Of the draw; `key` tells stages apart.
    variance : ndarray of shape (count,), optional
        Where given, the channels of highest variance are taken instead of a draw.
    """
    k = min(k, count)
    if variance is not None:
        return np.argsort(-np.asarray(variance), kind="stable")[:k]
    return np.sort(np.random.default_rng([seed, key]).choice(count, size=k, replace=False))


def optimise(
    module: nn.Module,
    stage: str,
    submodule: nn.Module,
    channels: Sequence[int] | np.ndarray,
    *,
    size: int,
    offset: Tensor,
    factor: Tensor,
    settings: ImageOptimisation,
    seed: int,
) -> Visualization:
    """Images that excite some channels of one stage, all in one batch.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode.
    stage, submodule : str, nn.Module
        The stage's name, and the submodule whose output it is.
    channels : sequence of int
        One image for each.
    size : int
        Side of the images in pixels.
    offset, factor : Tensor of shape (3, 1, 1)
        From `normalisation`.
    settings : ImageOptimisation
    seed : int
        Of the start and of the movements.
    """
    channels = torch.as_tensor(np.asarray(channels), dtype=torch.long)
    generator = torch.Generator().manual_seed(seed)
    first = next(module.parameters())
    picture = FourierImage(
        len(channels), size, decay=settings.frequency_decay, generator=generator
    ).to(first.device)
    channels, offset, factor = channels.to(first.device), offset.to(first), factor.to(first)

    def activation(images: Tensor) -> Tensor:
        prepared = (offset + factor * images).to(first.dtype)
        return _activation(module, submodule, prepared, channels, settings.objective)

    with torch.no_grad():
        # A unit that is silent for the faint start has no gradient: it gets more contrast.
        for _ in range(LOUDER):
            silent = activation(picture()) == 0
            picture.spectrum[silent] *= 4
        before = activation(picture())
    optimiser = torch.optim.Adam(picture.parameters(), lr=settings.learning_rate)
    for _ in range(settings.steps):
        optimiser.zero_grad(set_to_none=True)
        with torch.enable_grad():
            # Adam's step has the same size whatever the activation's, and images do not share
            # parameters.
            wanted = activation(moved(picture(), settings, generator)).sum()
            if not wanted.requires_grad:
                raise UnmeasurableError(
                    f"stage '{stage}': no gradient passes: the network computes without one"
                )
            (-wanted).backward()
        optimiser.step()
    with torch.no_grad():
        images = picture()
        after = activation(images)
    pixels = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return Visualization(
        pixels,
        [stage] * len(channels),
        channels.cpu().numpy(),
        before.double().cpu().numpy(),
        after.double().cpu().numpy(),
    )


def visualize(
    network: Any,
    *,
    stages: Sequence[str] | None = None,
    channels_per_stage: int = 4,
    settings: ImageOptimisation,
    seed: int,
    variances: dict[str, np.ndarray] | None = None,
) -> Visualization:
    """Images for some channels of each stage of a network.

    Parameters
    ----------
    network : texshape.models.network.Network
    stages : sequence of str, optional
        All of the network's stages by default, in their order.
    channels_per_stage : int
    settings : ImageOptimisation
    seed : int
    variances : dict of str to ndarray, optional
        Variance of each channel over images: shows the channels of highest variance.

    Raises
    ------
    InputError
        If a stage does not exist.
    """
    stages = list(stages or network.stages)
    submodules = dict(network.module.named_modules())
    for stage in stages:
        if stage not in network.stages:
            raise InputError(
                f"stage '{stage}' is unknown to {network.name}; "
                f"expected one of {', '.join(network.stages)}"
            )
    offset, factor = normalisation(network.preprocess, network.input_size)
    parts = []
    for key, stage in enumerate(stages):
        submodule = submodules[network.stages[stage]]
        count = count_channels(network.module, submodule, network.input_size)
        chosen = choose(
            count, channels_per_stage, seed=seed, key=key, variance=(variances or {}).get(stage)
        )
        parts.append(
            optimise(
                network.module,
                stage,
                submodule,
                chosen,
                size=network.input_size,
                offset=offset,
                factor=factor,
                settings=settings,
                seed=seed * 1000 + key,
            )
        )
    return Visualization(
        np.concatenate([part.images for part in parts]),
        [stage for part in parts for stage in part.stages],
        np.concatenate([part.channels for part in parts]),
        np.concatenate([part.before for part in parts]),
        np.concatenate([part.after for part in parts]),
    )


def of_settings(
    network: Any,
    settings: FeatureVisualizationSettings,
    *,
    seed: int,
    images: np.ndarray | None = None,
) -> Visualization:
    """As the section ``feature_visualization`` of the parameters asks.

    Parameters
    ----------
    network : texshape.models.network.Network
    settings : FeatureVisualizationSettings
    seed : int
    images : ndarray of shape (n, height, width, 3), uint8, optional
        From which the variance of channels is taken, where they are chosen by it.
    """
    stages = list(settings.stages or network.stages)
    varied = None
    if settings.selection == "variance":
        if images is None:
            raise InputError("feature_visualization.selection: 'variance' needs images")
        varied = variances(network, stages, images, count=settings.images, seed=seed)
    return visualize(
        network,
        stages=stages,
        channels_per_stage=settings.channels,
        settings=settings,
        seed=seed,
        variances=varied,
    )


def variances(
    network: Any,
    stages: Sequence[str],
    pixels: np.ndarray,
    *,
    count: int,
    seed: int,
    batch_size: int = 32,
) -> dict[str, np.ndarray]:
    """Variance over images of each channel's mean activation.

    Parameters
    ----------
    network : texshape.models.network.Network
    stages : sequence of str
    pixels : ndarray of shape (n, height, width, 3), uint8
    count, seed : int
        How many images are drawn, and the seed of the draw.
    """
    from texshape.models.stages import captured, resolve

    drawn = np.sort(np.random.default_rng([seed, 7]).permutation(len(pixels))[:count])
    chosen = resolve(network.module, network.stages, stages)
    pooled: dict[str, list[Tensor]] = {stage: [] for stage in stages}
    device = next(network.module.parameters()).device
    with torch.no_grad(), captured(network.module, chosen) as held:
        for start in range(0, len(drawn), batch_size):
            batch = np.ascontiguousarray(pixels[drawn[start : start + batch_size]])
            images = torch.from_numpy(batch).to(device).permute(0, 3, 1, 2)
            network.module(network.preprocess(images))
            for stage in stages:
                values = held[stage]
                if _channels_last(values):
                    values = values.movedim(-1, 1)
                pooled[stage].append(values.flatten(2).mean(2) if values.ndim > 2 else values)
    return {
        stage: torch.cat(parts).cpu().double().var(dim=0, correction=0).numpy()
        for stage, parts in pooled.items()
    }


def write(path: str | Path, result: Visualization, *, model: str, seed: int, steps: int) -> None:
    """Write one ``.npz``: images, stage, channel, before, after, model, seed, steps."""
    with atomic_path(path) as temporary:
        np.savez_compressed(
            temporary,
            images=result.images,
            stage=np.array(result.stages),
            channel=result.channels,
            before=result.before,
            after=result.after,
            model=np.array(model),
            seed=np.array(seed),
            steps=np.array(steps),
        )
