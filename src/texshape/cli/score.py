"""`texshape score` and `texshape benchmark`: from trial files to tables on the terminal."""

from __future__ import annotations

import json
import math
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.main import app


class Format(StrEnum):
    """How rows are printed."""

    json = "json"
    table = "table"


FORMAT = Annotated[Format, typer.Option("--format", help="JSON (fractions) or a table (percent).")]
CLASSES = Annotated[
    str | None,
    typer.Option(help="Comma-separated classes, where they are not the 16 categories or ours."),
]


@app.command()
def score(
    files: Annotated[list[Path], typer.Argument(help="Cue-conflict trial files (CSV).")],
    format: FORMAT = Format.table,
    resamples: Annotated[int, typer.Option(min=0, help="Bootstrap resamples; 0: none.")] = 10_000,
    level: Annotated[float, typer.Option(min=0.5, max=0.9999, help="Interval's coverage.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 2019,
    classes: CLASSES = None,
) -> None:
    """Shape bias of each subject in trial files, with a two-way bootstrap interval."""
    from texshape.trials import files as trial_files
    from texshape.trials.score import gather, score

    chosen = trial_files.class_list(classes) if classes is not None else None
    decisions, warnings = gather([trial_files.read(path, classes=chosen) for path in files])
    rows, undefined = score(decisions, resamples=resamples, level=level, seed=seed)
    _warn(warnings + undefined)
    percent = {"shape_bias", "ci_low", "ci_high", "cue_match_rate"}
    _print(rows, format, percent=percent)


@app.command()
def benchmark(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder a data set, trial files (CSV) in it.")
    ],
    format: FORMAT = Format.table,
    differences: Annotated[
        bool,
        typer.Option(
            "--differences", help="Every two subjects: their difference, and what shows it."
        ),
    ] = False,
    resamples: Annotated[
        int, typer.Option(min=2, help="Bootstrap resamples of --differences.")
    ] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 2019,
) -> None:
    """Consistency with humans over the 17 data sets, a row a network and the human ceiling."""
    from texshape.errors import InputError
    from texshape.techniques.human_consistency.humans import benchmark, read_folder

    datasets, warnings = read_folder(folder)
    rows, undefined = benchmark(datasets)
    _warn(warnings + undefined)
    if differences:
        from texshape.techniques.consistency_power import estimate

        _, found = estimate.tables({"": datasets}, resamples=resamples, seed=seed)
        rows = found.drop(columns="datasets").to_dict("records")
        if not rows:
            raise InputError(
                f"{folder}: holds nothing to compare two by two; expected two networks, or a network and two "
                "human observers"
            )
    if not rows:
        raise InputError(
            f"{folder}: holds no network, and no second human observer whom the first could be compared with"
        )
    _print(rows, format, percent=set())


def _warn(lines: list[str]) -> None:
    for line in lines:
        print(f"texshape: warning: {line}", file=sys.stderr)


def _print(rows: list[dict], format: Format, *, percent: set[str]) -> None:
    if format is Format.json:
        nulled = [
            {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}
            for row in rows
        ]
        print(json.dumps(nulled, indent=1, allow_nan=False))
        return
    header = [f"{name} %" if name in percent else name for name in rows[0]]
    lines = [header] + [[_cell(k, v, percent) for k, v in row.items()] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        first, *others = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join([first.strip().ljust(widths[0]), *others]).rstrip())


def _cell(name: str, value: object, percent: set[str]) -> str:
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "-"
    from texshape.stats import proportions

    return proportions.percent(value) if name in percent else f"{value:.3f}"
