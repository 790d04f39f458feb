"""Which techniques measure which networks in one job: a job a technique, or (`jobs.grain`) a job a network.

By network those of one name whose seeds are measured by the same techniques share a rule, for a rule has one
list of outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from texshape.experiment.plan import Plan
from texshape.experiment.runs import RunId
from texshape.techniques.base import Technique


@dataclass(frozen=True)
class Measured:
    """Networks that the same techniques measure, each in a job.

    Attributes
    ----------
    name : str
        A name that no other group of the plan has.
    logs : str
        Folder of what the jobs say.
    runs : tuple of RunId
    techniques : tuple of Technique
        In the order in which they run.
    priority : int
        Of the jobs: 1 of those that take longest, for last they would run by themselves.
    """

    name: str
    logs: str
    runs: tuple[RunId, ...]
    techniques: tuple[Technique, ...]
    priority: int = 0

    @property
    def models(self) -> list[str]:
        """``ARCHITECTURE--ARM`` of each."""
        return list({run.model: None for run in self.runs})

    @property
    def seeds(self) -> list[int]:
        """Of any of them."""
        return list({run.seed: None for run in self.runs})

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
    """Every measured network of a plan, with the techniques that measure it in one job.

    Yields
    ------
    Measured
        By technique, or in the order in which the plan names the networks: each network once.
    """
    if plan.grain == "technique":
        for technique in plan.techniques:
            runs = tuple(plan.runs_of(technique))
            yield Measured(technique.name, technique.name, runs, (technique,))
        return
    of_run: dict[RunId, list[Technique]] = {}
    for technique in plan.techniques:
        for run in plan.runs_of(technique):
            of_run.setdefault(run, []).append(technique)
    groups: dict[tuple[str, tuple[str, ...]], list[RunId]] = {}
    for run, techniques in of_run.items():
        names = tuple(technique.name for technique in techniques)
        groups.setdefault((run.model, names), []).append(run)
    for (model, _), runs_of_model in groups.items():
        name = "_".join(["measure", model, *(str(run.seed) for run in runs_of_model)])
        # What costs most is measured of the first network alone.
        first = int(plan.measured_runs[0] in runs_of_model)
        techniques = of_run[runs_of_model[0]]
        yield Measured(name, "measure", tuple(runs_of_model), tuple(techniques), first)
