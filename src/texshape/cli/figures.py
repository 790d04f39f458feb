"""From tables to figures to the article: `texshape run figure`, `figures`, `claims` and `article`.

    texshape run figure shape_bias --tables results/procedural/tables \
        --parameters results/procedural/parameters.json --output-stem results/procedural/figures/shape_bias
    texshape run figures --tables results/procedural/tables \
        --output-dir results/procedural/figures --settings '{"arms": {...}, "data": {...}}' \
        shape_bias controls accuracy
    texshape run claims --results results/procedural --output results/procedural/claims.json
    texshape run article --results results/procedural --source paper/main.typ \
        --output results/procedural/paper.pdf --html results/procedural/paper.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from texshape.cli.run import run
from texshape.errors import InputError, MachineError

Tables = Annotated[Path, typer.Option(help="Folder of the tables (CSV).")]
Settings = Annotated[
    str, typer.Option(help="JSON object with the sections 'arms' and 'data' of the parameters.")
]


@run.command("figure")
def figure_command(
    name: Annotated[str, typer.Argument(help="Name of the figure.")],
    tables: Tables,
    output_stem: Annotated[Path, typer.Option(help="Where .svg and .png are written.")],
    settings: Settings = "{}",
    parameters: Annotated[
        Path | None,
        typer.Option(help="The experiment's parameters.json, in place of --settings."),
    ] = None,
) -> None:
    """Draw one figure from its tables, as SVG and PNG."""
    if parameters is not None and settings != "{}":
        raise InputError("--settings and --parameters: expected one of them, found both")
    given = _settings(settings) if parameters is None else _of_experiment(parameters)
    _draw(name, tables, output_stem, given)


@run.command("figures")
def figures_command(
    names: Annotated[list[str], typer.Argument(help="Names of the figures.")],
    tables: Tables,
    output_dir: Annotated[Path, typer.Option(help="Folder that receives NAME.svg and NAME.png.")],
    settings: Settings = "{}",
    left_out: Annotated[
        Path | None,
        typer.Option(
            help="CSV table to write: figures of other packages that could not be drawn, and why. Without it "
            "such a figure is an error."
        ),
    ] = None,
) -> None:
    """Draw several figures in one process."""
    given = _settings(settings)
    failed = []
    for name in names:
        if left_out is None:
            _draw(name, tables, output_dir / name, given)
        elif reason := _attempt(name, tables, output_dir / name, given):
            failed.append(reason)
    if left_out is not None:
        from texshape.experiment.columns import LEFT_OUT

        LEFT_OUT.write(left_out, LEFT_OUT.frame(failed))


@run.command("claims")
def claims_command(
    results: Annotated[Path, typer.Option(help="Folder of one experiment's results.")],
    output: Annotated[Path, typer.Option(help="JSON file to write.")],
    file: Annotated[
        list[Path] | None,
        typer.Option(help="Result file that it may read; repeat. By default all that exist."),
    ] = None,
) -> None:
    """Decide what may be said of the results: verdicts, their sentences, and the cells behind them."""
    from texshape.article import list_files
    from texshape.claims import compute_firm, write

    files = _below(results, file)
    write(output, compute_firm(results, list_files(results) if files is None else files))


@run.command("article")
def article_command(
    results: Annotated[Path, typer.Option(help="Folder of one experiment's results.")],
    source: Annotated[Path, typer.Option(help="The article's main Typst file.")],
    output: Annotated[Path, typer.Option(help="PDF to write.")],
    html: Annotated[Path, typer.Option(help="Self-contained HTML page to write.")],
    file: Annotated[
        list[Path] | None,
        typer.Option(help="Result file that it may read; repeat. By default all that exist."),
    ] = None,
) -> None:
    """Compile the article of an experiment to PDF and HTML."""
    from texshape.article import compile_article

    files = _below(results, file)
    compile_article(results=results, source=source, pdf=output, html=html, files=files)


def _below(results: Path, files: list[Path] | None) -> list[str] | None:
    """Files as seen from the folder of results; None where none is named."""
    outside = [path for path in files or [] if not path.is_relative_to(results)]
    if outside:
        raise InputError(f"--file {outside[0]}: expected a file below {results}")
    return [path.relative_to(results).as_posix() for path in files] if files else None


def _draw(name: str, tables: Path, stem: Path, settings: dict[str, Any]) -> None:
    from texshape.figures.registry import draw, read_tables

    data = read_tables(name, tables)
    figure = draw(name, data, settings)

    from texshape.figures.style import save

    save(figure, stem)


def _attempt(
    name: str, tables: Path, stem: Path, settings: dict[str, Any]
) -> dict[str, str] | None:
    """Draw a figure; of one of another package that cannot be drawn a picture that says so, and the reason."""
    from texshape.experiment.left_out import fault
    from texshape.figures.registry import draw, owner, read_tables
    from texshape.figures.style import empty, save, style
    from texshape.notices import warn

    data = read_tables(name, tables)  # what is wrong with these is no fault of who draws them
    try:
        save(draw(name, data, settings), stem)
    except (MachineError, MemoryError, OSError):
        raise
    except Exception as error:
        technique, package = owner(name)
        if not package:
            raise
        reason = f"{fault(technique, package, error)} (figure '{name}')"
        warn(name, f"left out, since {reason}")
        with style():
            save(empty(name, "could not be drawn"), stem)
        return {"technique": technique, "tables": "", "reason": reason}
    return None


def _of_experiment(path: Path) -> dict[str, Any]:
    from texshape.figures.settings import settings_of
    from texshape.files import read_json

    values = read_json(path)
    try:
        return settings_of(values)
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected all parameters of an experiment, with arms, data and trained ({error})"
        ) from None


def _settings(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"--settings: not valid JSON ({error})") from None
    if not isinstance(value, dict):
        raise InputError(f"--settings: expected a JSON object, found {type(value).__name__}")
    return value
