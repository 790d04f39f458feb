"""The technique `segmentation`: masks read from the maps of a network's stages, at each state."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from texshape.techniques.inputs import Inputs, Outputs
from texshape.techniques.segmentation import measure, voc
from texshape.techniques.segmentation.settings import SegmentationSettings, sparing


def run(inputs: Inputs) -> Outputs:
    """Train read-outs and test them; what costs most at the network's end alone, of which pictures are kept."""
    tables, pictures = [], {}
    for epoch in inputs.epochs:
        settings = inputs.settings if epoch == inputs.epochs[-1] else sparing(inputs.settings)
        network = inputs.network(epoch)
        task = _task(inputs, settings, network.input_size)
        with tempfile.TemporaryDirectory(prefix="texshape-maps-") as folder:
            table, pictures = measure.measure(
                network, task, settings, seed=inputs.seed, folder=Path(folder)
            )
        table.insert(0, "epoch", epoch)
        tables.append(table)
    return {
        "segmentation": pd.concat(tables, ignore_index=True),
        "segmentation.npz": partial(np.savez_compressed, **pictures),
    }


def _task(inputs: Inputs, settings: SegmentationSettings, input_size: int) -> measure.Task:
    folder = None if inputs.has("masked") else inputs.folder("voc")
    if folder is None:
        images = inputs.images("masked")
        classes = sorted(set(images.labels["shape"]))
        return measure.conflict_task(images, classes, settings, seed=inputs.seed)
    return voc.task(
        folder,
        input_size,
        names=settings.targets,
        most=(settings.train_images, settings.test_images),
        seed=inputs.seed,
    )
