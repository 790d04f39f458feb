"""What an encoder and its decoder lose: error of reconstructed images, beside trivial ones."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import torch

from texshape.stylize.columns import RECONSTRUCTION
from texshape.stylize.engines import AdaIN
from texshape.stylize.pixels import enlarge, gaussian_blur, reduce, to_bytes, to_float

#: of one decoder; the table over all has the name of the stylization in front
COLUMNS = RECONSTRUCTION.names[1:]
BLUR = 2.0  # px, deviation of the Gaussian of the baseline


def squared_error(images: np.ndarray, others: np.ndarray) -> float:
    """Mean squared error of pixels in [0, 1]; `others` may be one image for all."""
    total = 0.0
    for begin in range(0, len(images), 64):
        part = images[begin : begin + 64].astype(np.float64)
        other = others if others.ndim == 3 else others[begin : begin + 64]
        total += float((((part - other) / 255) ** 2).sum())
    return total / images.size


def psnr(error: float) -> float:
    """Peak signal-to-noise ratio in dB; infinite for no error is NaN."""
    return -10 * math.log10(error) if error > 0 else math.nan


def reconstruction_table(
    engine: AdaIN,
    images: np.ndarray,
    train: np.ndarray,
    *,
    name: str,
    enlargement: int = 1,
    batch_size: int = 32,
) -> pd.DataFrame:
    """Error of decoding images' own features, beside baselines that know nothing of the image.

    Parameters
    ----------
    engine : AdaIN
    images : ndarray of shape (n, H, W, 3), uint8
        Held out from the decoder's training.
    train : ndarray of shape (m, H, W, 3), uint8
        Images of its training, whose mean image is a baseline.
    name : str
        Of the images: ``content`` or ``style``.
    enlargement : int
        Factor by which they are enlarged for the encoder; what is compared has their own size.
    batch_size : int

    Returns
    -------
    DataFrame
        `COLUMNS`, a row a method: ``decoder``, ``mean image``, ``mean colour`` (the image's own),
        ``blur`` (Gaussian, deviation `BLUR` px). `psnr` is in dB and follows from the mean `mse`.
    """
    decoded = np.empty_like(images)
    blurred = np.empty_like(images)
    for begin in range(0, len(images), batch_size):
        part = images[begin : begin + batch_size]
        decoded[begin : begin + batch_size] = reduce(
            engine.reconstruct(enlarge(part, enlargement)), enlargement
        )
        with torch.inference_mode():
            blurred[begin : begin + batch_size] = to_bytes(gaussian_blur(to_float(part), BLUR))
    colours = images.mean((1, 2), keepdims=True) + np.zeros(images.shape[1:])
    rows = [
        (method, squared_error(images, others))
        for method, others in (
            ("decoder", decoded),
            ("mean image", train.mean(0)),
            ("mean colour", colours),
            ("blur", blurred),
        )
    ]
    return pd.DataFrame(
        [
            {
                "encoder": engine.encoder.identity,
                "layer": engine.layer,
                "stride": engine.stride,
                "images": name,
                "method": method,
                "mse": error,
                "psnr": psnr(error),
                "n": len(images),
            }
            for method, error in rows
        ],
        columns=COLUMNS,
    )
