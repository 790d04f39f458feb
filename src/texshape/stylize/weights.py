"""Files of weights: read without running code, verified by check sum, and named by a hash."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from texshape.errors import InputError, first_line
from texshape.files import file_sha256


def load_weights(path: str | Path, sha256: str | None = None) -> dict[str, Any]:
    """Read a dictionary that `torch.save` wrote, onto the CPU, with ``weights_only=True``.

    Parameters
    ----------
    path : str or Path
    sha256 : str, optional
        Expected check sum in hexadecimal, whole or its first digits (as torchvision names files).

    Raises
    ------
    InputError
        If the file is missing, damaged, holds more than weights, or has another check sum.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file of weights")
    if sha256 is not None:
        found = file_sha256(path)
        if len(sha256) < 8 or not found.startswith(sha256.lower()):
            raise InputError(f"{path}: wrong check sum; expected SHA-256 {sha256}, found {found}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise InputError(f"{path}: damaged, or holds more than weights; not loaded") from None
    except Exception as error:  # zip, pickle and storage errors of many kinds mean the same here
        raise InputError(f"{path}: no file of weights ({first_line(error)})") from None
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: holds no dictionary of weights")
    return dict(content)


def state_digest(state: Mapping[str, Tensor]) -> str:
    """Name weights by 16 digits of a hash over names, shapes and values."""
    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.view(-1).view(torch.uint8).numpy().data)  # NumPy knows no bfloat16
    return digest.hexdigest()[:16]
