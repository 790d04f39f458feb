"""The two ways to give a content image the style of another, behind one interface.

    engine = build(settings, decoder="decoder.pt")
    result = engine.stylize(contents, styles, alpha=1.0)

- ``adain``: Huang and Belongie (2017), one pass through encoder and decoder;
- ``optimisation``: Gatys et al. (2016), pixels changed until content and style losses are low.

Neither looks at more than one image at a time, whatever the batch: what is drawn at random depends
on an image's own stream, so shards and workers change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from texshape.config.stylize import OptimisationSettings, Preparation, StylizeSettings
from texshape.errors import InputError
from texshape.stylize import decoders, encoders
from texshape.stylize.decoders import Decoder
from texshape.stylize.encoders import Encoder
from texshape.stylize.minimise import adam, lbfgs
from texshape.stylize.pixels import enlarge, prepare, reduce, to_bytes, to_float
from texshape.stylize.statistics import adaptive_instance_normalisation, gram_matrix

Streams = Sequence[Sequence[int]]


class Engine(Protocol):
    """What makes a stylized batch.

    Attributes
    ----------
    name : str
        ``adain`` or ``optimisation``.
    weights : str
        Identities of the networks it uses, for the manifest.
    """

    name: str
    weights: str

    def stylize(
        self,
        contents: np.ndarray,
        styles: np.ndarray,
        alpha: float = 1.0,
        streams: Streams | None = None,
    ) -> np.ndarray:
        """Stylize a batch.

        Parameters
        ----------
        contents : ndarray of shape (B, H, W, 3), uint8
        styles : ndarray of shape (B, H', W', 3), uint8
            The style of each content; of any size.
        alpha : float
            From 0, the content itself, to 1.
        streams : sequence of sequence of int, optional
            Seed of each image; by default its place in the batch.

        Returns
        -------
        ndarray of shape (B, H, W, 3), uint8

        Raises
        ------
        InputError
            If alpha is outside [0, 1], or the batches do not go together.
        """
        ...


class AdaIN:
    """Encoder, exchange of channel statistics, decoder.

    Parameters
    ----------
    encoder : Encoder
    decoder : Decoder
        Made for `layer`; checked by `build`.
    layer : str
    preparation : Preparation, optional
        Of the contents.
    digest : str
        Of the decoder's weights, for the manifest.
    """

    name = "adain"

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        layer: str,
        *,
        preparation: Preparation | None = None,
        digest: str = "",
    ) -> None:
        encoder.require([layer])
        found = encoder.layers[layer]
        if (found.channels, found.stride) != (decoder.channels, decoder.stride):
            decoders.check_fit(
                decoder, {}, encoder=encoder.identity, layer=layer, channels=found.channels,
                stride=found.stride,
            )  # fmt: skip
        self.encoder, self.decoder, self.layer = encoder, decoder, layer
        self.preparation = preparation or Preparation()
        self.stride = found.stride
        self.weights = f"{encoder.identity} {layer} decoder:{digest}"

    @torch.inference_mode()
    def stylize(
        self,
        contents: np.ndarray,
        styles: np.ndarray,
        alpha: float = 1.0,
        streams: Streams | None = None,
    ) -> np.ndarray:
        streams = _checked(contents, styles, alpha, streams)
        device = _device(self.encoder)
        content = prepare(to_float(contents).to(device), self.preparation, streams)
        features = adaptive_instance_normalisation(
            self.encode(content), self.encode(to_float(styles).to(device)), alpha
        )
        return to_bytes(self.decoder(features)[:, :, : contents.shape[1], : contents.shape[2]])

    def encode(self, images: Tensor) -> Tensor:
        """Features of images of any size, padded by repetition to whole steps of the map."""
        return self.encoder(pad_to_multiple(images, self.stride), [self.layer])[self.layer]

    @torch.inference_mode()
    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """Decode the images' own features: what encoder and decoder lose."""
        features = self.encode(to_float(images).to(_device(self.encoder)))
        return to_bytes(self.decoder(features)[:, :, : images.shape[1], : images.shape[2]])


class Optimisation:
    """Pixels that have the content's features and the style's Gram matrices.

    With features divided by their scale (`Encoder.scales`), the loss of an image is

        content_weight * mean over layers of mean((F - F_content)**2)
        + style_weight * mean over layers of mean((G - G_style)**2),

    G being the Gram matrix divided by the number of positions (Gatys et al. 2016, equations 1 to 7,
    with means for sums, as in the authors' code). At alpha < 1 the Gram matrices to reach lie
    between the content's own and the style's.

    Parameters
    ----------
    encoder : Encoder
    settings : OptimisationSettings
    """

    name = "optimisation"

    def __init__(
        self,
        encoder: Encoder,
        settings: OptimisationSettings,
    ) -> None:
        self.wanted = list(dict.fromkeys([*settings.content_layers, *settings.style_layers]))
        encoder.require(self.wanted)
        self.encoder, self.settings = encoder, settings
        self.weights = encoder.identity

    def stylize(
        self,
        contents: np.ndarray,
        styles: np.ndarray,
        alpha: float = 1.0,
        streams: Streams | None = None,
    ) -> np.ndarray:
        streams = _checked(contents, styles, alpha, streams)
        chosen, device = self.settings, _device(self.encoder)
        content = to_float(contents).to(device)
        with torch.no_grad():
            own = self._maps(content, self.wanted)
            style = self._maps(to_float(styles).to(device), list(chosen.style_layers))
            grams = {
                name: torch.lerp(gram_matrix(own[name]), gram_matrix(style[name]), alpha)
                for name in chosen.style_layers
            }
            kept = {name: own[name] for name in chosen.content_layers}
        if chosen.start == "content":
            start = prepare(content, Preparation(noise=chosen.noise), streams)
        else:
            start = _noise(streams, content)

        def losses(images: Tensor) -> Tensor:  # (B, 3, H, W) -> (B,)
            maps = self._maps(images, self.wanted)
            content_loss = sum(_mean_square(maps[name], kept[name]) for name in kept)
            style_loss = sum(_mean_square(gram_matrix(maps[n]), grams[n]) for n in grams)
            return (
                chosen.content_weight / len(kept) * content_loss
                + chosen.style_weight / len(grams) * style_loss
            )

        if chosen.optimizer == "adam":
            result = adam(losses, start, steps=chosen.steps, learning_rate=chosen.learning_rate)
        else:
            result = lbfgs(losses, start, steps=chosen.steps, learning_rate=chosen.learning_rate)
        if not torch.isfinite(result).all():
            raise InputError(
                "optimisation: pixels are not finite; try a lower optimisation.learning_rate"
            )
        return to_bytes(result)

    def _maps(self, images: Tensor, names: list[str]) -> dict[str, Tensor]:
        maps = self.encoder(images, names)
        return {name: maps[name] / self.encoder.scales[name] for name in names}


