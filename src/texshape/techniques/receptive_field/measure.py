"""Both receptive fields of each stage of a network, as one table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from texshape.devices import place
from texshape.errors import InputError
from texshape.experiment.runs import model_parts
from texshape.files import atomic_path
from texshape.models.network import Network
from texshape.models.stages import resolve
from texshape.techniques.receptive_field.effective import Influence, influence
from texshape.techniques.receptive_field.tables import RECEPTIVE_FIELD
from texshape.techniques.receptive_field.theoretical import trace


def measure_network(
    network: Network,
    untrained: Network | None,
    pixels: np.ndarray | None,
    *,
    seed: int,
    images: int,
    mass: float,
    batch_size: int,
    stages: list[str] | None,
    without_untrained: str = "",
    draw: int | None = None,
) -> tuple[pd.DataFrame, dict[str, dict[str, Influence]]]:
    """Measure the receptive fields of a network.

    Parameters
    ----------
    network : Network
    untrained : Network or None
        The same architecture before training.
    pixels : ndarray of shape (n, height, width, 3), uint8, or None
        Without images there are no effective fields.
    seed : int
        Of the random weights.
    images : int
        How many images are drawn at most.
    mass : float
        Share of the influence inside the square.
    batch_size : int
    stages : list of str or None
        Stages or submodules; all stages where None.
    without_untrained : str
        Why there is no untrained network, for the column ``reason``.
    draw : int, optional
        Seed of the images drawn; by default `seed`.

    Returns
    -------
    table : DataFrame
        Columns of `texshape.techniques.receptive_field.tables.RECEPTIVE_FIELD`: sides in px;
        ``theoretical`` may be ``global``, then ``theoretical_local`` is the side through local paths
        alone where a gate makes it global; ``effective_*`` empty where undefined, with the ``reason``.
    influences : dict of str to dict of str to Influence
        ``trained`` and ``untrained``, stage to map.
    """
    chosen = dict(network.stages)
    if stages:
        chosen = resolve(network.module, network.stages, stages)
    if not chosen:
        raise InputError(f"{network.name}: no stages could be found; name some in settings: stages")
    fields = trace(network.module, chosen, image_size=network.input_size).stages
    influences: dict[str, dict[str, Influence]] = {}
    if pixels is not None:
        drawn = np.random.default_rng([seed if draw is None else draw, 6]).permutation(len(pixels))[
            :images
        ]
        for kind, one in (("untrained", untrained), ("trained", network)):
            if one is not None:
                place(one.module)
                batches = _batches(one, pixels, np.sort(drawn), batch_size)
                influences[kind] = influence(one.module, chosen, batches, fields=fields)
    architecture, arm = model_parts(network.slug)
    rows = []
    for stage in chosen:
        field = fields[stage]
        reasons = {field.reason: None}
        sides: dict[str, int | None] = {}
        n_images = 0
        for kind, found in influences.items():
            sides[kind] = found[stage].side(mass)
            n_images = found[stage].n_images
            reasons[found[stage].reason] = None
        if pixels is None:
            reasons["no images given for the effective field"] = None
        if without_untrained:
            reasons[f"no untrained network ({without_untrained})"] = None
        if influences and field.size is not None and field.size > network.input_size:
            reasons["the theoretical field is larger than the image"] = None
        rows.append(
            {
                "model": network.slug,
                "architecture": architecture,
                "arm": arm,
                "seed": seed,
                "stage": stage,
                "theoretical": field.theoretical,
                "theoretical_local": field.size,
                "effective_untrained": sides.get("untrained"),
                "effective_trained": sides.get("trained"),
                "image_size": network.input_size,
                "n_images": n_images,
                "reason": "; ".join(reason for reason in reasons if reason),
            }
        )
    table = RECEPTIVE_FIELD.frame(rows)
    whole = ["theoretical_local", "effective_untrained", "effective_trained"]
    return table.astype(dict.fromkeys(whole, "Int64")), influences


def _batches(
    network: Network, pixels: np.ndarray, drawn: np.ndarray, batch_size: int
) -> Iterator[Tensor]:
    for start in range(0, len(drawn), batch_size):
        batch = np.ascontiguousarray(pixels[drawn[start : start + batch_size]])
        images = torch.from_numpy(batch).to(network.device).permute(0, 3, 1, 2)
        yield network.preprocess(images)


def write_maps(path: str | Path, influences: dict[str, dict[str, Influence]]) -> None:
    """Write the maps: arrays ``KIND/STAGE`` and ``KIND/STAGE/centre`` of one ``.npz``."""
    arrays = {}
    for kind, found in influences.items():
        for stage, one in found.items():
            if one.map is not None:
                arrays[f"{kind}/{stage}"] = one.map.astype(np.float32)
                arrays[f"{kind}/{stage}/centre"] = np.array(one.centre)
    with atomic_path(path) as temporary:
        np.savez(temporary, **arrays)
