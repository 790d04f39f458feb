"""`texshape run provenance`, `origins`, `figure-origins`: what an experiment, tables and figures come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.run import run


@run.command("provenance")
def provenance(
    settings: Annotated[str, typer.Option(help="All parameters of the experiment, as JSON.")],
    data: Annotated[list[Path], typer.Option(help="A file of an image set; repeat.")],
    output: Annotated[Path, typer.Option(help="JSON file to write.")],
    parameters_output: Annotated[Path, typer.Option(help="JSON file for the parameters.")],
) -> None:
    """Write commit, versions, parameters and the hashes of the data."""
    import hashlib
    import os
    import platform

    from texshape import parameters
    from texshape.errors import InputError
    from texshape.files import file_sha256, write_json
    from texshape.provenance import git_commit, versions

    values = parameters.from_json(settings)
    canonical = parameters.to_json(values).encode()
    missing = [path for path in data if not path.is_file()]
    if missing:
        raise InputError(f"{missing[0]}: no such file")
    record = {
        "experiment": values.get("experiment"),
        "git": git_commit(),
        "versions": versions(),
        "machine": {"system": platform.system(), "architecture": platform.machine(),
                    "cores": os.cpu_count()},
        "parameters_sha256": hashlib.sha256(canonical).hexdigest(),
        "data": {f"{path.parent.name}/{path.name}": file_sha256(path) for path in sorted(data)},
    }  # fmt: skip
    write_json(parameters_output, values)
    write_json(output, record)


@run.command("origins")
def origins(
    results: Annotated[Path, typer.Option(help="Folder of the experiment, results/NAME.")],
    table: Annotated[list[Path], typer.Option(help="A table over all networks; repeat.")],
    output: Annotated[Path, typer.Option(help="JSON file to write.")],
) -> None:
    """Write what made each table, as far as Snakemake has noted it in this folder."""
    from texshape.core import snakemake_private
    from texshape.files import write_json
    from texshape.origins import of_tables
    from texshape.records import jobs

    job_of = jobs.so_far(results, snakemake_private.records_in())
    files = {path.stem: path.as_posix() for path in table}
    write_json(output, of_tables(files, job_of))


@run.command("figure-origins")
def figure_origins(
    results: Annotated[Path, typer.Option(help="Folder of the experiment, results/NAME.")],
    figure: Annotated[list[Path], typer.Option(help="SVG file of a figure; repeat.")],
    output: Annotated[Path, typer.Option(help="JSON file to write.")],
) -> None:
    """Write what each figure was drawn from and the command that draws it again."""
    from texshape.core import snakemake_private
    from texshape.figures.registry import declaration_of_file
    from texshape.files import write_json
    from texshape.origins import of_figures
    from texshape.records import jobs

    job_of = jobs.so_far(results, snakemake_private.records_in())
    files = {path.stem: path.as_posix() for path in figure}
    found = of_figures(files, declaration_of_file, job_of, results.as_posix())
    write_json(output, found)
