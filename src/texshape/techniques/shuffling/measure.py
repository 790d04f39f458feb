"""The technique `shuffling`: accuracy once patches have lost their places."""

from __future__ import annotations

from texshape.techniques.inputs import Ahead, Inputs, Outputs
from texshape.techniques.reasons import without_classes


def run(inputs: Inputs) -> Outputs:
    """Shuffle plain pictures, and those of the kinds that the network was trained on."""
    import pandas as pd

    from texshape.techniques.cue_strength import probes
    from texshape.trials.evaluate import speed

    section, network = dict(inputs.settings), inputs.deciding("trained-on")
    tables = [
        probes.shuffling(
            network, images, name=name, ks=section["patches"], seed=inputs.seed,
            most=section["shuffling_images"], level=section["level"],
            speed=speed(inputs.evaluation),
        )
        for name, images in inputs.sets("trained-on").items()
    ]  # fmt: skip
    return {"shuffling": pd.concat(tables, ignore_index=True)}


def reason(inputs: Inputs) -> str:
    """Why it has no accuracy; empty where it has one."""
    return without_classes(inputs, "trained-on")


def ahead(inputs: Inputs) -> Ahead:
    """The images of each set, for each number of patches."""
    most, patches = inputs.settings.shuffling_images, len(inputs.settings.patches)
    sizes = [len(images) for images in inputs.sets("trained-on").values()]
    return Ahead(shown=patches * sum(min(size, most or size) for size in sizes))
