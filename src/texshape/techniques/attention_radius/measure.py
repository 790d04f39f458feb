"""The technique `attention_radius`: what a transformer decides when patches attend nearby alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from texshape.models import changed
from texshape.techniques import shown
from texshape.techniques.attention_radius import mask
from texshape.techniques.inputs import Ahead, Inputs, Outputs
from texshape.techniques.reasons import UNSEEN, without_classes

if TYPE_CHECKING:
    from texshape.models.network import Network
    from texshape.techniques.attention_radius.settings import AttentionRadiusSettings

ALL, NEAR, RANDOM = "all", "near", "random"


@dataclass(frozen=True)
class Version:
    """One mask; the radius is NaN where there is none."""

    kept: str
    draw: int
    radius: float


def run(inputs: Inputs) -> Outputs:
    """Mask the attention of all blocks beyond each radius, and at random."""
    from texshape.techniques.attention_radius.tables import ATTENTION_RADIUS

    settings: AttentionRadiusSettings = inputs.settings
    network = inputs.deciding("conflict")
    grid, why = _grid(network)
    if grid is None:
        # A network of an experiment in which others attend: a row that says so.
        return {"attention_radius": ATTENTION_RADIUS.frame(
            [{"kept": ALL, "draw": 0, "n_modules": 0, "strongest": False, "reason": why}]
        )}  # fmt: skip
    plan = versions(settings)
    masks = [allowed(one, grid.side, inputs.seed) for one in plan]
    changes: list[changed.Change] = [changed.unchanged]
    for one in masks[1:]:
        added = mask.scores(one, grid.prefix, relay=settings.relay)
        changes.append(lambda rows, added=added: mask.masked(network.module, grid.modules, added))
    moved = shown.moves_by(inputs, network, changes)
    rows: list[dict[str, Any]] = [
        {"kept": one.kept, "draw": one.draw, "radius": one.radius, "pairs": float(left.mean()),
         "n_modules": len(grid.modules), "side": grid.side,
         "strongest": one.kept != ALL and one.radius == min(settings.radii), **row}
        for one, left, row in zip(plan, masks, moved.rows, strict=True)
    ]  # fmt: skip
    return {"attention_radius": ATTENTION_RADIUS.frame(rows)}


def reason(inputs: Inputs) -> str:
    """Why its decisions say nothing about the images, or nothing in it can be masked; empty where neither.

    A network without attention that can be masked has a row with the reason.
    """
    if inputs.network().asked is not None:
        return UNSEEN
    return without_classes(inputs)


def versions(settings: AttentionRadiusSettings) -> list[Version]:
    """All masks, the network as it is first."""
    radii = sorted(settings.radii, reverse=True)
    return [
        Version(ALL, 0, np.nan),
        *(Version(NEAR, 0, radius) for radius in radii),
        *(Version(RANDOM, draw, radius) for draw in range(settings.draws) for radius in radii),
    ]


def allowed(version: Version, side: int, seed: int) -> np.ndarray:
    """Pairs of patches between which attention is left, (patches, patches), bool."""
    if version.kept == ALL:
        return np.ones([side * side] * 2, dtype=bool)
    left = mask.near(side, version.radius)
    if version.kept == NEAR:
        return left
    return mask.as_many(left, np.random.default_rng([seed, version.draw, 11]))


def _grid(network: Network) -> tuple[mask.Grid | None, str]:
    prefix = getattr(network.module, "num_prefix_tokens", None)
    return mask.find(network.module, network.input_size, prefix)


def ahead(inputs: Inputs) -> Ahead:
    """Both kinds of images under all masks, where attention can be masked; that is seen by two more."""
    if _grid(inputs.deciding("conflict"))[0] is None:
        return Ahead(shown=2)
    found = shown.ahead(inputs, len(versions(inputs.settings)))
    return replace(found, shown=found.shown + 2)
