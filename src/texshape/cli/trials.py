"""Steps that make tables of trial files: `tabulate-trials` and `benchmark-networks`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.run import run

RESULTS = Annotated[Path, typer.Option(help="Folder of the experiment: results/EXPERIMENT.")]
NETWORK = Annotated[
    list[str] | None,
    typer.Option(help="SLUG/seed-S below --results, with trials/SET.csv; may be repeated."),
]
SETTINGS = Annotated[str, typer.Option(help='JSON: the section bootstrap ("resamples", "level").')]
SEED = Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")]


@run.command("tabulate-trials")
def tabulate_trials(
    results: RESULTS,
    output_dir: Annotated[Path, typer.Option(help="Gets the five tables.")],
    network: NETWORK = None,
    published: Annotated[
        Path | None, typer.Option(help="Published trials, as published-trials writes them.")
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(help="Model (slug) compared in pairs; may be repeated; default: all."),
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="Comma-separated classes, where not the 16 or ours.")
    ] = None,
    settings: SETTINGS = "{}",
    seed: SEED = 0,
) -> None:
    """Write tables of shape bias (by class, differences) and of accuracy (differences) as CSV.

    And shape_bias_by_set, where networks were shown more than one set of conflict images.
    """
    from texshape.errors import InputError
    from texshape.experiment import unavailable
    from texshape.experiment.runs import RunId
    from texshape.stats import seeds
    from texshape.trials import bias_tables, columns, subjects
    from texshape.trials.accuracy import accuracy_table
    from texshape.trials.files import class_list

    bootstrap = _bootstrap(settings)
    if not network and published is None:
        raise InputError("tabulate-trials: give --network SLUG/seed-S or --published DIR")
    trials = subjects.read_published(published) if published is not None else {}
    chosen = class_list(classes) if classes is not None else None
    trials |= subjects.read_networks(results, network or [], classes=chosen)
    absent = {RunId.parse(one).model for one in network or [] if unavailable.reason(results, one)}
    present = [model for model in compare or [] if model not in absent]
    bias, by_class, pairs = bias_tables.shape_bias_tables(
        trials, seed=seed, compare=present or None, **bootstrap
    )
    accuracy = accuracy_table(trials, seed=seed, **bootstrap)
    by_set = bias_tables.shape_bias_by_set(trials, seed=seed, **bootstrap)
    if len(by_set):
        path = output_dir / "shape_bias_by_set.csv"
        columns.SHAPE_BIAS_BY_SET.write(path, by_set, networks=True)
    for kind, table in (
        (columns.SHAPE_BIAS, bias),
        (columns.SHAPE_BIAS_BY_CLASS, by_class),
        (columns.SHAPE_BIAS_DIFFERENCES, pairs),
        (columns.ACCURACY, accuracy),
        (
            columns.ACCURACY_DIFFERENCES,
            seeds.accuracy_differences(accuracy, bootstrap["level"]),
        ),
    ):
        kind.write(output_dir / f"{kind.name}.csv", table, networks=True)


@run.command("benchmark-networks")
def benchmark_networks(
    results: RESULTS,
    published: Annotated[
        Path, typer.Option(help="Published trials, as published-trials writes them.")
    ],
    output: Annotated[Path, typer.Option(help="Table with the means over data sets (CSV).")],
    output_by_dataset: Annotated[Path, typer.Option(help="Table a data set (CSV).")],
    network: NETWORK = None,
    settings: SETTINGS = "{}",
    seed: SEED = 0,
) -> None:
    """Consistency of networks with humans, on the data sets whose stimuli or trials we have."""
    from texshape.techniques.human_consistency.benchmark import benchmark_tables
    from texshape.techniques.human_consistency.tables import BENCHMARK, BENCHMARK_BY_DATASET
    from texshape.trials.subjects import read_networks

    trials = read_networks(results, network or [])
    means, by_dataset = benchmark_tables(published, trials, seed=seed, **_bootstrap(settings))
    BENCHMARK.write(output, means, networks=True)
    BENCHMARK_BY_DATASET.write(output_by_dataset, by_dataset, networks=True)


@run.command("consistency-power")
def consistency_power(
    results: RESULTS,
    published: Annotated[
        Path, typer.Option(help="Published trials, as published-trials writes them.")
    ],
    output: Annotated[Path, typer.Option(help="Table of a network's uncertainty (CSV).")],
    output_differences: Annotated[Path, typer.Option(help="Table of differences, a pair (CSV).")],
    network: NETWORK = None,
    settings: SETTINGS = "{}",
    seed: SEED = 0,
) -> None:
    """Error consistency with humans: its uncertainty, and which differences the trials show."""
    from texshape.techniques.consistency_power import estimate
    from texshape.techniques.consistency_power.tables import (
        CONSISTENCY_DIFFERENCES,
        CONSISTENCY_POWER,
    )
    from texshape.techniques.human_consistency.benchmark import benchmark_groups
    from texshape.trials.subjects import read_networks

    trials = read_networks(results, network or [])
    _, groups = benchmark_groups(published, trials)
    subjects, differences = estimate.tables(groups, seed=seed, **_bootstrap(settings))
    CONSISTENCY_POWER.write(output, subjects)
    CONSISTENCY_DIFFERENCES.write(output_differences, differences)


def _bootstrap(settings: str) -> dict:
    from texshape.config.evaluation import BootstrapSettings

    return BootstrapSettings.read(settings).dump()


@run.command("cross-variants")
def cross_variants(
    cell: Annotated[
        list[str], typer.Option(help="TRAINED:TESTED:SEED:FILE, a cue-conflict trial file; repeat.")
    ],
    output: Annotated[Path, typer.Option(help="Table of differences (CSV).")],
    settings: Annotated[str, typer.Option(help="Section `bootstrap`, JSON.")] = "{}",
    seed: SEED = 0,
) -> None:
    """Train by test: what a variant of the data does through training, and what through pictures."""
    from texshape.trials import columns, crossed
    from texshape.trials import files as trial_files
    from texshape.trials.score import gather

    cells: dict = {}
    for one in cell:
        trained, tested, number, path = one.split(":", 3)
        (own,) = gather([trial_files.read(Path(path), own=True)])[0].values()
        cells.setdefault((trained, tested), {})[int(number)] = own
    columns.CONTROLS.write(output, crossed.differences(cells, seed=seed, **_bootstrap(settings)))
