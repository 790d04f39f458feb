"""Checkpoints of trained networks, and the state from which an interrupted training resumes.

While a training runs everything lies in ``resume/`` of its output folder: ``last.pt`` and the
chosen ``epoch-NNN.pt``. Workflow managers delete the declared outputs of a job that failed, so
nothing is put at its final place before the training is complete; then `publish` puts it there.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from texshape.errors import InputError, first_line, nearest_path
from texshape.files import atomic_path
from texshape.models import trainable

FORMAT = 1
_KEYS = (
    "format",
    "architecture",
    "configuration",
    "classes",
    "image_size",
    "mean",
    "std",
    "state",
)


def file_name(epoch: int) -> str:
    """Name of the checkpoint of an epoch; 0 is initialisation."""
    return f"epoch-{epoch:03d}.pt"


def write(
    path: str | Path,
    module: nn.Module,
    *,
    architecture: str,
    classes: Sequence[str],
    image_size: int,
    training: dict[str, Any],
    seed: int,
    epoch: int,
    step: int,
) -> None:
    """Write the weights with all that is needed to rebuild and use the network, atomically."""
    _save(
        path,
        {
            "format": FORMAT,
            "architecture": architecture,
            "configuration": trainable.configuration(architecture),
            "classes": list(classes),
            "image_size": image_size,
            "mean": list(trainable.family(architecture).mean),
            "std": list(trainable.family(architecture).std),
            "state": cpu_state(module),
            "training": training,
            "seed": seed,
            "epoch": epoch,
            "step": step,
        },
    )


def read(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Returns
    -------
    dict
        ``format, architecture, configuration, classes, image_size, mean, std, state, training,
        seed, epoch, step``.

    Raises
    ------
    InputError
        If the file is missing, truncated, or no checkpoint of this program.
    """
    content = _load(path)
    if not isinstance(content, dict) or any(key not in content for key in _KEYS):
        raise InputError(f"{path}: not a checkpoint of texshape (expected keys {', '.join(_KEYS)})")
    if content["format"] != FORMAT:
        raise InputError(f"{path}: checkpoint format {content['format']}, expected {FORMAT}")
    return content


def rebuild(checkpoint: dict[str, Any]) -> nn.Module:
    """Build the network of a checkpoint that was read, in evaluation mode.

    Raises
    ------
    InputError
        If the weights do not fit the architecture.
    """
    module = trainable.build(
        checkpoint["architecture"],
        len(checkpoint["classes"]),
        given=checkpoint["configuration"],
    )
    try:
        module.load_state_dict(checkpoint["state"])
    except RuntimeError as error:
        raise InputError(
            f"checkpoint of '{checkpoint['architecture']}': weights do not fit ({error})"
        ) from None
    return module.eval()


def cpu_state(module: nn.Module) -> dict[str, Tensor]:
    """Weights and statistics on the CPU."""
    return {name: value.detach().cpu() for name, value in module.state_dict().items()}


def folder(output_dir: str | Path) -> Path:
    """Where a running training keeps its files."""
    return Path(output_dir) / "resume"


def write_resume(output_dir: str | Path, state: dict[str, Any]) -> None:
    """Write the state to resume from, atomically, in place of the last one."""
    _save(folder(output_dir) / "last.pt", {"format": FORMAT, **state})


def read_resume(output_dir: str | Path) -> dict[str, Any] | None:
    """Read the state to resume from; None where there is none.

    Raises
    ------
    InputError
        If the file is truncated or of another format.
    """
    path = folder(output_dir) / "last.pt"
    if not path.exists():
        return None
    state = _load(path)
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise InputError(f"{path}: not a resume state of format {FORMAT}")
    return state


def remove_partial(output_dir: str | Path) -> None:
    """Remove what a killed process left half written."""
    for place in (folder(output_dir), Path(output_dir) / "checkpoints", Path(output_dir)):
        for leftover in place.glob(".*.partial.*"):
            leftover.unlink(missing_ok=True)


def publish(output_dir: str | Path, epochs: Sequence[int], last: int) -> None:
    """Put finished checkpoints into ``checkpoints/``, the last epoch's also as ``final.pt``.

    Files are linked (copied where the file system cannot link), so ``resume/`` stays whole until
    `discard`.
    """
    target = Path(output_dir) / "checkpoints"
    names = [(file_name(epoch), file_name(epoch)) for epoch in epochs]
    for source, name in [*names, (file_name(last), "final.pt")]:
        with atomic_path(target / name) as temporary:
            temporary.unlink()
            try:
                os.link(folder(output_dir) / source, temporary)
            except OSError:
                shutil.copyfile(folder(output_dir) / source, temporary)


def discard(output_dir: str | Path) -> None:
    """Remove the resume state; ``last.pt`` first, as without it the rest is ignored."""
    (folder(output_dir) / "last.pt").unlink(missing_ok=True)
    shutil.rmtree(folder(output_dir), ignore_errors=True)


def _save(path: str | Path, content: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        try:
            torch.save(content, temporary)
        except RuntimeError as error:  # how torch reports a failed write, as a full disk
            raise InputError(f"{path}: cannot be written ({error})") from error


def _load(path: str | Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:  # torch itself passes over the check sums
            if sum(part.file_size for part in archive.infolist()) > os.path.getsize(path):
                raise InputError(f"{path}: holds compressed parts, so it is no checkpoint of ours")
            damaged = archive.testzip()
        if damaged is not None:
            raise InputError(f"{path}: damaged, the check sum of its part '{damaged}' is wrong")
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{nearest_path(path)}") from None
    except InputError:
        raise
    except Exception as error:  # zip, pickle and storage errors of many kinds mean the same here
        raise InputError(f"{path}: truncated or not a checkpoint ({first_line(error)})") from None
