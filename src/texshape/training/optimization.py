"""Optimiser and learning-rate schedule."""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from texshape.training.settings import Settings


def optimizer_and_schedule(
    module: nn.Module, settings: Settings, steps: int
) -> tuple[Optimizer, LRScheduler]:
    """AdamW (Loshchilov and Hutter 2019) under a one-cycle schedule (Smith and Topin 2019).

    Parameters
    ----------
    module : nn.Module
    settings : Settings
    steps : int
        Optimiser steps of the whole training.
    """
    optimizer = AdamW(
        module.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    # The schedule divides by steps - 1 internally, so it needs a few.
    schedule = OneCycleLR(optimizer, max_lr=settings.learning_rate, total_steps=max(steps, 2))
    return optimizer, schedule
