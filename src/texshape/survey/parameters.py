"""Parameters of a survey: those of the published experiment, which a YAML file may overlay.

Techniques that have to be named are named by that file alone, and so are their parameters: what suits the
published pictures and ImageNet's classes suits no pictures of somebody's own. The file of the published
experiment is such a file too.
"""

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
    published = parameters.read_yaml(DEFAULTS / "published.yaml")
    sections = {registry.get(name).parameters for name in published["techniques"]}
    published = {key: value for key, value in published.items() if key not in sections}
    read = [parameters.read_yaml(DEFAULTS / "params.yaml"), published | {"techniques": []}]
    found = reduce(
        parameters.overlay, [*read, *([parameters.read_yaml(overlay)] if overlay else [])], {}
    )
    named = found["techniques"]
    if isinstance(named, list) and all(isinstance(name, str) for name in named):
        found["techniques"] = list(dict.fromkeys([*named, *registry.installed()]))
    whole.check(registry.without_sections(found))
    return found
