"""Parameters of a survey: those of the published experiment, which a YAML file may overlay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from texshape import parameters

# Links to the repository's own files: an installed package has copies of them.
DEFAULTS = Path(__file__).parent / "defaults"
SCHEMA = DEFAULTS / "params.schema.yaml"


def read(overlay: Path | None = None) -> dict[str, Any]:
    """All parameters, checked against the schema.

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
    return parameters.read([*paths, overlay] if overlay else paths, SCHEMA)
