"""Statistics of feature maps that stand for style: channel mean and deviation, Gram matrix."""

from __future__ import annotations

import torch
from torch import Tensor

EPSILON = 1e-5  # added to the variance, as in the authors' code of AdaIN


def channel_statistics(maps: Tensor, epsilon: float = EPSILON) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over all positions.

    Parameters
    ----------
    maps : Tensor of shape (B, C, H, W)
    epsilon : float
        Added to the variance, so that a flat channel can be divided by its deviation.

    Returns
    -------
    mean, deviation : Tensor of shape (B, C, 1, 1)
        The variance is the unbiased one, as in the authors' code; of a single position it is 0.
    """
    flat = maps.flatten(2)
    positions = flat.shape[2]
    mean = flat.mean(2)
    squares = (flat - mean.unsqueeze(2)).square().sum(2)
    deviation = (squares / max(positions - 1, 1) + epsilon).sqrt()
    return mean[..., None, None], deviation[..., None, None]


def adaptive_instance_normalisation(
    content: Tensor, style: Tensor, alpha: float = 1.0, epsilon: float = EPSILON
) -> Tensor:
    """Give the content's features the channel means and deviations of the style's.

    Huang and Belongie (2017), equation 8, and its blend with the content (equation 14).

    Parameters
    ----------
    content : Tensor of shape (B, C, H, W)
    style : Tensor of shape (B, C, H', W')
        Of any other size.
    alpha : float
        1 takes the style's statistics, 0 leaves the content as it is.
    epsilon : float
        Added to the variances.

    Returns
    -------
    Tensor of shape (B, C, H, W)
    """
    mean, deviation = channel_statistics(content, epsilon)
    style_mean, style_deviation = channel_statistics(style, epsilon)
    target = (content - mean) / deviation * style_deviation + style_mean
    return target if alpha == 1 else torch.lerp(content, target, alpha)


def gram_matrix(maps: Tensor) -> Tensor:
    """Mean over positions of the products of channels (Gatys et al. 2016, equation 3, normalised).

    The paper sums over the N positions and divides the squared difference by 4 N^2 M^2 (M channels)
    in the loss; dividing here lets maps of different size be compared.

    Parameters
    ----------
    maps : Tensor of shape (B, C, H, W)

    Returns
    -------
    Tensor of shape (B, C, C)
    """
    flat = maps.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]
