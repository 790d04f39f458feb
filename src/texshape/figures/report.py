"""What the workflow's report says of a figure: caption, chapter and label."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from texshape.figures.registry import declaration
from texshape.files import write_text

FOLDER = Path(".snakemake") / "captions"


def caption(name: str, text: str) -> str:
    """Write a caption as a file, which is what Snakemake takes; only where it is another than before.

    Returns
    -------
    str
        The file's whole path.
    """
    path = FOLDER / f"{name}.rst"
    if not path.exists() or path.read_text(encoding="utf-8") != f"{text}\n":
        write_text(path, f"{text}\n")
    return str(path.resolve())


def shown(figure: str, name: str = "") -> dict[str, Any]:
    """How the report shows a figure, as its declaration says: keywords of Snakemake's `report`.

    Parameters
    ----------
    figure : str
        Its declaration's name.
    name : str
        Of the file, where it is another: one of several that are drawn alike.

    Raises
    ------
    InputError
        If no such figure is declared.
    """
    about = declaration(figure)
    return {
        "caption": caption(figure, about.caption),
        "category": about.chapter,
        "labels": {"figure": (name or figure).replace("_", " ")},
    }
