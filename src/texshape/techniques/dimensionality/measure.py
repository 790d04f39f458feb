"""The technique `dimensionality`: how much information of each cue, at every stage of every state."""

from __future__ import annotations

from texshape.techniques.inputs import Inputs, Outputs


def run(inputs: Inputs) -> Outputs:
    """Estimate the information of shape and texture in stored activations, by both estimators."""
    import pandas as pd

    from texshape.techniques.dimensionality import table as estimates
    from texshape.techniques.dimensionality.pairs import design

    labels = inputs.images("conflict").labels
    plan = design(labels, settings=inputs.settings, seed=inputs.seed)
    tables = []
    for epoch in inputs.epochs:
        table, _, _ = estimates.of_features(inputs.features(epoch), plan)
        table.insert(0, "epoch", epoch)
        tables.append(table)
    return {"dimensionality": pd.concat(tables, ignore_index=True)}
