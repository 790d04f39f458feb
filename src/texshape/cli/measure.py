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
from texshape.cli import progress
from texshape.cli.main import app
from texshape.cli.score import Format
from texshape.errors import InputError
from texshape.models.families.registry import forms

if TYPE_CHECKING:
    from texshape.survey.survey import Candidate, Result


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
            help=f"{forms()}; @PATH behind a name: local weights; readout: before a name: decisions by a "
            "linear read-out of photographs.",
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
            help="Your own images, SHAPE<i>-TEXTURE<j>.png; in edges/ and silhouettes/ SHAPE<i>.png."
        ),
    ] = None,
    class_map: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NETWORK=]FILE",
            help="YAML: for each class of the images the network's outputs that mean it. Several times: "
            "NETWORK=FILE for one of the networks, as it is written here; FILE for all others.",
        ),
    ] = None,
    decide: Annotated[
        Decide,
        typer.Option(
            help="By what networks decide: their classes, or a linear read-out of their last stage, fitted on "
            "labelled photographs (parameter decision_readout.photographs), as if each name began with "
            "readout:."
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
        typer.Option(min=1, help="vlm: most requests of this command; give it again to go on."),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Draw figures and compile the report.")
    ] = True,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of the CPU; default: all.")
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            metavar="published|DIR",
            help="Show the pictures of the 17 data sets that humans saw, too: `published` downloads their "
            "archives; a folder has the same layout.",
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            help="Networks at a time, a process each; they share the threads.",
        ),
    ] = 1,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            "-n",
            help="Only say what would be done: downloads, pictures, time and memory, what is left out and "
            "why. A short trial on this machine; nothing is written.",
        ),
    ] = False,
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
    for option, given in (("--stimuli", stimuli), ("--exemplars", exemplars)):
        if benchmark is not None and given is not None:
            raise InputError(f"--benchmark: compares on all published stimuli, not with {option}")
    threads = threads or _default_threads()
    compute.prepare(threads)
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
    if dry_run:
        _say_beforehand(
            candidates, stimuli, exemplars, benchmark, values, folder, format, quick, jobs, threads
        )
        return
    shown = _stimuli(stimuli, exemplars, benchmark, quick)
    result = survey.run(
        candidates, shown, values, folder, quick=quick, report=report, listener=progress.listener(quiet),
        jobs=jobs, threads=threads,
    )  # fmt: skip
    if format is Format.json:
        print(json.dumps(as_json(result), indent=1, allow_nan=False))
    else:
        from texshape.survey.printed import print_table

        print_table(result.leaderboard, result.reasons)
        if not quiet:
            _print_places(result, report)
    problems = [*result.failed, *result.refused, *_nothing_measured(result, candidates)]
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
    return [
        f"{c.name}: nothing could be measured: {reasons[c.slug]}"
        for c in candidates
        if c.slug in reasons
    ]


def _stimuli(folder: Path | None, exemplars: int | None, benchmark: str | None, quick: bool) -> Any:
    from dataclasses import replace

    from texshape.files import cache_folder
    from texshape.survey import datasets, stimuli

    if folder is not None:
        return stimuli.from_folder(folder)
    cache = cache_folder()
    everything = not quick or benchmark is not None
    shown = stimuli.from_published(cache, exemplars=exemplars, everything=everything)
    if benchmark is None or shown.trials_folder is None:
        return shown
    return replace(shown, datasets=datasets.bring(benchmark, cache, shown.trials_folder))


def _say_beforehand(
    candidates: list[Candidate],
    folder: Path | None,
    exemplars: int | None,
    benchmark: str | None,
    values: dict[str, Any],
    output_dir: Path,
    format: Format,
    quick: bool,
    jobs: int,
    threads: int,
) -> None:
    from dataclasses import replace

    from texshape.files import cache_folder
    from texshape.survey import datasets, downloads, dry_run, printed_dry_run, stimuli

    if folder is not None:
        shown, files = stimuli.from_folder(folder), []
    else:
        cache = cache_folder()
        shown = stimuli.before_download(cache, exemplars=exemplars)
        # As `stimuli.from_published` has it: without --exemplars all trials are brought.
        files = downloads.of_published(cache, everything=not quick or exemplars is None)
        if benchmark is not None:
            there, missing = datasets.before_download(benchmark, cache)
            shown = replace(shown, datasets=there)
            files += downloads.of_data_sets(missing)
    found = dry_run.run(
        candidates, shown, values, output_dir, files, quick=quick, jobs=jobs, threads=threads
    )
    if format is Format.json:
        print(json.dumps(printed_dry_run.values(found), indent=1, allow_nan=False))
    else:
        print(printed_dry_run.text(found))
    for one in found.lost:
        print(f"texshape: error: {one.line}", file=sys.stderr)
    if found.lost:
        raise typer.Exit(1 if any(one.broken for one in found.lost) else 2)


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
