"""What a family's loader gives: a module before its decisions and stages are known."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from texshape.errors import InputError, nearest_path
from texshape.models import attributes
from texshape.models.cards import Card
from texshape.models.families import registry
from texshape.models.families.base import ModelName
from texshape.models.preprocessing import Own
from texshape.trials.deciding import CLASSES

DYNAMIC_IMPORTS = ("texshape.models.families.*.load",)


@dataclass
class Loaded:
    """A module before its decisions and stages are known."""

    module: nn.Module
    own: Own | None = None  # None: as the module's attributes say
    labels: tuple[str, ...] | None = None  # names of the outputs
    decides: bool = False  # the outputs are the decision classes, `labels` their names
    assumed: bool = False  # nothing says mean and std, so they are ImageNet's
    without: str = ""  # why its outputs are no classes
    card: Card | None = None  # whose outputs and stages count
    outputs_are: str = CLASSES


def loader(family: str) -> ModuleType:
    """The module that loads the networks of a family.

    Its function ``load`` takes a `ModelName` and whether weights are wanted, and returns `Loaded`; that of a
    family that is asked takes the slug and a class map besides, and returns a `Network`.
    """
    return importlib.import_module(f"texshape.models.families.{family}.load")


def loaded_by_name(parsed: ModelName, weights: bool) -> Loaded:
    """The module of a name, from the loader of its family.

    Raises
    ------
    InputError
        If a file of weights is missing, or as the loader says.
    """
    needed = weights or registry.families()[parsed.source].holds_architecture
    if parsed.weights is not None and needed and not parsed.weights.is_file():
        raise InputError(
            f"model '{parsed.text}': no such file: {parsed.weights}{nearest_path(parsed.weights)}"
        )
    return loader(parsed.source).load(parsed, weights)


def said_by(name: str, module: nn.Module, classes: Any = None, own: Own | None = None) -> Loaded:
    """A network with what it says of itself; `classes` and `own` are said by the user instead."""
    given = classes if classes is not None else getattr(module, "classes", None)
    labels = attributes.class_names(given, name)
    return Loaded(module, own, labels, decides=labels is not None)


class BlueFirst:
    """The hook in front of a network that takes its channels as blue, green, red."""

    def __call__(self, _: nn.Module, shown: tuple[Tensor, ...]) -> tuple[Tensor]:
        return (shown[0].flip(1),)
