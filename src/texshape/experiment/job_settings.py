"""What of an experiment's parameters a job is given, as the JSON that its step takes.

What a step does not read is left out, or stands at its least: changing that reruns nothing.
"""

from __future__ import annotations

from typing import Any

from texshape.experiment.plan import Plan
from texshape.experiment.runs import RunId
from texshape.experiment.sources import CONFLICT
from texshape.experiment.stylizations import Stylization
from texshape.parameters import to_json

# Of `corruptions`: what the relative errors are made with, and what says which jobs there are.
_RELATIVE_ERRORS = {"baseline_arm", "least_error", "resamples", "level"}
_WHICH_JOBS = {"own_pictures"}
# Of `evaluation`: features are no decisions, and the section `features` has a batch size of its own.
_DECISIONS = {"aggregation", "batch_size", "channels_last", "class_map", "precision"}
# How many photographs are decoded at a time changes none.
_DECODING = {"workers"}
_LEAST = {"train": 12, "validation": 12, "test": 12}


def drawn(plan: Plan, variant: str, name: str) -> str:
    """What the renderer needs to draw one set of a variant."""
    data = plan.parameters["data"]
    split = name.split("-")[0]
    split = split if split in ("train", "validation") else "test"
    conflict = name.startswith(CONFLICT)
    own = not conflict and not name.startswith("styles")
    sizes = {**_LEAST, **({split: data[split]} if own else {})}
    if not conflict:
        sizes |= {"shape_exemplars": 2, "texture_exemplars": 2}
    return to_json({**data, **sizes, "variants": {variant: data["variants"][variant]}})


def photographs(plan: Plan) -> str:
    """What the step that reads class folders needs."""
    data = plan.parameters["data"]
    folder = _without(data["folder"], _DECODING)
    return to_json({**folder, "image_size": data["image_size"]})


def features(plan: Plan) -> str:
    """What of the section `evaluation` stored activations depend on."""
    return to_json(_without(plan.parameters["evaluation"], _DECISIONS))


def pixel_readout(plan: Plan) -> str:
    """The section `readout` for the pixels themselves."""
    return to_json({**plan.parameters["readout"], "inputs": ["pixels"]})


def segmentation(plan: Plan, run: RunId, epoch: int) -> str:
    """The section; further heads and the upper bound (end to end) for one network, as they cost most."""
    settings = plan.parameters["segmentation"]
    if run != plan.measured_runs[0] or epoch != plan.epochs(run)[-1]:
        settings = {**settings, "end_to_end": [], "heads": settings["heads"][:1]}
    return to_json(settings)


def corruptions(plan: Plan) -> str:
    """The section as accuracies on corrupted images depend on it."""
    return to_json(_without(plan.parameters["corruptions"], _RELATIVE_ERRORS | _WHICH_JOBS))


def corruption_errors(plan: Plan) -> str:
    """The section as errors relative to the baseline's depend on it."""
    section = plan.parameters["corruptions"]
    return to_json({key: section[key] for key in section.keys() & _RELATIVE_ERRORS})


def styles(made: Stylization) -> str:
    """What the step that prepares the styles of a stylization needs."""
    return to_json(made.settings("styles", "images", "tolerated"))


def decoder(made: Stylization) -> str:
    """What the training of its decoder needs."""
    return to_json(made.settings("encoder", "content", "decoder"))


def engine(made: Stylization) -> str:
    """What the step that makes its images needs."""
    return to_json(made.engine_settings())


def figures(plan: Plan) -> str:
    """What figures know of the experiment; one architecture stands for all, as in the article's text."""
    first = next((entry["architecture"] for entry in plan.parameters["trained"]), None)
    kept = {key: plan.parameters[key] for key in ("arms", "data")}
    return to_json({**kept, "architecture": first})


def _without(section: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key not in keys}
