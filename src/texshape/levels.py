"""Each claim decided again at other levels of the intervals, by the tables that the workflow makes with them.

A table holds limits at one level. So the workflow runs again in a folder that shares all result files
(`texshape.experiment.shared_copy`), every level in its parameters changed (`texshape.experiment.levels`):
Snakemake makes anew what reads one, with the same seeds and so the same resamples, and what follows from that;
trainings, pictures, decisions and activations stay as they are. `texshape.claims.levels` keeps the verdicts.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from texshape.claims import FILE as CLAIMS
from texshape.claims import levels as stored
from texshape.claims.claim import Claim
from texshape.claims.difference import load
from texshape.core.snakemake_private import listed_jobs
from texshape.errors import InputError, nearest_path
from texshape.experiment.levels import at_level, own_level
from texshape.experiment.plan import Plan
from texshape.experiment.shared_copy import shared_copy
from texshape.files import read_json, write_json

#: levels that are asked for unless others are named
OTHERS = (0.9, 0.99)
_PARAMETERS = "parameters.json"


def decide(
    results: Path,
    levels: Sequence[float] = OTHERS,
    *,
    options: Sequence[str] = (),
    dry_run: bool = False,
    say: Callable[[str], None],
) -> list[Claim]:
    """Decide the claims of an experiment at other levels, and keep the verdicts beside its results.

    A level is kept as soon as it is decided, and what was kept of the same claims at further levels stays.

    Parameters
    ----------
    results : Path
        ``results/NAME``, of a run that is finished.
    levels : sequence of float
        In (0, 1); the experiment's own is left out.
    options : sequence of str
        For Snakemake, as the experiment was run with: ``--cores 2``.
    dry_run : bool
        Say which jobs would run, and run none.
    say : callable
        Takes each line of what there is to say.

    Returns
    -------
    list of Claim
        Those at the experiment's own level, with `Claim.levels`; none for a dry run.

    Raises
    ------
    InputError
        If that is no folder of finished results, or a job fails.
    """
    if not results.is_dir():
        raise InputError(f"{results}: no such folder of results{nearest_path(results)}")
    plan = Plan(read_json(results / _PARAMETERS))
    others = [level for level in dict.fromkeys(levels) if level != own_level(plan)]
    if not others:
        raise InputError(f"{results}: its own level is {own_level(plan):g}; expected another one")
    with shared_copy(results, without=stored.FILE) as folder:
        again = _Again(folder, results, tuple(options))
        waiting = again.jobs(plan.parameters)
        if set(waiting) - {"claims"}:
            raise InputError(
                f"{results}: not up to date: {_words(waiting)} would run; run snakemake as ever, then this"
            )
        own = [] if dry_run else again.claims(plan.parameters)
        kept = _kept(results / stored.FILE, own)
        for level in others:
            changed = at_level(plan, level)
            say(f"level {level:g}: {_words(again.jobs(changed))}")
            if not dry_run:
                kept = kept.with_level(level, again.claims(changed))
                stored.write(results / stored.FILE, kept)
    return [] if dry_run else stored.with_levels(results, own)


def _kept(path: Path, own: Sequence[Claim]) -> stored.Levels:
    """What is kept of these claims; nothing where the file is missing, damaged or of others."""
    found = stored.Levels(stored.check_sum(own))
    with suppress(InputError):
        before = stored.read(path)
        return before if before.claims == found.claims else found
    return found


@dataclass(frozen=True)
class _Again:
    """The workflow in another folder, up to the claims."""

    folder: Path
    results: Path
    options: tuple[str, ...]

    @property
    def _target(self) -> str:
        return f"results/{self.results.resolve().name}"

    def jobs(self, parameters: Mapping[str, Any]) -> Counter[str]:
        """How many jobs of each rule would run with these parameters."""
        done = self._snakemake(parameters, "--dry-run", capture_output=True, text=True)
        printed = done.stdout + done.stderr
        try:
            found = listed_jobs(printed) if done.returncode == 0 else None
        except ValueError:
            raise InputError(
                f"{self.results}: the jobs that snakemake --dry-run lists are not understood"
            ) from None
        if found is None:
            last = (printed.strip().splitlines() or ["no output"])[-1]
            raise InputError(f"{self.results}: snakemake --dry-run failed there: {last}")
        return found

    def claims(self, parameters: Mapping[str, Any]) -> list[Claim]:
        """Run what the parameters ask for, and return the claims that come out."""
        if self._snakemake(parameters).returncode != 0:
            raise InputError(
                f"{self.results}: Snakemake failed, as it says above; nothing was changed there"
            )
        return load(self.folder / self._target)

    def _snakemake(
        self, parameters: Mapping[str, Any], *more: str, **how: Any
    ) -> subprocess.CompletedProcess:
        given = self.folder / f"{stored.FILE}.parameters.json"
        write_json(given, dict(parameters))
        command = [sys.executable, "-m", "snakemake", f"{self._target}/{CLAIMS}", *more]
        command += ["--configfile", given.name, *self.options]
        return subprocess.run(command, cwd=self.folder, check=False, **how)


def _words(jobs: Mapping[str, int]) -> str:
    """Jobs in words: ``12 jobs (concatenate 10, claims, compare)``."""
    if not jobs:
        return "no job"
    most = sorted(jobs.items(), key=lambda one: (-one[1], one[0]))
    each = ", ".join(rule if count == 1 else f"{rule} {count}" for rule, count in most)
    total = sum(jobs.values())
    return f"{total} {'job' if total == 1 else 'jobs'} ({each})"
