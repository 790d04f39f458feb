"""`texshape claims`: the sentences that two folders of results say differently, with both cells."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.main import app
from texshape.cli.records import Format


@app.command()
def claims(
    first: Annotated[Path, typer.Argument(help="Folder of one experiment, results/NAME.")],
    second: Annotated[Path, typer.Argument(help="The folder that it is compared with.")],
    cells: Annotated[
        int,
        typer.Option(min=0, help="How many cells of a sentence to name; the others are counted."),
    ] = 12,
    output_format: Annotated[
        Format, typer.Option("--format", help="Lines to read, or one JSON object with every cell.")
    ] = Format.text,
) -> None:
    """Print the claims whose sentences differ between two folders of results, with both cells.

    Exit status 0: all are the same. 1: at least one differs. 2: a folder has no claims.
    """
    import json

    from texshape.claims.difference import differences, lines, load

    both = load(first), load(second)
    found = differences(*both)
    total = len({claim.id for claims in both for claim in claims})
    if output_format is Format.json:
        print(json.dumps({"claims": total, "differ": [one.as_dict() for one in found]}, indent=1))
    else:
        for one in found:
            print("\n".join(lines(one, (str(first), str(second)), cells)))
        print(
            f"{len(found)} of {total} claims differ" if found else f"{total} claims, all the same"
        )
    if found:
        raise typer.Exit(1)
