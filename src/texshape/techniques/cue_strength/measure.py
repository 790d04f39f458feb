"""The technique `cue_strength`: decisions while the texture fades."""

from __future__ import annotations

from texshape.techniques.inputs import Ahead, Inputs, Outputs
from texshape.techniques.reasons import without_classes


def run(inputs: Inputs) -> Outputs:
    """Fade the texture, unless the renderer drew the faded images, and fit the curve."""
    from texshape.data.procedural import split_strength
    from texshape.techniques.cue_strength import probes
    from texshape.trials.evaluate import speed

    section = dict(inputs.settings)
    most, seed = section["strength_images"], inputs.seed
    drawn = inputs.sets("faded")
    conflict = probes.thinned(inputs.images("conflict"), most, seed=seed)
    shapes = inputs.images("silhouettes") if inputs.has("silhouettes") else None
    strengths = [1] if drawn else section["strengths"]
    faded = probes.faded(conflict, strengths, shapes)
    for name, images in drawn.items():
        faded[split_strength(name)[1]] = probes.thinned(images, most, seed=seed)
    table = probes.strength_curve(
        inputs.deciding("conflict"), faded, seed=seed, resamples=section["resamples"],
        level=section["level"], speed=speed(inputs.evaluation),
    )  # fmt: skip
    return {"cue_strength": table}


def reason(inputs: Inputs) -> str:
    """Why there is no curve; empty where there is one."""
    conflict = inputs.images("conflict")
    if conflict.masks is None:
        shapes = inputs.images("silhouettes") if inputs.has("silhouettes") else None
        known = set() if shapes is None else set(shapes.labels["shape_exemplar"])
        lacking = sorted(set(conflict.labels["shape_exemplar"]) - known)
        if lacking:
            return (
                without_classes(inputs) or f"no silhouette of the shape '{lacking[0]}' to fade into"
            )
    return without_classes(inputs)


def ahead(inputs: Inputs) -> Ahead:
    """The images that are faded, at each strength."""
    from texshape.techniques.cue_strength.probes import thinned_rows

    most, drawn = inputs.settings.strength_images, inputs.sets("faded")
    strengths = {1.0} if drawn else {float(one) for one in inputs.settings.strengths}
    conflict = len(thinned_rows(inputs.images("conflict").labels, most, seed=inputs.seed))
    own = [len(thinned_rows(one.labels, most, seed=inputs.seed)) for one in drawn.values()]
    return Ahead(shown=conflict * len(strengths) + sum(own))
