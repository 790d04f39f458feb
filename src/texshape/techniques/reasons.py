"""Why a technique cannot measure a network, where several techniques have the same reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.techniques.inputs import Inputs
from texshape.trials.deciding import READOUT
from texshape.trials.names import ABSENT

if TYPE_CHECKING:
    import pandas as pd

    from texshape.models.network import Network


UNSEEN = "it is known by its answers alone: there are no activations and no gradients"
UNRANKED = "it names a class and gives no scores, so no class but the first has a rank"


def without_classes(inputs: Inputs, role: str = "conflict") -> str:
    """Why its decisions say nothing about the images of a role; empty where they do."""
    return undecided(inputs.deciding(role), inputs.images(role).labels)


def undecided(network: Network, labels: pd.DataFrame) -> str:
    """Why a network's decisions say nothing about images with such labels; empty where they do."""
    if network.classes is None:
        helps = "; a class map gives it one" if network.outputs else ""
        if network.outputs_are == READOUT:
            return network.without_decision
        return f"{network.without_decision}{helps}"
    shown = sorted({*labels["shape"].astype(str), *labels["texture"].astype(str)} - {ABSENT})
    unknown = [name for name in shown if name not in network.classes]
    if unknown:
        by_itself = network.asked is not None or network.outputs_are == READOUT
        helps = "" if by_itself else "; a class map gives it others"
        return (
            f"it does not decide between the images' {len(shown)} classes "
            f"('{unknown[0]}' is none of {', '.join(network.classes[:3])}, ...){helps}"
        )
    return ""


def without_stages(inputs: Inputs) -> str:
    """Why nothing inside it can be looked at; empty where something can."""
    network = inputs.network()
    if network.asked is not None:
        return UNSEEN
    return "" if network.stages else "no stages could be found in it"


def without_folds(inputs: Inputs) -> str:
    """Why no exemplar can be held out; empty where one can."""
    labels = inputs.images("conflict").labels
    counts = [labels.groupby(cue)[f"{cue}_exemplar"].nunique() for cue in ("shape", "texture")]
    if min(int(count.min()) for count in counts) < 2:
        return "a class has a single exemplar, so none can be held out"
    return ""
