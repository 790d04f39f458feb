"""The technique `receptive_field`: sides of fields in theory and by gradients, and maps of influence."""

from __future__ import annotations

from functools import partial

from texshape.errors import InputError
from texshape.techniques.inputs import Ahead, Inputs, Outputs


def run(inputs: Inputs) -> Outputs:
    """Trace the connections, and measure gradients before and after training on the same images."""
    from texshape.techniques.receptive_field.measure import measure_network, write_maps

    untrained, without = None, ""
    try:
        untrained = inputs.network(0)
    except InputError as error:  # a callable of the user's may have no untrained version
        if inputs.trained_here:
            raise
        without = str(error)
    table, maps = measure_network(
        inputs.network(), untrained, inputs.images("plain|conflict").images,
        seed=inputs.network_seed, draw=inputs.seed, **dict(inputs.settings),
        without_untrained=without,
    )  # fmt: skip
    return {"receptive_field": table, "influence.npz": partial(write_maps, influences=maps)}


def ahead(inputs: Inputs) -> Ahead:
    """Some images of each state of the network; a gradient of each for every stage that has a map.

    One more is shown to trace the connections.
    """
    settings = inputs.settings
    images = min(settings.images, len(inputs.images("plain|conflict")))
    states = len(inputs.epochs[-1:]) + (0 in inputs.epochs[:-1])
    stages = len(settings.stages or inputs.network().stages)
    return Ahead(
        shown=1, followed=states * images, gradients=states * images * stages,
        batch=settings.batch_size,
    )  # fmt: skip
