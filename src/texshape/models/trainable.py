"""The networks that a training builds by name: the one table of their families.

    build("resnet20", classes=10, seed=0)       # small: 32 to 64 px, trained on a CPU in minutes
    build("resnet50", classes=1000, seed=0)     # of ImageNet's size: torchvision's, and BagNets

A checkpoint carries name and configuration, from which `build` makes the same network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from texshape.errors import InputError, nearest
from texshape.models import bagnet, cifar_resnet, small

# Of ImageNet's pixels in [0, 1], as published weights expect them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Family:
    """Networks that are built and normalised alike.

    Attributes
    ----------
    names : sequence of str
    configuration : callable
        Name to the arguments of `module`, plain values.
    module : callable
        Arguments and ``classes`` to a network with random weights.
    mean, std : tuple of 3 float
        Of pixels in [0, 1].
    """

    names: Sequence[str]
    configuration: Callable[[str], dict[str, Any]]
    module: Callable[..., nn.Module]
    mean: tuple[float, float, float] = small.MEAN
    std: tuple[float, float, float] = small.STD


def _torchvision_resnet(*, depth: int, classes: int) -> nn.Module:
    from torchvision import models

    return models.get_model(f"resnet{depth}", weights=None, num_classes=classes)


def _bagnet(*, blocks_3x3: Sequence[int], classes: int) -> nn.Module:
    first, second, third, fourth = blocks_3x3
    return bagnet.BagNet((first, second, third, fourth), classes=classes)


_DEPTHS = {"resnet18": 18, "resnet50": 50}
FAMILIES = (
    Family(small.ARCHITECTURES, small.configuration, small.SmallNetwork),
    Family(tuple(cifar_resnet.BLOCKS), cifar_resnet.configuration, cifar_resnet.CifarResNet),
    Family(
        tuple(_DEPTHS),
        lambda name: {"depth": _DEPTHS[name]},
        _torchvision_resnet,
        IMAGENET_MEAN,
        IMAGENET_STD,
    ),
    Family(
        tuple(bagnet.BLOCKS_3X3),
        lambda name: {"blocks_3x3": list(bagnet.BLOCKS_3X3[name])},
        _bagnet,
        IMAGENET_MEAN,
        IMAGENET_STD,
    ),
)
ARCHITECTURES = tuple(name for family in FAMILIES for name in family.names)


def family(architecture: str) -> Family:
    """The family of an architecture.

    Raises
    ------
    InputError
        If there is no such architecture.
    """
    for found in FAMILIES:
        if architecture in found.names:
            return found
    raise InputError(
        f"architecture '{architecture}' is unknown{nearest(architecture, ARCHITECTURES)}"
    )


def configuration(architecture: str) -> dict[str, Any]:
    """What a checkpoint carries to build the network again."""
    return family(architecture).configuration(architecture)


def build(
    architecture: str,
    classes: int,
    *,
    seed: int | None = None,
    given: dict[str, Any] | None = None,
) -> nn.Module:
    """Build a network with random weights.

    Parameters
    ----------
    architecture : str
        One of `ARCHITECTURES`.
    classes : int
        Number of outputs.
    seed : int, optional
        Seed of the weights, which leaves the global random state alone; without it that state is
        used.
    given : dict, optional
        Configuration of a checkpoint, in place of the architecture's own.

    Raises
    ------
    InputError
        If there is no such architecture.
    """
    found = family(architecture)
    parts = given or found.configuration(architecture)
    if seed is None:
        return found.module(**parts, classes=classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return found.module(**parts, classes=classes)
