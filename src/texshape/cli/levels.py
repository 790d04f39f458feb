"""`texshape levels`: the claims of an experiment decided again at other levels of the intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.main import app


@app.command(
    context_settings={"allow_extra_args": True},
    epilog="What follows -- is for Snakemake: texshape levels results/procedural -- --resources gpu=1",
)
def levels(
    context: typer.Context,
    results: Annotated[Path, typer.Argument(help="Folder of one experiment, results/NAME.")],
    level: Annotated[
        list[float] | None,
        typer.Option(
            min=0.5, max=0.9999, help="Coverage of the intervals; repeat. By default 0.9 and 0.99."
        ),
    ] = None,
    cores: Annotated[str, typer.Option(help="Cores for Snakemake.")] = "all",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say which jobs would run; change nothing.")
    ] = False,
) -> None:
    """Decide each claim again at other levels of the intervals, and keep the verdicts (levels.json).

    The workflow runs again beside the results, which stay as they are: what reads a level, and what follows.
    """
    from functools import partial

    from texshape.claims.levels import FILE, turns
    from texshape.levels import OTHERS, decide

    options = ["--cores", cores, *context.args]
    say = partial(print, flush=True)  # before what Snakemake says
    found = decide(results, level or OTHERS, options=options, dry_run=dry_run, say=say)
    if dry_run:
        return
    turning = [claim for claim in found if turns(claim)]
    for claim in turning:
        other = ", ".join(f"{verdict} at {at}" for at, verdict in turns(claim).items())
        print(f"{claim.id}: {claim.verdict}, {other}")
    print(
        f"{len(turning)} of {len(found)} claims turn: {results / FILE}; snakemake sets the article with them"
    )
