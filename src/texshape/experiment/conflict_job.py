"""What the steps that make and show a cue-conflict set by style transfer are told of its exemplars."""

from __future__ import annotations

from collections.abc import Sequence

from texshape.experiment import job_settings
from texshape.experiment.networks import BASE
from texshape.experiment.plan import Plan
from texshape.experiment.sources import CONFLICT
from texshape.experiment.stylizations import Stylization
from texshape.experiment.words import stem


def exemplar_options(
    plan: Plan,
    made: Stylization,
    contents: Sequence[str],
    textures: Sequence[str],
    *,
    whole: bool = True,
) -> list[str]:
    """Where the exemplars of a conflict set come from, as options.

    Parameters
    ----------
    plan : Plan
    made : Stylization
        The conflict set.
    contents, textures : sequence of str
        Files of the sets that they are taken from; none where the renderer draws them.
    whole : bool
        Whether the step makes the whole set, so that it has to know how many exemplars there are.
    """
    if not made.drawn:
        return ["--contents", stem(contents), "--textures", stem(textures)]
    words = ["--data", job_settings.drawn(plan, BASE, CONFLICT), "--fill", made.entry.fill]
    count = made.entry.shape_exemplars if whole else None
    return [*words, "--shape-exemplars", count] if count else words
