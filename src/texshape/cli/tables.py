"""`texshape run concatenate`: one table over all networks of an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.run import run


@run.command("concatenate")
def concatenate(
    files: Annotated[
        list[Path], typer.Argument(help="RESULTS/ARCHITECTURE--ARM/seed-S/..., in order.")
    ],
    results: Annotated[Path, typer.Option(help="Folder of the experiment.")],
    output: Annotated[Path, typer.Option(help="Table to write.")],
) -> None:
    """Put the same file of every network below one another, with model, architecture, arm, seed.

    The output's name says which table it is.
    """
    from texshape import tables
    from texshape.catalogue import declared

    table = declared(output.stem)
    table.write(output, tables.concatenate(files, results, table), networks=True)
