"""The technique `cue_rank`: how well each cue is seen that is shown alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.errors import InputError
from texshape.stats.exemplars import ABSENT
from texshape.techniques.inputs import Ahead, Inputs, Outputs
from texshape.techniques.reasons import UNRANKED

if TYPE_CHECKING:
    from texshape.data.download import Item

ROLES = {"shape": "silhouettes|edges", "texture": "textures"}
OWN, REFINED = "one-cue", "refined-bias"  # names in the column `set`


def run(inputs: Inputs) -> Outputs:
    """Rank the classes of outlines and of textures, and those of REFINED-BIAS where it is asked for."""
    from texshape.models import imagenet
    from texshape.techniques.cue_rank import estimate, refined
    from texshape.techniques.cue_rank.tables import CUE_RANK
    from texshape.trials.evaluate import speed

    chosen = inputs.settings
    how = {
        "resamples": chosen.resamples, "level": chosen.level, "seed": inputs.seed,
        **speed(inputs.evaluation),
    }  # fmt: skip
    rows = []
    for cue, role in ROLES.items():
        if inputs.has(role):
            images = {cue: inputs.images(role)}
            rows += estimate.measure(inputs.deciding(role), images, name=OWN, **how)
    network = inputs.network()
    if chosen.refined_bias and network.outputs == imagenet.OUTPUTS:
        for cue in ROLES:
            if chosen.exemplars is not None and cue not in chosen.exemplars:
                continue
            numbers = chosen.exemplars and chosen.exemplars[cue]
            images = {cue: refined.fetch(cue, chosen.cache, numbers)}
            rows += estimate.measure(network, images, name=REFINED, **how)
    return {"cue_rank": CUE_RANK.frame(rows)}


def reason(inputs: Inputs) -> str:
    """Why there is no rank; empty where there is one."""
    from texshape.techniques.cue_rank.estimate import outputs_for

    for cue, role in ROLES.items():
        if not inputs.has(role):
            continue
        network = inputs.deciding(role)
        if network.classes is None:
            return network.without_decision
        if network.asked is not None and not network.asked.ranked:
            return UNRANKED
        try:
            outputs_for(network, set(inputs.images(role).labels[cue].astype(str)) - {ABSENT})
        except InputError as error:
            return str(error)
    return ""


def ahead(inputs: Inputs) -> Ahead:
    """The images of either cue alone, and those of REFINED-BIAS where the network ranks its classes."""
    from texshape.models import imagenet
    from texshape.techniques.cue_rank import refined

    chosen = inputs.settings
    shown = sum(len(inputs.images(role)) for role in ROLES.values() if inputs.has(role))
    files: list[Item] = []
    if chosen.refined_bias and inputs.network().outputs == imagenet.OUTPUTS:
        for cue in ROLES:
            if chosen.exemplars is None or cue in chosen.exemplars:
                numbers = chosen.exemplars and chosen.exemplars[cue]
                files += refined.items(cue, chosen.cache, numbers)
    return Ahead(shown=shown + len(files), downloads=tuple(files))
