"""What a technique is given in an experiment: everything lies in the folder of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.errors import stored_results
from texshape.experiment.layout import Layout
from texshape.experiment.runs import RunId
from texshape.techniques.base import Technique, imported
from texshape.techniques.inputs import STATES, Inputs

if TYPE_CHECKING:
    from texshape.data.imageset import ImageSet
    from texshape.models.network import Network


class StoredInputs(Inputs):
    """One network of an experiment.

    Parameters
    ----------
    technique : Technique
    layout : Layout
        Of the experiment.
    run : RunId
    parameters : mapping
        The technique's section by its name, the other sections that it reads, and ``seed``.
    roles : mapping of str to sequence of str
        Role to the names of the sets that the experiment has for it.
    epochs : sequence of int
        States of the network.
    name : str, optional
        Of a network that is measured as it is; else its checkpoints are in the folder of results.
    features : path, optional
        Folder of the activations where they are not the run's own.
    """

    def __init__(
        self,
        technique: Technique,
        layout: Layout,
        run: RunId,
        parameters: Mapping[str, Any],
        *,
        roles: Mapping[str, Sequence[str]],
        epochs: Sequence[int],
        name: str | None = None,
        features: Path | None = None,
    ) -> None:
        self.settings = technique.configured(parameters)
        self.parameters = parameters
        self.seed = int(parameters["seed"])
        self.network_seed = run.seed
        self.epochs = tuple(epochs)
        self.trained_here = name is None
        self._layout, self._run, self._name = layout, run, name
        self._folder, self._roles = features, roles
        self._opened: dict[str, ImageSet] = {}
        self._networks: dict[int | None, Network] = {}

    def sets(self, role: str) -> dict[str, ImageSet]:
        from texshape.data import imageset

        names = next((self._roles[one] for one in role.split("|") if self._roles.get(one)), ())
        for name in names:
            if name not in self._opened:
                with stored_results():
                    self._opened[name] = imageset.read(self._layout.set("base", name))
        return {name: self._opened[name] for name in names}

    def has(self, role: str) -> bool:
        return any(self._roles.get(one) for one in role.split("|"))

    def folder(self, role: str) -> Path | None:
        names = self._roles.get(role)
        return Path(names[0]) if names else None

    def network(self, epoch: int | None = None) -> Network:
        epoch = None if self.epochs and epoch == self.epochs[-1] else epoch
        if epoch not in self._networks:
            evaluation = self.parameters.get("evaluation", {})
            # Not every network that is measured as it is can be given random weights.
            random = self._name is not None and epoch is not None
            with nullcontext() if random else stored_results():
                self._networks[epoch] = imported(STATES)(
                    self._layout, self._run, self._name, epoch, evaluation
                )
        return self._networks[epoch]

    def features(self, epoch: int) -> Path:
        return self._folder or Path(self._layout.features(self._run, epoch))
