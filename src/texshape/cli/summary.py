"""`texshape run summarize`: the list of an experiment's networks and its measures in brief."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.run import run


@run.command("summarize")
def summarize(
    trained: Annotated[str, typer.Option(help="JSON: slug to architecture, arm and seeds.")],
    named: Annotated[str, typer.Option(help="JSON: slug to the full name of a network.")],
    tables: Annotated[Path, typer.Option(help="Folder of the tables.")],
    metrics: Annotated[Path, typer.Option(help="JSON file to write: means over seeds.")],
    models: Annotated[Path, typer.Option(help="CSV file to write: one row a network.")],
    by_set: Annotated[
        bool, typer.Option("--by-set", help="There are several sets of conflict images.")
    ] = False,
) -> None:
    """Write metrics.json (for DVC) and models.csv (slug to full name)."""
    from texshape import parameters, summary
    from texshape.files import read_csv, write_csv, write_json

    networks = summary.list_models(
        parameters.from_json(trained, "--trained"), parameters.from_json(named, "--named")
    )
    wanted = ["shape_bias", "accuracy", *(["shape_bias_by_set"] if by_set else [])]
    read = {name: read_csv(tables / f"{name}.csv") for name in wanted}
    write_csv(models, networks)
    write_json(metrics, summary.summarize(read))
