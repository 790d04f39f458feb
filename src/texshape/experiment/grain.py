"""Which techniques measure a network in one job, where the parameters ask for jobs of that size.

Networks of one name whose seeds are measured by the same techniques share a rule, for a rule has one list of
outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from texshape.experiment.plan import Plan
from texshape.experiment.runs import RunId
from texshape.techniques.base import Technique


@dataclass(frozen=True)
class Measured:
    """Networks that the same techniques measure.

    Attributes
    ----------
    model : str
        ``ARCHITECTURE--ARM``.
    seeds : tuple of int
    techniques : tuple of Technique
        In the order in which they run.
    """

    model: str
    seeds: tuple[int, ...]
    techniques: tuple[Technique, ...]

    @property
    def name(self) -> str:
        """A name that no other group of the plan has."""
        return "_".join(["measure", self.model, *map(str, self.seeds)])

    def holds(self, run: RunId) -> bool:
        """Whether a network is one of them."""
        return run.model == self.model and run.seed in self.seeds

    @property
    def gpu(self) -> int:
        """GPUs that the job takes: one if any technique computes on it."""
        return int(any(technique.gpu for technique in self.techniques))

    @property
    def memory(self) -> int:
        """Megabytes: those of the technique that takes most."""
        return max(technique.memory for technique in self.techniques)

    @property
    def minutes(self) -> int:
        """Longest run time: that of all techniques together."""
        return sum(technique.minutes for technique in self.techniques)


def measured_together(plan: Plan) -> Iterator[Measured]:
    """Every measured network of a plan once, with the techniques that measure it.

    Yields
    ------
    Measured
        In the order in which the plan names the networks.
    """
    of_run: dict[RunId, list[Technique]] = {}
    for technique in plan.techniques:
        for run in plan.runs_of(technique):
            of_run.setdefault(run, []).append(technique)
    groups: dict[tuple[str, tuple[str, ...]], list[RunId]] = {}
    for run, techniques in of_run.items():
        names = tuple(technique.name for technique in techniques)
        groups.setdefault((run.model, names), []).append(run)
    for (model, _), runs in groups.items():
        yield Measured(model, tuple(run.seed for run in runs), tuple(of_run[runs[0]]))
