"""`texshape run readout|dimensionality|erasure`: what activations know, and what is used of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape import compute
from texshape.cli.evaluate import load_network
from texshape.cli.run import run
from texshape.devices import failures

LABELS = Annotated[Path, typer.Option(help="STEM.labels.csv of the images.")]
SETTINGS = Annotated[str, typer.Option(help="Section of the parameters, as JSON.")]
SEED = Annotated[int, typer.Option(min=0, help="Seed of baselines and resamples.")]
FEATURES = Annotated[
    list[Path], typer.Option(help="Folder that `features` wrote; repeat, one an output.")
]


@run.command("readout")
def readout(
    features: FEATURES,
    labels: LABELS,
    settings: SETTINGS,
    output: Annotated[list[Path], typer.Option(help="CSV to write, one a --features.")],
    seed: SEED = 0,
    images_output: Annotated[
        Path | None,
        typer.Option(help="CSV of the last stage's reading by image, of the last --features."),
    ] = None,
    initial: Annotated[
        bool,
        typer.Option("--initial", help="The first --features is the network before training."),
    ] = False,
    masks: Annotated[
        Path | None, typer.Option(help="STEM.masks.npy of the images: scalars as a baseline.")
    ] = None,
) -> None:
    """Linear read-out of shape and of texture from every stage, with its baselines."""
    from texshape.data.imageset import LABEL_COLUMNS
    from texshape.files import map_npy, read_csv, write_csv
    from texshape.techniques.readout.scalars import mask_scalars
    from texshape.techniques.readout.settings import ReadoutSettings
    from texshape.techniques.readout.table import read_out
    from texshape.techniques.readout.tables import READOUT

    _check_numbers(features, output)
    chosen = ReadoutSettings.read(settings)
    frame = read_csv(labels, LABEL_COLUMNS)
    scalars = mask_scalars(map_npy(masks), str(masks)) if masks else None
    before = None
    for folder, path in zip(features, output, strict=True):
        table, images = read_out(
            folder, frame, settings=chosen, seed=seed, thorough=folder == features[-1],
            before=before, scalars=scalars,
        )  # fmt: skip
        READOUT.write(path, table)
        before = images if initial and before is None else before
    if images_output:
        write_csv(images_output, images)


@run.command("dimensionality")
def dimensionality(
    features: FEATURES,
    labels: LABELS,
    settings: SETTINGS,
    output: Annotated[list[Path], typer.Option(help="CSV to write, one a --features.")],
    seed: SEED = 0,
    units_output: Annotated[
        Path | None, typer.Option(help="CSV of each unit's information (one --features only).")
    ] = None,
    convergence_output: Annotated[
        Path | None, typer.Option(help="CSV over the number of pairs (one --features only).")
    ] = None,
) -> None:
    """Information about shape and about texture in every stage, by both estimators."""
    from texshape.data.imageset import LABEL_COLUMNS
    from texshape.errors import InputError
    from texshape.files import read_csv, write_csv
    from texshape.techniques.dimensionality import table as estimates
    from texshape.techniques.dimensionality.pairs import design
    from texshape.techniques.dimensionality.settings import DimensionalitySettings
    from texshape.techniques.dimensionality.tables import DIMENSIONALITY

    _check_numbers(features, output)
    if (units_output or convergence_output) and len(features) > 1:
        raise InputError("--units-output, --convergence-output: give a single --features with them")
    chosen = DimensionalitySettings.read(settings)
    frame = read_csv(labels, LABEL_COLUMNS)
    plan = design(frame, settings=chosen, seed=seed)
    fewer = estimates.convergence_plans(frame, plan, seed=seed) if convergence_output else []
    for folder, path in zip(features, output, strict=True):
        table, units, convergence = estimates.of_features(
            folder, plan, fewer=fewer, units=units_output is not None
        )
        DIMENSIONALITY.write(path, table)
        if units_output:
            write_csv(units_output, units)
        if convergence_output:
            write_csv(convergence_output, convergence)


@run.command("erasure")
@failures("erasure.batch_size")
def erasure(
    network: Annotated[
        list[str], typer.Option(help="Name of a network, or a checkpoint; repeat, one an output.")
    ],
    images: Annotated[Path, typer.Option("--set", help="Stem of the cue-conflict set.")],
    settings: SETTINGS,
    output: Annotated[list[Path], typer.Option(help="CSV to write, one a --network.")],
    plain: Annotated[Path | None, typer.Option(help="Stem of a set whose cues agree.")] = None,
    evaluation: Annotated[str, typer.Option(help="Section `evaluation`, as JSON.")] = "{}",
    seed: SEED = 0,
    random: Annotated[bool, typer.Option("--random", help="Random weights: untrained.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the CPU.")] = 1,
) -> None:
    """Erase what codes shape, or texture, from a stage, and see what the network then decides."""

    from texshape.config.evaluation import EvaluationSettings
    from texshape.data import imageset
    from texshape.errors import InputError
    from texshape.techniques.erasure.settings import ErasureSettings

    if len(network) != len(output):
        raise InputError(f"{len(network)} times --network but {len(output)} times --output")
    chosen = ErasureSettings.read(settings)
    how = EvaluationSettings.read(evaluation, "--evaluation")
    conflict = imageset.read(images)
    agreeing = imageset.read(plain) if plain else None
    compute.prepare(threads)
    from texshape.models.decisions import for_images
    from texshape.techniques.erasure.intervention import measure
    from texshape.techniques.erasure.tables import ERASURE

    for name, path in zip(network, output, strict=True):
        loaded = load_network(name, random, seed, how)
        loaded = for_images(loaded, conflict.labels, how.aggregation)
        rows = measure(loaded, conflict, settings=chosen, seed=seed, plain=agreeing)
        ERASURE.write(path, ERASURE.frame(rows))


def _check_numbers(features: list[Path], output: list[Path]) -> None:
    from texshape.errors import InputError

    if len(features) != len(output):
        raise InputError(
            f"{len(features)} times --features but {len(output)} times --output; expected one each"
        )
