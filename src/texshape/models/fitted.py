"""A network that decides by a linear read-out of its last stage: the read-out as numbers, and put behind it.

Whoever shows the network pictures gets the logits of the read-out's classes, as from a classifier: gradients
pass, and what is changed inside the network, at the last stage too, changes the decisions.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from texshape.errors import InputError, UnmeasurableError, first_line
from texshape.files import atomic_path
from texshape.models.decisions import probabilities
from texshape.models.network import Network
from texshape.models.stages import captured, layout
from texshape.transfer import Batch, OnItsWay, passed
from texshape.trials.deciding import READOUT

#: name of the submodule that holds the read-out
HEAD = "texshape_readout"
POOLED, CLASS_TOKEN, OUTPUTS = "pooled", "cls", "outputs"


@dataclass(frozen=True)
class Place:
    """Where a network is read.

    Attributes
    ----------
    stage : str
        Its last stage; empty where it has none, and its outputs are read.
    submodule : str
        Whose output is the stage's activation.
    input : str
        ``cls``, the class token; ``pooled``, the mean over positions; ``outputs``.
    units : int
    """

    stage: str
    submodule: str
    input: str
    units: int


@dataclass(frozen=True, eq=False)
class Fitted:
    """A read-out that was fitted on photographs.

    Attributes
    ----------
    place : Place
    weights : ndarray of shape (classes, units), float32
    intercept : ndarray of shape (classes,), float32
    classes : tuple of str
    photographs : str
        What it was fitted on: ``grey``, or a folder.
    """

    place: Place
    weights: np.ndarray
    intercept: np.ndarray
    classes: tuple[str, ...]
    photographs: str


def where(network: Network) -> Place:
    """Where the decisions of a network can be read: its last stage, or its outputs where it has none.

    Raises
    ------
    UnmeasurableError
        If it has no stage and returns no vector.
    """
    stage = next(reversed(list(network.stages)), "")
    side = network.input_size
    grey = torch.full((2, 3, side, side), 127, dtype=torch.uint8, device=network.device)
    shown = network.preprocess(grey)
    if not stage:
        if network.outputs is None:
            raise UnmeasurableError(
                f"{network.without_decision or 'it returns no vector'}, and no stages could be found in it, so "
                "there is nothing to read its decisions from"
            )
        return Place("", "", OUTPUTS, network.outputs)
    path = network.stages[stage]
    with torch.no_grad(), captured(network.module, {stage: path}) as held:
        network.module(shown)
    if stage not in held:
        raise UnmeasurableError(f"stage '{stage}': is not called in a forward pass")
    form = layout(network.module, path, held[stage].shape)
    return Place(stage, path, CLASS_TOKEN if form.class_token else POOLED, form.units)


def read(module: nn.Module, place: Place, activation: Tensor) -> Tensor:
    """What is read of a stage's activation, or of the outputs: (B, units), float32."""
    if place.input == OUTPUTS:
        return activation.flatten(1).float()
    form = layout(module, place.submodule, activation.shape)
    if form.kind == "tokens":
        if place.input == CLASS_TOKEN:
            return activation[:, 0].float()
        return activation[:, form.prefix :].float().mean(1)
    if form.kind == "vector":
        return activation.float()
    return activation.float().mean((1, 2) if form.kind == "map_last" else (2, 3))


def features(
    network: Network, place: Place, images: np.ndarray, *, batch_size: int = 32
) -> np.ndarray:
    """What is read of a network that is shown images.

    Parameters
    ----------
    network : Network
        As it is, without a read-out behind it.
    place : Place
    images : ndarray of shape (n, height, width, 3), uint8
    batch_size : int

    Returns
    -------
    ndarray of shape (n, units), float32
    """
    found = np.empty((len(images), place.units), np.float32)
    module = network.module

    def shown(batch: Batch) -> OnItsWay:
        pixels = network.preprocess(batch.images.contiguous())
        with torch.no_grad():
            if place.submodule:
                with captured(module, {HEAD: place.submodule}) as held:
                    module(pixels)
                activation = held[HEAD]
            else:
                activation = module(pixels)
            return OnItsWay(read(module, place, activation))

    for batch, values in passed(network.device, images, batch_size, shown):
        found[batch.rows] = values.array()
    return found


