"""Verdicts at other levels of the intervals, which tables of one level do not hold: ``levels.json``.

`texshape.levels` finds them, by tables that are made again; here they are kept, and come to the claims that
they belong to. Which these are is told by a check sum over the claims at the experiment's own level: where a
file is of others, all of it is left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from texshape.claims.claim import Claim
from texshape.errors import InputError
from texshape.files import read_json, write_json
from texshape.notices import warn

FILE = "levels.json"
FORMAT = 1
#: verdict of a claim that the other tables give no occasion for
NOT_MADE = "not made"


@dataclass(frozen=True)
class Levels:
    """What is decided at other levels.

    Attributes
    ----------
    claims : str
        `check_sum` of the claims at the experiment's own level.
    verdicts : dict
        A level as text, ``0.9``, to claim to verdict.
    """

    claims: str
    verdicts: dict[str, dict[str, str]] = field(default_factory=dict)

    def with_level(self, level: float, claims: Iterable[Claim]) -> Levels:
        """The same with what is decided at one level more."""
        found = {claim.id: claim.verdict for claim in claims}
        return replace(self, verdicts={**self.verdicts, name_of(level): found})


def name_of(level: float) -> str:
    """A level as the file names it."""
    return f"{level:g}"


def check_sum(claims: Iterable[Claim]) -> str:
    """SHA-256 of what claims say: names, verdicts, rules and every cell.

    What a claim is without a seed, and its words, have no part in it.
    """
    said = [
        [one.id, one.verdict, one.alternatives, one.rule, [asdict(cell) for cell in one.cells]]
        for one in claims
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def read(path: Path) -> Levels:
    """Read what `write` wrote.

    Raises
    ------
    InputError
        If the file is missing or is none of this format.
    """
    content = read_json(path)
    try:
        if set(content) != {"claims_sha256", "format", "levels"} or content["format"] != FORMAT:
            raise ValueError
        for level, verdicts in content["levels"].items():
            if not 0 < float(level) < 1 or name_of(float(level)) != level:
                raise ValueError
            if not all(isinstance(verdict, str) for verdict in verdicts.values()):
                raise ValueError
        return Levels(content["claims_sha256"], content["levels"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(
            f"{path}: not what texshape levels writes (format {FORMAT}); make it anew with texshape levels "
            f"{path.parent}, or delete it"
        ) from None


def write(path: Path, levels: Levels) -> None:
    """Write them as JSON: ``format``, ``claims_sha256``, ``levels``."""
    content = {"format": FORMAT, "claims_sha256": levels.claims, "levels": levels.verdicts}
    write_json(path, content)


def with_levels(results: Path, claims: Sequence[Claim]) -> list[Claim]:
    """The claims of an experiment, each with its verdicts at the levels that `FILE` has.

    Parameters
    ----------
    results : Path
        Folder of the experiment, which has the file.
    claims : sequence of Claim
        All claims at the experiment's own level.

    Returns
    -------
    list of Claim
        With `Claim.levels`; as they were, and a line on it, where the file is of other claims.

    Raises
    ------
    InputError
        See `read`.
    """
    found = read(results / FILE)
    if found.claims != check_sum(claims):
        warn(
            str(results / FILE),
            f"is of other claims than these, and left out: make it anew with texshape levels {results}",
        )
        return list(claims)
    return [replace(claim, levels=_at(found.verdicts, claim.id)) for claim in claims]


def _at(verdicts: Mapping[str, Mapping[str, str]], id: str) -> dict[str, str]:
    return {level: verdicts[level].get(id, NOT_MADE) for level in sorted(verdicts, key=float)}


def turns(claim: Claim) -> dict[str, str]:
    """The levels at which a claim is decided otherwise, with the verdict there."""
    return {level: verdict for level, verdict in claim.levels.items() if verdict != claim.verdict}
