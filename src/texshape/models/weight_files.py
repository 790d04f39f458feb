"""Local files of weights (``NAME@PATH``): read as data, out of the wrappers of training programs.

A file may hold several copies of the weights (an average over training beside the last state), each
below a key (``state_dict``, ``model_ema``), below a prefix of its entries (``module.`` of
DataParallel, ``model.`` of Lightning, ``_orig_mod.`` of torch.compile), or both. What fits the
network is looked for; where several copies fit, the average is taken, as timm does by default.
"""

from __future__ import annotations

import argparse
import json
import pickle
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from texshape.errors import InputError, first_line
from texshape.notices import note

# Keys under which one state of a network is saved; before all others where copies differ.
_KNOWN = (
    "state_dict", "model", "model_state_dict", "state", "net", "network", "model_state", "weights",
    "params",
)  # fmt: skip
_AVERAGE = re.compile(r"(?:^|[._ ])(?:ema|swa|avg|averaged?)(?:[._ ]|$)", re.IGNORECASE)
# Wrappers that stand between any two parts of a name.
_INNER = re.compile(r"(?<![^.])(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
# Heads that only training uses, as googlenet and inception have them.
_AUXILIARY = re.compile(r"^aux", re.IGNORECASE)
_COUNTER = "num_batches_tracked"  # has no part in evaluation, and older files lack it
_DEPTH = 4
_INDEX = ".safetensors.index.json"
# Settings that training programs save beside the weights; making them runs no code of theirs.
_HARMLESS = [
    argparse.Namespace,
    np.dtype,
    np._core.multiarray.scalar,
    *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "?")),
]

Build = Callable[[int], nn.Module]


