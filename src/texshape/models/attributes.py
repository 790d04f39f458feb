"""What a network that is given says of itself: input size, mean and standard deviation, classes.

The same rules hold for an object and for `python:`. Two things that look alike are told apart by
trying: an attribute ``mean`` that tells others how to prepare pictures, and one by which the network
prepares them itself (wrappers for attacks, ``nn.Sequential(Normalize(...), net)``). If the answer to a
picture changes with it, the network wants pixels as they are.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from texshape.errors import InputError
from texshape.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Own
from texshape.notices import note

SIZE = 224
# How wrappers call the mean by which they normalise, as a word of a name (``pixel_mean``, ``MEAN``,
# ``_mean_``, ``mu``), and the standard deviation that stands beside it.
_MEAN_WORD = re.compile(r"(?<![a-z])(?:means?|mu)(?![a-z])", re.IGNORECASE)
_STD_WORDS = ("std", "stds", "stdev", "sd", "sigma", "STD", "STDS", "SD", "SIGMA", "Std")


def pipeline(module: nn.Module, name: str) -> Own:
    """How a network wants its images, by its attributes.

    ``input_size`` (a number, or (3, S, S)), ``mean`` and ``std`` (one number or three, of pixels in
    [0, 1] or in [0, 255]); else those of timm's ``pretrained_cfg`` or ``default_cfg``; else 224 px and
    ImageNet's. A network that normalises by itself gets pixels in the range of its mean.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode, on the CPU.
    name : str
        Of the network, for messages.

    Raises
    ------
    InputError
        If an attribute cannot be used; its name, its value and what was expected are named.
    """
    config = _config(module)
    given = getattr(module, "input_size", None)
    where = "input_size"
    if not _says(given):
        given, where = config.get("input_size"), "input_size of its configuration"
    size = SIZE if given is None else _size(given, f"{name}: {where}")
    within = _normalises(module, size)
    mean, std = getattr(module, "mean", None), getattr(module, "std", None)
    if within is not None:
        scale = 255 if max(within) > 1 else 1
        note(
            name,
            "normalises pixels itself (its mean and std change its answer), so it is shown pixels in "
            f"[0, {scale}]",
        )
        return Own(size, mean=(0.0,) * 3, std=(1 / scale,) * 3)
    for key, value in (("mean", mean), ("std", std)):
        if _is_buffer(module, key) and value.numel() not in (1, 3):
            mean = std = None  # of something else than pixels
    where = ""
    if not _says(mean) and not _says(std):
        mean, std = config.get("mean"), config.get("std")
        where = " of its configuration"
    if mean is None and std is None:
        return Own(size, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    if not _says(mean) or not _says(std):
        there, lacking = ("mean", "std") if _says(mean) else ("std", "mean")
        raise InputError(
            f"{name}: says its {there} but no {lacking}; expected both attributes or neither"
        )
    return Own(
        size,
        **_normalisation(
            _three(mean, f"{name}: mean{where}"), _three(std, f"{name}: std{where}"), name
        ),
    )


def said(name: str, input_size: Any, mean: Any, std: Any) -> Own:
    """How a network wants its images, by values that stand beside it (metadata of a file).

    Parameters
    ----------
    name : str
        Of the network, for messages.
    input_size, mean, std : object
        As the attributes of `pipeline`; None: 224 px, ImageNet's.

    Raises
    ------
    InputError
        As `pipeline`.
    """
    size = SIZE if input_size is None else _size(input_size, f"{name}: input_size")
    if mean is None and std is None:
        return Own(size, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    if mean is None or std is None:
        there, lacking = ("mean", "std") if std is None else ("std", "mean")
        raise InputError(
            f"{name}: says its {there} but no {lacking}; expected both of them or neither"
        )
    three = (_three(value, f"{name}: {key}") for key, value in (("mean", mean), ("std", std)))
    return Own(size, **_normalisation(*three, name))


def class_names(given: Any, name: str) -> tuple[str, ...] | None:
    """Names of the outputs, in their order.

    Parameters
    ----------
    given : sequence, or mapping of int to str, or mapping of str to int
        As an attribute ``classes`` holds them; transformers' ``id2label``, torchvision's
        ``class_to_idx``.
    name : str
        Of the network, for messages.

    Returns
    -------
    tuple of str or None
        None where nothing is given, or the number of classes in place of their names.

    Raises
    ------
    InputError
        If these are no names, or one stands twice.
    """
    expected = f"{name}: classes: expected the names of the outputs in their order"
    if given is None or callable(given):
        return None
    if isinstance(given, Real) and not isinstance(given, bool):
        note(name, f"classes is {given}, a number and no names, and is not used")
        return None
    if isinstance(given, Tensor | np.ndarray):
        given = given.tolist()
    if isinstance(given, Mapping):
        # Names may be digits: as numbers of outputs count whole values from 0 on, if there are any.
        numbered = all(isinstance(value, Integral) for value in given.values()) and set(
            given.values()
        ) == set(range(len(given)))
        pairs = [
            (key, value)
            if isinstance(key, Integral) or (str(key).isdecimal() and not numbered)
            else (value, key)
            for key, value in given.items()
        ]
        if not all(isinstance(i, Integral) or str(i).isdecimal() for i, _ in pairs):
            raise InputError(f"{expected}, or a mapping of their numbers to names; found {given}")
        by_number = {int(i): label for i, label in pairs}
        if sorted(by_number) != list(range(len(given))):
            raise InputError(
                f"{expected}; the mapping has the numbers {_few(sorted(by_number))}, expected 0 to "
                f"{len(given) - 1}"
            )
        given = [by_number[i] for i in range(len(by_number))]
    if isinstance(given, str | bytes | set | frozenset) or not hasattr(given, "__iter__"):
        raise InputError(f"{expected}, a tuple or a list; found {type(given).__name__} {given!r}")
    found = list(given)
    if not found:
        return None
    for label in found:
        if not isinstance(label, str | Integral) or isinstance(label, bool) or label == "":
            raise InputError(f"{expected}; found {label!r} among them")
    labels = tuple(str(label) for label in found)
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        raise InputError(
            f"{name}: classes: '{twice[0]}' stands twice; expected one name for each output"
        )
    return labels


# --- values --------------------------------------------------------------------------------------


def _says(value: Any) -> bool:
    """Whether an attribute is meant as a value: methods and submodules are not."""
    return value is not None and not callable(value) and not isinstance(value, bool)


def _config(module: nn.Module) -> Mapping[str, Any]:
    for key in ("pretrained_cfg", "default_cfg"):
        config = getattr(module, key, None)
        if config is not None and not isinstance(config, Mapping):
            config = getattr(config, "__dict__", None)  # timm's own class
        if config:
            return config
    return {}


def _numbers(value: Any) -> list[float] | None:
    """A number, or any nesting of numbers, as a flat list; None where it holds anything else."""
    try:
        if isinstance(value, Tensor):
            value = value.detach().cpu().float().numpy()
        flat = np.asarray(value, dtype=object).ravel()
    except (TypeError, ValueError):
        return None
    numbers: list[float] = []
    for one in flat:
        if isinstance(one, Tensor | np.ndarray | list | tuple):
            inside = _numbers(one)
            if inside is None:
                return None
            numbers += inside
        elif isinstance(one, Real) and not isinstance(one, bool):
            numbers.append(float(one))
        else:
            return None
    return numbers


def _size(value: Any, what: str) -> int:
    numbers = _numbers(value) or []
    if len(numbers) == 3 and numbers[0] != 3:
        raise InputError(
            f"{what}: {_shown(value)} means {numbers[0]:g} channels; expected (3, S, S)"
        )
    sides = numbers[-2:]
    if not 1 <= len(numbers) <= 3 or not all(n >= 1 and n.is_integer() for n in sides):
        raise InputError(f"{what}: expected a side in px or (3, S, S), found {_shown(value)}")
    if len(set(sides)) > 1:
        raise InputError(f"{what}: expected a square, found {_shown(value)}")
    return int(sides[0])


def _three(value: Any, what: str) -> tuple[float, ...]:
    numbers = _numbers(value) or []
    if len(numbers) not in (1, 3) or not all(math.isfinite(n) for n in numbers):
        raise InputError(f"{what}: expected one number or three, found {_shown(value)}")
    return tuple(numbers * 3) if len(numbers) == 1 else tuple(numbers)


def _normalisation(
    mean: tuple[float, ...], std: tuple[float, ...], name: str
) -> dict[str, tuple[float, ...]]:
    """Mean and standard deviation of pixels in [0, 1], from either scale."""
    if min(mean) >= 0 and max(mean) <= 1 and min(std) > 0 and max(std) <= 1:
        return {"mean": mean, "std": std}
    zero = max(mean) == 0 and min(std) >= 127  # (x - 0) / 255
    of_bytes = min(mean) >= 0 and max(mean) <= 255 and (max(mean) > 1 or zero)
    if of_bytes and min(std) >= 1 and max(std) <= 255:
        note(name, f"mean {_few(mean)} and std {_few(std)} are read on the scale of 0 to 255")
        return {"mean": tuple(m / 255 for m in mean), "std": tuple(s / 255 for s in std)}
    raise InputError(
        f"{name}: mean {_few(mean)} and std {_few(std)} do not fit pixels; expected a mean in "
        "[0, 1] and a std in (0, 1], or both on the scale of 0 to 255"
    )


def _few(values: Sequence[Any]) -> str:
    shown = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in values[:4])
    return f"({shown}{', ...' if len(values) > 4 else ''})"


def _shown(value: Any) -> str:
    return " ".join(str(value).split())[:80]


# --- networks that normalise by themselves ----------------------------------------------------------


def _is_buffer(module: nn.Module, key: str) -> bool:
    return key in module._buffers or key in module._parameters


def _normalises(module: nn.Module, size: int) -> tuple[float, ...] | None:
    """Mean and std (six numbers) by which a network normalises its pictures itself; else None."""
    holders = list(_holders(module))
    if not holders:
        return None
    pixels = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        before, shown = _answer(module, pixels, [owner for owner, *_ in holders])
        if before is None or not _equal(before, _answer(module, pixels, [])[0]):
            return None  # another answer each time: what an attribute does cannot be seen
        for owner, mean, numbers in holders:
            # of a submodule only one that is given pictures
            if owner is not module and owner not in shown:
                continue
            with _changed(owner, mean) as done:
                after = _answer(module, pixels, [])[0] if done else None
            if done and not _equal(before, after):
                return numbers
    return None


def _holders(module: nn.Module) -> Iterator[tuple[nn.Module, str, tuple[float, ...]]]:
    for part in _parts(module):
        for mean, std in _pairs(part):
            numbers: list[float] = []
            for key in (mean, std):
                value = getattr(part, key, None)
                found = _numbers(value) if _says(value) else None
                numbers += found if found and len(found) in (1, 3) else [math.nan]
            if not any(map(math.isnan, numbers)):
                yield part, mean, tuple(numbers)


def _parts(module: nn.Module) -> Iterator[nn.Module]:
    """A network's modules, and those in its lists of transforms, which are no submodules."""
    for part in module.modules():
        yield part
        for value in list(vars(part).values()):
            listed = getattr(value, "transforms", value)
            if isinstance(listed, list | tuple):
                yield from (one for one in listed if isinstance(one, nn.Module))


