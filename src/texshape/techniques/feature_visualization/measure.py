"""The technique `feature_visualization`: images that excite some channels of each stage."""

from __future__ import annotations

from functools import partial

from texshape.techniques.inputs import Ahead, Inputs, Outputs


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


def ahead(inputs: Inputs) -> Ahead:
    """A picture each channel, optimised step by step; before that each is looked at a few times."""
    from texshape.techniques.feature_visualization.optimise import LOUDER

    settings = inputs.settings
    stages = len(settings.stages or inputs.network().stages)
    pictures = stages * settings.channels
    varied = 0
    if settings.selection == "variance":
        varied = min(settings.images, len(inputs.images("plain|conflict")))
    steps = settings.steps * pictures
    return Ahead(
        shown=stages + (LOUDER + 2) * pictures + varied, followed=steps, gradients=steps,
        batch=settings.channels,
    )  # fmt: skip
