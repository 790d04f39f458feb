"""What steps are told of sets made by style transfer beside their files: drawn exemplars, and who judges."""

from __future__ import annotations

from texshape.experiment import job_settings
from texshape.experiment.networks import BASE
from texshape.experiment.plan import Plan
from texshape.experiment.sources import CONFLICT
from texshape.experiment.stylizations import RENDERER, Stylization


def drawn_exemplars(plan: Plan, made: Stylization, *, whole: bool = True) -> list[str]:
    """How the renderer draws the exemplars of a conflict set, as options; none where they are files.

    Parameters
    ----------
    plan : Plan
    made : Stylization
        The conflict set.
    whole : bool
        Whether the step makes the whole set, so that it has to know how many exemplars there are.
    """
    if not made.drawn:
        return []
    words = ["--data", job_settings.drawn(plan, BASE, CONFLICT), "--fill", made.entry.fill]
    count = made.entry.shape_exemplars if whole else None
    return [*words, "--shape-exemplars", count] if count else words


def set_maker(plan: Plan, name: str) -> str:
    """What says how a judged set was made: its manifest, or the word for sets that no engine made."""
    if name in plan.neural_sets:
        return f"{plan.layout.set(BASE, name)}.manifest.csv"
    return RENDERER if plan.source.renderer else "photographs"


def judges(plan: Plan, role: str) -> list[str]:
    """The networks of a role (``full`` or ``limited``) that judge sets, each as ``SET=RUN``."""
    return [f"{name}={run}" for name, roles in plan.fitness.items() for run in roles[role]]
