"""The published silhouettes of animals, and which ImageNet classes each animal is.

Nine animals, 40 silhouettes each, whole, with the upper part mirrored and joined again, and with the
parts apart (Baker and Elder 2022, *iScience* 25, 104913; ``assets/baker_2022`` of
github.com/ValerioB88/mindset-vision). Pictures have many sizes, and those of one silhouette differ:
all three are put on one square at one scale before they are resized, or the animal would shrink in one
condition alone.

The paper averages a network's outputs within an animal. Its list of classes is not published; this one
takes the classes of ILSVRC 2012 that are kinds of the animal in everyday words: rabbits with hares,
sloth bears with bears; no tusker, which many animals are, and no coyote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from texshape.data import pictures, published
from texshape.data.download import Item, fetch_all
from texshape.data.imageset import LABEL_COLUMNS, ImageSet
from texshape.errors import InputError
from texshape.models import imagenet
from texshape.techniques.configural_shape.mirrored import APART, JOINED, WHOLE
from texshape.trials.names import ABSENT, natural

if TYPE_CHECKING:
    from texshape.models.network import Network

SOURCE = "baker2022"
SIDE = 224  # px
FOLDERS = {"original": WHOLE, "frankenstein": JOINED, "fragmented": APART}

#: animal -> WordNet ids of the classes that are one
WORDNET = {
    "bear": ("n02132136", "n02133161", "n02134084", "n02134418"),
    "bunny": ("n02325366", "n02326432", "n02328150"),
    "cat": ("n02123045", "n02123159", "n02123394", "n02123597", "n02124075"),
    "elephant": ("n02504013", "n02504458"),
    "frog": ("n01641577", "n01644373", "n01644900"),
    "lizard": (
        "n01675722", "n01677366", "n01682714", "n01685808", "n01687978", "n01688243", "n01689811",
        "n01692333", "n01693334", "n01694178", "n01695060",
    ),
    "tiger": ("n02129604",),
    "turtle": ("n01664065", "n01665541", "n01667114", "n01667778", "n01669191"),
    "wolf": ("n02114367", "n02114548", "n02114712"),
}  # fmt: skip


def items(cache: str | Path, numbers: Mapping[str, Sequence[int]] | None = None) -> list[Item]:
    """The files, of all silhouettes or of some.

    Parameters
    ----------
    cache : path
        Folder for the downloads.
    numbers : mapping of str to sequence of int, optional
        For each animal, which of its silhouettes.
    """
    found = published.items(SOURCE, cache)
    if numbers is None:
        return found
    wanted = {f"{animal}{number}" for animal, own in numbers.items() for number in own}
    return [item for item in found if item.destination.stem in wanted]


def stimuli(
    cache: str | Path, numbers: Mapping[str, Sequence[int]] | None = None, side: int = SIDE
) -> ImageSet:
    """Bring and read the silhouettes.

    Parameters
    ----------
    cache, numbers
        As in `items`.
    side : int
        Of the images in px.

    Returns
    -------
    ImageSet
        The animal is ``shape``, each silhouette an exemplar; conditions as in `mirrored`.

    Raises
    ------
    InputError
        If a picture cannot be brought or read, or lacks a condition.
    """
    wanted = items(cache, numbers)
    fetch_all(wanted, label=f"{SOURCE} ({published.sources()[SOURCE].repository})")
    found: dict[str, dict[str, Path]] = {}
    for item in wanted:
        condition = FOLDERS[item.destination.parts[-3]]
        found.setdefault(item.destination.stem, {})[condition] = item.destination
    images, rows = [], []
    for exemplar in sorted(found, key=natural):
        paths = found[exemplar]
        for condition in FOLDERS.values():
            if condition not in paths:
                raise InputError(f"{SOURCE}: silhouette '{exemplar}' is missing as '{condition}'")
        shown = {name: pictures.read(path) for name, path in paths.items()}
        square = max(max(picture.size) for picture in shown.values())
        for condition in FOLDERS.values():
            images.append(_on_square(shown[condition], square, side))
            animal = paths[condition].parent.name
            name = f"{condition}-{exemplar}.png"
            rows.append([name, animal, ABSENT, exemplar, ABSENT, condition])
    return ImageSet(np.stack(images), pd.DataFrame(rows, columns=LABEL_COLUMNS))


def _on_square(picture, square: int, side: int) -> np.ndarray:
    """Centre a picture on a white square and resize it."""
    from PIL import Image

    canvas = Image.new("RGB", (square, square), "white")
    canvas.paste(picture, tuple((square - n) // 2 for n in picture.size))
    return np.asarray(canvas.resize((side, side), Image.Resampling.LANCZOS))


def deciding(network: Network, aggregation: str = "mean") -> Network:
    """A network of the 1,000 ImageNet classes as it decides between the animals.

    Raises
    ------
    InputError
        If its outputs are others.
    """
    from texshape.models.decisions import decider

    if network.outputs != imagenet.OUTPUTS:
        raise InputError(
            f"{network.name}: has {network.outputs} outputs; the animals need the 1,000 classes of "
            "ImageNet"
        )
    groups = imagenet.outputs_of(WORDNET)
    return replace(
        network,
        classes=tuple(groups),
        decide=decider(list(groups.values()), aggregation),
        categories=groups,
    )
