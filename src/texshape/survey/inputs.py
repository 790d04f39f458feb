"""What a technique is given in a survey: a loaded network, images, and activations made when asked for.

A network's folder is ``SLUG/seed-0`` as in an experiment's results. Epoch 0 is the network with random weights,
epoch 1 the network itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.config.evaluation import EvaluationSettings
from texshape.errors import InputError
from texshape.experiment.runs import RunId
from texshape.experiment.sources import ROLES
from texshape.models.decisions import for_images
from texshape.models.network import Network
from texshape.survey.stimuli import Stimuli
from texshape.techniques.base import Technique
from texshape.techniques.inputs import Inputs

if TYPE_CHECKING:
    import pandas as pd

    from texshape.data.imageset import ImageSet


NETWORK_SEED = 0  # of random weights; that of the folder `seed-0`
UNTRAINED, TRAINED = 0, 1


def run_of(slug: str) -> RunId:
    """What a network is called in a survey, where each has one seed; its folder has that name."""
    return RunId.of_model(slug, NETWORK_SEED)


@dataclass
class Subject:
    """One network and where its files go.

    Attributes
    ----------
    network : Network
    key : str or None
        Stands for all that its outputs depend on; None where that cannot be known.
    untrained : callable
        Loads the same architecture with random weights; raises `InputError` where that cannot be had.
    identify : callable
        Makes such a key of the untrained network.
    stimuli : Stimuli
    settings : dict
        All parameters.
    folder : path
        ``FOLDER/SLUG/seed-0``.
    """

    network: Network
    key: str | None
    untrained: Callable[[], Network]
    identify: Callable[[Network], str | None]
    stimuli: Stimuli
    settings: dict[str, Any]
    folder: Path

    @cached_property
    def random(self) -> Network | None:
        """The untrained network; None where there is none, for the reason in `without_random`."""
        try:
            return self.untrained()
        except InputError as error:
            self.without_random = str(error)
            return None

    without_random: str = field(default="", init=False)

    @cached_property
    def random_key(self) -> str | None:
        """The key of the untrained network, or why there is none."""
        return self.without_random if self.random is None else self.identify(self.random)

    def deciding(self, labels: pd.DataFrame) -> Network:
        """The network as it decides about images with such labels."""
        section = EvaluationSettings.over(self.settings["evaluation"])
        return for_images(self.network, labels, section.aggregation)

    @property
    def activations(self) -> Path:
        """Folder of the activations, which are large and soon made again: see `forget_activations`."""
        return self.folder / "features"

    def forget_activations(self) -> None:
        """Remove the activations that techniques have asked for."""
        shutil.rmtree(self.activations, ignore_errors=True)


class GivenInputs(Inputs):
    """One network of a survey."""

    def __init__(self, technique: Technique, subject: Subject) -> None:
        settings = subject.settings
        self.settings = technique.configured(settings)
        self.parameters = settings
        self.seed = int(settings["seed"])
        self.network_seed = NETWORK_SEED
        self._subject = subject

    @property
    def epochs(self) -> tuple[int, ...]:  # type: ignore[override]
        """Both states where an untrained network can be had."""
        return (TRAINED,) if self._subject.random is None else (UNTRAINED, TRAINED)

    def sets(self, role: str) -> dict[str, ImageSet]:
        return sets_of(self._subject.stimuli, role)

    def network(self, epoch: int | None = None) -> Network:
        if epoch != UNTRAINED:
            return self._subject.network
        if self._subject.random is None:
            raise InputError(self._subject.without_random)
        return self._subject.random

    def features(self, epoch: int) -> Path:
        from texshape.features.extract import extract
        from texshape.features.stored import TABLE

        folder = self._subject.activations / f"epoch-{epoch:03d}"
        if not (folder / TABLE).exists():  # written last
            batch_size = self.parameters["features"]["batch_size"]
            shown = self.images("conflict").images
            extract(self.network(epoch), shown, folder, batch_size=batch_size)
        return folder


class PixelInputs(Inputs):
    """What knows no network: the pixels of the conflict images stand for activations."""

    def __init__(
        self, technique: Technique, stimuli: Stimuli, settings: Mapping[str, Any], folder: Path
    ) -> None:
        self.settings = technique.parse(
            technique.section_of(settings) | dict(technique.pixels or {})
        )
        self.parameters = settings
        self.seed = int(settings["seed"])
        self.network_seed = NETWORK_SEED
        self.epochs = (UNTRAINED,)
        self._stimuli, self._folder = stimuli, folder

    def sets(self, role: str) -> dict[str, ImageSet]:
        return sets_of(self._stimuli, role)

    def network(self, epoch: int | None = None) -> Network:
        raise InputError("pixels are no network")

    def features(self, epoch: int) -> Path:
        from texshape.features.extract import PIXELS, pixel_baseline
        from texshape.features.stored import STAGE_COLUMNS, Writer

        values = pixel_baseline(self.images("conflict").images)
        about = dict.fromkeys(STAGE_COLUMNS) | {"stage": PIXELS, "input": PIXELS, "kind": "vector"}
        with Writer(self._folder, len(values)) as writer:
            writer.append([(about | {"units": values.shape[1]}, values)])
        return self._folder


def sets_of(stimuli: Stimuli, role: str) -> dict[str, ImageSet]:
    """The sets of a survey's stimuli for a role; see `texshape.techniques.inputs.Inputs.sets`."""
    for one in role.split("|"):
        name = ROLES.get(one)
        if name in stimuli.sets:
            return {name: stimuli.sets[name]}
    return {}


def decide(subject: Subject) -> None:
    """Decisions on every set, in the published columns."""
    from texshape.trials import files
    from texshape.trials.evaluate import decisions, evaluate, speed, trials_frame

    section = EvaluationSettings.parse(subject.settings["evaluation"])
    for name, images in subject.stimuli.sets.items():
        network = subject.deciding(images.labels)
        scores = evaluate(network, images.images, **speed(section))
        frame = trials_frame(images, decisions(scores, network.require_classes()), network.slug)
        files.write(subject.folder / "trials" / f"{name}.csv", frame)
    for path in (subject.folder / "trials").glob("*.csv"):
        if path.stem not in subject.stimuli.sets:  # of other stimuli, shown at an earlier time
            path.unlink()
