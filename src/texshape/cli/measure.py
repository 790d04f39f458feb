"""`texshape measure`: networks through every technique that needs no training, in one command."""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from texshape import FORMAT_VERSION, __version__, compute
from texshape.cli.main import app
from texshape.cli.score import Format
from texshape.errors import InputError

if TYPE_CHECKING:
    from texshape.survey.survey import Candidate, Listener, Result


def _default_threads() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Decide(StrEnum):
    """How the networks of a command decide."""

    classes = "classes"
    readout = "readout"


@app.command()
def measure(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="timm:NAME, torchvision:NAME, open_clip:NAME, efficientnet_lite_pytorch:NAME, "
            "hf:OWNER/NAME, onnx:FILE, python:MODULE:CALLABLE, decide:MODULE:CALLABLE (a function from "
            "pictures to class names), vlm:MODEL (behind an address), a checkpoint's path or a network card "
            "(.yaml); @PATH behind a name: local weights; readout: before a name: decisions by a linear "
            "read-out of photographs.",
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
    decide: Annotated[
        Decide,
        typer.Option(
            help="By what networks decide: their classes, or a linear read-out of their last stage, fitted on "
            "labelled photographs (parameter decision_readout.photographs), as readout: before each name "
            "means."
        ),
    ] = Decide.classes,
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
    from texshape.models.names import READOUT
    from texshape.survey import survey
    from texshape.survey.suggest import check_names

    if decide is Decide.readout:
        models = [
            name if name.startswith(f"{READOUT}:") else f"{READOUT}:{name}" for name in models
        ]
    check_names(models)
    for text in class_map or []:
        if decide is Decide.readout or text.startswith(f"{READOUT}:"):
            raise InputError(
                f"--class-map {text}: a network that decides by a read-out has no outputs to map; expected none"
            )
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
        from texshape.survey.printed import print_table

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
    from texshape.survey.printed import subjects

    return {
        "format_version": FORMAT_VERSION,
        "texshape_version": __version__,
        "folder": str(result.folder),
        "subjects": subjects(result.leaderboard, result.reasons, result.notices),
    }


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
