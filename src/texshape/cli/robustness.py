"""`texshape run corruptions` and `corruption-errors`: what changed images do to decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape import compute
from texshape.cli.evaluate import load_network
from texshape.cli.run import run
from texshape.devices import failures
from texshape.errors import InputError

Settings = Annotated[str, typer.Option(help="Section of the parameters, as JSON.")]
Seed = Annotated[int, typer.Option(help="Root of the randomness.")]
Threads = Annotated[int, typer.Option(help="Threads of the CPU.")]


@run.command("corruptions")
@failures("evaluation.batch_size")
def corruptions(
    network: Annotated[list[str], typer.Option(help="Name or checkpoint of a network; repeat.")],
    output: Annotated[list[Path], typer.Option(help="CSV of each network, in the same order.")],
    images: Annotated[Path, typer.Option("--set", help="Stem of the images, shape labels right.")],
    settings: Settings,
    seed: Seed,
    evaluation: Annotated[str, typer.Option(help="Section `evaluation`, as JSON.")] = "{}",
    threads: Threads = 1,
    pictures: Annotated[
        list[Path] | None,
        typer.Option(help="CSV of each network's errors by picture, in the same order."),
    ] = None,
    own_set: Annotated[
        Path | None, typer.Option(help="Stem of images that some networks were trained on.")
    ] = None,
    own: Annotated[
        list[str] | None, typer.Option(help="One of --network that sees --own-set too; repeat.")
    ] = None,
    absent: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=FILE, what fetch-network wrote of one of --network; of one that cannot be had tables "
            "without rows are written; repeat."
        ),
    ] = None,
) -> None:
    """Accuracy by corruption and severity; several networks see the same corrupted images.

    With --pictures also how often each picture was decided wrongly, of which `corruption-errors`
    makes intervals; what networks do on --own-set is in there only.
    """
    if len(network) != len(output):
        raise InputError(
            f"--network and --output: expected one output a network, got {len(network)} and "
            f"{len(output)}"
        )
    if pictures and len(pictures) != len(network):
        raise InputError(
            f"--pictures: expected one file a network, got {len(pictures)} for {len(network)}"
        )
    if bool(own) != (own_set is not None) or (own and not pictures):
        raise InputError("--own-set: expected with --own and --pictures")
    for name in own or []:
        if name not in network:
            raise InputError(f"--own: '{name}' is none of --network")
    from texshape.config.evaluation import EvaluationSettings
    from texshape.experiment import unavailable
    from texshape.techniques.corruptions.settings import CorruptedImages

    answers = dict(one.rpartition("=")[::2] for one in absent or [])
    there = [
        i for i, name in enumerate(network) if not unavailable.reason_in(answers.get(name, ""))
    ]
    section = CorruptedImages.read(settings)
    how = EvaluationSettings.read(evaluation, "--evaluation")
    compute.prepare(threads)
    import pandas as pd

    from texshape.data import imageset
    from texshape.files import write_csv
    from texshape.techniques.corruptions import accuracy
    from texshape.techniques.corruptions.errors import CLEAN, FRONT
    from texshape.techniques.corruptions.tables import CORRUPTIONS
    from texshape.techniques.corruptions.types import TYPES
    from texshape.trials.evaluate import speed

    loaded = {i: load_network(network[i], False, seed, how) for i in there}
    tables = [CORRUPTIONS.frame([]) for _ in network]
    counts: list[list] = [[] for _ in network]
    chosen = {images: there}
    if own_set is not None:
        chosen[own_set] = [i for i in there if network[i] in own]
    for stem, numbers in chosen.items():
        if not numbers:
            continue
        data = imageset.read(stem)
        labels = data.labels["shape"].to_numpy()
        rows = accuracy.balanced(labels, section.images, seed=seed)
        wrong: list[dict] = [{} for _ in numbers]
        found = accuracy.under_corruption(
            [loaded[number] for number in numbers],
            data.images[rows],
            labels[rows],
            seed=seed,
            types=section.types or TYPES,
            severities=section.severities,
            table=section.constants,
            speed=speed(how),
            progress=lambda line: print(line, flush=True),
            wrong=wrong,
        )
        if stem == images:
            for number, table in zip(numbers, found, strict=True):
                table.insert(0, "set", images.name)
                tables[number] = table
        names = data.labels[["imagename", "shape"]].iloc[rows].reset_index(drop=True)
        for number, errors in zip(numbers, wrong, strict=True):
            frame = names.assign(severities=len(section.severities), **errors)
            frame.insert(0, "set", stem.name)
            counts[number].append(frame)
    for path, table in zip(output, tables, strict=True):
        CORRUPTIONS.write(path, table)
    nothing = pd.DataFrame(columns=[*FRONT, CLEAN])
    for path, frames in zip(pictures or [], counts, strict=False):
        write_csv(path, pd.concat(frames, ignore_index=True) if frames else nothing)


@run.command("corruption-errors")
def corruption_errors(
    table: Annotated[Path, typer.Option(help="corruptions.csv of all networks.")],
    settings: Settings,
    output: Annotated[Path, typer.Option(help="CSV: errors by network and type.")],
    pictures: Annotated[
        list[Path] | None,
        typer.Option(help="Errors by picture of a network, for intervals; repeat."),
    ] = None,
    results: Annotated[
        Path, typer.Option(help="Experiment's folder; --pictures lie in SLUG/seed-S below it.")
    ] = Path(),
    seed: Seed = 0,
) -> None:
    """Corruption errors divided by the plain-trained network's of the same architecture and seed."""
    from texshape.experiment.runs import RunId
    from texshape.files import read_csv
    from texshape.techniques.corruptions.errors import CLEAN, FRONT, against_plain
    from texshape.techniques.corruptions.settings import CorruptionErrors
    from texshape.techniques.corruptions.tables import CORRUPTION_ERRORS

    section = CorruptionErrors.read(settings)
    columns = ["model", "architecture", "arm", "seed", "corruption", "severity", "accuracy"]
    frame = read_csv(table, columns)
    by_network = {}
    for path in pictures or []:
        own = RunId.of_path(path, results)
        if len(
            errors := read_csv(path, [*FRONT, CLEAN])
        ):  # of one that could not be had there are none
            by_network[own.model, own.seed] = errors
    errors = against_plain(frame, pictures=by_network, seed=seed, **dict(section))
    CORRUPTION_ERRORS.write(output, errors, networks=True)
