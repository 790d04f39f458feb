"""A technique's job in an experiment, or one of several: what it reads, is told and writes, by network."""

from __future__ import annotations

from dataclasses import dataclass

from texshape.experiment import job_settings
from texshape.experiment.networks import BASE
from texshape.experiment.plan import Plan
from texshape.experiment.runs import RunId
from texshape.experiment.sources import CONFLICT
from texshape.experiment.words import chained, options
from texshape.techniques.base import Technique


@dataclass(frozen=True)
class TechniqueJob:
    """A technique's job for each network of an experiment.

    Attributes
    ----------
    plan : Plan
    technique : Technique
    """

    plan: Plan
    technique: Technique

    def inputs(self, run: RunId) -> dict[str, list[str]]:
        """Files that it depends on, by what they are: image sets, stored activations, networks."""
        plan, technique, layout = self.plan, self.technique, self.plan.layout
        found = {
            "images": [
                file
                for name in plan.sets_of(technique, run.model)
                for file in layout.set_files(
                    BASE, name, masks=plan.source.masks and name == CONFLICT
                )
            ]
        }
        if technique.features:
            found["features"] = layout.states(run, plan.states(technique, run))
        if technique.network:
            found["network"] = plan.network_files(run)
        if technique.untrained and 0 in plan.states(technique, run):
            found["untrained"] = plan.untrained_files(run)
        return found

    def options(self, run: RunId) -> list[str]:
        """Which states, network and images its step is about."""
        plan = self.plan
        roles = plan.roles(self.technique, run.model)
        # The read-out that decides counts for what runs the network alone.
        of = plan.network(run) if self.technique.network else plan.named.get(run.model)
        named = [of] if run.model in plan.named else []
        return [
            *options("--epoch", plan.states(self.technique, run)),
            *options("--network", named),
            *options("--images", [f"{role}={one}" for role, sets in roles.items() for one in sets]),
        ]

    def outputs(self, run: RunId | str) -> list[str]:
        """What it writes, of a network or of the wildcards that stand for one."""
        layout, technique = self.plan.layout, self.technique
        files = [f"{layout.run(run)}/{name}" for name in technique.outputs]
        return files + (
            [layout.left_out(run, technique.name)] if self.plan.leaves_out(technique) else []
        )

    def parameters(self, run: RunId) -> str:
        """What its step reads of the parameters."""
        return job_settings.technique(self.plan, self.technique, run)


@dataclass(frozen=True)
class SharedJob:
    """A job of several techniques for each network of an experiment, one after the other.

    Attributes
    ----------
    plan : Plan
    techniques : tuple of Technique
    """

    plan: Plan
    techniques: tuple[Technique, ...]

    @property
    def _jobs(self) -> list[TechniqueJob]:
        return [TechniqueJob(self.plan, technique) for technique in self.techniques]

    def inputs(self, run: RunId) -> dict[str, list[str]]:
        """What all of them depend on, each file once."""
        found: dict[str, dict[str, None]] = {}
        for job in self._jobs:
            for name, own in job.inputs(run).items():
                found.setdefault(name, {}).update(dict.fromkeys(own))
        return {name: list(own) for name, own in found.items()}

    def outputs(self, run: RunId | str) -> list[str]:
        """What they write."""
        return [file for job in self._jobs for file in job.outputs(run)]

    def steps(self, run: RunId) -> list[str]:
        """Their steps as the words of one, for `texshape run several`."""
        return chained(
            [
                [
                    job.technique.name.replace("_", "-"),
                    *["--results", self.plan.layout.results, "--run", str(run)],
                    *job.options(run),
                    *["--parameters", job.parameters(run), "--threads", "1"],
                ]
                for job in self._jobs
            ]
        )
