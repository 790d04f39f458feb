"""The technique `erasure`: what a network decides once the subspace that codes a cue is gone."""

from __future__ import annotations

from texshape.techniques.inputs import Ahead, Inputs, Outputs
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


def ahead(inputs: Inputs) -> Ahead:
    """All images once to fit, and the tested ones once if all versions of a picture pass together.

    A stage with large maps takes several passes, of which what lies before it is played back.
    """
    from texshape.models.changed import TRIED
    from texshape.stats import exemplars as ex

    labels, settings = inputs.images("conflict").labels, inputs.settings
    both = labels[(labels[list(ex.CUES)].astype(str) != ex.ABSENT).all(axis=1)]
    plain = len(inputs.images("agreeing")) if inputs.has("agreeing") else 0
    tested = [int(ex.conflicting(both).sum()), plain]
    tried = sum(2 * min(TRIED, count) for count in tested)  # alone, and beside another version
    one = len(both) + min(settings.batch_size, len(both)) + sum(tested) + tried
    return Ahead(shown=one * max(1, len(settings.stages)), batch=settings.batch_size)
