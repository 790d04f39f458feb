"""A verdict for each network, and the sentence that says which networks share one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from texshape.claims.claim import Cell, Claim, claim
from texshape.claims.evidence import Row, Rows, number, select, values
from texshape.claims.experiment import Experiment
from texshape.claims.rules import NOT_RUN, UNDEFINED
from texshape.claims.wording import escape, listed, network_name

DIFFER = "differ"
Networks = dict[tuple[str, str], list[Row]]


def networks(rows: Rows) -> Networks:
    """Rows of each network, its seeds together, in the order of the table."""
    found: Networks = {}
    for row in rows:
        found.setdefault((row["architecture"], row["arm"]), []).append(row)
    return found


def called(e: Experiment, architecture: str, arm: str) -> str:
    """A network in a list of networks: its name, and what it was trained on where that differs."""
    name = network_name(architecture)
    return f"{name} · {escape(arm)}" if e.trains else name


def trained_arms(e: Experiment, rows: Rows) -> list[str]:
    """Arms of the main architecture that the article follows, of those that a table has."""
    if not e.trains:
        return []
    there = {row["arm"] for row in rows if row["architecture"] == e.main}
    return [arm for arm in ("plain", "stylized") if arm in there]


def smallest_field(rows: Rows) -> list[Row]:
    """Rows of the architecture that is named after the smallest receptive field; none without any.

    It sees parts and not how they are arranged, so that what it loses by another arrangement is not lost to
    that.
    """
    fields = {row["architecture"]: re.fullmatch(r"rf(\d+)", row["architecture"]) for row in rows}
    sizes = {name: int(found[1]) for name, found in fields.items() if found}
    return select(rows, architecture=min(sizes, key=sizes.__getitem__)) if sizes else []


def by_seed(rows: Rows, column: str) -> dict[str, float | None]:
    """A column's number for each seed; there is one row a seed."""
    return {row["seed"]: number(row[column]) for row in rows}


def known(rows: Rows, *columns: str) -> bool:
    """Whether every row has a number in each of the columns."""
    return all(len(values(rows, column)) == len(rows) for column in columns)


def reasons(rows: Rows) -> str:
    """Why values are undefined, in the table's own words, to follow a colon; empty where it says none."""
    said = dict.fromkeys(row["reason"] for row in rows if row.get("reason"))
    return escape("; ".join(said))


def over_networks(
    e: Experiment,
    id: str,
    rows: Rows,
    state: Callable[[list[Row]], str],
    words: Mapping[str, str],
    *,
    evidence: str,
    rule: str,
    cells: Iterable[Cell],
) -> Claim:
    """Which networks have which verdict.

    Parameters
    ----------
    e : Experiment
    id : str
    rows : list of Row
        Of all networks.
    state : callable
        Rows of one network to its verdict: a key of `words`, ``undefined`` or ``not run``.
    words : mapping
        Verdict to what there is in such a network, to follow *there is*.
    evidence, rule, cells
        As of `claim`.

    Returns
    -------
    Claim
        Its verdict is the one that all networks share, else ``differ``.
    """
    found = {names: state(own) for names, own in networks(rows).items()}
    found = {names: verdict for names, verdict in found.items() if verdict != NOT_RUN}
    told = {**words, UNDEFINED: "no answer, since a value is undefined,"}
    shared = set(found.values()) or {NOT_RUN}
    verdict = shared.pop() if len(shared) == 1 else DIFFER
    parts = []
    for one in told:
        own = [called(e, *names) for names, its in found.items() if its == one]
        if own:
            parts.append(f"{told[one]} in {len(own)} ({', '.join(own)})")
    total = len(found)
    every = "the one network" if total == 1 else f"all {total} networks"
    none = every if total == 1 else f"any of the {total} networks"
    return claim(
        id,
        verdict,
        {
            **{
                one: f"There is {text} in {none if text.startswith('no ') else every} measured."
                for one, text in words.items()
            },
            DIFFER: f"There is {listed(parts)} of {total} networks measured.",
        },
        evidence=evidence,
        rule=f"for each network: {rule}; over networks the verdict that all share, else differ",
        cells=cells,
    )
