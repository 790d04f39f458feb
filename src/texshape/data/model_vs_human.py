"""Pictures of the 17 data sets on which humans and networks are compared (Geirhos et al. 2021).

``sources/model-vs-human-stimuli.yaml`` has the archives' addresses, licences and layouts. Twelve parametric
data sets, sketches and stylized photographs lie in ``NAME/dnn/session-1/`` and say condition and category in
their names (``0001_cl_dnn_cr_bear_40_n02132136_14126.png``: the fourth and the fifth part); edges, silhouettes
and cue conflict in class folders, ``NAME/CLASS/``. A folder of somebody's own has the same layout, or the
archives as they come.

No check sums are published. The published trials say which picture was shown in which condition and shows which
category, and every picture of a data set is compared with them before any is used.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from texshape.data import imageset, pictures
from texshape.data.download import Item, fetch
from texshape.data.photographs import find_images
from texshape.data.pictures import SUFFIXES
from texshape.errors import InputError
from texshape.trials.files import Trials
from texshape.trials.imagenet16 import CATEGORIES
from texshape.trials.names import ABSENT, image_id

SOURCE = "model-vs-human"
SESSIONS, CLASSES = "sessions", "classes"
PUBLISHED = "published"  # in a folder's place: the archives
SIDE = 224  # px
_SOURCES = Path(__file__).parent / "sources" / "model-vs-human-stimuli.yaml"
_ENDING = ".tar.gz"
SESSION = "session-1"  # of networks, which see all pictures in one


@dataclass(frozen=True)
class DataSet:
    """One of the 17.

    Attributes
    ----------
    name, what, licence, citation : str
    address : str
        Of its archive.
    pictures : int
        As the published trials have them.
    layout : str
        ``sessions`` or ``classes``.
    """

    name: str
    what: str
    licence: str
    citation: str
    address: str
    pictures: int
    layout: str


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes
    ----------
    place : str
        What messages call it.
    name, condition, category : str
        As trials have them.
    content : bytes
    """

    place: str
    name: str
    condition: str
    category: str
    content: bytes


@lru_cache
def data_sets() -> dict[str, DataSet]:
    """All 17 by name."""
    import yaml

    entries = yaml.safe_load(_SOURCES.read_text(encoding="utf-8"))
    address, citation = entries["address"], entries["citation"]
    return {
        name: DataSet(name=name, citation=citation, address=address.format(name=name), **entry)
        for name, entry in entries["sets"].items()
    }


def item(name: str, cache: Path) -> Item:
    """The archive of a data set, to be brought into the cache."""
    address = data_sets()[name].address
    return Item(address, None, cache / "bethgelab" / SOURCE / f"{name}{_ENDING}")


@dataclass(frozen=True)
class Places:
    """Where the pictures of data sets are.

    Attributes
    ----------
    there : dict of str to Path
        Data set to its folder or archive.
    lacking : dict of str to str
        Data set to why its pictures cannot be had.
    digests : dict of str to str
        Of those that are there, see `digest`; empty where nobody has looked at them.
    """

    there: Mapping[str, Path]
    lacking: Mapping[str, str]
    digests: Mapping[str, str] = field(default_factory=dict)


def bring(names: Sequence[str], cache: Path) -> Places:
    """Download archives that are not in the cache."""
    there, lacking = {}, {}
    for name in names:
        wanted = item(name, cache)
        try:
            there[name] = fetch(wanted.url, wanted.sha256, wanted.destination)
        except InputError as error:
            lacking[name] = str(error)
    return Places(there, lacking)


