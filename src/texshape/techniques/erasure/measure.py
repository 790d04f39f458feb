"""The technique `erasure`: what a network decides once the subspace that codes a cue is gone."""

from __future__ import annotations

from texshape.techniques.base import Inputs, Outputs
from texshape.techniques.reasons import without_classes, without_folds, without_stages


def run(inputs: Inputs) -> Outputs:
    """Erase what codes shape, or texture, from a stage, and see what the network then decides."""
    from texshape.techniques.erasure.intervention import measure
    from texshape.techniques.erasure.tables import ERASURE

    plain = inputs.images("agreeing") if inputs.has("agreeing") else None
    rows = measure(
        inputs.deciding("conflict"), inputs.images("conflict"), settings=inputs.settings,
        seed=inputs.seed, plain=plain,
    )  # fmt: skip
    return {"erasure": ERASURE.frame(rows)}


def reason(inputs: Inputs) -> str:
    """Why nothing can be erased, or no decision follows; empty where both can."""
    return without_classes(inputs) or without_stages(inputs) or without_folds(inputs)
