"""What every measure takes: one network, ready to be shown images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from texshape.errors import InputError
from texshape.models.preprocessing import Own, Preprocess
from texshape.trials.deciding import ASKED, CLASSES, READOUT

if TYPE_CHECKING:
    from texshape.models.asked import Asked


@dataclass(frozen=True)
class Network:
    """A network with its preprocessing, its decisions and its stages.

    Attributes
    ----------
    name : str
        Full name (``timm:resnet50``, a checkpoint's path).
    slug : str
        Name of its folder, ``architecture--weights``.
    module : nn.Module
        In evaluation mode, parameters frozen; images (B, 3, S, S) to logits (B, outputs).
    input_size : int
        S, side of the input in px.
    preprocess : Preprocess
        uint8 images of any size (B, 3, H, W), or float in [0, 1], to the network's input.
    classes : tuple of str or None
        What it decides between; None where its outputs fit no class map.
    decide : callable or None
        Logits (B, outputs) to scores (B, len(classes)); the highest score is the decision.
    stages : dict of str to str
        Stage name to the name of the submodule whose output is the stage's activation.
    labels : tuple of str or None
        Names of the raw outputs, where known.
    categories : dict of str to list of int, or None
        Output indices of each class, where classes are groups of outputs.
    own : Own or None
        The network's own pipeline, from which other preprocessings are made.
    without_decision : str
        Why there is no class map, for the error of whoever needs one.
    outputs : int or None
        Number of outputs; None where what it returns is no vector of them, so that no class map can
        help.
    asked : Asked or None
        The module, where it is a subject that is asked: nothing but its answers can be seen.
    outputs_are : str
        What its outputs are, as `texshape.trials.deciding` calls it.
    fitted_on : str
        What a read-out that decides was fitted on, ``grey`` or a folder; empty for all others.
    """

    name: str
    slug: str
    module: nn.Module
    input_size: int
    preprocess: Preprocess
    classes: tuple[str, ...] | None = None
    decide: Callable[[Tensor], Tensor] | None = None
    stages: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] | None = None
    categories: Mapping[str, list[int]] | None = None
    own: Own | None = None
    without_decision: str = ""
    outputs: int | None = None
    asked: Asked | None = None
    outputs_are: str = CLASSES
    fitted_on: str = ""

    @property
    def decides_by(self) -> str:
        """How its decisions come about, see `texshape.trials.deciding`; empty where it makes none."""
        if self.asked is not None:
            return ASKED
        return self.outputs_are if self.classes is not None else ""

    @property
    def device(self) -> torch.device:
        """Where the network's parameters are."""
        tensor = next(self.module.parameters(), next(self.module.buffers(), None))
        return torch.device("cpu") if tensor is None else tensor.device

    def require_classes(self) -> tuple[str, ...]:
        """The decision classes.

        Raises
        ------
        InputError
            If the outputs fit no class map.
        """
        if self.classes is None or self.decide is None:
            reason = f"{self.name}: {self.without_decision or 'no class map fits its outputs'}"
            if self.without_decision and (self.outputs is None or self.outputs_are == READOUT):
                raise InputError(reason)
            raise InputError(
                f"{reason}; decisions need one (setting class_map: a YAML file, category to output "
                "indices)"
            )
        return self.classes
