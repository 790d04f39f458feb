"""The one exception a user may see: a single line that names what is wrong and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class InputError(ValueError):
    """Bad input: a file, a key or a value that cannot be used.

    The message is one line and names the file, key or value and what was expected. The command line
    prints it without a traceback and exits with the class's `status`.
    """

    status = 2

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(str(message).split()))


class UnmeasurableError(InputError):
    """A network that a technique cannot measure, which shows only while it is measured: it is left out."""


class UnavailableError(InputError):
    """Weights that others publish, or a package, that cannot be had here and now, though the name is right."""


class MachineError(InputError):
    """No memory, no disk, a damaged file: whatever was to be measured is innocent, and is not left out."""


@contextmanager
def stored_results() -> Iterator[None]:
    """Results of earlier steps are read within: what is wrong with them is no fault of the technique.

    Raises
    ------
    MachineError
        In place of an `InputError`.
    """
    try:
        yield
    except MachineError:
        raise
    except InputError as error:
        raise MachineError(str(error)) from None


def first_line(error: BaseException) -> str:
    """The first line of what a library's error says; its kind where it says nothing."""
    return next(iter(str(error).splitlines()), "").strip() or type(error).__name__


def nearest(value: str, options: Iterable[str], count: int = 3) -> str:
    """Say which of the valid names come closest to a wrong one.

    Parameters
    ----------
    value : str
        What was given.
    options : iterable of str
        All valid names.
    count : int
        How many names to offer at most.

    Returns
    -------
    str
        ``"; did you mean 'a' or 'b'?"``, ``"; expected one of ..."`` for a short list without a close
        match, or an empty string.
    """
    names = [str(option) for option in options]
    close = difflib.get_close_matches(str(value), names, n=count, cutoff=0.5)
    if close:
        return "; did you mean " + " or ".join(f"'{name}'" for name in close) + "?"
    if 0 < len(names) <= 20:
        return "; expected one of " + ", ".join(names)
    return ""


def nearest_path(path: str | Path) -> str:
    """Say which files there are in place of one that does not exist.

    Parameters
    ----------
    path : path
        What was given.

    Returns
    -------
    str
        ``"; did you mean 'results/procedural'?"`` from the folder at which the path leaves what exists,
        ``"; there is no folder results"``, or an empty string.
    """
    path = Path(path)
    missing = path
    while not missing.parent.exists() and missing.parent != missing:
        missing = missing.parent
    if missing.parent == missing:
        return ""
    try:
        present = sorted(entry.name for entry in missing.parent.iterdir())
    except OSError:
        return ""
    close = difflib.get_close_matches(missing.name, present, n=2, cutoff=0.6)
    if close:
        found = [str(missing.with_name(name)) for name in close]
        return "; did you mean " + " or ".join(f"'{name}'" for name in found) + "?"
    return f"; there is no folder {missing}" if missing != path else ""
