"""`texshape run fetch-network`, `trials`, `features`: networks, and networks on sets of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from texshape import compute
from texshape.cli.run import run
from texshape.devices import failures
from texshape.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from texshape.models.network import Network

NetworkName = Annotated[
    str, typer.Option(help="Model name (timm:NAME, torchvision:NAME, ...) or a checkpoint's path.")
]
Random = Annotated[bool, typer.Option("--random", help="Random weights: the untrained network.")]
Seed = Annotated[int, typer.Option(help="Of random weights; of the bootstrap.")]
Threads = Annotated[int, typer.Option(help="Threads of the CPU.")]


Absent = Annotated[
    Path | None,
    typer.Option(
        help="What fetch-network wrote; of a network that cannot be had nothing is shown."
    ),
]


@run.command("fetch-network")
def fetch_network(
    network: Annotated[str, typer.Option(help="Name of a network whose weights others publish.")],
    output: Annotated[Path, typer.Option(help="CSV table to write: why it cannot be had, if so.")],
) -> None:
    """Load a network once, so that one whose weights cannot be had is left out with the reason.

    A name that is wrong, or a file that is missing, is an error as ever.
    """
    from texshape.errors import UnavailableError
    from texshape.experiment import left_out
    from texshape.experiment.columns import EVERY
    from texshape.models.loading import load
    from texshape.notices import warn

    compute.prepare(1)
    reason = ""
    try:
        load(network)
    except UnavailableError as error:
        reason = str(error).removeprefix(f"model '{network}': ")
        warn(network, f"left out, since {reason}")
    left_out.note(output, EVERY, [], reason)


@run.command("trials")
@failures("evaluation.batch_size")
def trials(
    network: NetworkName,
    sets: Annotated[list[Path], typer.Option("--set", help="Stem of an image set; any number.")],
    output_dir: Annotated[Path, typer.Option(help="Gets SET.csv for each set.")],
    settings: Annotated[str, typer.Option(help="Section `evaluation`, JSON.")] = "{}",
    model: Annotated[
        str | None, typer.Option(help="Slug, the subject of the trials; by default by the name.")
    ] = None,
    random: Random = False,
    seed: Seed = 0,
    scores: Annotated[
        bool, typer.Option("--scores", help="Also SET.scores.npy: a score a class.")
    ] = False,
    absent: Absent = None,
    threads: Threads = 1,
) -> None:
    """Show sets of images to a network: one trial file a set, in the published columns."""
    from texshape.config.evaluation import EvaluationSettings
    from texshape.experiment import unavailable
    from texshape.trials import files

    section = EvaluationSettings.read(settings)
    if absent is not None and unavailable.reason_in(absent):
        for stem in sets:
            files.write(output_dir / f"{_set_name(stem)}.csv", {name: [] for name in files.COLUMNS})
        return
    compute.prepare(threads)
    from texshape.data import imageset
    from texshape.files import write_npy
    from texshape.models.decisions import for_images
    from texshape.trials.evaluate import decisions, evaluate, speed, trials_frame

    opened = {_set_name(stem): imageset.read(stem) for stem in sets}
    if len(opened) != len(sets):
        raise InputError("--set: two sets have the same name, so their trials would overwrite")
    for stem, images in zip(sets, opened.values(), strict=True):
        _check_names(stem, images.labels["imagename"])
    loaded = load_network(network, random, seed, section)
    loaded.require_classes()
    results = {}
    for name, images in opened.items():
        asked = for_images(loaded, images.labels, section.aggregation)
        values = evaluate(asked, images.images, **speed(section))
        response = decisions(values, asked.require_classes())
        frame = trials_frame(images, response, model or loaded.slug)
        results[name] = (frame, values)
        print(f"{name}: {len(frame)} trials", flush=True)
    for name, (frame, values) in results.items():
        if scores:
            write_npy(output_dir / f"{name}.scores.npy", values)
        files.write(output_dir / f"{name}.csv", frame)


@run.command("features")
@failures("features.batch_size")
def features(
    network: Annotated[
        list[str], typer.Option(help="Model name or checkpoint; several for several folders.")
    ],
    sets: Annotated[list[Path], typer.Option("--set", help="Stem of an image set; or several.")],
    output_dir: Annotated[
        list[Path], typer.Option(help="Folder to write, one for each network and set.")
    ],
    stage: Annotated[
        list[str] | None, typer.Option(help="Stage or submodule; by default all stages.")
    ] = None,
    spatial: Annotated[
        list[str] | None, typer.Option(help="Stage whose maps are kept too.")
    ] = None,
    settings: Annotated[
        str, typer.Option(help="Section `evaluation`, JSON: how images are shown.")
    ] = "{}",
    random: Random = False,
    seed: Seed = 0,
    batch_size: Annotated[
        int | None, typer.Option(help="Images at a time; default: features.batch_size.")
    ] = None,
    shard: Annotated[
        int | None, typer.Option(min=0, help="Show this shard of each set alone.")
    ] = None,
    shards: Annotated[int, typer.Option(min=1, help="Number of shards.")] = 1,
    absent: Absent = None,
    threads: Threads = 1,
) -> None:
    """Write the activations of every stage, side by side in activations.npy, and stages.csv.

    One network (or set) serves several folders; else networks, sets and folders go together. Of a network
    that cannot be had (--absent) the pixels alone are written.
    """
    from texshape.config.evaluation import EvaluationSettings, FeatureSettings, Presentation
    from texshape.shards import Shard

    section = EvaluationSettings.read(settings).part(Presentation)
    if batch_size is None:
        batch_size = FeatureSettings.of().batch_size
    jobs = _together(network, sets, output_dir)
    if shard is None and shards > 1:
        raise InputError(f"--shards {shards}: expected --shard, which of them this is")
    part = None if shard is None else Shard(shard, shards)
    compute.prepare(threads)
    from texshape.data import imageset
    from texshape.experiment import unavailable
    from texshape.features.extract import extract, extract_pixels

    gone = absent is not None and bool(unavailable.reason_in(absent))
    loaded: tuple[str, Any] = ("", None)
    for name, stem, folder in jobs:
        images = imageset.read(stem)
        if gone:
            table = extract_pixels(images.images, folder, batch_size=batch_size, shard=part)
        else:
            if loaded[0] != name:
                loaded = (name, load_network(name, random, seed, section))
            table = extract(
                loaded[1],
                images.images,
                folder,
                stage,
                spatial=spatial or [],
                batch_size=batch_size,
                shard=part,
            )
        shown = len(images) if part is None else len(part.range(len(images), batch_size))
        print(f"{folder}: {len(table)} arrays of {shown} images", flush=True)


@run.command("merge-features")
def merge_features(
    part: Annotated[list[Path], typer.Option(help="Folder of a shard; all, in any order.")],
    output_dir: Annotated[Path, typer.Option(help="Folder to write.")],
) -> None:
    """Join the shards that `features` wrote."""
    from texshape.features.stored import merge

    print(f"{output_dir}: {merge(part, output_dir)} images of {len(part)} shards", flush=True)


def load_network(name: str, random: bool, seed: int, section: dict[str, Any]) -> Network:
    """Load a network as the section `evaluation` says, onto the device of this process."""
    from texshape.devices import place
    from texshape.models.loading import load

    network = load(name, seed=seed, weights=not random, settings=section)
    place(network.module)
    return network


def _check_names(stem: Path, imagenames: pd.Series) -> None:
    """Insist on names that those who read the trials can take apart."""
    from texshape.trials import names

    for row, name in enumerate(imagenames.astype(str), start=2):
        try:
            names.parse(name, one_cue=True)
        except InputError as error:
            raise InputError(f"{stem}.labels.csv, row {row}: {error}") from None


def _set_name(stem: Path) -> str:
    return Path(stem).name


def _together(
    networks: list[str], sets: list[Path], folders: list[Path]
) -> list[tuple[str, Path, Path]]:
    count = len(folders)
    for option, values in (("--network", networks), ("--set", sets)):
        if len(values) not in (1, count):
            raise InputError(
                f"{option}: expected 1 or {count} (one for each --output-dir), found {len(values)}"
            )
    networks = networks * count if len(networks) == 1 else networks
    sets = sets * count if len(sets) == 1 else sets
    return list(zip(networks, sets, folders, strict=True))
