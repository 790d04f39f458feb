"""`texshape run segmentation`: read masks out of a network's stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape import compute
from texshape.cli.run import run
from texshape.devices import failures
from texshape.errors import InputError


@run.command("segmentation")
@failures("segmentation.batch_size")
def segmentation(
    network: Annotated[str, typer.Option(help="Name or checkpoint of the network.")],
    settings: Annotated[str, typer.Option(help="Section `segmentation`, as JSON.")],
    seed: Annotated[int, typer.Option(help="Root of the randomness.")],
    output: Annotated[Path, typer.Option(help="CSV: a row a stage, head and target.")],
    images: Annotated[
        Path | None, typer.Option("--set", help="Stem of a cue-conflict set with masks.")
    ] = None,
    voc: Annotated[
        Path | None, typer.Option(help="Folder that holds VOCdevkit/VOC2012, in place of --set.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="NPZ: a few test images, their masks and predictions.")
    ] = None,
    untrained: Annotated[
        bool, typer.Option("--untrained", help="Random weights: the lower bound.")
    ] = False,
    threads: Annotated[int, typer.Option(help="Threads of the CPU.")] = 1,
) -> None:
    """Segmentation read-outs: all stages, targets and heads of one network."""
    if (images is None) == (voc is None):
        raise InputError("segmentation: expected either --set or --voc")
    import tempfile

    from texshape.techniques.segmentation.settings import SegmentationSettings

    plan = SegmentationSettings.read(settings)

    compute.prepare(threads)
    import numpy as np

    from texshape.data import imageset
    from texshape.devices import place
    from texshape.files import atomic_path
    from texshape.models.loading import load
    from texshape.techniques.segmentation import measure
    from texshape.techniques.segmentation import voc as photographs
    from texshape.techniques.segmentation.tables import SEGMENTATION

    loaded = load(network, seed=seed, weights=not untrained)
    place(loaded.module)
    if images is not None:
        data = imageset.read(images)
        classes = sorted(set(data.labels["shape"]))
        task = measure.conflict_task(data, classes, plan, seed=seed)
    else:
        task = photographs.task(
            voc,
            loaded.input_size,
            names=plan.targets,
            most=(plan.train_images, plan.test_images),
            seed=seed,
        )
    with tempfile.TemporaryDirectory(prefix="texshape-maps-") as folder:
        table, shown = measure.measure(loaded, task, plan, seed=seed, folder=Path(folder))
    if pictures is not None:
        with atomic_path(pictures) as temporary:
            np.savez_compressed(temporary, **shown)
    SEGMENTATION.write(output, table)


@run.command("figure-segmentation")
def figure_segmentation(
    pictures: Annotated[Path, typer.Option("--input", help="NPZ that --pictures wrote.")],
    output_stem: Annotated[Path, typer.Option(help="Where .svg and .png are written.")],
    target: Annotated[str, typer.Option(help="Target whose masks are shown.")] = "shape",
) -> None:
    """Test images, their true masks, and what the read-out of each stage predicts."""
    from texshape.figures import style
    from texshape.files import read_npz
    from texshape.techniques.segmentation import figure as drawing

    arrays = read_npz(pictures)
    with style.style():
        figure = drawing.predictions(arrays, target=target)
    style.save(figure, output_stem)
