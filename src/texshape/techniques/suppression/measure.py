"""The technique `suppression`: what is kept when a cue is suppressed in degrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from texshape.techniques.inputs import Ahead, Inputs, Outputs
from texshape.techniques.reasons import without_classes

if TYPE_CHECKING:
    from texshape.data.imageset import ImageSet

AGREEING = "plain|agreeing|conflict"
CONTROLS = ("silhouettes", "textures")


def run(inputs: Inputs) -> Outputs:
    """Suppress cues of pictures whose cues agree, and, as a control, of pictures without one of them."""
    from texshape.techniques.suppression import estimate
    from texshape.techniques.suppression.tables import SUPPRESSION
    from texshape.trials.evaluate import speed

    chosen, rows = inputs.settings, []
    for role in (AGREEING, *CONTROLS):
        for name, images in inputs.sets(role).items():
            rows += estimate.measure(
                inputs.deciding(role),
                agreeing(images),
                name=name,
                suppressions=chosen.suppressions,
                most=chosen.images,
                scale=chosen.scale,
                resamples=chosen.resamples,
                level=chosen.level,
                seed=inputs.seed,
                **speed(inputs.evaluation),
            )
    return {"suppression": SUPPRESSION.frame(rows)}


def agreeing(images: ImageSet) -> ImageSet:
    """The images whose two cues agree, where a set has others too; those with one cue all stay."""
    from texshape.stats.exemplars import conflicting

    against = conflicting(images.labels)
    if not against.any():
        return images
    return images.take(np.flatnonzero(~against))


def reason(inputs: Inputs) -> str:
    """Why nothing can be suppressed; empty where something can."""
    (images,) = list(inputs.sets(AGREEING).values())[:1]
    if not len(agreeing(images)):
        return "no image has cues that agree"
    return without_classes(inputs, AGREEING)


def ahead(inputs: Inputs) -> Ahead:
    """The images as they are, and in each degree of each suppression that their size allows."""
    from texshape.techniques.corruptions.accuracy import balanced
    from texshape.techniques.suppression.estimate import truth
    from texshape.techniques.suppression.filters import degrees

    chosen, shown = inputs.settings, 0
    for role in (AGREEING, *CONTROLS):
        for images in inputs.sets(role).values():
            some = agreeing(images)
            rows = balanced(truth(some.labels)[0], chosen.images, seed=inputs.seed)
            size = some.images.shape[1:3]
            shown += len(rows) * (
                1 + sum(len(degrees(kind, *size)) for kind in chosen.suppressions)
            )
    return Ahead(shown=shown)
