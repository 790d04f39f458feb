"""What a technique is given: one network, images by their role, parameters; and what it says it will show."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.errors import InputError
from texshape.techniques.base import imported

if TYPE_CHECKING:
    from texshape.config.evaluation import EvaluationSettings
    from texshape.data.download import Item
    from texshape.data.imageset import ImageSet
    from texshape.models.network import Network

#: what images are shown for; a technique asks for a role and never for a set's name
ROLES = {
    "conflict": "cue-conflict images",
    "plain": "pictures of the test set as they are",
    "agreeing": "pictures of the conflict images' own classes, whose shape and texture agree",
    "stylized": "pictures of the test set with the texture of others",
    "silhouettes": "filled outlines",
    "edges": "line drawings",
    "textures": "textures without an outline",
    "faded": "conflict images whose texture the renderer faded, a set each strength",
    "masked": "conflict images of which each pixel's object is known",
    "voc": "photographs of which each pixel's class is known: a folder that holds VOCdevkit/VOC2012",
    "trained-on": "plain pictures, and test pictures of the kinds that the network was trained on",
}

#: roles of which there is a folder of files, and no set of images
FOLDERS = ("voc",)

#: code that only techniques which run the network depend on (`texshape.source_code.technique_hash`)
DECISIONS = "texshape.models.decisions:for_images"
STATES = "texshape.experiment.states:network"


class Inputs(ABC):
    """What a technique is given: one network, images, and parameters.

    Attributes
    ----------
    settings : object
        The technique's own section of the parameters, as its `Technique.settings` makes it.
    parameters : mapping
        The other sections that it names (`Technique.sections`).
    seed : int
        Root of baselines, draws and resamples.
    network_seed : int
        Of random weights.
    epochs : tuple of int
        States of the network that can be looked at, in order; 0 is random weights. The last is the network.
    trained_here : bool
        Whether the experiment trained it, and has its checkpoints.
    """

    settings: Any
    parameters: Mapping[str, Any]
    seed: int
    network_seed: int
    epochs: tuple[int, ...]
    trained_here: bool = False

    @abstractmethod
    def sets(self, role: str) -> dict[str, ImageSet]:
        """The sets of images of a role (`ROLES`) by name; of several roles, ``plain|conflict``, the first's
        that has any. Without any it is empty."""

    def has(self, role: str) -> bool:
        """Whether there are images of a role."""
        return bool(self.sets(role))

    def folder(self, role: str) -> Path | None:
        """The folder of a role whose images are files and no set; None where there is none."""
        return None

    def images(self, role: str) -> ImageSet:
        """The images of a role that has one set.

        Raises
        ------
        InputError
            If there are none.
        """
        found = self.sets(role)
        if not found:
            raise InputError(f"there are no images '{role}'")
        return next(iter(found.values()))

    @abstractmethod
    def network(self, epoch: int | None = None) -> Network:
        """The network on its device, at an epoch; by default as it is at the end.

        Raises
        ------
        InputError
            If it cannot be loaded, or has no such state.
        """

    @abstractmethod
    def features(self, epoch: int) -> Path:
        """Folder of the activations of the conflict images (`texshape.features.stored`)."""

    def deciding(self, role: str, epoch: int | None = None) -> Network:
        """The network as it decides about the images of a role."""
        for_images = imported(DECISIONS)
        labels = self.images(role).labels
        return for_images(self.network(epoch), labels, self.evaluation.aggregation)

    @property
    def evaluation(self) -> EvaluationSettings:
        """How networks are shown images and how outputs become decisions."""
        from texshape.config.evaluation import EvaluationSettings

        return EvaluationSettings.over(self.parameters.get("evaluation", {}))


@dataclass(frozen=True)
class Ahead:
    """What a technique will show a network and bring from elsewhere, known before it runs.

    Pictures are counted as they enter the network, also where a pass ends early or its start is played back.

    Attributes
    ----------
    shown : int
        Pictures that pass forward without a gradient.
    followed : int
        Pictures that pass forward with one.
    gradients : int
        Pictures through which a gradient is taken back, one for each time.
    batch : int
        Pictures at a time; 0 where it is that of the section ``evaluation``.
    downloads : tuple of Item
        Files that it needs from elsewhere (`texshape.data.download.Item`).
    """

    shown: int = 0
    followed: int = 0
    gradients: int = 0
    batch: int = 0
    downloads: tuple[Item, ...] = ()


#: what a technique returns: a table (DataFrame), or for a `File` a function that writes it to a path
Outputs = Mapping[str, Any]
