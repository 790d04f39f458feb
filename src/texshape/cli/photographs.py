"""Steps that bring photographs of class folders.

::

    texshape run photographs --settings '{"source": "photos", "image_size": 64}' --seed 2019 \
        --output-dir data/base
    texshape run exemplars --set data/base/test-plain --shape-exemplars 10 --texture-exemplars 3 \
        --output-dir data/base
    texshape run edges --set data/base/test-plain --output data/base/edges
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.run import run


@run.command("photographs")
def photographs(
    settings: Annotated[
        str, typer.Option(help="Section `data.folder` with `data.image_size`, as JSON.")
    ],
    seed: Annotated[int, typer.Option(min=0, help="Of the split.")],
    output_dir: Annotated[
        Path,
        typer.Option(
            help="Gets train-plain, validation-plain, test-plain, photographs.csv; of whole ones train-whole."
        ),
    ],
    cache: Annotated[
        Path, typer.Option(help="Folder that keeps downloaded data sets between runs.")
    ] = Path(".cache/texshape"),
    workers: Annotated[
        int, typer.Option(help="Processes that decode; any number, same bytes.")
    ] = 1,
    batch_size: Annotated[
        int, typer.Option(min=0, help="Images of a step of training; says where there are fewer.")
    ] = 0,
) -> None:
    """Split a folder of class folders into training, validation and test images."""
    from texshape.config.data import PhotographSettings
    from texshape.data import folder, named_sets
    from texshape.data.photographs import list_classes
    from texshape.data.procedural import worker_pool

    section = PhotographSettings.read(settings)
    test_sources = None
    if named_sets.is_named(section.source):
        sources, test_sources = named_sets.sources(section.source, section.classes, cache)
    else:
        sources, _ = list_classes(section.source)
        if section.test_source:
            test_sources, _ = list_classes(section.test_source)
    with worker_pool(workers) as executor:
        counts = folder.write_sets(
            section,
            sources,
            test_sources,
            output_dir,
            seed=seed,
            executor=executor,
            window=4 * workers,
            log=print,
        )
    if counts["train"] < batch_size:
        print(
            f"train-plain: {counts['train']} images are fewer than training.batch_size "
            f"({batch_size}): a step of training takes no more of them"
        )


@run.command("exemplars")
def exemplars(
    images: Annotated[Path, typer.Option("--set", help="Stem of the plain test images.")],
    shape_exemplars: Annotated[int, typer.Option(min=1, help="Images of each class.")],
    texture_exemplars: Annotated[int, typer.Option(min=1, help="Other images of each class.")],
    output_dir: Annotated[Path, typer.Option(help="Gets shape-exemplars and texture-exemplars.")],
) -> None:
    """Choose the photographs whose shapes and whose textures are brought into conflict."""
    from texshape.data import imageset
    from texshape.data.folder import first_of_each_class

    found = imageset.read(images)
    for name, count, skip in (
        ("shape-exemplars", shape_exemplars, 0),
        ("texture-exemplars", texture_exemplars, shape_exemplars),
    ):
        imageset.write(
            output_dir / name, first_of_each_class(found, count, skip=skip, condition=name)
        )


@run.command("edges")
def edges(
    images: Annotated[Path, typer.Option("--set", help="Stem of photographs.")],
    output: Annotated[Path, typer.Option(help="Stem of the drawings.")],
) -> None:
    """Draw the edges of photographs (Canny's detector)."""
    from texshape.data import imageset
    from texshape.data.folder import edge_drawings

    imageset.write(output, edge_drawings(imageset.read(images)))
