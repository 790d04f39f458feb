"""The images of REFINED-BIAS: shapes without texture, and textures without shape.

Kim et al. (2026, arXiv 2603.10834), github.com/PumjunKim/REFINED-BIAS. The repository names no
licence: images are downloaded when they are wanted, and never part of the project. A shape is the
white edges of one object on black; a texture is cut into 4 x 4 to 32 x 32 patches, which are put
together anew. Names do not say which images were made of one photograph, so each counts as an
exemplar of its own: where several share one, the interval is too narrow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from texshape.data import pictures
from texshape.data.imageset import LABEL_COLUMNS, ImageSet
from texshape.errors import InputError, nearest
from texshape.trials.names import ABSENT

if TYPE_CHECKING:
    from texshape.data.download import Item

SIDE = 224  # px
SOURCES = {"shape": "refined-bias-shape", "texture": "refined-bias-texture"}

# Classes of ImageNet behind each class of the images (the repository's `utils.set_class_mappings`,
# commit 8606ef60). A book is the comic book there, not the book jacket.
WORDNET: dict[str, tuple[str, ...]] = {
    "balloon": ("n02782093",),
    "book": ("n06596364",),
    "camera": ("n03976467", "n04069434"),
    "cassette": ("n02978881",),
    "clock": ("n02708093", "n03196217", "n04548280"),
    "hourglass": ("n03544143",),
    "ipod": ("n03584254",),
    "mouse": ("n03793489",),
    "revolver": ("n04086273",),
    "soccer_ball": ("n04254680",),
    "brain_coral": ("n01917289",),
    "broccoli": ("n07714990",),
    "cheetah": ("n02130308",),
    "dishrag": ("n03207743",),
    "elephant": ("n02504013", "n02504458"),
    "honeycomb": ("n03530642",),
    "porcupine": ("n02346627",),
    "strawberry": ("n07745940",),
    "tiger": ("n02129604",),
    "zebra": ("n02391049",),
}
_NAME = re.compile(r"(?:(\d+x\d+)_)?([a-z_]+)_(\d+)\.png")


def members() -> dict[str, tuple[int, ...]]:
    """Indices of each class among the 1,000 outputs of an ImageNet network."""
    from texshape.models import imagenet

    return imagenet.outputs_of(WORDNET)


def image_set(paths: Sequence[Path], cue: str) -> ImageSet:
    """Read images of one cue.

    Parameters
    ----------
    paths : sequence of Path
        ``CLASS/CLASS_<i>.png`` (shapes) or ``CLASS/<t>x<t>_CLASS_<i>.png`` (textures).
    cue : str
        ``shape`` or ``texture``.

    Returns
    -------
    ImageSet
        224 px; larger images are resized as a whole. The other cue is ``na``. ``condition`` is into
        how many patches a texture is cut (``4x4``), or the source's name.

    Raises
    ------
    InputError
        If the cue is unknown, or an image is missing, damaged or has another name.
    """
    import pandas as pd
    from PIL import Image

    if cue not in SOURCES:
        raise InputError(f"cue '{cue}' is unknown{nearest(cue, SOURCES)}")
    images = np.empty((len(paths), SIDE, SIDE, 3), dtype=np.uint8)
    rows = []
    for place, path in enumerate(paths):
        match = _NAME.fullmatch(path.name)
        if not match or match[2] != path.parent.name or match[2] not in WORDNET:
            raise InputError(
                f"{path}: expected CLASS/CLASS_<i>.png or CLASS/<t>x<t>_CLASS_<i>.png of one of the "
                "20 classes of REFINED-BIAS"
            )
        picture = pictures.read(path)
        if picture.size != (SIDE, SIDE):  # some were published larger
            picture = picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        images[place] = np.asarray(picture)
        shown = {cue: (match[2], f"{match[2]}{match[3]}")}
        shape, texture = (shown.get(name, (ABSENT, ABSENT)) for name in ("shape", "texture"))
        rows.append(
            [path.name, shape[0], texture[0], shape[1], texture[1], match[1] or SOURCES[cue]]
        )
    return ImageSet(images, pd.DataFrame(rows, columns=LABEL_COLUMNS))


def fetch(cue: str, cache: str | Path, numbers: Sequence[int] | None = None) -> ImageSet:
    """Download images of a cue, verified, and read them.

    Parameters
    ----------
    cue : str
        ``shape`` or ``texture``.
    cache : str or Path
    numbers : sequence of int, optional
        Which images of each class; all 300 by default.

    Raises
    ------
    InputError
        If the cue is unknown, no image has such a number, or one cannot be brought.
    """
    from texshape.data import published
    from texshape.data.download import fetch_all

    files = items(cue, cache, numbers)
    fetch_all(files, label=f"{SOURCES[cue]} ({published.sources()[SOURCES[cue]].repository})")
    return image_set([item.destination for item in files], cue)


def items(cue: str, cache: str | Path, numbers: Sequence[int] | None = None) -> list[Item]:
    """The files of a cue, of all images or of some; see `fetch`."""
    from texshape.data import published

    if cue not in SOURCES:
        raise InputError(f"cue '{cue}' is unknown{nearest(cue, SOURCES)}")
    source = published.sources()[SOURCES[cue]]
    files = published.items(SOURCES[cue], Path(cache) / source.repository / source.commit)
    if numbers is not None:
        files = [item for item in files if _number(item.destination) in numbers]
    if not files:
        given = ", ".join(map(str, numbers or ()))
        raise InputError(
            f"cue_rank.exemplars.{cue}: no image has the number {given or '(none is given)'}; expected "
            "0 to 299"
        )
    return files


def _number(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match[3]) if match else -1
