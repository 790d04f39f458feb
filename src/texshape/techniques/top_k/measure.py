"""The technique `top_k`: what a network decides by the largest activations of a stage alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from texshape.errors import InputError
from texshape.models import changed, positions
from texshape.models import stages as _stages
from texshape.techniques import shown
from texshape.techniques.inputs import Ahead, Inputs, Outputs
from texshape.techniques.reasons import without_classes, without_stages
from texshape.techniques.top_k import thin

if TYPE_CHECKING:
    from texshape.models.network import Network
    from texshape.techniques.top_k.settings import TopKSettings

ALL, LARGEST, RANDOM = "all", "largest", "random"


@dataclass(frozen=True)
class Version:
    """One way to thin a stage."""

    across: str
    kept: str
    draw: int
    share: float


def run(inputs: Inputs) -> Outputs:
    """Thin each chosen stage to its largest activations, and to as many at random."""
    from texshape.techniques.top_k.tables import TOP_K

    settings: TopKSettings = inputs.settings
    network = inputs.deciding("conflict")
    plan = versions(settings)
    rows: list[dict[str, Any]] = []
    for stage, (path, form) in chosen(network, settings.stages).items():
        sizes = {"channel": _positions(form), "position": form.units}
        changes: list[changed.Change] = [changed.unchanged] + [
            partial(_thinned, network, path, one, inputs.seed) for one in plan[1:]
        ]
        moved = shown.moves_by(inputs, network, changes, after=path)
        for one, row in zip(plan, moved.rows, strict=True):
            of = sizes.get(one.across)
            rows.append(
                {"stage": stage, "across": one.across, "kept": one.kept, "draw": one.draw,
                 "share": one.share, "k": of and thin.count(one.share, of), "of": of,
                 "strongest": one.kept != ALL and one.share == min(settings.shares), **row}
            )  # fmt: skip
    return {"top_k": TOP_K.frame(rows)}


def reason(inputs: Inputs) -> str:
    """Why no stage can be thinned, or no decision follows; empty where both can."""
    missing = without_classes(inputs) or without_stages(inputs)
    if missing or inputs.settings.stages:
        return missing
    return "" if _maps(inputs.network()) else "none of its stages passes on a map or patches"


def versions(settings: TopKSettings) -> list[Version]:
    """All ways to thin a stage, the network as it is first."""
    return [Version("none", ALL, 0, 1.0)] + [
        Version(across, kept, draw, share)
        for across in settings.across
        for kept, draws in ((LARGEST, 1), (RANDOM, settings.draws))
        for draw in range(draws)
        for share in sorted(settings.shares, reverse=True)
    ]


def chosen(network: Network, names: Sequence[str]) -> dict[str, tuple[str, _stages.Layout]]:
    """Stages by name with their submodules and layouts: those named, or the middle one.

    Early, a map holds pixels of which every layer makes something; at the end it is averaged, and a few
    large activations have most of the average anyway.

    Raises
    ------
    InputError
        If there is no such stage, or it has no positions to choose of.
    """
    maps = _maps(network, names)
    if names:
        for name in names:
            if name not in maps:
                raise InputError(f"stage '{name}': passes on a vector; expected a map or patches")
        return maps
    middle = list(maps)[len(maps) // 2]
    return {middle: maps[middle]}


@torch.no_grad()
def _maps(network: Network, names: Sequence[str] = ()) -> dict[str, tuple[str, _stages.Layout]]:
    """Stages that have positions."""
    paths = _stages.resolve(network.module, network.stages, names or tuple(network.stages))
    side = network.input_size
    with _stages.captured(network.module, paths) as outputs:
        network.module(torch.full((2, 3, side, side), 0.1, device=network.device))
    found = {}
    for name, path in paths.items():
        if name not in outputs:
            raise InputError(f"stage '{name}': is not called in a forward pass")
        form = _stages.layout(network.module, path, outputs[name].shape)
        if form.kind != "vector" and _positions(form) > 1:
            found[name] = (path, form)
    return found


def _positions(form: _stages.Layout) -> int:
    """Positions of a map, or patches; 0 where their number is not known."""
    return (form.height or 0) * (form.width or 0)


def _thinned(network: Network, path: str, version: Version, seed: int, rows: np.ndarray) -> Any:
    """A context in which a stage passes on the activations that a version leaves."""

    def thinned(output: Tensor) -> Tensor:
        form = _stages.layout(network.module, path, output.shape)
        flat = positions.flat(output, form).clone()
        group = positions.groups(form)[0]  # a class token stays as it is
        part = flat[:, group.start : group.stop]
        k = thin.count(version.share, part.shape[thin.AXES[version.across]])
        if version.kept == LARGEST:
            left = thin.largest(part, version.across, k)
        else:
            rng = np.random.default_rng([seed, version.draw, 5])
            mask = thin.random_mask(*part.shape[1:], version.across, k, rng)
            left = part * torch.from_numpy(mask).to(part.device)
        flat[:, group.start : group.stop] = left
        return positions.restored(flat, output, form)

    return changed.output_of(network.module, path, thinned)


def ahead(inputs: Inputs) -> Ahead:
    """Both kinds of images under all versions; stages are found by two more, the first time for the reason."""
    settings = inputs.settings
    found = shown.ahead(
        inputs, len(versions(settings)), stages=max(1, len(settings.stages)), plays=True
    )
    return replace(found, shown=found.shown + (2 if settings.stages else 4))
