"""The technique `feature_visualization`: images that excite some channels of each stage."""

from __future__ import annotations

from functools import partial

from texshape.techniques.base import Inputs, Outputs


def run(inputs: Inputs) -> Outputs:
    """Optimise an image for each channel."""
    from texshape.techniques.feature_visualization import optimise

    network, settings = inputs.network(), inputs.settings
    images = inputs.images("plain|conflict").images
    result = optimise.of_settings(network, settings, seed=inputs.seed, images=images)
    write = partial(
        optimise.write, result=result, model=network.name, seed=inputs.seed, steps=settings.steps
    )
    return {"feature_visualization.npz": write}
