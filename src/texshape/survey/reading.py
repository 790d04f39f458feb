"""Networks of a survey that decide by a linear read-out: fitted on photographs when the network is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.decision_readout.columns import DECISION_READOUT
from texshape.decision_readout.settings import DecisionReadoutSettings
from texshape.devices import LostDeviceError, failures
from texshape.errors import InputError, MachineError, UnmeasurableError, first_line
from texshape.files import cache_folder
from texshape.provenance import versions
from texshape.source_code import function_hash
from texshape.survey.records import forget, once
from texshape.survey.stimuli import Stimuli

if TYPE_CHECKING:
    from texshape.decision_readout.photographs import Photographs
    from texshape.models.network import Network

NAME = DECISION_READOUT.name
FILE = "decisions.readout.npz"


def photographs(settings: Mapping[str, Any], stimuli: Stimuli) -> Photographs:
    """The photographs on which read-outs are fitted, checked against the images that are scored.

    Raises
    ------
    InputError
        If they cannot be used, lack a class, or are among those images.
    """
    from texshape.decision_readout.photographs import bring, check_apart, check_classes

    found = bring(_section(settings), cache_folder())
    check_classes(found, stimuli.classes)
    check_apart(found, stimuli.sets)
    return found


def decided(
    network: Network,
    key: str | None,
    found: Photographs,
    settings: Mapping[str, Any],
    home: Path,
) -> tuple[Network, Path | None]:
    """A network as it decides by a read-out, which is kept beside its results.

    Parameters
    ----------
    network : Network
        On its device, without a read-out behind it.
    key : str or None
        Stands for all that its activations depend on; None where that cannot be known.
    found : Photographs
    settings : mapping
        All parameters.
    home : path
        Of the network's results.

    Returns
    -------
    Network
        Where nothing could be read, without decisions, and with the reason.
    path or None
        Of its table, where there is one.
    """
    from texshape.decision_readout.measure import measure
    from texshape.models import fitted
    from texshape.models.loading import undecided

    section = _section(settings)
    outputs = [home / FILE, home / f"{NAME}.csv"]
    about = {
        "network": key,
        "photographs": found.key,
        "settings": section.dump(),
        "code": function_hash(measure, decided),
        "versions": versions(),
    }

    def fit() -> None:
        try:
            with failures("decision_readout.batch_size"):
                read_out, table = measure(network, found, section)
        except (LostDeviceError, MachineError):
            raise
        except InputError as error:
            raise UnmeasurableError(str(error)) from None
        except Exception as error:  # whatever a user's network raises
            raise UnmeasurableError(f"{type(error).__name__}: {first_line(error)}") from None
        fitted.write(outputs[0], network.name, read_out)
        DECISION_READOUT.write(outputs[1], table)

    try:
        once(home, NAME, None if key is None else about, outputs, fit)
    except UnmeasurableError as error:
        forget(home, NAME)
        return undecided(network, f"no read-out could be fitted: {error}"), None
    return fitted.attach(network, fitted.open_file(outputs[0])[1]), outputs[1]


def _section(settings: Mapping[str, Any]) -> DecisionReadoutSettings:
    return DecisionReadoutSettings.over(settings.get(DecisionReadoutSettings.place) or {})
