"""What an experiment could not measure, with the reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from texshape.errors import InputError, MachineError, UnmeasurableError
from texshape.experiment.columns import LEFT_OUT
from texshape.techniques.base import Technique
from texshape.techniques.inputs import Inputs

FILE = f"tables/{LEFT_OUT.name}.csv"


def attempt(
    technique: Technique, inputs: Inputs, place: Callable[[str], Path], package: str = ""
) -> tuple[list[Path], str]:
    """Measure a network, so that one that cannot be measured stops no experiment.

    Parameters
    ----------
    technique : Technique
    inputs : Inputs
    place : callable
        Name of a file to its path.
    package : str
        That the technique is of; empty for texshape's own.

    Returns
    -------
    written : list of Path
    reason : str
        Why the network could not be measured; empty where it was. Of another package's technique it is
        whatever went wrong with it, with the package's name.

    Raises
    ------
    MachineError
        If there is no memory, or what an earlier step made cannot be read, or a file not be written.
    InputError
        If a technique of ours is given something bad; what else it raises is a fault of ours.
    """
    try:
        if reason := technique.reason(inputs):
            return [], reason
        return technique.measure(inputs, place), ""
    except UnmeasurableError as error:
        return [], str(error)
    except MachineError:
        raise
    except Exception as error:
        if not package:
            raise
        return [], fault(technique.name, package, error)


def fault(name: str, package: str, error: Exception) -> str:
    """What went wrong with a technique of another package, in one line that names both."""
    line = " ".join(str(error).split())[:300].removeprefix(f"technique '{name}': ")
    if not isinstance(error, InputError):
        line = f"{type(error).__name__}: {line}".rstrip(": ")
    return f"technique '{name}' of {package}: {line}"


def note(path: str | Path, technique: str, tables: Iterable[str], reason: str) -> None:
    """Write why a technique could not measure a network; a table without rows where it could.

    Parameters
    ----------
    path : path
        Of the network's file.
    technique : str
    tables : iterable of str
        Names of those that it writes.
    reason : str
        Empty where the network was measured.
    """
    row = {"technique": technique, "tables": " ".join(tables), "reason": reason}
    LEFT_OUT.write(path, LEFT_OUT.frame([row] if reason else []))
