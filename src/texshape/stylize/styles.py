"""Style images: read or drawn, split so that no painting is in two splits, paired with contents."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from texshape.config.images import ImageSettings
from texshape.config.stylize import StyleSettings
from texshape.data.imageset import LABEL_COLUMNS, ImageSet
from texshape.data.photographs import check_count, list_images, read_square
from texshape.data.pictures import Unusable
from texshape.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "validation", "test")
PAINTING = "painting"  # the `texture` of an image in the style of a painting: never a class
_PAIRING = 31  # number in the seed of the random stream


@dataclass(frozen=True)
class Styles:
    """Style images with what a manifest says of them.

    Attributes
    ----------
    images : ndarray of shape (n, size, size, 3), uint8
    table : DataFrame
        ``name`` (file or family and number), ``group`` (the painting, or the image itself),
        ``sha256`` (of the file, or of the pixels drawn), ``family``, ``number``, ``split``.
    """

    images: np.ndarray
    table: pd.DataFrame

    def split(self, name: str) -> ImageSet:
        """The style images of a split; `texture` is the family, `imagename` says which."""
        import pandas as pd

        chosen = np.flatnonzero(self.table["split"] == name)
        table = self.table.iloc[chosen]
        labels = pd.DataFrame(dict.fromkeys(LABEL_COLUMNS, "na"), index=range(len(chosen)))
        labels["imagename"] = table["name"].to_numpy()
        labels["texture"] = table["family"].to_numpy()
        labels["texture_exemplar"] = [
            f"{family}{number}"
            for family, number in zip(table["family"], table["number"], strict=True)
        ]
        labels["condition"] = f"styles-{name}"
        return ImageSet(self.images[chosen], labels)


def sha256(content: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def from_folder(
    folder: str | Path, settings: StyleSettings, images: ImageSettings, *, tolerated: int = 0
) -> Styles:
    """Read all images below a folder as styles.

    Raises
    ------
    InputError
        If there is none, more than `tolerated` are unusable, or there are fewer paintings than
        splits.
    """
    import pandas as pd

    square = images.replace(resize=settings.size, crop=settings.size)
    pixels, rows, unusable = [], [], []
    sources = list_images(folder)[: settings.count]
    for source in sources:
        try:
            content = source.path.read_bytes()
            pixels.append(read_square(source.path, square, content=content))
        except OSError as error:
            unusable.append(f"{source.path}: cannot be read ({error.strerror})")
            continue
        except Unusable as error:
            unusable.append(str(error))
            continue
        stem = source.name.rpartition(".")[0]
        rows.append((source.name, re.sub(settings.group, "", stem), sha256(content)))
    for line in unusable:
        print(f"texshape: warning: {line}", file=sys.stderr)
    check_count(unusable, tolerated, len(sources), folder)
    table = pd.DataFrame(rows, columns=["name", "group", "sha256"])
    table["split"] = assign_splits(
        table["group"], table["sha256"], settings.split.dump(), where=folder
    )
    # Numbered in the order of content hashes: renaming a file changes nothing.
    order = np.lexsort((table["name"], table["sha256"]))
    table["family"], table["number"] = PAINTING, np.argsort(order) + 1
    return Styles(np.stack(pixels), table)


def from_renderer(data: Mapping[str, Any], seed: int, settings: StyleSettings) -> Styles:
    """Draw images of the renderer's style families.

    Parameters
    ----------
    data : mapping
        Section `data` of the parameters.
    seed : int
    settings : StyleSettings
        `count` must be given.
    """
    import pandas as pd

    from texshape.data import procedural

    if settings.count is None:
        raise InputError("styles.count: missing; the renderer must know how many styles to draw")
    drawn = procedural.parse_settings(data)
    pixels, families = procedural.style_images(drawn, seed, settings.count, settings.size)
    numbers = pd.Series(families).groupby(families).cumcount() + 1
    names = [f"{family}{number}" for family, number in zip(families, numbers, strict=True)]
    table = pd.DataFrame(
        {
            "name": names,
            "group": names,
            "sha256": [sha256(image.tobytes()) for image in pixels],
            "family": families,
            "number": numbers.to_numpy(),
        }
    )
    table["split"] = assign_splits(
        table["group"], table["sha256"], settings.split.dump(), where="styles"
    )
    return Styles(pixels, table)


def assign_splits(
    groups: Sequence[str],
    hashes: Sequence[str],
    shares: Mapping[str, float],
    *,
    where: object = "styles",
) -> list[str]:
    """Give each style a split; what belongs together stays together.

    Images of one group, and images of the same content, share a split. The sets of images that are
    so connected are sorted by their smallest content hash and cut at the quotas, by number of such
    sets, at least one a split that has a share.

    Parameters
    ----------
    groups, hashes : sequence of str
        One an image.
    shares : mapping of split to share
        Adding up to 1.

    Returns
    -------
    list of str
        One of `SPLITS` an image.

    Raises
    ------
    InputError
        If there are fewer sets than splits with a share.
    """
    roots: dict[str, str] = {}

    def find(key: str) -> str:
        while roots.setdefault(key, key) != key:
            key = roots[key]
        return key

    for group, digest in zip(groups, hashes, strict=True):
        roots[find(f"group {group}")] = find(f"hash {digest}")
    keys = [find(f"hash {digest}") for digest in hashes]
    smallest: dict[str, str] = {}
    for key, digest in zip(keys, hashes, strict=True):
        smallest[key] = min(digest, smallest.get(key, digest))
    order = sorted(smallest, key=lambda key: smallest[key])
    quotas = _quotas(len(order), shares, where)
    names = [name for name in SPLITS for _ in range(quotas[name])]
    split_of = dict(zip(order, names, strict=True))
    return [split_of[key] for key in keys]


def _quotas(count: int, shares: Mapping[str, float], where: object) -> dict[str, int]:
    """Whole numbers near `count` times each share, by largest remainder, none of them 0."""
    needed = [name for name in SPLITS if shares[name] > 0]
    if count < len(needed):
        raise InputError(
            f"{where}: {count} styles (crops of one painting count once), expected at least "
            f"{len(needed)}, one each for {', '.join(needed)}"
        )
    quotas = {name: max(int(count * shares[name]), int(name in needed)) for name in SPLITS}
    while sum(quotas.values()) > count:
        largest = max(quotas, key=lambda name: quotas[name])
        quotas[largest] -= 1
    while sum(quotas.values()) < count:
        name = max(needed, key=lambda name: count * shares[name] - quotas[name])
        quotas[name] += 1
    return quotas


def pairing(seed: int, index: int, styles: int, versions: int = 1) -> np.ndarray:
    """Styles of one content image, all different.

    Depends on the seed and the image's index alone, so that shards and workers change nothing.

    Returns
    -------
    ndarray of shape (versions,), int
        Indices below `styles`.

    Raises
    ------
    InputError
        If there are fewer styles than versions.
    """
    if versions > styles:
        raise InputError(
            f"styles_per_image: {versions}; expected at most the number of styles, {styles}"
        )
    rng = np.random.default_rng([seed, _PAIRING, index])
    if versions == 1:
        return rng.integers(styles, size=1)
    return rng.choice(styles, size=versions, replace=False)
