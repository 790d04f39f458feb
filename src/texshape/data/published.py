"""The published stimuli and trials: lists of files, downloads, and image sets made of them.

``sources/sources.yaml`` names repositories, commits, licences and citations; ``sources/NAME.csv``
lists the files. The human trials of cue conflict, edges and silhouettes stand in both repositories,
byte for byte; both copies are kept where they were published, and scores count trials of identical
content once (`Trials.digest`).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from texshape.data import imageset, pictures
from texshape.data.download import Item, fetch_all
from texshape.errors import InputError
from texshape.trials.imagenet16 import CATEGORIES
from texshape.trials.names import ABSENT, StimulusName, parse

SIDE = 224  # px
STIMULI = ("cue-conflict", "edges", "silhouettes")
TRIALS = ("texture-vs-shape", "model-vs-human")
_HERE = Path(__file__).parent / "sources"


@dataclass(frozen=True)
class Source:
    """Where a set of published files comes from, and on which terms."""

    what: str
    repository: str
    commit: str
    files: Sequence[str]
    licence: str
    citation: str

    def url(self, path: str) -> str:
        """Address of one file of the repository at this commit."""
        return f"https://raw.githubusercontent.com/{self.repository}/{self.commit}/{path}"


@lru_cache
def sources() -> dict[str, Source]:
    """All sources by name."""
    import yaml

    text = (_HERE / "sources.yaml").read_text(encoding="utf-8")
    return {name: Source(**entry) for name, entry in yaml.safe_load(text).items()}


def index_path(name: str) -> Path:
    """The list of a source's files."""
    return _HERE / f"{name}.csv"


def items(name: str, folder: str | Path, *, under: str = "") -> list[Item]:
    """The files of a source, to be brought into a folder.

    Parameters
    ----------
    name : str
        A key of `sources`.
    folder : str or Path
    under : str
        The part of each path in the repository that is left out below `folder`.
    """
    source = sources()[name]
    with open(index_path(name), encoding="utf-8", newline="") as lines:
        return [
            Item(
                source.url(row["path"]),
                row["sha256"],
                Path(folder, row["path"].removeprefix(under)),
                int(row["size"]),
            )
            for row in csv.DictReader(lines)
        ]


def fetch_source(name: str, folder: str | Path, *, under: str = "") -> list[Item]:
    """Bring all files of a source into a folder; those already there are verified and kept."""
    wanted = items(name, folder, under=under)
    source = sources()[name]
    fetch_all(wanted, label=f"{name} ({source.repository})")
    return wanted


def stimulus_set(paths: Sequence[Path], *, condition: str, side: int = SIDE) -> imageset.ImageSet:
    """Read images whose names say what they show.

    Parameters
    ----------
    paths : sequence of Path
        ``CLASS/SHAPE<i>-TEXTURE<j>.png``, or ``CLASS/SHAPE<i>.png`` for a shape alone.
    condition : str
        Entered in the labels.
    side : int
        Every image must have this height and width in pixels.

    Returns
    -------
    ImageSet
        In the order of `paths`; an image without texture is called ``SHAPE<i>-na0.png``.

    Raises
    ------
    InputError
        If an image is missing, truncated, of another size, or its name cannot be read; the message
        names it.
    """
    import pandas as pd

    images = np.empty((len(paths), side, side, 3), dtype=np.uint8)
    rows = []
    for i, path in enumerate(paths):
        try:
            name = parse(path.name, one_cue=True)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        _check(name, path)
        if not path.exists():
            raise InputError(f"{path}: no such image")
        try:
            picture = pictures.opened(path)
        except pictures.TooLarge:
            raise InputError(
                f"{path}: expected {side} x {side} px, found over {pictures.MAX_MEGAPIXELS:g} megapixels"
            ) from None
        # Known before anything is decoded: a small file may hold a huge image.
        if picture.size != (side, side):
            raise InputError(
                f"{path}: expected {side} x {side} px, found {picture.width} x {picture.height}"
            )
        images[i] = np.asarray(pictures.to_rgb(path, picture))
        rows.append(
            [str(name), name.shape, name.texture, name.shape_exemplar, name.texture_exemplar,
             condition]
        )  # fmt: skip
    return imageset.ImageSet(images, pd.DataFrame(rows, columns=imageset.LABEL_COLUMNS))


def _check(name: StimulusName, path: Path) -> None:
    for value in (name.shape, name.texture):
        if value not in CATEGORIES and value != ABSENT:
            raise InputError(f"{path}: '{value}' is none of the 16 categories")
    if name.shape != path.parent.name:
        raise InputError(f"{path}: shape '{name.shape}' in the folder of '{path.parent.name}'")
