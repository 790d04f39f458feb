"""Minimisation over the pixels of a batch, each image for itself.

`torch.optim.LBFGS` would treat a batch as one vector: an image's result would depend on its
neighbours. Here every image has its own history and its own step.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Losses = Callable[[Tensor], Tensor]  # images (B, ...) to losses (B,)


def gradients(losses: Losses, images: Tensor) -> tuple[Tensor, Tensor]:
    """Losses (B,) and the gradient of each with respect to its own image (B, ...)."""
    images = images.detach().requires_grad_(True)
    with torch.enable_grad():
        values = losses(images)
        (gradient,) = torch.autograd.grad(values.sum(), images)
    return values.detach(), gradient


def adam(
    losses: Losses,
    start: Tensor,
    *,
    steps: int,
    learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.999),
) -> Tensor:
    """Adam (Kingma and Ba 2015), which treats every pixel for itself.

    Parameters
    ----------
    losses : callable
        Images (B, ...) to losses (B,), the loss of an image depending on it alone.
    start : Tensor of shape (B, ...)
    steps : int
    learning_rate : float
        Falls linearly to a tenth, so that the pixels come to rest.

    Returns
    -------
    Tensor of shape (B, ...)
    """
    images = start.detach().clone()
    first, second = torch.zeros_like(images), torch.zeros_like(images)
    for step in range(1, steps + 1):
        _, gradient = gradients(losses, images)
        first.lerp_(gradient, 1 - betas[0])
        second.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
        rate = learning_rate * (1 - 0.9 * (step - 1) / max(steps - 1, 1))
        mean = first / (1 - betas[0] ** step)
        deviation = (second / (1 - betas[1] ** step)).sqrt_().add_(1e-8)
        images.addcdiv_(mean, deviation, value=-rate)
    return images


def lbfgs(
    losses: Losses,
    start: Tensor,
    *,
    steps: int,
    learning_rate: float = 1.0,
    history: int = 10,
) -> Tensor:
    """L-BFGS (Nocedal and Wright 2006, algorithm 7.4) with a step that is halved while it fails.

    Parameters
    ----------
    losses : callable
        Images (B, ...) to losses (B,), the loss of an image depending on it alone.
    start : Tensor of shape (B, ...)
    steps : int
        Evaluations of the loss, failed ones included.
    learning_rate : float
        Length of the full step; 1 is Newton's.
    history : int
        Pairs of steps and gradient differences that are kept.

    Returns
    -------
    Tensor of shape (B, ...)
        The pixels of the lowest loss that was met.
    """
    shape = start.shape
    x = start.detach().flatten(1).clone()

    def evaluate(pixels: Tensor) -> tuple[Tensor, Tensor]:
        values, gradient = gradients(losses, pixels.view(shape))
        return values, gradient.flatten(1)

    value, gradient = evaluate(x)
    pairs: list[tuple[Tensor, Tensor, Tensor]] = []
    # The first direction has no curvature to go by: its longest change is a tenth of the range.
    peak = gradient.abs().amax(1, keepdim=True).clamp(min=1e-20)
    direction, length = -gradient * (0.1 / peak), torch.full_like(value, learning_rate)
    for _ in range(steps):
        trial = x + length[:, None] * direction
        trial_value, trial_gradient = evaluate(trial)
        good = trial_value < value  # not where the value is undefined
        if good.any():
            s = torch.where(good[:, None], trial - x, 0.0)
            y = torch.where(good[:, None], trial_gradient - gradient, 0.0)
            curvature = (s * y).sum(1)
            # Of an image that made no step, or along which the loss is not convex, the pair counts
            # as nothing.
            useful = curvature > 1e-10 * y.square().sum(1).clamp(min=1e-30)
            rho = torch.where(useful, 1 / curvature.clamp(min=1e-30), 0.0)
            pairs = [*pairs, (s, y, rho)][-history:]
            x = torch.where(good[:, None], trial, x)
            value = torch.where(good, trial_value, value)
            gradient = torch.where(good[:, None], trial_gradient, gradient)
            fresh = _direction(gradient, pairs)
            downhill = (fresh * gradient).sum(1) < 0
            fresh = torch.where(downhill[:, None], fresh, -gradient)
            direction = torch.where(good[:, None], fresh, direction)
        length = torch.where(good, torch.full_like(length, learning_rate), length / 2)
    return x.view(shape)


def _direction(gradient: Tensor, pairs: list[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """Two-loop recursion, each row for itself."""
    q, factors = gradient.clone(), []
    for s, y, rho in reversed(pairs):
        factor = rho * (s * q).sum(1)
        q -= factor[:, None] * y
        factors.append(factor)
    scale = torch.ones_like(gradient[:, 0])
    for s, y, rho in pairs:  # the latest pair that counts
        fits = rho > 0
        found = (s * y).sum(1) / y.square().sum(1).clamp(min=1e-30)
        scale = torch.where(fits, found, scale)
    q *= scale[:, None]
    for (s, y, rho), factor in zip(pairs, reversed(factors), strict=True):
        q += (factor - rho * (y * q).sum(1))[:, None] * s
    return -q
