"""`texshape deposit`: an experiment's results as one archive for Zenodo. Nothing is uploaded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.main import app


@app.command()
def deposit(
    results: Annotated[Path, typer.Argument(help="Folder of one experiment, results/NAME.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="ZIP file to write.")],
    citation: Annotated[
        Path | None,
        typer.Option(
            help="CITATION.cff with the archive's authors and licence; the clone's if not given."
        ),
    ] = None,
    with_pictures: Annotated[
        bool,
        typer.Option(
            "--with-pictures",
            help="Put in figures, and the article with them, that show pictures whose licence does not say "
            "that they may be passed on: you have asked whoever has the rights.",
        ),
    ] = False,
) -> None:
    """Write one archive of an experiment to publish: an RO-Crate with tables, figures, article and records.

    Every file is compared with its record before.
    """
    import sys

    from texshape.deposit import archive
    from texshape.deposit.contents import own_places

    found = archive.write(results, output, cited=citation, with_pictures=with_pictures)
    if found.withheld:
        print(
            f"left out: figures of pictures and the article, which {found.withheld}; "
            "--with-pictures if you may", file=sys.stderr,
        )  # fmt: skip
    if found.run["dirty"]:
        print("made from code with uncommitted changes, which no archive names", file=sys.stderr)
    if places := own_places(found):
        print(
            f"parameters and records name places of this machine: {', '.join(places)}",
            file=sys.stderr,
        )
    out = len(found.not_included)
    print(
        f"{output}: {len(found.files)} files of {results}, {out} recorded files left out (not-included.csv)"
    )
    print(
        "check it: unpack it, texshape verify FOLDER; fields for Zenodo's form: .zenodo.json in it"
    )