def _pairs(part: nn.Module) -> Iterator[tuple[str, str]]:
    """Names of a mean and of the standard deviation beside it, among a module's attributes."""
    of_classes = [vars(kind) for kind in type(part).__mro__ if kind not in nn.Module.__mro__]
    held = (
        vars(part),
        dict(part.named_buffers(recurse=False)),
        dict(part.named_parameters(recurse=False)),
        *of_classes,
    )
    names = dict.fromkeys(name for one in held for name in one)
    for mean in names:
        for std in _STD_WORDS:
            if (other := _MEAN_WORD.sub(std, mean)) in names and other != mean:
                yield mean, other


def _answer(
    module: nn.Module, pixels: Tensor, watched: Sequence[nn.Module]
) -> tuple[list[Tensor] | None, set[nn.Module]]:
    """All tensors that a network returns, and which of its parts were given pictures."""
    given: set[nn.Module] = set()

    def watch(part: nn.Module, arguments: tuple[Any, ...]) -> None:
        first = arguments[0] if arguments else None
        if isinstance(first, Tensor) and first.ndim == 4 and first.shape[1] == 3:
            given.add(part)

    handles = [
        part.register_forward_pre_hook(watch)
        for part in watched
        if not isinstance(part, torch.jit.ScriptModule)
    ]
    try:
        result = module(pixels)
    except Exception:  # whoever looks at its outputs says so
        return None, given
    finally:
        for handle in handles:
            handle.remove()
    return list(_tensors(result)), given


