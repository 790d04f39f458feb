"""`texshape deviations` and `texshape keep-reference`: the same numbers again, and how far off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from texshape.cli.main import app

if TYPE_CHECKING:
    import pandas as pd


@app.command()
def deviations(
    results: Annotated[Path, typer.Argument(help="Folder of one experiment, results/NAME.")],
    reference: Annotated[
        Path | None,
        typer.Option(help="Folder of the kept tables; by default tests/reference/EXPERIMENT."),
    ] = None,
    twin: Annotated[
        Path | None,
        typer.Option(help="Folder of a second run, whose tables must be the same bytes."),
    ] = None,
) -> None:
    """Print each measure's largest deviation from kept tables.

    Exit status 1 where one lies beyond its tolerance, or the second run's tables are not the same.
    """
    from texshape import reference as kept
    from texshape.errors import InputError

    if reference is None and twin is None:
        reference = Path("tests", "reference", results.resolve().name)
        if not reference.is_dir():
            raise InputError(
                f"nothing to compare with: {reference}: no such folder; expected --reference or --twin"
            )
    differing = [] if twin is None else kept.differing_files(results, twin)
    if twin is not None:
        count = len(list((results / "tables").glob("*.csv")))
        same = f"{count} tables, the same bytes in both runs"
        print(f"differing between two runs: {', '.join(differing)}" if differing else same)
    beyond = reference is not None and _print_deviations(kept.deviations(results, reference))
    if differing or beyond:
        raise typer.Exit(1)


def _print_deviations(frame: pd.DataFrame) -> bool:
    """Print a line a measure; whether one is beyond its tolerance."""
    print(f"{'measure':<32}{'rows':>6}{'equal':>7}{'largest':>11}{'allowed':>10}  where")
    for row in frame.itertuples():
        name = f"{row.table}.{row.measure}"
        mark = "" if row.within else "  BEYOND"
        where = row.where if row.largest else ""
        print(
            f"{name:<32}{row.n:>6}{row.equal:>7}{row.largest:>11.3g}{row.tolerance:>10.3g}"
            f"  {where}{mark}"
        )
    return not frame["within"].all()


@app.command("keep-reference")
def keep_reference(
    results: Annotated[Path, typer.Argument(help="Folder of one experiment, results/NAME.")],
    output: Annotated[Path, typer.Option(help="Folder for the kept tables.")],
    model: Annotated[
        list[str] | None, typer.Option(help="Keep this network, ARCHITECTURE--ARM; repeat.")
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(help="Keep this table too, as a whole (agreement, ...); repeat."),
    ] = None,
) -> None:
    """Keep an experiment's numbers for `texshape deviations`, with tolerances from its seeds."""
    from texshape import reference

    reference.keep(results, output, model, table or [])