def attach(network: Network, fitted: Fitted) -> Network:
    """The network as it decides by a read-out; its module gives the logits of the classes from now on.

    Parameters
    ----------
    network : Network
        Its module is changed, and keeps the names of its submodules.
    fitted : Fitted

    Raises
    ------
    InputError
        If the read-out is of another network.
    """
    place = fitted.place
    if place.submodule:
        known = dict(network.module.named_modules())
        if place.submodule not in known:
            raise InputError(
                f"{network.name}: has no submodule '{place.submodule}', of which its read-out is; expected "
                "the network that it was fitted on"
            )
    head = nn.Linear(place.units, len(fitted.classes))
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(fitted.weights))
        head.bias.copy_(torch.from_numpy(fitted.intercept))
    head = head.eval().requires_grad_(False).to(network.device)
    module = network.module
    if place.submodule:
        module.add_module(HEAD, head)
        hooks = _ReadOut(place, head)
        module.register_forward_pre_hook(hooks.before)
        module.register_forward_hook(hooks.after)
    else:
        module = _OfOutputs(module, place, head).eval()
    return replace(
        network,
        module=module,
        classes=fitted.classes,
        decide=probabilities,
        categories=None,
        labels=fitted.classes,
        outputs=len(fitted.classes),
        outputs_are=READOUT,
        without_decision="",
        fitted_on=fitted.photographs,
    )


class _ReadOut:
    """Hooks around a network: what its last stage passes on is read, and the logits take its output's place.

    The stage is listened to anew in each pass: so the listener comes after all hooks that change what the
    stage passes on.
    """

    def __init__(self, place: Place, head: nn.Linear) -> None:
        self.place, self.head = place, head
        self._listening: AbstractContextManager[dict[str, Any]] | None = None
        self._held: dict[str, Any] = {}

    def before(self, module: nn.Module, _: tuple[Any, ...]) -> None:
        """Begin to listen."""
        self._stop()  # a pass before this one may have ended in an error
        place = self.place
        self._listening = captured(
            module, {HEAD: place.submodule}, lambda _, activation: read(module, place, activation)
        )
        self._held = self._listening.__enter__()

    def after(self, module: nn.Module, _: tuple[Any, ...], result: Any) -> Tensor:
        """Logits of the classes in place of what the network returns."""
        held = self._held
        self._stop()
        if HEAD not in held:
            raise InputError(f"stage '{self.place.stage}': is not called in a forward pass")
        return _logits(self.head, held[HEAD])

    def _stop(self) -> None:
        if self._listening is not None:
            self._listening.__exit__(None, None, None)
        self._listening, self._held = None, {}


class _OfOutputs(nn.Module):
    """A network of which no stage is known, and a read-out of its outputs.

    Parameters
    ----------
    inner : nn.Module
    place : Place
    head : nn.Linear
    """

    def __init__(self, inner: nn.Module, place: Place, head: nn.Linear) -> None:
        super().__init__()
        self.inner, self.place = inner, place
        self.add_module(HEAD, head)

    def forward(self, x: Tensor) -> Tensor:  # (B, 3, S, S) -> (B, classes)
        return _logits(getattr(self, HEAD), read(self.inner, self.place, self.inner(x)))


def _logits(head: nn.Linear, values: Tensor) -> Tensor:
    """In float32 whatever the precision of the network: it was fitted so."""
    with torch.autocast(values.device.type, enabled=False):
        return head(values)


# --- the file --------------------------------------------------------------------------------------


def write(path: str | Path, network: str, fitted: Fitted) -> None:
    """Write a read-out, with the name of the network that it belongs to, as ``.npz``.

    The bytes are the same whenever they are written: members carry no time.
    """
    place = fitted.place
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(
            file,
            network=np.array(network),
            stage=np.array(place.stage),
            submodule=np.array(place.submodule),
            input=np.array(place.input),
            weights=fitted.weights,
            intercept=fitted.intercept,
            classes=np.array(fitted.classes),
            photographs=np.array(fitted.photographs),
        )


def open_file(path: str | Path) -> tuple[str, Fitted]:
    """The name of a network and its read-out, from a file of `write`.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as found:
            weights, intercept = found["weights"], found["intercept"]
            classes = tuple(map(str, found["classes"]))
            place = Place(
                *(str(found[name]) for name in ("stage", "submodule", "input")),
                units=int(weights.shape[1]),
            )
            network, photographs = str(found["network"]), str(found["photographs"])
            if weights.shape[0] != len(classes) or intercept.shape != (len(classes),):
                raise ValueError(f"{len(classes)} classes and weights of shape {weights.shape}")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a read-out, fitted before") from None
    except Exception as error:  # zipfile and numpy raise many kinds
        raise InputError(
            f"{path}: is no read-out, or a damaged one ({first_line(error)})"
        ) from None
    return network, Fitted(place, weights, intercept, classes, photographs)
