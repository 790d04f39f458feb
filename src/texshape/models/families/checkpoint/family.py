"""Networks that were trained here, by the path of a checkpoint: ``results/NAME/cnn--plain/seed-0/final.pt``."""

from __future__ import annotations

from pathlib import Path

from texshape.errors import InputError
from texshape.experiment.runs import RunId
from texshape.models.families.base import FILE, ModelName, OfFile, joined


class Checkpoint(OfFile):
    """One bears the name of its run, which its folders say."""

    def slug(self, name: ModelName, weights: bool) -> str:
        path = Path(name.architecture)
        try:  # .../SLUG/seed-S/final.pt or .../SLUG/seed-S/checkpoints/epoch-010.pt
            return RunId.of_path(path).model
        except InputError:
            return joined("checkpoint", path.stem, name.architecture)


FAMILY = Checkpoint(
    name="checkpoint",
    form="the path of a checkpoint (.pt)",
    about="a checkpoint of an experiment",
    example="its path, ending in `.pt`",
    kind=FILE,
    suffixes=(".pt",),
)