def _tensors(result: Any) -> Iterator[Tensor]:
    if isinstance(result, Tensor):
        yield result.clone()
    elif isinstance(result, Mapping):
        for value in result.values():
            yield from _tensors(value)
    elif isinstance(result, tuple | list):
        for value in result:
            yield from _tensors(value)


def _equal(one: list[Tensor] | None, other: list[Tensor] | None) -> bool:
    if one is None or other is None or len(one) != len(other):
        return one is other
    return all(
        a.shape == b.shape and torch.equal(a.nan_to_num(), b.nan_to_num())
        for a, b in zip(one, other, strict=True)
    )


class _changed:
    """A module while one of its numbers is another one; as it was afterwards."""

    def __init__(self, owner: nn.Module, key: str) -> None:
        self.owner, self.key = owner, key
        self.value = getattr(owner, key)
        self.own = key in vars(owner)  # else of its class

    def __enter__(self) -> bool:
        """Whether it could be changed."""
        value = self.value
        try:
            if isinstance(value, Tensor):
                self.saved = value.detach().clone()
                if value.is_floating_point():
                    value.data.add_(0.125 * (1 + value.abs()))
                    return True
                return False
            other = np.asarray(value, dtype=float)
            other = other + 0.125 * (1 + np.abs(other))
            setattr(
                self.owner,
                self.key,
                other if isinstance(value, np.ndarray) else _like(value, other.tolist()),
            )
        except (AttributeError, TypeError, ValueError, RuntimeError):
            return False
        return True

    def __exit__(self, *_: object) -> None:
        if isinstance(self.value, Tensor):
            self.value.data.copy_(self.saved)
        elif self.own:
            setattr(self.owner, self.key, self.value)
        elif self.key in vars(self.owner):
            delattr(self.owner, self.key)


def _like(value: Any, other: Any) -> Any:
    """Nested lists in the types of the nested value they stand for."""
    if isinstance(value, tuple | list):
        inside = [_like(v, o) for v, o in zip(value, other, strict=True)]
        return tuple(inside) if isinstance(value, tuple) else inside
    return other
