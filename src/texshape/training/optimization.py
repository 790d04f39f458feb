"""Optimiser and learning-rate schedule."""

from __future__ import annotations

from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, StepLR

from texshape.config.training import TrainingSettings


def optimizer_and_schedule(
    module: nn.Module, settings: TrainingSettings, steps: int
) -> tuple[Optimizer, LRScheduler]:
    """AdamW (Loshchilov and Hutter 2019) or SGD, under one cycle (Smith and Topin 2019) or steps.

    Parameters
    ----------
    module : nn.Module
    settings : TrainingSettings
    steps : int
        Optimiser steps of the whole training.
    """
    if settings.optimizer == "sgd":
        optimizer: Optimizer = SGD(
            module.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
        )
    else:
        optimizer = AdamW(
            module.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,
        )
    if settings.schedule == "step":
        every = settings.step_epochs * (steps // settings.epochs)
        return optimizer, StepLR(optimizer, step_size=every, gamma=0.1)
    # The schedule divides by steps - 1 internally, so it needs a few.
    schedule = OneCycleLR(optimizer, max_lr=settings.learning_rate, total_steps=max(steps, 2))
    return optimizer, schedule
