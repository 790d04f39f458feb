"""The technique `sensitivity`: a shape bias under each way to show images and to read outputs."""

from __future__ import annotations

from texshape.techniques.inputs import Ahead, Inputs, Outputs
from texshape.techniques.reasons import without_classes


def run(inputs: Inputs) -> Outputs:
    """Decide once for each cell of the grid."""
    from texshape.trials import evaluate

    grid, bootstrap = dict(inputs.settings), dict(inputs.parameters["bootstrap"])
    table = evaluate.sensitivity(
        inputs.network(), inputs.images("conflict"),
        aggregations=grid["aggregations"], preprocessings=grid["preprocessings"],
        interpolations=grid["interpolations"], **bootstrap, seed=inputs.seed,
        **evaluate.speed(inputs.evaluation),
    )  # fmt: skip
    return {"sensitivity": table}


def without_grid(inputs: Inputs) -> str:
    """Why there is nothing to vary; empty where there is."""
    reason, network = without_classes(inputs), inputs.network()
    if not reason and network.asked is not None:
        reason = "it is shown each picture as it is, so there is nothing to vary"
    if not reason and network.own is None:
        reason = "its preprocessing is a function, so there is nothing to vary"
    return reason


def ahead(inputs: Inputs) -> Ahead:
    """All conflict images for each way to show them that is another one."""
    from texshape.models.preprocessing import preprocess

    grid, images, own = inputs.settings, inputs.images("conflict").images, inputs.network().own
    ways = {
        preprocess(own, kind, interpolation).pipeline(*images.shape[1:3])
        for kind in grid.preprocessings
        for interpolation in grid.interpolations
    }
    return Ahead(shown=len(ways) * len(images))
