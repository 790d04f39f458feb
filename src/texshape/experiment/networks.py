"""The networks of an experiment: which there are, what each is trained on, and what measures each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from texshape.config import whole
from texshape.config.base import Section
from texshape.config.training import TrainingSettings
from texshape.errors import InputError
from texshape.experiment.layout import Layout
from texshape.experiment.runs import RunId, model_name
from texshape.models.cards import is_fetched, local_files
from texshape.models.names import is_asked, needs_fitting, parse, slug
from texshape.parameters import measured_epochs, overlay
from texshape.techniques import registry

BASE = "base"  # the variant of the data that all measures but trials are of
#: states of a network that is measured as it is: random weights, and its own
NAMED_EPOCHS = [0, 1]
ARM = "arm:"  # in front of the arm whose network a training starts from


@dataclass(frozen=True)
class Trained:
    """A network that the experiment trains, over its seeds."""

    architecture: str
    arm: str
    seeds: tuple[int, ...]

    @property
    def runs(self) -> list[RunId]:
        """One run a seed."""
        return [RunId(self.architecture, self.arm, seed) for seed in self.seeds]


class Networks:
    """The networks that follow from the parameters of an experiment.

    Parameters
    ----------
    parameters : mapping
        All sections.
    techniques : mapping of str to type, optional
        Techniques' sections and their models (`texshape.config.whole.model`).

    Attributes
    ----------
    parameters : dict
        The same, with the last epoch of the training among the measured ones: all measures are of one network.
    checked : Sections
        The same by their models: what jobs are given of them.
    layout : Layout
        Where the experiment's files lie.
    named : dict of str to str
        Networks that are measured as they are: model to full name.
    trained : dict of str to Trained
        Networks that are trained here, by model.
    trained_runs, runs : list of RunId
        A run for each of their seeds, then one for each named network.

    Raises
    ------
    InputError
        If a key is unknown or its value cannot be, or no network is measured.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any],
        techniques: Mapping[str, type[Section]] | None = None,
    ) -> None:
        self.checked = whole.check(registry.without_sections(parameters), techniques)
        epochs = measured_epochs(parameters["training"])
        self.parameters = overlay(parameters, {"training": {"checkpoint_epochs": epochs}})
        self.layout = Layout(f"results/{parameters['experiment']}")
        self.named = _named(parameters["networks"])
        self.trained = _trained(parameters["trained"])
        self.trained_runs = [run for trained in self.trained.values() for run in trained.runs]
        self.runs = [*self.trained_runs, *map(RunId.of_model, self.named)]
        if not self.measured_runs:
            raise InputError(
                "trained, networks: no network is measured; expected one of the base variant of the data, "
                "neither trials_only nor readout_only"
            )

    def arm(self, model: str) -> Mapping[str, Any]:
        """What a trained network is trained on; of one that is not trained here nothing."""
        return self.parameters["arms"][self.trained[model].arm] if model in self.trained else {}

    def variant(self, model: str) -> str:
        """The variant of the data that a network is trained and tested on."""
        return self.arm(model).get("variant", BASE)

    def recipe(self, model: str) -> TrainingSettings:
        """The recipe of a training: the shared one and what the arm changes."""
        recipe = whole.recipe(self.checked, self.trained[model].arm)
        return recipe.replace(checkpoint_epochs=self.checkpoint_epochs)

    def gpus(self, model: str) -> int:
        """GPUs of one training."""
        return self.recipe(model).gpus_per_job

    def check_gpus(self, limit: int | None) -> None:
        """See that no training needs more GPUs than a run may take, before any job: it would get fewer.

        Raises
        ------
        InputError
            If one does; without a limit none does.
        """
        for model in self.trained:
            if limit and limit < self.gpus(model):
                raise InputError(
                    f"training.gpus_per_job: expected at most the limit gpu={limit}, found {self.gpus(model)}"
                )

    def initial(self, run: RunId) -> str | None:
        """What a training starts from: a network's name or checkpoint; None is random weights."""
        initial = self.recipe(run.model).initial
        if initial and initial.startswith(ARM):
            other = RunId(run.architecture, initial.removeprefix(ARM), run.seed)
            return self.layout.checkpoint(other)
        return initial

    def initial_files(self, run: RunId) -> list[str]:
        """That checkpoint, where this experiment makes it."""
        initial = self.recipe(run.model).initial or ""
        return [str(self.initial(run))] if initial.startswith(ARM) else []

    def network(self, run: RunId) -> str:
        """What a step loads: the final checkpoint of a trained network, a name, or the file of a read-out."""
        if run.model in self.trained:
            return self.layout.checkpoint(run)
        if run in self.read_out_runs:
            return self.layout.decision_readout(run)
        return self.named[run.model]

    def network_files(self, run: RunId) -> list[str]:
        """The files that `network` refers to; of one that is fetched, what says whether it can be had."""
        if run.model in self.trained:
            return [self.layout.checkpoint(run)]
        fitted = [self.layout.decision_readout(run)] if run in self.read_out_runs else []
        return [*fitted, *self.named_files(run)]

    def named_files(self, run: RunId) -> list[str]:
        """The same of a network that is measured as it is, without a read-out that may decide in its place."""
        found = local_files(self.named[run.model])
        return [*found, self.layout.unavailable(run)] if run.model in self.fetched else found

    @cached_property
    def fetched(self) -> list[str]:
        """Named networks whose weights others publish: one that cannot be had is left out."""
        return [model for model, name in self.named.items() if is_fetched(name)]

    @cached_property
    def read_out_runs(self) -> list[RunId]:
        """Networks that decide by a linear read-out of photographs (``readout:NAME``)."""
        named = self.named.items()
        return [RunId.of_model(slug) for slug, name in named if needs_fitting(parse(name))]

    @property
    def models_apart(self) -> list[str]:
        """Networks that decide by a read-out, where others do not: they enter no statistic over networks."""
        models = [run.model for run in self.read_out_runs]
        return models if len(models) < len({run.model for run in self.runs}) else []

    def untrained_files(self, run: RunId) -> list[str]:
        """The network before training, where its training is ours."""
        return [self.layout.checkpoint(run, 0)] if run.model in self.trained else []

    @property
    def checkpoint_epochs(self) -> list[int]:
        """Measured epochs of a training."""
        return self.parameters["training"]["checkpoint_epochs"]

    def epochs(self, run: RunId) -> list[int]:
        """Measured states of a network."""
        return self.checkpoint_epochs if run.model in self.trained else NAMED_EPOCHS

    def is_read(self, run: RunId) -> bool:
        """Whether the read-out looks at it: controls have data of their own, some runs trials alone."""
        if run.model in self.trained and (
            self.arm(run.model).get("trials_only") or run not in self._full_runs
        ):
            return False
        return self.variant(run.model) == BASE

    def is_measured(self, run: RunId) -> bool:
        """Whether every technique measures it."""
        return self.is_read(run) and not self.arm(run.model).get("readout_only")

    @cached_property
    def _full_runs(self) -> set[RunId]:
        """Those that an entry with every measurement names."""
        return {
            RunId(entry["architecture"], arm, seed)
            for entry in self.parameters["trained"]
            if not entry.get("trials_only")
            for arm in entry["arms"]
            for seed in entry["seeds"]
        }

    @cached_property
    def read_runs(self) -> list[RunId]:
        """Networks that are read out."""
        return [run for run in self.runs if self.is_read(run)]

    @cached_property
    def measured_runs(self) -> list[RunId]:
        """Networks that every technique measures."""
        return [run for run in self.runs if self.is_measured(run)]

    @cached_property
    def base_models(self) -> list[str]:
        """Networks of the base variant of the data."""
        models = dict.fromkeys(run.model for run in self.runs)
        return [model for model in models if self.variant(model) == BASE]

    @cached_property
    def control_models(self) -> list[str]:
        """Networks of all other variants."""
        return [model for model in self.trained if self.variant(model) != BASE]

    @cached_property
    def shown_runs(self) -> list[RunId]:
        """Networks whose pictures are shown: the first seed of the first two."""
        first: dict[str, RunId] = {}
        for run in self.measured_runs:
            first.setdefault(run.model, run)
        return list(first.values())[:2]

    @cached_property
    def untrained_runs(self) -> list[RunId]:
        """One network an architecture: before training all of its arms are the same."""
        first = {run.architecture: run for run in reversed(self.measured_runs)}
        return list(first.values())

    @cached_property
    def arms_apart(self) -> list[str]:
        """Arms in the comparison's table alone: they see other images, or are measured by trials alone."""
        return sorted(
            arm
            for arm, entry in self.parameters["arms"].items()
            if entry.get("variant", BASE) != BASE
            or entry.get("trials_only")
            or entry.get("readout_only")
        )


def _named(names: Sequence[str]) -> dict[str, str]:
    """Networks that are measured as they are, by model."""
    for name in names:
        if is_asked(parse(name)):
            raise InputError(
                f"networks: '{name}' gives answers only, which texshape measure takes and experiments do not"
            )
    return {slug(name): name for name in names}


def _trained(entries: Sequence[Mapping[str, Any]]) -> dict[str, Trained]:
    """Networks that are trained here, by model: seeds of several entries are of one network."""
    seeds: dict[tuple[str, str], set[int]] = {}
    for entry in entries:
        for arm in entry["arms"]:
            seeds.setdefault((entry["architecture"], arm), set()).update(entry["seeds"])
    return {
        model_name(*name): Trained(*name, tuple(sorted(numbers))) for name, numbers in seeds.items()
    }
