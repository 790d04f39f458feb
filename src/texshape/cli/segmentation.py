"""`texshape run figure-segmentation`: masks and what is read of them, as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texshape.cli.run import run


@run.command("figure-segmentation")
def figure_segmentation(
    pictures: Annotated[Path, typer.Option("--input", help="segmentation.npz of a network.")],
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
