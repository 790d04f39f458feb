"""What of an experiment's parameters a job is given, as the JSON that its step takes.

The type of a part says what the step reads; what it does not read is left out, or stands at its least: changing
that reruns nothing.
"""

from __future__ import annotations

from typing import Any

from texshape.config.data import DrawnSettings
from texshape.config.evaluation import Presentation
from texshape.config.stylize import DecoderTraining, StylePreparation
from texshape.experiment.plan import Plan
from texshape.experiment.runs import RunId
from texshape.experiment.stylizations import Stylization
from texshape.figures.settings import settings_of
from texshape.parameters import to_json
from texshape.techniques.base import Technique
from texshape.techniques.corruptions.settings import CorruptedImages, CorruptionErrors


def section(plan: Plan, name: str) -> str:
    """A whole section: every key of its model."""
    return getattr(plan.checked, name).to_json()


def drawn(plan: Plan, variant: str, name: str) -> str:
    """What the renderer needs to draw one set of a variant."""
    return plan.checked.data.part(DrawnSettings).for_set(variant, name).to_json()


def photographs(plan: Plan) -> str:
    """What the step that reads class folders needs."""
    return plan.checked.data.photographs().to_json()


def features(plan: Plan) -> str:
    """What of the section `evaluation` stored activations depend on."""
    return plan.checked.evaluation.part(Presentation).to_json()


def technique(plan: Plan, which: Technique, run: RunId | None = None, **changes: Any) -> str:
    """What a technique reads of its own section, the other sections that it names, and the seed.

    Of a run that is not the technique's first what costs most is left out (`Technique.sparing`).
    """
    sparing = bool(which.sparing) and run is not None and run != plan.runs_of(which)[0]
    own = which.dump(which.section_of(plan.parameters) | changes, sparing=sparing)
    sections = {name: getattr(plan.checked, name).dump() for name in which.sections}
    return to_json({**sections, which.parameters: own, "seed": plan.parameters["seed"]})


def corruptions(plan: Plan) -> str:
    """The section as accuracies on corrupted images depend on it."""
    return plan.checked.corruptions.part(CorruptedImages).to_json()


def corruption_errors(plan: Plan) -> str:
    """The section as errors relative to the baseline's depend on it."""
    return plan.checked.corruptions.part(CorruptionErrors).to_json()


def styles(made: Stylization) -> str:
    """What the step that prepares the styles of a stylization needs."""
    return made.settings.part(StylePreparation).to_json()


def decoder(made: Stylization) -> str:
    """What the training of its decoder needs."""
    return made.settings.part(DecoderTraining).to_json()


def engine(made: Stylization) -> str:
    """What the step that makes its images needs."""
    return made.settings.of_engine().to_json()


def figures(plan: Plan) -> str:
    """What figures know of the experiment."""
    return to_json(settings_of(plan.parameters))
