"""The technique `triplets`: choices by likeness, at every stage of every state of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

PIXELS = "pixels"  # name of the stage

if TYPE_CHECKING:
    from texshape.techniques.inputs import Inputs, Outputs


def run(inputs: Inputs) -> Outputs:
    """Compare stored features of the conflict images."""
    import pandas as pd

    from texshape.features.stored import stored
    from texshape.techniques.triplets import choice

    labels, settings = inputs.images("conflict").labels, inputs.settings
    tables = []
    for epoch in inputs.epochs:
        # Tables list stages from input to output: the pixels, stored last, are no last stage.
        parts = sorted(
            stored(inputs.features(epoch), settings.inputs, len(labels)),
            key=lambda part: part.name != PIXELS,
        )
        table = choice.measure(
            ((part.name, part.array) for part in parts), labels, matches=settings.matches,
            resamples=settings.resamples, level=settings.level, seed=inputs.seed,
        )  # fmt: skip
        table.insert(0, "epoch", epoch)
        tables.append(table)
    return {"triplets": pd.concat(tables, ignore_index=True)}
