"""The `training` section of the parameters, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any

from texshape.errors import InputError
from texshape.parameters import check_keys

FASTEST = "fastest"
PRECISIONS = ("float32", "bfloat16", FASTEST)
LABELS = ("shape", "texture")
OPTIMIZERS = ("adamw", "sgd")
SCHEDULES = ("one-cycle", "step")


@dataclass(frozen=True)
class Settings:
    """How a network is trained; `params.yaml` gives every value.

    Attributes
    ----------
    epochs, batch_size : int
        A set with fewer images than a batch is one batch (`texshape.training.batches.largest_batch`).
    learning_rate : float
        Peak of the one-cycle schedule, start of the steps.
    weight_decay : float
        Decoupled in AdamW; added to the gradient in SGD.
    horizontal_flip : bool
        Mirror half of the images.
    random_crop : float or None
        Smallest share of the area that a random resized crop keeps; None does not crop.
    checkpoint_epochs : tuple of int
        After which epochs the weights are kept; 0 is initialisation.
    precision : str
        ``float32``, ``bfloat16`` for automatic mixed precision, or ``fastest``: bfloat16 where the device
        computes in it (`texshape.compute.computes_in_bfloat16`), float32 elsewhere.
    compile : bool
        Run the network through `torch.compile`.
    channels_last : bool
        Store images and weights channels last.
    passes : float
        Passes over one set that make an epoch. An epoch over the images of two sets, of which each
        batch takes half from either, has 2.
    optimizer : str
        ``adamw``, or ``sgd`` with momentum.
    momentum : float
        Of SGD.
    schedule : str
        ``one-cycle``, or ``step``: divided by ten every `step_epochs`.
    step_epochs : int or None
        Of the schedule ``step``.
    label : str
        Which class is learned: that of the ``shape`` or of the ``texture``.
    initial : str or None
        What the weights start from in place of random ones; read by the workflow, which names the
        network (`texshape.training.loop.train`).
    gpus_per_job : int
        GPUs of one training, each with its share of every batch; without a GPU there is one process.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    horizontal_flip: bool
    random_crop: float | None
    checkpoint_epochs: tuple[int, ...]
    precision: str
    compile: bool
    channels_last: bool
    passes: float = 1.0
    optimizer: str = "adamw"
    momentum: float = 0.9
    schedule: str = "one-cycle"
    step_epochs: int | None = None
    label: str = "shape"
    initial: str | None = None
    gpus_per_job: int = 1

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as a checkpoint carries them."""
        return asdict(self) | {"checkpoint_epochs": list(self.checkpoint_epochs)}


def parse(section: Mapping[str, Any]) -> Settings:
    """Check a `training` section, arm overrides merged.

    Raises
    ------
    InputError
        If a key is unknown or missing, or a value is of the wrong type or outside its range.
    """
    if not isinstance(section, Mapping):
        raise InputError(f"training: expected an object of settings, found {section!r}")
    names = [field.name for field in fields(Settings)]
    check_keys(section, names, "training")
    for field in fields(Settings):
        if field.default is MISSING and field.name not in section:
            raise InputError(f"training.{field.name}: missing")
    values = {"gpus_per_job": 1, **section}
    for key in ("epochs", "batch_size", "gpus_per_job"):
        _require(key, values[key], _is_integer(values[key]) and values[key] >= 1, "an integer >= 1")
    for key, valid, expected in (
        ("learning_rate", lambda x: x > 0, "a number > 0"),
        ("weight_decay", lambda x: x >= 0, "a number >= 0"),
    ):
        _require(key, values[key], _is_number(values[key]) and valid(values[key]), expected)
        values[key] = float(values[key])
    for key in ("horizontal_flip", "compile", "channels_last"):
        _require(key, values[key], isinstance(values[key], bool), "true or false")
    crop = values["random_crop"]
    valid = crop is None or (_is_number(crop) and 0 < crop <= 1)
    _require("random_crop", crop, valid, "null or an area share in (0, 1]")
    _require(
        "precision", values["precision"], values["precision"] in PRECISIONS, " or ".join(PRECISIONS)
    )
    kept = values["checkpoint_epochs"]
    valid = isinstance(kept, (list, tuple)) and all(
        _is_integer(epoch) and 0 <= epoch <= values["epochs"] for epoch in kept
    )
    _require("checkpoint_epochs", kept, valid, f"integers from 0 to epochs ({values['epochs']})")
    values["checkpoint_epochs"] = tuple(sorted(set(kept)))
    for key, allowed in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("label", LABELS)):
        if key in values:
            _require(key, values[key], values[key] in allowed, " or ".join(allowed))
    passes = values.get("passes", 1.0)
    _require("passes", passes, _is_number(passes) and 0 < passes <= 1000, "a number in (0, 1000]")
    momentum = values.get("momentum", 0.9)
    _require("momentum", momentum, _is_number(momentum) and 0 <= momentum < 1, "a number in [0, 1)")
    every = values.get("step_epochs")
    if values.get("schedule") == "step":
        _require("step_epochs", every, _is_integer(every) and every >= 1, "an integer >= 1")
    return Settings(**values)


def _require(key: str, value: Any, valid: bool, expected: str) -> None:
    if not valid:
        raise InputError(f"training.{key}: expected {expected}, found {value!r}")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
