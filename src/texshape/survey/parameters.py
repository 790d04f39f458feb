"""Parameters of a survey: those of the published experiment, which a YAML file may overlay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from texshape.config import whole
from texshape.config.base import DEFAULTS


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
    return whole.read([*paths, overlay] if overlay else paths)
