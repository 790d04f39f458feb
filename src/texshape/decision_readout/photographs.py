"""The labelled photographs that a read-out is fitted on: the published grey ones, or a folder of the user's."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from texshape.config.images import ImageSettings
from texshape.data import critical_band, photographs, pictures, published
from texshape.decision_readout.settings import GREY, DecisionReadoutSettings
from texshape.errors import InputError
from texshape.notices import warn
from texshape.provenance import value_hash
from texshape.trials.names import ABSENT, RESERVED, is_class_name

if TYPE_CHECKING:
    from texshape.data.imageset import ImageSet

_KEY = "decision_readout.photographs"


@dataclass(frozen=True, eq=False)
class Photographs:
    """Pictures with their classes.

    Attributes
    ----------
    name : str
        ``grey``, or the folder.
    images : ndarray of shape (n, side, side, 3), uint8
    labels : ndarray of shape (n,) of str
    seen : dict of str to str
        Hash of the pixels of each file as it is, to the file's place.
    key : str
        Stands for all pixels and labels.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    seen: Mapping[str, str]
    key: str

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes, in alphabetical order."""
        return tuple(sorted(set(self.labels.tolist())))


def bring(settings: DecisionReadoutSettings, cache: Path) -> Photographs:
    """The photographs that the parameters name.

    Parameters
    ----------
    settings : DecisionReadoutSettings
    cache : path
        Where downloads are kept.

    Raises
    ------
    InputError
        If they cannot be had, a picture cannot be read or stands in two classes, or a class has fewer than
        ``decision_readout.folds``.
    """
    found = _grey(cache) if settings.photographs == GREY else _folder(settings.photographs)
    for label, count in sorted(Counter(found.labels.tolist()).items()):
        if count < settings.folds:
            raise InputError(
                f"{_KEY}: {found.name}: class '{label}' has {count} different pictures, expected at least "
                f"{settings.folds} (decision_readout.folds)"
            )
    return found


def check_classes(found: Photographs, shown: Collection[str]) -> None:
    """See that the photographs have every class that the images show.

    Raises
    ------
    InputError
        Names the first class that is missing.
    """
    if missing := sorted({*shown} - {ABSENT} - {*found.classes}):
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(
            f"{_KEY}: {found.name}: has no class '{missing[0]}'{others}, which the images show; its classes "
            f"are {', '.join(found.classes)}"
        )


def check_apart(found: Photographs, sets: Mapping[str, ImageSet]) -> None:
    """See that no picture that is scored is among the photographs.

    Raises
    ------
    InputError
        Names the first photograph that is.
    """
    for name, images in sets.items():
        for pixels, label in zip(images.images, images.labels["imagename"], strict=True):
            if place := found.seen.get(_hash(pixels)):
                raise InputError(
                    f"{_KEY}: {place}: is the picture {label} of the set {name} too; a read-out is fitted on "
                    "other pictures than those that are scored"
                )


def _grey(cache: Path) -> Photographs:
    source = published.sources()[critical_band.SOURCE]
    images, _ = critical_band.stimuli(cache / source.repository / source.commit, critical_band.GREY)
    names = images.labels["imagename"].tolist()
    hashes = map(_hash, images.images)
    return _photographs(
        GREY,
        images.images,
        images.labels["shape"].to_numpy(dtype=str),
        dict(zip(hashes, names, strict=True)),
    )


def _folder(folder: str) -> Photographs:
    sources, classes = photographs.list_classes(folder)
    if len(classes) < 2:
        raise InputError(f"{_KEY}: {folder}: holds one class, '{classes[0]}'; expected two or more")
    for name in classes:
        if not is_class_name(name) or name in RESERVED:
            raise InputError(
                f"{_KEY}: class folder '{name}' of {folder}: is no name of a class of the images"
            )
    settings = ImageSettings(resize=published.SIDE, crop=published.SIDE)
    images: list[np.ndarray] = []
    labels: list[str] = []
    seen: dict[str, str] = {}
    owner: dict[str, str] = {}
    again: list[str] = []
    for source in sources:
        content = _content(source)
        try:
            digest = _hash(np.asarray(pictures.read(source.place, content)))
            pixels = photographs.read_square(source.place, settings, content=content)
        except pictures.Unusable as error:
            raise InputError(f"{_KEY}: {error}") from None
        if digest in seen:
            if owner[digest] != source.label:
                raise InputError(
                    f"{_KEY}: {source.place}: is the same picture as {seen[digest]}, of another class"
                )
            again.append(source.place)
            continue
        seen[digest], owner[digest] = source.place, source.label
        images.append(pixels)
        labels.append(source.label)
    if again:
        # Held out beside its copy, a picture would be named rightly by memory.
        warn(
            _KEY,
            f"{len(again)} of {len(sources)} pictures are left out, as others have the same pixels: {again[0]}"
            f"{' and others' if len(again) > 1 else ''}",
        )
    return _photographs(photographs.written_name(folder), np.stack(images), np.array(labels), seen)


def _content(source: photographs.Source) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise InputError(f"{_KEY}: {source.place}: cannot be read ({error.strerror})") from None


def _photographs(
    name: str, images: np.ndarray, labels: np.ndarray, seen: dict[str, str]
) -> Photographs:
    key = value_hash([hashlib.sha256(images.tobytes()).hexdigest(), labels.tolist()])
    return Photographs(name, images, labels, seen, key)


def _hash(pixels: np.ndarray) -> str:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
