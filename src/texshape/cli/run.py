"""`texshape run STEP`: the steps of the pipeline, one command each, as Snakemake's rules call them."""

from __future__ import annotations

import typer

run = typer.Typer(
    help="Run one step of the pipeline (what Snakemake's rules call).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
