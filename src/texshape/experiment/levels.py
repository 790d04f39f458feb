"""The parameters of an experiment as they are with intervals of another coverage."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any

from texshape.experiment.plan import Plan

LEVEL, ALPHA = "level", "alpha"
Path = tuple[str | int, ...]


def own_level(plan: Plan) -> float:
    """The level of the experiment's intervals: that of its biases."""
    return plan.checked.bootstrap.level


def at_level(plan: Plan, level: float) -> dict[str, Any]:
    """All parameters, every level of an interval in them set to one.

    Which there are follows from the models of the sections and from what techniques say of their own: each key
    `level` that is a share. An `alpha` beside one that is one minus it, the error of a test, goes with it;
    another was chosen by itself and stays.

    Parameters
    ----------
    plan : Plan
    level : float
        In (0, 1).

    Returns
    -------
    dict
        As files of parameters have them, keys that were left to their defaults among them.
    """
    found = copy.deepcopy(plan.parameters)
    for path in paths(plan):
        value = level if path[-1] == LEVEL else round(1 - level, 12)
        _set(found, path, value)
    return found


def paths(plan: Plan) -> list[Path]:
    """Where levels of intervals stand in the parameters, and the errors of tests that go with them."""
    sections = plan.checked.dump()
    for technique in plan.foreign:
        if not technique.place:  # else it is a section of all experiments
            sections[technique.parameters] = technique.dump(technique.section_of(plan.parameters))
    return list(_levels(sections, ()))


def _levels(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, Mapping):
        level, alpha = value.get(LEVEL), value.get(ALPHA)
        if _is_share(level):
            yield (*path, LEVEL)
            if _is_share(alpha) and math.isclose(alpha, 1 - level):
                yield (*path, ALPHA)
        for key, inner in value.items():
            yield from _levels(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _levels(inner, (*path, number))


def _is_share(value: Any) -> bool:
    return isinstance(value, float) and 0 < value < 1


def _set(values: Any, path: Path, value: float) -> None:
    for key in path[:-1]:
        if isinstance(values, dict) and values.get(key) is None:
            values[key] = {}  # a section that was left to its defaults
        values = values[key]
    values[path[-1]] = value