@dataclass(frozen=True)
class Copy:
    """One copy of a network's weights in a file.

    Attributes
    ----------
    key : str
        Where it stands: ``model_ema``, ``state_dict`` with the prefix ``student.``.
    state : dict of str to Tensor
        By the names of the network.
    missing, surplus, wrong, foreign : tuple of str
        Entries that only the network has, that only the file has, that differ in shape, that are
        whole or complex numbers where the network computes with real ones.
    """

    key: str
    state: dict[str, Tensor]
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether it can be loaded as it is."""
        return not (self.missing or self.surplus or self.wrong or self.foreign)


def load_into(
    module: nn.Module,
    path: Path,
    name: str,
    *,
    rebuild: Build | None = None,
    size: int | None = None,
) -> nn.Module:
    """Load a file of weights into a network.

    Parameters
    ----------
    module : nn.Module
    path : Path
    name : str
        Of the network, for messages.
    rebuild : callable, optional
        Number of outputs to the architecture with as many; for files whose heads have another
        number.
    size : int, optional
        Side of the input in px, to try whether heads that the file lacks have a part in evaluation.

    Returns
    -------
    nn.Module
        The module, or the rebuilt one, with the file's weights. A line on the standard error says which
        copy was taken, where there are several.

    Raises
    ------
    InputError
        If the file cannot be read, or its weights do not fit the architecture.
    """
    content = _read(path, name)
    empty = [key for _, flat in _states(content) for key, value in flat.items() if value.is_meta]
    if empty:
        raise InputError(
            f"model '{name}': {path} holds '{empty[0]}' as a shape without values (of the device "
            "'meta'); write the weights after they were made"
        )
    copies = _copies(content, _parameters(module))
    if not copies:
        raise InputError(_stranger(content, module, path, name))
    made: dict[int, nn.Module] = {}

    def fitted(one: Copy) -> Copy:
        outputs = _outputs(one, _parameters(module))
        if outputs is None or rebuild is None:
            return _tolerant(one, module, size)
        if outputs not in made:
            made[outputs] = rebuild(outputs)
        own = _parameters(made[outputs])
        return _tolerant(_compared(one.key, one.state, own), made[outputs], size)

    tried = [(one, fitted(one)) for one in copies]
    whole = [pair for pair in tried if pair[1].fits]
    if not whole:
        _check(tried[0][1], path, name)
    raw, chosen = _chosen(whole, tried, path, name, unread=list(_unnamed(content)))
    outputs = _outputs(raw, _parameters(module))
    module = made.get(outputs, module) if outputs is not None else module
    module.load_state_dict(chosen.state, strict=False)
    return module


# --- reading -------------------------------------------------------------------------------------


def _read(path: Path, name: str) -> Any:
    suffix = path.suffix.lower()
    if suffix in _FOREIGN:
        raise InputError(f"model '{name}': {path} is {_FOREIGN[suffix]}")
    try:
        if suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        if path.name.endswith(_INDEX):
            return _parts(path)
        with torch.serialization.safe_globals(_HARMLESS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it warns of, it refuses too
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(
            f"model '{name}': {path} is damaged or holds more than weights, and is not loaded"
            f"{_what_to_do(path)}"
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        if "TorchScript" in str(error):
            raise InputError(
                f"model '{name}': {path} is a program of TorchScript and no file of weights; "
                "return torch.jit.load(...) from a function and name it python:MODULE:CALLABLE"
            ) from None
        reason = first_line(error)
        raise InputError(f"model '{name}': {path} is no file of weights ({reason})") from None
    except Exception as error:  # safetensors has an error class of its own
        raise InputError(f"model '{name}': {path} is no file of weights ({error})") from None


def _parts(path: Path) -> dict[str, Tensor]:
    """Weights that lie in several files, by the file that says which entry lies where."""
    from safetensors.torch import load_file

    try:
        names = sorted(set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()))
    except (TypeError, AttributeError, KeyError):
        raise ValueError("expected a mapping 'weight_map' of entries to files") from None
    found: dict[str, Tensor] = {}
    for name in names:
        found |= load_file(path.parent / name)
    return found


_FOREIGN = {
    ".onnx": "an ONNX graph and no file of weights; it is a network by itself, onnx:FILE",
    ".h5": "a file of Keras; its weights have to be converted to those of a network of torch",
    ".keras": "a file of Keras; its weights have to be converted to those of a network of torch",
    ".tflite": "a program of TensorFlow Lite; convert it to a network of torch",
    ".pb": "a graph of TensorFlow; convert it to a network of torch",
}


def _what_to_do(path: Path) -> str:
    """Which objects a file holds, and how to keep its weights alone."""
    try:
        found = torch.serialization.get_unsafe_globals_in_checkpoint(str(path))
    except Exception:  # not every file can be looked into without loading it
        return ""
    known = {f"{one.__module__}.{one.__qualname__}" for one in _HARMLESS}
    found = sorted(set(found) - known)
    if not found:
        return ""
    network = any(one.startswith("torch.nn.") for one in found)
    part = ".state_dict()" if network else "['state_dict']"
    what = "a whole network, of" if network else "objects of"
    classes = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
    return (
        f" ({what} {classes}): that would run code. If you trust it, write its weights alone once: "
        f"torch.save(torch.load('{path}', weights_only=False){part}, 'weights.pth')"
    )


# --- copies --------------------------------------------------------------------------------------


def _parameters(module: nn.Module) -> dict[str, Tensor]:
    return {k: v for k, v in module.state_dict().items() if isinstance(v, Tensor)}


def _copies(content: Any, own: Mapping[str, Tensor]) -> list[Copy]:
    """Copies of a network's weights in a file, those that hold most of it first."""
    found = []
    for key, flat in _states(content):
        for prefix, state in _by_prefix(flat, own):
            where = " ".join(filter(None, [key, f"with the prefix {prefix}" if prefix else ""]))
            found.append(_compared(where, state, own))
    # a wrapper of the network's own, around an architecture whose weights the file holds bare
    if not found and (prefix := _common_prefix(own)):
        inner = {key.removeprefix(prefix): value for key, value in own.items()}
        return [
            _compared(one.key, {prefix + k: v for k, v in one.state.items()}, own)
            for one in _copies(content, inner)
        ]
    return sorted(found, key=lambda one: len(one.missing) + len(one.wrong) + len(one.surplus))