class Enlarged:
    """An engine that works on enlarged contents; its results have the contents' own size.

    A map at stride 4 of 64 px has 16 positions a side, which is too few for many shapes; of the same
    picture enlarged to 128 px it has 32.

    Parameters
    ----------
    engine : Engine
    factor : int
    """

    def __init__(self, engine: Engine, factor: int) -> None:
        self.engine, self.factor = engine, factor
        self.name, self.weights = engine.name, engine.weights

    def stylize(
        self,
        contents: np.ndarray,
        styles: np.ndarray,
        alpha: float = 1.0,
        streams: Streams | None = None,
    ) -> np.ndarray:
        streams = _checked(contents, styles, alpha, streams)
        large = self.engine.stylize(enlarge(contents, self.factor), styles, alpha, streams)
        return reduce(large, self.factor)


def build(settings: StylizeSettings, *, decoder: str | Path | None = None) -> Engine:
    """Make the engine that the parameters name, on the GPU where there is one.

    Parameters
    ----------
    settings : StylizeSettings
    decoder : path, optional
        Of ``adain``: a decoder that `train-decoder` wrote, or the published one.

    Raises
    ------
    InputError
        If the decoder is missing or does not fit the encoder, or a layer does not exist.
    """
    from texshape.devices import select_device

    encoder = encoders.load(settings.encoder)
    encoder.to(select_device())
    engine: Engine
    if settings.engine == "optimisation":
        engine = Optimisation(encoder, settings.optimisation)
    else:
        engine = _adain(encoder, settings, decoder)
    return engine if settings.enlarge == 1 else Enlarged(engine, settings.enlarge)


def _adain(encoder: Encoder, settings: StylizeSettings, decoder: str | Path | None) -> AdaIN:
    if decoder is None:
        raise InputError("engine 'adain': needs a decoder (--decoder PATH)")
    module, description = decoders.read(decoder, settings.decoder_sha256)
    layer = settings.decoder.layer
    encoder.require([layer])
    found = encoder.layers[layer]
    decoders.check_fit(
        module,
        description,
        encoder=encoder.identity,
        layer=layer,
        channels=found.channels,
        stride=found.stride,
        path=decoder,
    )
    module.to(_device(encoder), memory_format=torch.channels_last)
    return AdaIN(encoder, module, layer, preparation=settings.content, digest=description["digest"])


def pad_to_multiple(images: Tensor, multiple: int, least: int = 2) -> Tensor:
    """Repeat the last row and column until both sides are whole multiples.

    Parameters
    ----------
    images : Tensor of shape (B, C, H, W)
    multiple : int
    least : int
        Multiples a side at least: reflection needs a map of two positions.
    """
    sides = images.shape[2:]
    bottom, right = (max(-(-side // multiple), least) * multiple - side for side in sides)
    if not bottom and not right:
        return images
    return functional.pad(images, [0, right, 0, bottom], mode="replicate")


def check_alpha(alpha: float) -> float:
    """Insist on a number from 0 to 1."""
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not 0 <= alpha <= 1:
        raise InputError(f"alpha: {alpha!r}; expected a number from 0 to 1")
    return float(alpha)


def _checked(
    contents: np.ndarray, styles: np.ndarray, alpha: float, streams: Streams | None
) -> Streams:
    check_alpha(alpha)
    for name, images in (("contents", contents), ("styles", styles)):
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
            raise InputError(
                f"{name}: {images.dtype} of shape {images.shape}; expected uint8 (n, H, W, 3)"
            )
    if len(contents) != len(styles):
        raise InputError(f"{len(styles)} styles for {len(contents)} contents; expected as many")
    if streams is None:
        return [(place,) for place in range(len(contents))]
    if len(streams) != len(contents):
        raise InputError(f"{len(streams)} streams for {len(contents)} contents")
    return streams


def _mean_square(first: Tensor, second: Tensor) -> Tensor:
    """Of each image: (B, ...) -> (B,)."""
    return (first - second).square().flatten(1).mean(1)


_START = 17  # number in the seed of the noise that an optimisation starts from


def _noise(streams: Streams, like: Tensor) -> Tensor:
    drawn = [
        np.random.default_rng([*stream, _START]).standard_normal(like.shape[1:], dtype=np.float32)
        for stream in streams
    ]
    return (0.5 + 0.1 * torch.from_numpy(np.stack(drawn))).to(like.device)


def _device(encoder: Encoder) -> torch.device:
    tensor = next(encoder.parameters(), next(encoder.buffers(), None))
    return torch.device("cpu") if tensor is None else tensor.device
