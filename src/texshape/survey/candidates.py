"""The networks that a survey is to measure, by their names; nothing is loaded before its turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.errors import InputError, nearest

if TYPE_CHECKING:
    from texshape.models.network import Network


@dataclass(frozen=True)
class Candidate:
    """A network that is to be measured.

    Attributes
    ----------
    name : str
        Full name.
    slug : str
        Of its folder, ``ARCHITECTURE--WEIGHTS``.
    load : callable
        Loads it.
    untrained : callable
        Loads it with random weights; raises `InputError` where that cannot be had.
    class_map : str
        File that explains its outputs; empty where none was given.
    readout : bool
        Whether its decisions are to be read out of it, by a read-out that is fitted here.
    """

    name: str
    slug: str
    load: Callable[[], Network]
    untrained: Callable[[], Network]
    class_map: str = ""
    readout: bool = False


def by_name(name: str, evaluation: dict[str, Any]) -> Candidate:
    """A network that `texshape.models.loading` can load.

    Parameters
    ----------
    name : str
    evaluation : dict
        Section ``evaluation`` of the parameters; may name a ``class_map``.
    """
    from texshape.models import names

    parsed = names.parse(name)
    explained = "" if parsed.readout else str(evaluation.get("class_map") or "")
    load = partial(_load, name, evaluation)
    return Candidate(
        name,
        names.slug(name),
        partial(load, True),
        partial(load, False),
        explained,
        readout=names.needs_fitting(parsed),
    )


def _load(name: str, evaluation: dict[str, Any], weights: bool) -> Network:
    from texshape.models import loading

    return loading.load(name, weights=weights, settings=evaluation)


def class_maps(given: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Which class map explains which network.

    Parameters
    ----------
    given : sequence of str
        ``NETWORK=FILE``, or ``FILE`` for all networks that have none of their own.
    names : sequence of str
        The networks, as they are written in the command.

    Returns
    -------
    dict of str to str
        Network to file; networks without one are left out.

    Raises
    ------
    InputError
        If a network is none of those named, or has two maps, or two maps are for all.
    """
    found: dict[str, str] = {}
    for text in given:
        own = [name for name in names if text.startswith(f"{name}=")]
        name = max(own, key=len, default="")  # `a=b` may be a network too
        file = text[len(name) + 1 :] if own else text
        before, sign, _ = text.partition("=")
        if not own and sign and not Path(text).exists():
            raise InputError(
                f"--class-map {text}: '{before}' is none of the networks of this command"
                f"{nearest(before, names)}; expected NETWORK=FILE or FILE"
            )
        if not file:
            raise InputError(f"--class-map {text}: no file after '='; expected NETWORK=FILE")
        if name in found:
            whose = f"'{name}' has" if name else "the networks without one of their own have"
            raise InputError(f"--class-map {text}: {whose} a class map already, {found[name]}")
        found[name] = file
    for_all = found.pop("", None)
    return dict.fromkeys(names, for_all) | found if for_all else found
