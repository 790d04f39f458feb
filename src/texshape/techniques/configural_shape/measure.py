"""The technique `configural_shape`: silhouettes with their parts moved, and outlines in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from texshape.techniques.base import Inputs, Outputs


def run(inputs: Inputs) -> Outputs:
    """Move parts and draw pieces of the silhouettes, and compare the decisions."""
    import pandas as pd

    from texshape.techniques.configural_shape import fragments, loss, mirrored
    from texshape.techniques.corruptions.accuracy import balanced
    from texshape.trials.evaluate import decide, speed

    settings = inputs.settings
    shown = inputs.images("silhouettes")
    rows = balanced(shown.labels["shape"].to_numpy(), settings.images, seed=inputs.seed)
    chosen = shown.take(rows)
    made = [mirrored.make(chosen)[0]]
    if settings.shares:
        made.append(fragments.make(chosen, seed=inputs.seed, shares=settings.shares))
    network = inputs.deciding("silhouettes")
    trials = pd.concat(
        [
            images.labels.assign(
                decision=decide(network, images.images, **speed(inputs.evaluation))
            )
            for images in made
        ]
    )
    table = loss.measure(
        trials, chance=1 / len(network.require_classes()), resamples=settings.resamples,
        level=settings.level, seed=inputs.seed,
    )  # fmt: skip
    return {"configural_shape": table}


def reason(inputs: Inputs) -> str:
    """Why it cannot be measured; empty where it can."""
    from texshape.techniques.reasons import without_classes

    return without_classes(inputs, "silhouettes")
