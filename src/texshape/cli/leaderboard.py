"""`texshape leaderboard`: the folders of several surveys as one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from texshape import FORMAT_VERSION, __version__
from texshape.cli.main import app
from texshape.cli.score import Format


@app.command()
def leaderboard(
    folders: Annotated[
        list[Path], typer.Argument(metavar="FOLDER...", help="Folders of `texshape measure`.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="CSV of all columns, with each row's folders."),
    ] = None,
    format: Annotated[
        Format, typer.Option("--format", help="What is printed: a table or JSON (fractions).")
    ] = Format.table,
    called: Annotated[
        list[str] | None,
        typer.Option(
            "--as",
            metavar="NAME=FOLDER",
            help="Calls the one network of a folder so. Several times: of several folders.",
        ),
    ] = None,
) -> None:
    """Join the folders of several surveys into one leaderboard; nothing is measured.

    The pictures, how they were shown and scored, and what folders share (humans, published networks) must be
    the same.
    """
    from texshape.survey.join import JOINED, join
    from texshape.survey.printed import print_table, subjects

    found = join(folders, called or ())
    if output is not None:
        JOINED.write(output, found.table())
    if format is Format.json:
        rows = [
            row | {"folders": found.folders[row["subject"]]}
            for row in subjects(found.leaderboard, found.reasons, found.notices)
        ]
        heading = {"format_version": FORMAT_VERSION, "texshape_version": __version__}
        joined = {"folders": list(map(str, folders)), "subjects": rows}
        print(json.dumps(heading | joined, indent=1, allow_nan=False))
        return
    print_table(found.leaderboard, found.reasons, elsewhere="--format json and --output have")
