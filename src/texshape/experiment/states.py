"""A network of an experiment at one state of its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from texshape.devices import place
from texshape.experiment.layout import Layout
from texshape.experiment.runs import RunId
from texshape.models import loading

if TYPE_CHECKING:
    from texshape.models.network import Network


def network(
    layout: Layout, run: RunId, name: str | None, epoch: int | None, evaluation: Mapping[str, Any]
) -> Network:
    """Load it onto the device of this process.

    Parameters
    ----------
    layout : Layout
    run : RunId
    name : str or None
        Of a network that is measured as it is: it has its own weights, and at every epoch that is named
        random ones, drawn from the run's seed.
    epoch : int or None
        None is the end of the training.
    evaluation : mapping
        Section of the parameters.

    Raises
    ------
    InputError
        If it cannot be loaded.
    """
    if name is not None:
        found = loading.load(name, seed=run.seed, weights=epoch is None, settings=dict(evaluation))
    else:
        found = loading.load(
            layout.checkpoint(run, epoch), seed=run.seed, settings=dict(evaluation)
        )
    place(found.module)
    return found
