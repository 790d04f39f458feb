"""`texshape gallery`: every picture and every decision of trial files as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.main import app
from texshape.cli.score import CLASSES


@app.command()
def gallery(
    trials: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="TRIALS...",
            help="Cue-conflict trial files or files of answers (CSV), folders of them, an experiment's or a "
            "survey's folder.",
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder of the page; an earlier gallery is replaced."),
    ] = Path("gallery"),
    stimuli: Annotated[
        str | None,
        typer.Option(
            help="The pictures: a folder of SHAPE<i>-TEXTURE<j>.png, the stem of an image set, or "
            "'published' (downloaded where they are not there). By default those beside the trials, and "
            "downloaded ones."
        ),
    ] = None,
    published: Annotated[
        bool,
        typer.Option(
            "--published",
            help="With the published trials of humans and networks and the answers of vision-language "
            "models, downloaded where they are not there.",
        ),
    ] = False,
    title: Annotated[str, typer.Option(help="Of the page.")] = "",
    classes: CLASSES = None,
) -> None:
    """Write a page of every picture and every decision, with filters by disagreement, class and subject.

    It opens from the disk and loads nothing from elsewhere.
    """
    from texshape.data import published_answers
    from texshape.errors import InputError
    from texshape.files import cache_folder
    from texshape.gallery import page, pictures
    from texshape.gallery.subjects import gather
    from texshape.trials.files import class_list

    sources = list(trials or [])
    if not sources and not published:
        raise InputError(
            "gallery: expected trial files, or a folder of them, of an experiment or of a survey; --published "
            "shows the published ones"
        )
    page.check_output(output)
    answers: list[published_answers.Answers] = []
    if published:
        from texshape.survey.stimuli import published_trials

        sources.append(published_trials(cache_folder(), everything=False))
        answers = published_answers.bring(cache_folder())
    chosen = class_list(classes) if classes is not None else None
    gathered = gather(sources, classes=chosen, answers=answers)
    found = pictures.find(gathered, stimuli)
    page.write(output, gathered, found, title)
    print(
        f"{output / page.PAGE}: {len(gathered.subjects)} subjects, {len(gathered.pictures)} pictures, "
        f"{len(found)} of them at hand"
    )
