"""Figures of receptive fields and of feature visualization, and the published table of fields.

    texshape run architectures --output architectures.csv
    texshape run figure-influence --maps influence.npz --output-stem figures/effective_receptive_field
    texshape run figure-feature-visualization --input features.npz \
        --output-stem figures/feature_visualization
    texshape run figure-architectures --table architectures.csv --output-stem figures/architectures
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.run import run

Stem = Annotated[Path, typer.Option(help="Where .svg and .png are written.")]


@run.command("architectures")
def architectures_command(
    output: Annotated[Path, typer.Option(help="CSV to write.")],
) -> None:
    """The published table of receptive fields, with those that our tracer finds beside it."""
    from texshape.techniques.receptive_field.architectures import measured
    from texshape.techniques.receptive_field.tables import ARCHITECTURES

    ARCHITECTURES.write(output, measured())


@run.command("figure-influence")
def figure_influence_command(
    maps: Annotated[Path, typer.Option(help="Maps of influence (.npz).")],
    output_stem: Stem,
    mass: Annotated[float, typer.Option(help="Share of a map that the square holds.")],
) -> None:
    """Maps of influence by stage, before and after training."""
    from texshape.figures import style
    from texshape.techniques.receptive_field import influence_figure as effective_receptive_field

    with style.style():
        figure = effective_receptive_field.draw(maps, mass)
    style.save(figure, output_stem)


@run.command("figure-feature-visualization")
def figure_feature_visualization_command(
    images: Annotated[
        list[Path], typer.Option("--input", help="File of images (.npz); repeat for networks.")
    ],
    output_stem: Stem,
) -> None:
    """Images that excite channels, stages from left to right."""
    from texshape.figures import style
    from texshape.techniques.feature_visualization import figure as feature_visualization

    with style.style():
        figure = feature_visualization.draw(images)
    style.save(figure, output_stem)


@run.command("figure-architectures")
def figure_architectures_command(
    table: Annotated[Path, typer.Option(help="CSV of `architectures`.")],
    output_stem: Stem,
    receptive_field: Annotated[
        Path | None, typer.Option(help="Table receptive_field.csv of our networks.")
    ] = None,
    accuracy: Annotated[
        Path | None, typer.Option(help="Table accuracy.csv of our networks.")
    ] = None,
) -> None:
    """Receptive field against accuracy: the published table, and our networks."""
    from texshape.figures import style
    from texshape.techniques.receptive_field import architectures_figure as architectures

    with style.style():
        figure = architectures.draw(table, receptive_field=receptive_field, accuracy=accuracy)
    style.save(figure, output_stem)
