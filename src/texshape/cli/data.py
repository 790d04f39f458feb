"""Steps that draw the procedural images and show them.

::

    texshape run render --settings JSON --seed 2019 --variant base --output-dir DIR [--workers 2]
    texshape run contact-sheet --set DIR/train-plain --set DIR/textures --output-stem STEM
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.run import run
from texshape.errors import InputError


@run.command("render")
def render(
    settings: Annotated[str, typer.Option(help="Section `data` of the parameters, as JSON.")],
    seed: Annotated[int, typer.Option(help="Root of all randomness.")],
    variant: Annotated[str, typer.Option(help="Variant of the section to draw.")] = "base",
    names: Annotated[
        list[str] | None,
        typer.Option("--set", help="Set to draw; may be repeated. Default: all nine."),
    ] = None,
    output_dir: Annotated[
        Path | None, typer.Option(help="Folder of the sets; a set's stem is its name.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Stem of a single set's files.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that draw; any number, same bytes.")] = 1,
    texture_strength: Annotated[
        list[float] | None,
        typer.Option(help="Also cue-conflict with the texture's contrast scaled; repeatable."),
    ] = None,
) -> None:
    """Draw image sets: DIR/SET.images.npy, DIR/SET.masks.npy, DIR/SET.labels.csv."""
    import time

    from texshape import parameters
    from texshape.data import imageset, procedural

    parsed = procedural.parse_settings(parameters.from_json(settings), variant)
    if seed < 0:
        raise InputError(f"seed: {seed}; expected 0 or more")
    chosen = list(names or [])
    chosen += [procedural.strength_set(strength) for strength in texture_strength or []]
    chosen = list(dict.fromkeys(chosen or procedural.SETS))
    for name in chosen:
        procedural.split_strength(name)
    if (output_dir is None) == (output is None):
        raise InputError("output: expected either --output-dir or --output")
    if output is not None and len(chosen) != 1:
        raise InputError(f"output: one stem for {len(chosen)} sets; expected --output-dir")
    with procedural.worker_pool(workers) as executor:
        for name in chosen:
            began = time.perf_counter()
            images = procedural.render(parsed, seed, name, executor=executor)
            stem = output if output is not None else output_dir / name
            imageset.write(stem, images)
            seconds = time.perf_counter() - began
            print(f"{variant}/{name}: {len(images)} images, {seconds:.1f} s", file=sys.stderr)


@run.command("contact-sheet")
def contact_sheet(
    stems: Annotated[list[str], typer.Option("--set", help="Stem of a set; a row each.")],
    output_stem: Annotated[Path, typer.Option(help="Written as .png and .svg.")],
    columns: Annotated[int, typer.Option(help="Images a row.")] = 12,
) -> None:
    """Draw a figure with one row of images a set, as many of each class."""
    from texshape.data import imageset
    from texshape.figures.contact_sheet import contact_sheet as draw
    from texshape.figures.style import save

    names = [Path(stem).name for stem in stems]
    if len(set(names)) < len(names):  # the same set of several variants
        names = [f"{Path(stem).parent.name}/{Path(stem).name}" for stem in stems]
    sets = {name: imageset.read(stem) for name, stem in zip(names, stems, strict=True)}
    save(draw(sets, columns=columns), output_stem)
