"""`texshape run compare` and `disagreement-sheet`: all measures of all networks together.

    texshape run compare --tables results/procedural/tables --settings '{"margin": 0.05}' \
        --results results/procedural --network cnn--plain/seed-0 --network cnn--plain/seed-1 \
        --readings results/procedural/cnn--plain/seed-0/readings.csv --without-arm plain-tint-0.6 --seed 2019 \
        --output-dir results/procedural/tables
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.run import run
from texshape.errors import InputError

CUE_CONFLICT = "cue-conflict"


@run.command("compare")
def compare(
    tables: Annotated[Path, typer.Option(help="Folder of the tables of all techniques (CSV).")],
    settings: Annotated[str, typer.Option(help="Section `comparison`, as JSON.")],
    output_dir: Annotated[Path, typer.Option(help="Gets the seven tables.")],
    seed: Annotated[int, typer.Option(min=0, help="Of bootstrap and permutations.")] = 0,
    results: Annotated[
        Path | None, typer.Option(help="Folder of the experiment, for --network.")
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(help="SLUG/seed-S below --results, with trials/cue-conflict.csv; repeat."),
    ] = None,
    readings: Annotated[
        list[Path] | None,
        typer.Option(help="Read-out by image of one of the networks, in its folder; repeat."),
    ] = None,
    published: Annotated[
        Path | None, typer.Option(help="Published trials, for intervals of published networks.")
    ] = None,
    without_arm: Annotated[
        list[str] | None,
        typer.Option(help="Arm tested on other images: in comparison.csv alone; repeat."),
    ] = None,
    without_model: Annotated[
        list[str] | None,
        typer.Option(
            help="Network that decides otherwise than others: in comparison.csv alone; repeat."
        ),
    ] = None,
    technique: Annotated[
        list[str] | None,
        typer.Option(help="Technique that the parameters name, whose measures count too; repeat."),
    ] = None,
) -> None:
    """Write comparison, comparison_wide, correlations, agreement, equivalent_pair, disagreement tables."""
    import pandas as pd

    from texshape.comparison import (
        agreement,
        columns,
        correlation,
        decisions,
        disagreement,
        equivalence,
        measures,
    )
    from texshape.config.comparison import ComparisonSettings
    from texshape.experiment import unavailable
    from texshape.experiment.runs import RunId
    from texshape.files import read_csv
    from texshape.techniques import registry
    from texshape.trials.files import Trials
    from texshape.trials.files import read as read_trials
    from texshape.trials.names import HUMANS, is_human
    from texshape.trials.score import Decisions, gather
    from texshape.trials.subjects import network_subject, read_published

    chosen = ComparisonSettings.read(settings)
    for name in technique or []:
        measures.add(registry.get(name))
    measures.check_named(chosen)
    paths = {name: tables / f"{name}.csv" for name in measures.TABLES}
    found = {name: path for name, path in paths.items() if path.exists()}
    if not found:
        raise InputError(f"{tables}: holds none of the tables {', '.join(paths)}")
    if network and results is None:
        raise InputError("compare: --network needs --results, the folder of the experiment")
    if readings and not network:
        raise InputError("compare: --readings needs --network and --results")
    read_out = {RunId.of_path(path, results): path for path in readings or []}
    for run_id, path in read_out.items():
        if str(run_id) not in (network or []):
            raise InputError(f"compare: --readings {path}: its network is none of --network")
    # Checked here, where the file's path is known.
    frames = {name: measures.check(name, read_csv(path), path) for name, path in found.items()}
    comparison = measures.collect(frames, chosen)

    trials: dict[tuple, Trials] = {}
    decided: dict[str, dict[int, Decisions]] = {}
    groups: dict[tuple[str, int | None], list[Decisions]] = {}
    for name in unavailable.without(results, network) if results and network else []:
        subject = network_subject(name)
        own = read_trials(results / name / "trials" / f"{CUE_CONFLICT}.csv", own=True)
        (gathered,) = gather([own])[0].values()
        groups[subject.model, subject.seed] = [gathered]
        if subject.arm not in (without_arm or []) and subject.model not in (without_model or []):
            trials[subject.model, subject.architecture, subject.arm, subject.seed] = own
            decided.setdefault(subject.model, {})[subject.seed] = gathered
    if published is not None:
        for (subject, images), own in read_published(published).items():
            if images == CUE_CONFLICT:
                (gathered,) = gather([own])[0].values()
                model = HUMANS if is_human(subject.model) else subject.model
                groups.setdefault((model, None), []).append(gathered)
    sampling = {"resamples": chosen.resamples, "level": chosen.level, "seed": seed}
    comparison = measures.fill_intervals(comparison, decisions.rate_intervals(groups, **sampling))
    apart = comparison["arm"].isin(without_arm or []) | comparison["model"].isin(
        without_model or []
    )
    same_images = comparison[~apart]

    joined: dict[tuple, pd.DataFrame] = {}
    for (model, architecture, arm, one), own in trials.items():
        path = read_out.get(RunId.of_model(model, one))
        if path is None or (path.exists() and not path.stat().st_size):
            continue  # it was not read out, or could not be
        frame = read_csv(path, disagreement.READING_COLUMNS)
        joined[model, architecture, arm, one] = disagreement.join(
            own, frame, input=chosen.input, name=str(path)
        )
    agreed = [agreement.agreement(same_images, chosen, seed=seed)]
    by_others = tables / f"{columns.PUBLISHED_MEASURES.name}.csv"
    if by_others.exists():
        rows = columns.PUBLISHED_MEASURES.check(read_csv(by_others), by_others)
        agreed += agreement.of_others(rows, chosen, seed=seed)
    pairs = equivalence.equivalent_pairs(decided, same_images, chosen, seed=seed)
    for kind, table in (
        (columns.COMPARISON, comparison),
        (columns.COMPARISON_WIDE, measures.widen(comparison)),
        (columns.CORRELATIONS, correlation.correlations(same_images, chosen, seed=seed)),
        (columns.AGREEMENT, pd.concat(agreed, ignore_index=True)),
        (columns.EQUIVALENT_PAIR, pairs),
        (columns.DISAGREEMENT, disagreement.count(joined, chosen, seed=seed)),
        (columns.DISAGREEMENT_IMAGES, disagreement.top_images(joined, chosen)),
    ):
        kind.write(output_dir / f"{kind.name}.csv", table, networks=True)


@run.command("replication")
def replication(
    tables: Annotated[Path, typer.Option(help="Folder of the experiment's tables.")],
    output: Annotated[Path, typer.Option(help="Gets replication.csv.")],
) -> None:
    """Set published values beside those of the experiment's tables, with a verdict for each."""
    from texshape.catalogue import declared
    from texshape.comparison.columns import REPLICATION
    from texshape.comparison.replication import replication, tables_read
    from texshape.files import read_csv

    paths = {name: tables / f"{name}.csv" for name in tables_read()}
    found = {
        name: declared(name).check(read_csv(path), path, networks=True)
        for name, path in paths.items()
    }
    REPLICATION.write(output, replication(found))


@run.command("disagreement-sheet")
def disagreement_sheet(
    tables: Annotated[Path, typer.Option(help="Folder with disagreement_images.csv.")],
    images: Annotated[Path, typer.Option("--set", help="Stem of the cue-conflict set.")],
    output_stem: Annotated[Path, typer.Option(help="Where .svg and .png are written.")],
    model: Annotated[
        list[str] | None, typer.Option(help="Network (slug) of a row; repeat; by default four.")
    ] = None,
    columns: Annotated[int, typer.Option(min=1, help="Images a row.")] = 8,
) -> None:
    """Draw the images on which decision and read-out disagree most."""
    from texshape.comparison.columns import DISAGREEMENT_IMAGES
    from texshape.data import imageset
    from texshape.figures.disagreement import sheet
    from texshape.figures.style import save, style
    from texshape.files import read_csv

    path = tables / "disagreement_images.csv"
    rows = DISAGREEMENT_IMAGES.check(read_csv(path), path)
    with style():
        figure = sheet(rows, imageset.read(images), models=model, columns=columns)
    save(figure, output_stem)
