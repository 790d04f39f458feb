"""A network's read-out: fitted on photographs, put down as a row of its table, and told to the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.decision_readout.columns import DECISION_READOUT
from texshape.decision_readout.fit import fit
from texshape.models import fitted
from texshape.notices import note, warn
from texshape.stats.proportions import percent

if TYPE_CHECKING:
    import pandas as pd

    from texshape.decision_readout.photographs import Photographs
    from texshape.decision_readout.settings import DecisionReadoutSettings
    from texshape.models.network import Network


def measure(
    network: Network, photographs: Photographs, settings: DecisionReadoutSettings
) -> tuple[fitted.Fitted, pd.DataFrame]:
    """Fit a network's read-out on photographs.

    Parameters
    ----------
    network : Network
        Without a read-out behind it; it stays as it is.
    photographs : Photographs
    settings : DecisionReadoutSettings

    Returns
    -------
    fitted : Fitted
        For `texshape.models.fitted.attach`.
    table : DataFrame
        `DECISION_READOUT`, one row.

    Raises
    ------
    UnmeasurableError
        If there is nothing to read, or what is read is undefined or never varies.
    """
    place = fitted.where(network)
    values = fitted.features(network, place, photographs.images, batch_size=settings.batch_size)
    found = fit(values, photographs.labels, settings)
    n = len(photographs.labels)
    said = (
        f"its read-out of {f'stage {place.stage}' if place.stage else 'its outputs'} names "
        f"{percent(found.accuracy)} % [{percent(found.low)}, {percent(found.high)}] of {n:,} photographs "
        f"({photographs.name}) rightly that it was not fitted on; always the commonest class: "
        f"{percent(found.chance)} %"
    )
    if found.at_guessing:
        warn(network.name, f"{said}: it is at guessing, and so are its decisions")
    else:
        note(network.name, said)
    row = {
        "photographs": photographs.name,
        "stage": place.stage,
        "input": place.input,
        "units": place.units,
        "accuracy": found.accuracy,
        "ci_low": found.low,
        "ci_high": found.high,
        "chance": found.chance,
        "at_guessing": found.at_guessing,
        "n": n,
        "n_classes": len(found.classes),
        "least": found.least,
        "least_class": found.least_class,
        "penalty": found.penalty,
    }
    read_out = fitted.Fitted(place, found.weights, found.intercept, found.classes, photographs.name)
    return read_out, DECISION_READOUT.frame([row])
