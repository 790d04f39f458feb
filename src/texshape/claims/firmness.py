"""How firm a claim is: whether it is decided otherwise where one seed is left out.

What is asked of the tables is what a run without that seed would have written into them, as far as they say: a
claim whose cells pool seeds (differences over pairs of networks, correlations) needs the trials for that, and
is not decided again. Other levels, for which these tables hold no limits, are `texshape.claims.levels`'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from texshape.claims.claim import Cell, Claim
from texshape.claims.evidence import Row
from texshape.claims.experiment import Experiment
from texshape.claims.rules import NOT_RUN

Decide = Callable[[Experiment], Sequence[Claim]]


class WithoutSeed(Experiment):
    """An experiment as if one seed of each network that has several had not been trained.

    Parameters
    ----------
    results : Path
    files : iterable of str
        As of `Experiment`.
    seed : str
    several : iterable of str
        The networks that have other seeds.
    """

    def __init__(
        self, results: Path, files: Iterable[str], seed: str, several: Iterable[str]
    ) -> None:
        super().__init__(results, files)
        self._seed, self._several = seed, frozenset(several)

    def rows(self, table: str) -> list[Row]:
        """Rows of a table, without those of the seed; rows that pool seeds stay as they are."""
        return [
            row
            for row in super().rows(table)
            if row.get("seed") != self._seed or row.get("model") not in self._several
        ]


def decided_again(experiment: Experiment, claims: Sequence[Claim], decide: Decide) -> list[Claim]:
    """The claims, each with its verdict where one of the seeds is left out.

    Parameters
    ----------
    experiment : Experiment
    claims : sequence of Claim
        What `decide` says of it.
    decide : callable
        An experiment to its claims.

    Returns
    -------
    list of Claim
        With `Claim.without`: a seed to the verdict without it, for each seed that a cell of the claim is of.
    """
    seeds: dict[str, dict[str, None]] = {}
    for row in experiment.bias:
        seeds.setdefault(row["model"], {})[row["seed"]] = None
    several = {model for model, own in seeds.items() if len(own) > 1}
    again = {}
    for seed in dict.fromkeys(seed for model in seeds if model in several for seed in seeds[model]):
        less = WithoutSeed(experiment.results, experiment.files, seed, several)
        again[seed] = {claim.id: claim.verdict for claim in decide(less)}

    def without(claim: Claim) -> dict[str, str] | None:
        if any(_pools(cell) for cell in claim.cells):
            return None
        its = {cell.row["seed"] for cell in claim.cells if cell.row.get("model") in several}
        return {seed: found.get(claim.id, NOT_RUN) for seed, found in again.items() if seed in its}

    return [replace(claim, without=without(claim)) for claim in claims]


def _pools(cell: Cell) -> bool:
    """Whether a cell is of several seeds together."""
    return not cell.row.get("seed")
