"""Names of networks that a user may have meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from texshape.errors import InputError, nearest
from texshape.models import names
from texshape.models.families import registry


def check_names(texts: Sequence[str]) -> None:
    """Parse all names before anything is loaded.

    Raises
    ------
    InputError
        Names what to type instead: for a name without a prefix, the libraries that have such a network.
    """
    for text in texts:
        try:
            names.parse(text)
        except InputError as error:
            text = text.removeprefix(f"{names.READOUT}:")
            prefix = text.partition(":")[0]
            if ":" in text and prefix in registry.with_prefix():
                raise
            # Its own word is better than a likeness.
            if Path(text).suffix.lower() in names.file_hints():
                raise
            hint = _known(text.rpartition(":")[2])
            raise InputError(
                f"model '{text}': no known prefix{hint}" if hint else str(error)
            ) from None


def _known(name: str) -> str:
    from texshape.models.families.loaded import loader

    libraries = {
        source: loader(source).known() for source, one in registry.families().items() if one.lists
    }
    base = name.partition(".")[0]
    exact = [f"{source}:{name}" for source, known in libraries.items() if base in known]
    if exact:
        return "; did you mean " + " or ".join(f"'{found}'" for found in exact) + "?"
    hint = nearest(
        name, [f"{source}:{one}" for source, known in libraries.items() for one in known]
    )
    return hint or nearest(name, [one for known in libraries.values() for one in known])
