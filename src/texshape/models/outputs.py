"""What a network returns: which part of it are the logits, and whether they depend on one picture.

Networks of other libraries return dictionaries (``{"logits": ...}``, a ``ModelOutput`` of
transformers), tuples or lists. The rule: an entry called ``logits``; else the only matrix
(B, outputs) among the entries; else the only one as wide as there are classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from texshape.errors import InputError, first_line
from texshape.notices import warn

LOGITS = "logits"
# By how much an answer may differ between batches: a share of what lies between its outputs, and
# rounding, of the largest of them (ten times this, or more in 16 bits) and of differences near 0.
TOLERANCE = 1e-3
ROUNDING = 1e-6


@dataclass(frozen=True)
class Outputs:
    """What a network returned for two pictures, as far as decisions need it.

    Attributes
    ----------
    width : int or None
        Number of outputs; None where no logits could be found.
    entry : str, int or None
        Which entry holds them; None where the network returns nothing else.
    returned : str
        What it returned, in words.
    flat : bool
        Whether what it returned has the shape (B, outputs) as it is.
    """

    width: int | None
    entry: str | int | None
    returned: str
    flat: bool = True


def look(module: nn.Module, pictures: Tensor, name: str, classes: int | None = None) -> Outputs:
    """Show a network two pictures, together and one alone.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode.
    pictures : Tensor of shape (2, 3, S, S)
        Two that differ, as the network wants its input.
    name : str
        Of the network, for messages.
    classes : int, optional
        Number of classes, where it is known.

    Returns
    -------
    Outputs
        A warning is printed where the answer to a picture depends on the one beside it, or on chance.

    Raises
    ------
    InputError
        If the network fails on two pictures, or on one.
    """
    side = pictures.shape[-1]
    alone = _shown(module, pictures[:1], f"{name}: does not take an image of {side} px")
    together = _shown(
        module, pictures, f"{name}: takes one image of {side} px but not two at a time"
    )
    found = _find(together, len(pictures), classes)
    pair, single = _part(together, found.entry), _part(alone, found.entry)
    if not isinstance(pair, Tensor) or not isinstance(single, Tensor) or not pair.ndim:
        return found
    if found.width is not None and single.numel() != found.width:
        raise InputError(
            f"{name}: gives {single.numel()} outputs to one picture and {found.width} to each of "
            f"{len(pictures)}; expected as many whatever the size of the batch"
        )
    if len(pair) == len(pictures) and pair.layout == torch.strided:

        def by_itself(row: int) -> Tensor:
            return _part(_shown(module, pictures[row : row + 1], name), found.entry)

        for row in range(len(pictures)):  # a network may set all others off against the first
            one = by_itself(row) if row else single
            if not same(pair[row], one):
                _warn(pair[row], one, by_itself(row), name)
                break
        else:
            if found.width is not None and found.width > 1 and _blind(pair):
                warn(
                    name,
                    "gives the same answer to two pictures that differ; are these its weights?",
                )
    return replace(found, flat=found.flat and single.ndim == pair.ndim)


def take(module: nn.Module, found: Outputs) -> nn.Module:
    """The network with logits (B, outputs) as its only output.

    Submodules keep their names. A script, which takes no hook, is put into a module of its own.
    """
    if found.width is None or (found.entry is None and found.flat):
        return module
    if isinstance(module, torch.jit.ScriptModule):
        return Logits(module, found.entry)
    module.register_forward_hook(_Taken(found.entry))
    return module


def without_first(module: nn.Module) -> nn.Module:
    """The network without its first output, for those that begin with a background class."""
    if isinstance(module, torch.jit.ScriptModule):
        module = Logits(module, None)
    module.register_forward_hook(_Behind())
    return module


class _Behind:
    """The forward hook that drops the first output."""

    def __call__(self, _: nn.Module, __: tuple[Any, ...], result: Tensor) -> Tensor:
        return result[:, 1:]


class Logits(nn.Module):
    """A network of which one entry of its output is passed on, as (B, outputs).

    Parameters
    ----------
    inner : nn.Module
    entry : str, int or None
    """

    def __init__(self, inner: nn.Module, entry: str | int | None) -> None:
        super().__init__()
        self.inner = inner
        self.taken = _Taken(entry)

    def forward(self, x: Tensor) -> Tensor:  # (B, 3, S, S) -> (B, outputs)
        return self.taken(self.inner, (x,), self.inner(x))


class _Taken:
    """The forward hook that picks an entry."""

    def __init__(self, entry: str | int | None) -> None:
        self.entry = entry

    def __call__(self, _: nn.Module, shown: tuple[Any, ...], result: Any) -> Tensor:
        part = _part(result, self.entry)
        return part.flatten(1) if part.ndim > 1 else part[None]  # squeezed where one picture came


def _shown(module: nn.Module, pictures: Tensor, problem: str) -> Any:
    try:
        with torch.no_grad():
            return module(pictures)
    except MemoryError:
        raise
    except Exception as error:  # whatever a user's network raises
        raise InputError(f"{problem} ({type(error).__name__}: {first_line(error)})") from None


def _find(result: Any, pictures: int, classes: int | None) -> Outputs:
    returned = describe(result)
    if isinstance(result, Tensor):
        fits = _is_logits(result, pictures)
        return Outputs(result.shape[1] if fits else None, None, returned, result.ndim == 2)
    every = dict(_entries(result))
    entries = {
        key: value
        for key, value in every.items()
        if _is_logits(value, pictures) and value.shape[1] > 1
    }
    if LOGITS in every:
        chosen = [LOGITS] if LOGITS in entries else []
    else:
        chosen = list(entries)
        if len(chosen) > 1:
            chosen = [key for key in chosen if entries[key].shape[1] == classes]
    if len(chosen) != 1:
        return Outputs(None, None, returned)
    return Outputs(entries[chosen[0]].shape[1], chosen[0], returned)


def _is_logits(value: Any, pictures: int) -> bool:
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.is_floating_point()
        and value.ndim >= 2
        and value.shape[0] == pictures
        and value.shape[2:].numel() == 1  # a fully convolutional head gives (B, outputs, 1, 1)
    )


def _entries(result: Any) -> list[tuple[str | int, Any]]:
    """Entries of a mapping, a tuple, a list, or an object with attributes."""
    if isinstance(result, Mapping):
        return [(str(key), value) for key, value in result.items()]
    if isinstance(result, Sequence) and not isinstance(result, str | bytes):
        names = getattr(result, "_fields", range(len(result)))  # of a named tuple
        return list(zip(names, result, strict=True))
    return list(vars(result).items()) if hasattr(result, "__dict__") else []


def _part(result: Any, entry: str | int | None) -> Any:
    if entry is None:
        return result
    return dict(_entries(result)).get(entry)


def describe(result: Any) -> str:
    """What a network returned, in words: ``a dict of features (2, 512, 7, 7), logits (2, 10)``."""
    if isinstance(result, Tensor):
        kind = "" if result.is_floating_point() else f" of {str(result.dtype).split('.')[-1]}"
        if result.layout != torch.strided:
            kind += f" ({str(result.layout).split('.')[-1]})"
        return f"a tensor of shape {tuple(result.shape)}{kind}"
    inside = [
        f"{key} {tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__}"
        for key, value in _entries(result)
    ]
    more = ", ..." if len(inside) > 4 else ""
    kind = type(result).__name__
    article = "an" if kind[0] in "AEIOUaeiou" else "a"
    return f"{article} {kind}" + (f" of {', '.join(inside[:4])}{more}" if inside else "")


def _warn(beside: Tensor, alone: Tensor, again: Tensor, name: str) -> None:
    """Say that an answer is no function of one picture."""
    if not same(alone, again):
        why = (
            "gives another answer each time to the same picture (noise or dropout that stays on in "
            "evaluation?); its numbers are no property of the network"
        )
    else:
        share = float((beside.flatten() - alone.flatten()).abs().max() / _size(beside, alone))
        why = (
            "its answer to a picture depends on the other pictures in the batch (by "
            f"{100 * share:.2g} % of the largest output; batch normalisation without running "
            "statistics, or whole numbers scaled by the batch?); its numbers depend on the batch size"
        )
    warn(name, why)


def _blind(pair: Tensor) -> bool:
    return bool(torch.isfinite(pair).all()) and torch.equal(pair[0], pair[1])


def same(one: Tensor, other: Tensor) -> bool:
    """Equal beyond rounding; undefined or other shapes cannot be compared and count as equal."""
    if one.numel() != other.numel() or not one.is_floating_point():
        return True
    difference = (one.flatten() - other.flatten()).abs()
    if not torch.isfinite(difference).all():
        return True
    # Decisions depend on differences between the outputs: what all have in common does not count.
    spread = _size(*(_centred(values) for values in (one, other)))
    rounding = max(ROUNDING * 10, 4 * torch.finfo(one.dtype).eps)
    return bool(difference.max() <= TOLERANCE * spread + rounding * _size(one, other) + ROUNDING)


def _centred(values: Tensor) -> Tensor:
    return values - values.mean() if values.numel() > 1 else values


def _size(one: Tensor, other: Tensor) -> Tensor:
    return torch.maximum(one.abs().max(), other.abs().max()).clamp(min=1e-30)
