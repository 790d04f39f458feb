"""`texshape measure`: networks through every technique that needs no training, in one command."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from texshape import FORMAT_VERSION, __version__, compute
from texshape.cli.main import app
from texshape.cli.score import Format
from texshape.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from texshape.survey.survey import Candidate, Listener, Result


def _default_threads() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@app.command()
def measure(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="timm:NAME, torchvision:NAME, open_clip:NAME, efficientnet_lite_pytorch:NAME, "
            "hf:OWNER/NAME, onnx:FILE, python:MODULE:CALLABLE, decide:MODULE:CALLABLE (a function from "
            "pictures to class names), vlm:MODEL (behind an address), a checkpoint's path or a network card "
            "(.yaml); @PATH behind a name: local weights.",
        ),
    ],
    output_dir: Annotated[
        Path | None,
        typer.Option("--output-dir", "-o", help="Folder of the results; default: texshape-NAME."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only shape bias and accuracies: a minute or two.")
    ] = False,
    exemplars: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10,
            help="Only the first so many of the ten shapes of each class: sooner, with wider intervals. "
            "Humans and published networks are scored on the same images.",
        ),
    ] = None,
    stimuli: Annotated[
        Path | None,
        typer.Option(
            help="Own images, SHAPE<i>-TEXTURE<j>.png; below edges/ and silhouettes/ SHAPE<i>.png."
        ),
    ] = None,
    class_map: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NETWORK=]FILE",
            help="YAML: each class of the images to the network's outputs that mean it. Several times: "
            "NETWORK=FILE for one of the networks, as it is written here; FILE for all others.",
        ),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(help="YAML with parameters that differ from the published study's."),
    ] = None,
    format: Annotated[
        Format, typer.Option("--format", help="What is printed: a table or JSON (fractions).")
    ] = Format.table,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress; only the result and warnings.")
    ] = False,
    max_requests: Annotated[
        int | None,
        typer.Option(min=1, help="vlm: the most requests of this command; the next one goes on."),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Draw figures and compile the report.")
    ] = True,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of the CPU; default: all.")
    ] = None,
) -> None:
    """Measure networks beside humans and published networks: a table, trial files, figures, a report.

    What it needs is downloaded once (or taken from TEXSHAPE_MIRROR) and kept in TEXSHAPE_CACHE. A measurement
    that was cut off goes on where it stopped.
    """
    from texshape.survey import parameters

    values = parameters.read(settings)
    if max_requests is not None:
        values["vlm"] = {**(values.get("vlm") or {}), "max_requests": max_requests}
    if stimuli is not None and exemplars is not None:
        raise InputError("--exemplars: chooses among the published stimuli, not with --stimuli")
    compute.prepare(threads or _default_threads())
    from texshape.survey import survey
    from texshape.survey.suggest import check_names

    check_names(models)
    maps = survey.class_maps(class_map or [], models)
    evaluation = values["evaluation"]
    candidates = [
        survey.by_name(name, evaluation | ({"class_map": maps[name]} if name in maps else {}))
        for name in models
    ]
    folder = output_dir or Path(_folder_name([candidate.slug for candidate in candidates]))
    shown = _stimuli(stimuli, exemplars, quick)
    result = survey.run(
        candidates, shown, values, folder, quick=quick, report=report, listener=_listener(quiet)
    )
    if format is Format.json:
        print(json.dumps(as_json(result), indent=1, allow_nan=False))
    else:
        print_table(result.leaderboard, result.reasons)
        if not quiet:
            _print_places(result, report)
    problems = [*result.failed, *_nothing_measured(result, candidates)]
    if problems:
        sys.stdout.flush()
        for line in problems:
            print(f"texshape: error: {line}", file=sys.stderr)
        raise typer.Exit(1 if result.failed else 2)


def _nothing_measured(result: Result, candidates: list[Candidate]) -> list[str]:
    """A line a network, with the reason, where no technique could measure any of them."""
    if result.measured:
        return []
    reasons = result.reasons.groupby("model")["reason"].first()
    return [f"{c.name}: nothing could be measured: {reasons[c.slug]}" for c in candidates]


def _stimuli(folder: Path | None, exemplars: int | None, quick: bool) -> Any:
    from texshape.files import cache_folder
    from texshape.survey import stimuli

    if folder is not None:
        return stimuli.from_folder(folder)
    cache = cache_folder()
    return stimuli.from_published(cache, exemplars=exemplars, everything=not quick)


def _folder_name(slugs: list[str]) -> str:
    others = f"+{len(slugs) - 1}" if len(slugs) > 1 else ""
    return f"texshape-{slugs[0]}{others}"


# --- what is printed -----------------------------------------------------------------------------


def as_json(result: Result) -> dict[str, Any]:
    """The leaderboard as JSON: rates as fractions, undefined values null, with reasons and notices."""
    return {
        "format_version": FORMAT_VERSION,
        "texshape_version": __version__,
        "folder": str(result.folder),
        "subjects": subjects(result.leaderboard, result.reasons, result.notices),
    }


def subjects(
    board: pd.DataFrame, reasons: pd.DataFrame, notices: pd.DataFrame
) -> list[dict[str, Any]]:
    """The rows of a leaderboard for JSON, each with its reasons and notices."""
    rows = []
    for row in board.to_dict("records"):
        clean = {key: None if _undefined(value) else value for key, value in row.items()}
        own = reasons[reasons["model"] == row["subject"]]
        clean["not_measured"] = dict(zip(own["technique"], own["reason"], strict=True))
        said = notices[notices["model"] == row["subject"]]
        clean["notices"] = said.drop(columns="model").to_dict("records")
        rows.append(clean)
    return rows


def _undefined(value: object) -> bool:
    import pandas as pd

    return value is pd.NA or (isinstance(value, float) and math.isnan(value))


HEADINGS = (
    ("shape bias", "shape_bias"),
    ("cue matches", "cue_match_rate"),
    ("edges", "edges"),
    ("silhouettes", "silhouettes"),
    ("shape read", "shape_read"),
    ("texture read", "texture_read"),
)
# Names that a bias gets where decisions follow the cues at all; only these networks have a rank.
NAMED = ("shape-biased", "texture-biased", "neither")
GUESSES = {
    "follows no cue": " (follows no cue)",
    "not recognised": " (not surely above guessing)",
    "few answers": " (few answers)",
}
# Which technique gives a column, and so the reason for its empty cell.
TECHNIQUE = {"shape_read": "readout", "texture_read": "readout"}


def print_table(
    board: pd.DataFrame,
    reasons: pd.DataFrame,
    elsewhere: str = "tables/leaderboard.csv and the report have",
) -> None:
    """Print a leaderboard with ranks, and the reasons of empty cells.

    Parameters
    ----------
    board, reasons : DataFrame
        `LEADERBOARD` and `REASONS` of `texshape.survey.columns`.
    elsewhere : str
        What has the subjects that are counted alone, with its verb.
    """
    from rich.console import Console
    from rich.table import Table

    from texshape.data.published_answers import PREFIX

    console = Console()
    if not console.is_terminal:  # whole lines into files and pipes
        console = Console(width=160)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", justify="right")
    table.add_column("network", overflow="fold")
    for heading, _ in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=heading == "shape bias")
    notes: dict[str, int] = {}
    place = 0
    answering = 0  # the terminal shows who was shown the pictures here, and who has trials
    for row in board.to_dict("records"):
        if row["subject"].startswith(PREFIX):
            answering += 1
            continue
        known = row["verdict"] in NAMED
        place += known
        why = "" if known or _undefined(row["shape_bias"]) else GUESSES.get(row["verdict"], "")
        if row["few_congruent"] is True:
            why = " (too few congruent images to tell)"
        cells = [_cell(reasons, row, column, notes) for _, column in HEADINGS]
        mark = {"measured": "bold cyan", "humans": "bold"}.get(row["kind"], "")
        table.add_row(str(place) if known else "", row["name"] + why, *cells, style=mark)
    table.add_row("", "guessing", *_guessing(board), style="dim")
    console.print(table)
    console.print()
    console.print(
        "All in %. Shape bias: decisions for the shape among decisions for shape or texture, with its 95 % "
        "interval; cue matches: decisions for either; edges, silhouettes: right; read: what a linear read-out "
        "of the last stage knows.",
        style="dim",
    )
    if answering:
        console.print(
            f"{elsewhere} {answering} more subjects, whose answers others published: models that were "
            "asked, CLIP, classifiers.",
            style="dim",
        )
    for text, number in notes.items():
        console.print(f"[{number}] {text}", style="dim", markup=False)


def _guessing(board: pd.DataFrame) -> list[str]:
    """What guessing gives in each column: no bias, one of the K classes, either of two."""
    from texshape.stats.proportions import percent

    classes = board["n_classes"].max()
    right = "-" if _undefined(float(classes)) else percent(1 / classes)
    match = "-" if right == "-" else percent(2 / classes)
    known = board["chance"].dropna()
    read = percent(known.iloc[0]) if len(known) else "-"
    return ["-", match, right, right, read, read]


def _cell(reasons: pd.DataFrame, row: dict[str, Any], column: str, notes: dict[str, int]) -> str:
    from texshape.stats.proportions import percent

    value = row[column]
    if not _undefined(value):
        text = percent(value)
        if column == "shape_bias" and not _undefined(row["ci_low"]):
            text += f" [{percent(row['ci_low'])}, {percent(row['ci_high'])}]"
        return text
    if row["kind"] != "measured":
        return "-"
    own = reasons[reasons["model"] == row["subject"]]
    found = own[own["technique"] == TECHNIQUE.get(column, "trials")]["reason"]
    if found.empty:
        return "-"
    number = notes.setdefault(str(found.iloc[0]), len(notes) + 1)
    return f"- [{number}]"


def _print_places(result: Result, report: bool) -> None:
    folder = result.folder
    lines = [("trials, published columns", folder / "*" / "seed-0" / "trials"),
             ("tables", folder / "tables")]  # fmt: skip
    if report:
        lines += [("figures", folder / "figures"), ("report", folder / "report.pdf"),
                  ("", folder / "report.html")]  # fmt: skip
    print()
    for what, path in lines:
        print(f"{what:26} {path}")


# --- progress ------------------------------------------------------------------------------------


def _listener(quiet: bool) -> Listener:
    from texshape.survey.survey import Listener

    if quiet:
        return Listener()
    return _bar() if sys.stderr.isatty() else _lines()


def _lines() -> Listener:
    """A line a step, where no bar can move: in logs, pipes and notebooks."""
    import time

    from texshape.survey.survey import Listener

    class Lines(Listener):
        def network(self, name: str, number: int, networks: int, steps: int) -> None:
            self.about, self.steps, self.number = f"{name} ({number} of {networks})", steps, 0

        def step(self, title: str) -> None:
            self.title, self.began = title, time.monotonic()
            self.number += 1

        def done(self, ran: bool) -> None:
            took = f"{time.monotonic() - self.began:.0f} s" if ran else "kept or not possible"
            say(f"{self.about}: step {self.number} of {self.steps}, {self.title}: {took}")

        def finish(self) -> None:
            say("all networks are measured; tables, figures and the report follow")

    def say(line: str) -> None:
        print(f"texshape: {line}", file=sys.stderr, flush=True)

    return Lines()


def _bar() -> Listener:
    """A bar on the terminal; built here because rich is slow to import."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from texshape.survey.survey import Listener

    class Bar(Listener):
        def __init__(self) -> None:
            self.progress: Progress | None = None

        def network(self, name: str, number: int, networks: int, steps: int) -> None:
            self.finish()
            print(f"{name} ({number} of {networks})", file=sys.stderr)
            self.steps = steps

        def step(self, title: str) -> None:
            if self.progress is None:  # not while weights download with a bar of their own
                self.progress = Progress(
                    TextColumn("  {task.description:28}"), BarColumn(), MofNCompleteColumn(),
                    TimeElapsedColumn(), console=Console(stderr=True), transient=True,
                )  # fmt: skip
                self.progress.start()
                self.task = self.progress.add_task(title, total=self.steps)
            self.progress.update(self.task, description=title)

        def done(self, ran: bool) -> None:
            self.progress.advance(self.task)

        def finish(self) -> None:
            if self.progress is not None:
                self.progress.stop()
                self.progress = None

    return Bar()
