"""Steps that bring published data: `published-stimuli`, `published-trials` `published-measures` and
`published-answers`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.run import run

CACHE = Annotated[Path, typer.Option(help="Folder that keeps downloaded files between runs.")]


@run.command("published-stimuli")
def published_stimuli(
    output_dir: Annotated[Path, typer.Option(help="Gets SET.images.npy and SET.labels.csv.")],
    cache: CACHE = Path(".cache/texshape"),
    name: Annotated[
        list[str] | None, typer.Option("--set", help="Only this set; may be repeated.")
    ] = None,
) -> None:
    """Download published cue-conflict images, edges and silhouettes; write them as image sets."""
    from texshape.data import imageset, published
    from texshape.errors import InputError, nearest

    for chosen in name or published.STIMULI:
        if chosen not in published.STIMULI:
            raise InputError(f"stimuli '{chosen}' are unknown{nearest(chosen, published.STIMULI)}")
    for chosen in name or published.STIMULI:
        source = published.sources()[chosen]
        folder = cache / source.repository / source.commit
        files = published.fetch_source(chosen, folder)
        images = published.stimulus_set([item.destination for item in files], condition=chosen)
        imageset.write(output_dir / chosen, images)


@run.command("published-trials")
def published_trials(
    output_dir: Annotated[Path, typer.Option(help="Gets SOURCE/DATASET/*.csv and manifest.csv.")],
) -> None:
    """Download published trials of humans and networks; manifest.csv, written last, lists them."""
    import pandas as pd

    from texshape.data import published
    from texshape.files import write_csv

    rows = []
    for name in published.TRIALS:
        files = published.fetch_source(name, output_dir / name, under="raw-data/")
        rows += [
            (item.destination.relative_to(output_dir).as_posix(), item.sha256, item.url)
            for item in files
        ]
    write_csv(output_dir / "manifest.csv", pd.DataFrame(rows, columns=["path", "sha256", "source"]))


@run.command("published-measures")
def published_measures(
    output: Annotated[Path, typer.Option(help="Gets published_measures.csv.")],
    cache: CACHE = Path(".cache/texshape"),
) -> None:
    """Download measures of networks that others made, and write them as one table."""
    from texshape.comparison.columns import PUBLISHED_MEASURES
    from texshape.data.published_measures import measures

    PUBLISHED_MEASURES.write(output, measures(cache))


@run.command("published-answers")
def published_answers(
    published: Annotated[
        Path, typer.Option(help="Published trials, as published-trials writes them.")
    ],
    output: Annotated[Path, typer.Option(help="Gets published_answers.csv.")],
    cache: CACHE = Path(".cache/texshape"),
    settings: Annotated[str, typer.Option(help="Section `bootstrap`, JSON.")] = "{}",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
) -> None:
    """Download answers of others to the cue-conflict images, and score them beside humans."""
    from texshape.config.evaluation import BootstrapSettings
    from texshape.data.published_answers import bring
    from texshape.techniques.human_consistency.answers import answers_table, human_trials
    from texshape.techniques.human_consistency.tables import PUBLISHED_ANSWERS
    from texshape.trials.subjects import read_published

    bootstrap = BootstrapSettings.read(settings).dump()
    humans = human_trials(read_published(published))
    table = answers_table(bring(cache), humans, seed=seed, **bootstrap)
    PUBLISHED_ANSWERS.write(output, table)
