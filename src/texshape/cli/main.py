"""The command `texshape`: registers the subcommands and turns bad input into one line."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from texshape import __version__
from texshape.cli.run import run
from texshape.errors import InputError

GREETING = """\
texshape {version}: how much texture and how much shape does a vision network use, and how much does it know?

  texshape measure timm:convnext_tiny     a network through every technique that needs no training,
                                          beside humans and published networks: table, figures, report
  texshape score trials/*.csv             shape bias of trial files, with intervals
  texshape benchmark DIR                  consistency with humans over 17 data sets

Train and compare networks of your own, from data to article:
  snakemake --cores all                   (in a clone; README.md)

texshape --help lists everything, texshape COMMAND --help one command;
texshape --install-completion completes commands and options with the tab key."""

app = typer.Typer(
    name="texshape",
    help="How much texture and how much shape does a vision network use, and how much does it know?",
    pretty_exceptions_enable=False,
    suggest_commands=True,
)
app.add_typer(run, name="run")

_FIRST = ("measure", "score")  # in the list of ``--help``
_NO_COMMANDS = ("__init__", "main", "progress", "run")
#: modules beside this one: each registers its commands on `app` or `run` when imported, and nothing heavy
COMMANDS = [
    *_FIRST,
    *sorted(
        {path.stem for path in Path(__file__).parent.glob("*.py")}.difference(_FIRST, _NO_COMMANDS)
    ),
]
DYNAMIC_IMPORTS = ("texshape.cli.*",)  # for `texshape.source_code`


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"texshape {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def greet(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """How much texture and how much shape does a vision network use, and how much does it know?"""
    if context.invoked_subcommand is None:
        print(GREETING.format(version=__version__))


def main() -> None:
    """Entry point of the command line: one line and the error's exit status on bad input."""
    for name in COMMANDS:
        importlib.import_module(f"texshape.cli.{name}")
    try:
        app()
    except InputError as error:
        print(f"texshape: error: {error}", file=sys.stderr)
        sys.exit(error.status)