def _states(content: Any, key: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, dict]]:
    """Every dictionary of tensors in a file, with the keys that lead to it."""
    if isinstance(content, argparse.Namespace) or not isinstance(content, Mapping):
        return
    flat = {
        _INNER.sub("", name): value if value.layout == torch.strided else value.to_dense()
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    if flat:
        yield key, flat
    if depth:
        for name, value in content.items():
            if isinstance(name, str):
                yield from _states(value, f"{key}.{name}" if key else name, depth - 1)


def _unnamed(content: Any, key: str = "", depth: int = _DEPTH) -> Iterator[str]:
    """Keys of lists of tensors, as averages of parameters without names are saved."""
    if isinstance(content, list | tuple) and content and isinstance(content[0], Tensor):
        yield key
    elif isinstance(content, Mapping) and depth:
        for name, value in content.items():
            yield from _unnamed(value, f"{key}.{name}" if key else str(name), depth - 1)


def _by_prefix(
    flat: Mapping[str, Tensor], own: Mapping[str, Tensor]
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Prefixes below which at least half of a network's entries stand."""
    counts: Counter[str] = Counter()
    for name in flat:
        parts = name.split(".")
        for place in range(len(parts)):
            if ".".join(parts[place:]) in own:
                counts["".join(f"{part}." for part in parts[:place])] += 1
    wanted = [key for key in own if not key.endswith(_COUNTER)]
    chosen = [prefix for prefix, count in counts.items() if 2 * count >= len(wanted)]
    for prefix in chosen:
        others = tuple(other for other in chosen if other.startswith(prefix) and other != prefix)
        yield (
            prefix,
            {
                name.removeprefix(prefix): value
                for name, value in flat.items()
                if name.startswith(prefix) and not (others and name.startswith(others))
            },
        )


def _common_prefix(own: Mapping[str, Tensor]) -> str:
    firsts = {key.partition(".")[0] for key in own}
    return f"{firsts.pop()}." if len(firsts) == 1 and all("." in key for key in own) else ""


def _compared(key: str, state: dict[str, Tensor], own: Mapping[str, Tensor]) -> Copy:
    missing = [k for k in own if k not in state and not k.endswith(_COUNTER)]
    # those of averages (torch.optim.swa_utils) and of batch normalisation
    surplus = [k for k in state if k not in own and not k.endswith((_COUNTER, "n_averaged"))]
    wrong = [
        k for k in own if k in state and not is_lazy(own[k]) and own[k].shape != state[k].shape
    ]
    # torch would convert them and say nothing: quantised weights mean nothing without their scale
    foreign = [
        k
        for k in own
        if k in state and own[k].is_floating_point() and not state[k].is_floating_point()
    ]
    return Copy(key, state, *(tuple(sorted(keys)) for keys in (missing, surplus, wrong, foreign)))


def _outputs(one: Copy, own: Mapping[str, Tensor]) -> int | None:
    """Number of outputs of heads that differ from the architecture's in it alone; else None."""
    kinds = {(own[key].shape[:1], one.state[key].shape[:1]) for key in one.wrong}
    rest = all(own[key].shape[1:] == one.state[key].shape[1:] for key in one.wrong)
    if len(kinds) != 1 or not rest:
        return None
    (_, theirs) = kinds.pop()
    return theirs[0] if theirs else None


def _tolerant(one: Copy, module: nn.Module, size: int | None) -> Copy:
    """Without the differences that change no output.

    A layer without a bias is one whose bias is 0. Auxiliary heads have no part in evaluation: those
    that the file alone has are left out, and of those that it lacks that is tried.
    """
    own = _parameters(module)
    odd = {k for k in (*one.surplus, *one.wrong) if _AUXILIARY.match(k)}
    if odd:
        one = _compared(one.key, {k: v for k, v in one.state.items() if k not in odd}, own)
    biases = {
        key
        for key in one.missing
        if key.endswith(".bias")
        and isinstance(module.get_submodule(key.removesuffix(".bias")), nn.Linear | nn.Conv2d)
        and key.removesuffix("bias") + "weight" in one.state
    }
    auxiliary = {key for key in one.missing if _AUXILIARY.match(key)} - biases
    # one head, or two; a file without any bias is another architecture's
    if (
        one.surplus
        or one.wrong
        or one.foreign
        or len(biases) > 2
        or set(one.missing) - biases - auxiliary
    ):
        return one
    state = one.state | {key: torch.zeros_like(own[key]) for key in sorted(biases | auxiliary)}
    if auxiliary and not (size and _plays_no_part(module, state, auxiliary, size)):
        return one
    return Copy(one.key, state)


def _plays_no_part(
    module: nn.Module, state: Mapping[str, Tensor], keys: set[str], size: int
) -> bool:
    """Whether a network's answer stays defined where these entries are not."""
    undefined = {
        k: torch.full_like(state[k], torch.nan) for k in keys if state[k].is_floating_point()
    }
    training = module.training
    module.load_state_dict({**state, **undefined}, strict=False)
    module.eval()
    try:
        with torch.no_grad():
            result = module(torch.zeros(1, 3, size, size))
    except Exception:  # whoever looks at its outputs says why
        return False
    finally:
        module.train(training)
    return isinstance(result, Tensor) and bool(torch.isfinite(result).all())


def _chosen(
    whole: list[tuple[Copy, Copy]],
    tried: list[tuple[Copy, Copy]],
    path: Path,
    name: str,
    unread: list[str],
) -> tuple[Copy, Copy]:
    """The copy that is taken, of those that fit; a line says so where another would differ."""
    ranked = sorted(whole, key=lambda pair: _rank(pair[0].key))
    first = ranked[0]
    others = [pair for pair in ranked[1:] if not _alike(pair[1].state, first[1].state)]
    listed = ", ".join(f"'{pair[0].key or 'the file itself'}'" for pair in [first, *others])
    if others and _rank(others[0][0].key) == _rank(first[0].key):
        raise InputError(
            f"model '{name}': {path} holds {1 + len(others)} networks that fit ({listed}), and "
            "nothing says which is meant; write its weights alone once: "
            f"torch.save(torch.load('{path}')[...], 'weights.pth')"
        )
    taken = f"'{first[0].key or 'the file itself'}'"
    if others:
        why = (
            ", an average over training, is taken, as timm does"
            if _averaged(first[0].key)
            else (" is taken")
        )
        note(str(path), f"holds {1 + len(others)} copies of the weights ({listed}); {taken}{why}")
    halves = [raw.key for raw, one in tried if not one.fits and _averaged(raw.key)]
    if halves:
        note(str(path), f"'{halves[0]}' lacks some of the weights, so {taken} is taken")
    elif not _averaged(first[0].key):
        unnamed = next((key for key in unread if _averaged(key)), None)
        if unnamed:
            note(
                str(path),
                f"'{unnamed}', an average over training, holds tensors without the names of "
                f"the weights and cannot be read, so {taken} is taken",
            )
    return first


def _averaged(key: str) -> bool:
    return bool(_AVERAGE.search(key))


def _rank(key: str) -> int:
    if _averaged(key):
        return -1 if key.startswith(("state_dict_ema", "model_ema")) else 0  # timm's own
    first = re.split(r"[. ]", key)[0]
    return 1 + _KNOWN.index(first) if first in _KNOWN else 1 + len(_KNOWN)


def _alike(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


# --- what does not fit ------------------------------------------------------------------------------


def _check(one: Copy, path: Path, name: str) -> None:
    if one.foreign and not (one.missing or one.surplus or one.wrong):
        key = one.foreign[0]
        kind = str(one.state[key].dtype).removeprefix("torch.")
        raise InputError(
            f"model '{name}': {path} holds '{key}' as {kind} ({len(one.foreign)} such entries), "
            "expected floating point; write the weights of the network before it was quantised or "
            "converted"
        )
    for kind, keys in (
        ("lacks", one.missing),
        ("has a surplus", one.surplus),
        ("has another shape of", one.wrong),
    ):
        if keys:
            more = ""
            if kind == "lacks" and one.surplus:
                more = f", and has '{one.surplus[0]}' that the network lacks"
            raise InputError(
                f"model '{name}': {path} {kind} '{keys[0]}' ({len(keys)} such entries{more}); it "
                "belongs to another architecture"
            )


def _stranger(content: Any, module: nn.Module, path: Path, name: str) -> str:
    """Of a file that holds less than half of a network, or none."""
    states = list(_states(content))
    if not states:
        kind = type(content).__name__
        if isinstance(content, nn.Module):
            kind = "network"
        keys = ", ".join(map(str, list(content)[:4])) if isinstance(content, Mapping) else ""
        what = f"; it holds a {kind}" + (f" of {keys}" if keys else "")
        return f"model '{name}': {path} holds no dictionary of weights{what}"
    theirs = next(iter(max((flat for _, flat in states), key=len)))
    ours = next(iter(_parameters(module)), "nothing")
    return (
        f"model '{name}': {path} holds entries such as '{theirs}' where the network has '{ours}'; it "
        "belongs to another architecture"
    )
