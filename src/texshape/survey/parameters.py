"""Parameters of a survey: those of the published experiment, which a YAML file may overlay."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import Any

from texshape import parameters
from texshape.config import whole
from texshape.config.base import DEFAULTS
from texshape.techniques import registry


def read(overlay: Path | None = None) -> dict[str, Any]:
    """All parameters, checked.

    Parameters
    ----------
    overlay : path, optional
        YAML file with the parameters that differ.

    Raises
    ------
    InputError
        If the file cannot be read, or names an unknown parameter; the nearest valid one is named.
    """
    paths = [DEFAULTS / "params.yaml", DEFAULTS / "published.yaml"]
    read = [parameters.read_yaml(path) for path in ([*paths, overlay] if overlay else paths)]
    found = reduce(parameters.overlay, read, {})
    named = found["techniques"]
    if isinstance(named, list) and all(isinstance(name, str) for name in named):
        found["techniques"] = list(dict.fromkeys([*named, *registry.installed()]))
    whole.check(registry.without_sections(found))
    return found
