"""The technique `configural_shape`: silhouettes with their parts moved, and outlines in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.errors import InputError, nearest
from texshape.techniques.configural_shape import animals
from texshape.techniques.inputs import Ahead

if TYPE_CHECKING:
    from texshape.data.imageset import ImageSet
    from texshape.models.network import Network
    from texshape.techniques.inputs import Inputs, Outputs


def run(inputs: Inputs) -> Outputs:
    """Move parts and draw pieces of the silhouettes, and compare the decisions."""
    import pandas as pd

    from texshape.techniques.configural_shape import loss
    from texshape.trials.evaluate import decide, speed

    settings = inputs.settings
    made = [_animals(inputs)] if settings.animals else _silhouettes(inputs)
    network = _between_animals(inputs) if settings.animals else inputs.deciding("silhouettes")
    trials = pd.concat(
        [
            images.labels.assign(
                decision=decide(network, images.images, **speed(inputs.evaluation))
            )
            for images in made
        ]
    )
    table = loss.measure(
        trials, chance=1 / len(network.require_classes()), resamples=settings.resamples,
        level=settings.level, seed=inputs.seed,
    )  # fmt: skip
    return {
        "configural_shape": table.assign(set=animals.SOURCE if settings.animals else "silhouettes")
    }


def _silhouettes(inputs: Inputs) -> list[ImageSet]:
    """The set's silhouettes with their parts moved, and in pieces."""
    from texshape.techniques.configural_shape import fragments, mirrored

    chosen = _chosen(inputs)
    made = [mirrored.make(chosen)[0]]
    if inputs.settings.shares:
        made.append(fragments.make(chosen, seed=inputs.seed, shares=inputs.settings.shares))
    return made


def _chosen(inputs: Inputs) -> ImageSet:
    """As many silhouettes as are to be shown, of all classes alike."""
    from texshape.techniques.corruptions.accuracy import balanced

    shown = inputs.images("silhouettes")
    rows = balanced(shown.labels["shape"].to_numpy(), inputs.settings.images, seed=inputs.seed)
    return shown.take(rows)


def _animals(inputs: Inputs) -> ImageSet:
    """The published animals, of which parts are moved already."""
    wanted = inputs.settings.exemplars
    for name in wanted or ():
        if name not in animals.WORDNET:
            raise InputError(
                f"configural_shape.exemplars: no animal '{name}'{nearest(name, animals.WORDNET)}"
            )
    return animals.stimuli(inputs.settings.cache, wanted)


def _between_animals(inputs: Inputs) -> Network:
    return animals.deciding(inputs.network(), inputs.evaluation.aggregation)


def reason(inputs: Inputs) -> str:
    """Why it cannot be measured; empty where it can."""
    from texshape.techniques.configural_shape import mirrored
    from texshape.techniques.reasons import without_classes

    try:
        if inputs.settings.animals:
            _between_animals(inputs)
        elif said := without_classes(inputs, "silhouettes"):
            return said
        else:
            mirrored.make(_chosen(inputs))
    except InputError as error:
        return str(error)
    return ""


def ahead(inputs: Inputs) -> Ahead:
    """The published animals, or the silhouettes whole, with a part moved, and in pieces."""
    settings = inputs.settings
    if settings.animals:
        files = animals.items(settings.cache, settings.exemplars)
        return Ahead(shown=len(files), downloads=tuple(files))
    return Ahead(shown=sum(len(images) for images in _silhouettes(inputs)))