def in_folder(folder: Path, names: Sequence[str]) -> Places:
    """Find data sets in a folder: a folder each, or an archive each.

    Raises
    ------
    InputError
        If there is no such folder, or it holds none of them.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder}: no such folder; expected one folder for each data set, as published"
        )
    there = {}
    for name in names:
        for place in (folder / name, folder / f"{name}{_ENDING}"):
            if place.is_dir() or place.is_file():
                there.setdefault(name, place)
    if not there:
        raise InputError(
            f"{folder}: holds none of the data sets; expected folders or archives named "
            f"{', '.join(names)}"
        )
    return Places(there, {name: f"not in {folder}" for name in names if name not in there})


def read(name: str, place: Path) -> list[Picture]:
    """The pictures of a data set in the order of their names, as the published networks saw them.

    Parameters
    ----------
    name : str
    place : path
        Its folder, or its archive.

    Raises
    ------
    InputError
        If it is no whole archive, holds no picture, or a name does not say condition and category.
    """
    layout = data_sets()[name].layout
    members = _of_archive(place) if place.is_file() else _of_folder(place)
    found = []
    for path, content in members:
        parts = path.split("/")
        file, above = parts[-1], parts[-2] if len(parts) > 1 else ""
        if layout == CLASSES:
            condition, category = "NaN", above
        else:
            said = file.split("_")
            if len(said) < 6 or above != SESSION:
                raise InputError(
                    f"{place}: {path}: expected dnn/session-1/NUMBER_..._..._CONDITION_CATEGORY_....png"
                )
            condition, category = said[3], said[4]
        if category not in CATEGORIES:
            raise InputError(f"{place}: {path}: '{category}' is none of the 16 categories")
        found.append(Picture(f"{place}: {path}", file, condition, category, content))
    if not found:
        raise InputError(f"{place}: holds no picture of the data set '{name}'")
    return sorted(found, key=lambda one: one.place)


def _of_folder(place: Path) -> Iterator[tuple[str, bytes]]:
    for source in find_images(place)[0]:
        yield source.name, source.read_bytes()


def _of_archive(place: Path) -> Iterator[tuple[str, bytes]]:
    """Images of an archive; nothing is unpacked, so that no name can lead out of a folder."""
    try:
        with tarfile.open(place, "r:*") as archive:
            for member in archive:
                path = Path(member.name)
                hidden = any(part.startswith(".") for part in path.parts if part != ".")
                if member.isfile() and path.suffix.lower() in SUFFIXES and not hidden:
                    content = archive.extractfile(member)
                    if content is not None:
                        yield path.as_posix(), content.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f"{place}: not a whole archive ({error})") from None


def check(name: str, found: Sequence[Picture], published: Sequence[Trials]) -> int:
    """Compare pictures with what the published trials say was shown.

    Parameters
    ----------
    name : str
    found : sequence of Picture
    published : sequence of Trials
        Of humans, on this data set.

    Returns
    -------
    int
        Pictures that were shown and are not there.

    Raises
    ------
    InputError
        If a picture is there twice, was shown to nobody, or in another condition or as another category.
    """
    single = data_sets()[name].layout == CLASSES
    shown: dict[tuple[str, str], str] = {}
    for trials in published:
        rows = zip(trials["imagename"], trials["condition"], trials["category"], strict=True)
        for image, condition, category in rows:
            shown[image_id(image), "" if single else condition.lower()] = category
    seen: set[tuple[str, str]] = set()
    for one in found:
        key = (image_id(one.name), "" if single else one.condition.lower())
        if key in seen:
            raise InputError(f"{one.place}: is there twice")
        seen.add(key)
        if key not in shown:
            raise InputError(
                f"{one.place}: was not shown to humans in the data set '{name}'"
                + (f" in condition '{one.condition}'" if one.condition != "NaN" else "")
            )
        if shown[key] != one.category:
            raise InputError(
                f"{one.place}: is of the category '{shown[key]}' in the published trials"
            )
    return len(shown.keys() - seen)


def image_set(found: Sequence[Picture]) -> imageset.ImageSet:
    """Pictures with the category as their shape, 224 px, as they are.

    Raises
    ------
    InputError
        If one cannot be read or has another size.
    """
    import pandas as pd

    images = np.empty((len(found), SIDE, SIDE, 3), np.uint8)
    rows: list[list[Any]] = []
    for number, one in enumerate(found):
        picture = pictures.opened(one.place, one.content)
        if picture.size != (SIDE, SIDE):
            raise InputError(
                f"{one.place}: expected {SIDE} x {SIDE} px, found {picture.width} x {picture.height}"
            )
        images[number] = np.asarray(pictures.to_rgb(one.place, picture))
        exemplar = image_id(one.name)
        rows.append([one.name, one.category, ABSENT, exemplar, ABSENT, one.condition])
    return imageset.ImageSet(images, pd.DataFrame(rows, columns=imageset.LABEL_COLUMNS))


def digest(places: Mapping[str, Path]) -> dict[str, str]:
    """Hash of each data set: of its archive, or of names and contents below its folder."""
    found = {}
    for name, place in places.items():
        total = hashlib.sha256()
        if place.is_file():
            with open(place, "rb") as content:
                total = hashlib.file_digest(content, "sha256")
        else:
            for path, content in _of_folder(place):
                total.update(f"{path} {hashlib.sha256(content).hexdigest()}\n".encode())
        found[name] = total.hexdigest()
    return found
