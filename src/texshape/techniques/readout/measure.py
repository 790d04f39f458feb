"""The technique `readout`: what a linear read-out knows, at every stage of every state of a network."""

from __future__ import annotations

from texshape.techniques.inputs import Inputs, Outputs


def run(inputs: Inputs) -> Outputs:
    """Read shape and texture from stored activations; the first state is the one before training."""
    import pandas as pd

    from texshape.files import write_csv
    from texshape.techniques.readout.scalars import mask_scalars
    from texshape.techniques.readout.table import read_out

    shown = inputs.images("conflict")
    scalars = None if shown.masks is None else mask_scalars(shown.masks, "masks of cue-conflict")
    tables, before, images = [], None, pd.DataFrame()
    for epoch in inputs.epochs:
        table, images = read_out(
            inputs.features(epoch), shown.labels, settings=inputs.settings, seed=inputs.seed,
            thorough=epoch == inputs.epochs[-1], before=before, scalars=scalars,
        )  # fmt: skip
        table.insert(0, "epoch", epoch)
        tables.append(table)
        before = images if before is None else before
    return {
        "readout": pd.concat(tables, ignore_index=True),
        "readings.csv": lambda path: write_csv(path, images),
    }
