"""What figures know of an experiment beside their tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def settings_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of `texshape.figures.registry.draw`, from all parameters of an experiment.

    Parameters
    ----------
    parameters : mapping
        All sections.

    Returns
    -------
    dict
        The sections ``arms`` and ``data``, and ``architecture``: one stands for all, as in the article's text
        (None where nothing is trained).

    Raises
    ------
    KeyError
        If a section is missing.
    """
    first = next((entry["architecture"] for entry in parameters["trained"]), None)
    return {"arms": parameters["arms"], "data": parameters["data"], "architecture": first}
