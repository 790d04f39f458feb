"""The command `texshape`: registers the subcommands and turns bad input into one line."""

from __future__ import annotations

import importlib
import sys

import typer

from texshape.cli.run import run
from texshape.errors import InputError

app = typer.Typer(
    name="texshape",
    help="How much texture and how much shape does a vision network use, and how much does it know?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(run, name="run")

# Each module registers its commands on `app` or `run` when imported, and imports nothing heavy itself.
COMMANDS = [
    "comparison",
    "data",
    "evaluate",
    "figures",
    "photographs",
    "provenance",
    "published",
    "readout",
    "receptive_field",
    "records",
    "reference",
    "robustness",
    "score",
    "segmentation",
    "stylize",
    "summary",
    "tables",
    "track",
    "training",
    "trials",
]


def main() -> None:
    """Entry point of the command line: exit status 2 and one line on bad input."""
    for name in COMMANDS:
        importlib.import_module(f"texshape.cli.{name}")
    try:
        app()
    except InputError as error:
        print(f"texshape: error: {error}", file=sys.stderr)
        sys.exit(2)
