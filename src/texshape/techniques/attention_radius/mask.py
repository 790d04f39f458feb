"""Attention with a mask: which patches a patch may attend to, and the modules that take such a mask.

Doshi et al. (*Visual anagrams reveal hidden differences in holistic shape processing across vision models*,
2025, arXiv 2507.00493) mask attention beyond a radius to ask whether a transformer needs its long
range. Two kinds of modules are masked, since both say in their signature that they take a mask that is
added to the scores of attention: ``torch.nn.MultiheadAttention`` (torchvision, open_clip) and timm's
``Attention``, ``AttentionRope`` and ``EvaAttention``. Any other module that attends, in windows, over
channels, with biases of its own, is named as a reason; a network is masked wholly or not at all.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

MASKED = "attn_mask"  # the argument of either kind of module
MOST_PREFIX = 8  # class token, distillation token, registers


@dataclass(frozen=True)
class Grid:
    """Tokens of a transformer.

    Attributes
    ----------
    side : int
        Patches along the side of the square grid.
    prefix : int
        Tokens before them: class token, registers.
    modules : tuple of str
        Attention modules.
    """

    side: int
    prefix: int
    modules: tuple[str, ...]


def takes_mask(module: nn.Module) -> bool:
    """Whether a module attends and takes a mask of scores."""
    if isinstance(module, nn.MultiheadAttention):
        return True
    name = type(module).__name__
    own = type(module).__module__.startswith("timm.") and name in (
        "Attention", "AttentionRope", "EvaAttention",
    )  # fmt: skip
    return own and MASKED in inspect.signature(module.forward).parameters


def attends(module: nn.Module) -> bool:
    """Whether a module looks like attention: by its name, and queries, keys or values of its own."""
    name = type(module).__name__.lower()
    parts = {child.partition(".")[0] for child, _ in module.named_parameters()}
    return ("attention" in name or "attn" in name) and any(
        part.startswith(("qkv", "q", "k", "in_proj", "to_q", "query")) for part in parts
    )


def find(module: nn.Module, side: int, prefix: int | None = None) -> tuple[Grid | None, str]:
    """The attention of a network, or the reason why it cannot be masked.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode.
    side : int
        Of its input, px.
    prefix : int, optional
        Tokens before the patches, where the network says so; else what is left of the largest square.

    Returns
    -------
    grid : Grid or None
    reason : str
        Empty where there is a grid.
    """
    seen: dict[str, int] = {}
    known = dict(module.named_modules())
    inner = {
        f"{name}.{below}" for name, one in known.items() if takes_mask(one)
        for below, _ in one.named_modules() if below
    }  # fmt: skip
    other = [
        n for n, one in known.items() if n not in inner and attends(one) and not takes_mask(one)
    ]
    chosen = [name for name, one in known.items() if takes_mask(one)]
    called: list[str] = []

    def tokens(name: str) -> Any:
        def hook(one: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
            called.append(name)
            if name in chosen and (shape := _self_attention(one, args, kwargs)) is not None:
                seen[name] = shape

        return hook

    with ExitStack() as stack, torch.no_grad():
        for name in (*chosen, *other):
            handle = known[name].register_forward_pre_hook(tokens(name), with_kwargs=True)
            stack.callback(handle.remove)
        device = next((p.device for p in module.parameters()), torch.device("cpu"))
        module(torch.full((2, 3, side, side), 0.1, device=device))
    for name in other:
        if name in called:
            return None, f"its attention '{name}' ({type(known[name]).__name__}) takes no mask"
    if not seen:
        return None, "it has no attention between patches"
    counts = sorted(set(seen.values()))
    if len(counts) > 1:
        return None, f"its blocks attend over {counts[0]} and {counts[-1]} tokens"
    before = counts[0] - math.isqrt(counts[0]) ** 2 if prefix is None else prefix
    of = math.isqrt(max(counts[0] - before, 0))
    if of < 2 or of**2 != counts[0] - before or before > MOST_PREFIX:
        return None, f"its {counts[0]} tokens are no square of patches"
    return Grid(of, before, tuple(seen)), ""


def _self_attention(one: nn.Module, args: tuple, kwargs: Mapping[str, Any]) -> int | None:
    """Number of tokens that attend to one another; None where others are attended to."""
    if not isinstance(one, nn.MultiheadAttention):
        return args[0].shape[1] if args else None
    query = args[0] if args else kwargs["query"]
    key = args[1] if len(args) > 1 else kwargs["key"]
    if query.dim() != 3 or query.shape != key.shape:
        return None
    return query.shape[1 if one.batch_first else 0]


def near(side: int, radius: float) -> np.ndarray:
    """Which patches lie within a radius of each.

    Parameters
    ----------
    side : int
    radius : float
        Distance between centres, in patches.

    Returns
    -------
    ndarray of shape (side * side, side * side), bool
        Rows attend to columns; patches row by row.
    """
    rows, columns = np.divmod(np.arange(side * side), side)
    apart = (rows[:, None] - rows) ** 2 + (columns[:, None] - columns) ** 2
    return apart <= radius**2


def as_many(allowed: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random patches in the place of those nearby: each attends to as many, itself among them."""
    scores = rng.random(allowed.shape)
    np.fill_diagonal(scores, -1)
    return scores.argsort(1).argsort(1) < allowed.sum(1, keepdims=True)


def scores(allowed: np.ndarray, prefix: int, *, relay: bool) -> Tensor:
    """What is added to the scores of attention: 0 where it is left, minus infinity elsewhere.

    Parameters
    ----------
    allowed : ndarray of shape (patches, patches), bool
    prefix : int
        Tokens before the patches, which attend to all.
    relay : bool
        Whether patches attend to them.

    Returns
    -------
    Tensor of shape (tokens, tokens), float32
    """
    whole = np.ones([prefix + len(allowed)] * 2, dtype=bool)
    whole[prefix:, prefix:] = allowed
    whole[prefix:, :prefix] = relay
    return torch.from_numpy(np.where(whole, 0.0, -np.inf).astype(np.float32))


@contextmanager
def masked(module: nn.Module, names: tuple[str, ...], added: Tensor) -> Iterator[None]:
    """Let attention modules add a mask to their scores, for the time of a block."""

    def hook(_: nn.Module, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
        given = next(value for value in (*args, *kwargs.values()) if isinstance(value, Tensor))
        return args, {**kwargs, MASKED: added.to(given)}

    with ExitStack() as stack:
        for name in names:
            handle = module.get_submodule(name).register_forward_pre_hook(hook, with_kwargs=True)
            stack.callback(handle.remove)
        yield
