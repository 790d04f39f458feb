"""Tiny ImageNet (Le and Yang 2015): photographs of 64 px, with a box around the object of each.

The archive is unpacked once, into an uncompressed tar with the layout of class folders::

    tiny-imagenet/classes.txt          # WordNet ids that the archive's own list names
    tiny-imagenet/boxes.csv            # split, file, then left, top, right, bottom in px, ends included
    tiny-imagenet/train/WNID/NAME      # its training photographs
    tiny-imagenet/test/WNID/NAME       # its validation photographs, whose classes val_annotations.txt tells

What it holds is checked, not its bytes: each list against the files, every photograph's size, and the
photographs of each class for which a check sum is known (``sources/tiny-imagenet.csv``).

They are ImageNet's photographs, on its terms: research that is not commercial. Nothing of them is passed on.
"""

from __future__ import annotations

import csv
import hashlib
import io
import posixpath
import sys
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from texshape.data.archives import members
from texshape.data.download import fetch
from texshape.data.photographs import Source
from texshape.data.pictures import Unusable, opened
from texshape.errors import InputError, nearest
from texshape.files import atomic_path

NAME = "tiny-imagenet"
ADDRESS = "http://cs231n.stanford.edu/tiny-imagenet-200.zip"
SIDE = 64  # pixels
_TOP = "tiny-imagenet-200"
_CLASSES, _ANNOTATIONS = f"{_TOP}/wnids.txt", f"{_TOP}/val/val_annotations.txt"
_SUMS = Path(__file__).parent / "sources" / "tiny-imagenet.csv"
_LIMIT = 2**24  # bytes of one file; the longest, a list, has 3.5e5

Box = tuple[int, int, int, int]


def sources(classes: Sequence[str] | None, cache: str | Path) -> tuple[list[Source], list[Source]]:
    """The photographs of some classes, brought into the cache if they are not there.

    Parameters
    ----------
    classes : sequence of str, optional
        WordNet ids; all that the archive's list names by default.
    cache : path

    Returns
    -------
    train, test : list of Source
        Sorted by class and name, with boxes. `test` are the validation photographs.

    Raises
    ------
    InputError
        If the archive cannot be had or is not what it should be, or lacks one of the classes.
    """
    packed = Path(cache, "cs231n.stanford.edu", f"{_TOP}.zip")
    unpacked = packed.with_suffix(".tar")
    if not unpacked.is_file():
        fetch(ADDRESS, None, packed)
        with atomic_path(unpacked) as temporary:
            try:
                _unpack(packed, temporary)
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
                raise InputError(f"{packed}: not a whole archive ({error})") from None
    listed, boxes = _lists(unpacked)
    found = {split: members(unpacked, split) for split in ("train", "test")}
    wanted = listed if classes is None else classes
    held = {split: {source.label for source in found[split]} for split in found}
    for name in wanted:
        if name not in listed:
            raise InputError(
                f"data.folder.classes: {NAME} has no class '{name}'{nearest(name, listed)}"
            )
        for split, labels in held.items():
            if name not in labels:
                kind = "training" if split == "train" else "validation"
                raise InputError(
                    f"{packed}: holds no {kind} photographs of class '{name}', which its list names "
                    f"(it holds {len(labels)} of {len(listed)} classes); name classes that are there in "
                    "data.folder.classes"
                )
    if unknown := [name for name in wanted if name not in known_sums()]:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        print(
            f"texshape: {NAME}: no check sum is known of class '{unknown[0]}'{more}: lists and sizes alone "
            "were checked",
            file=sys.stderr,
        )
    chosen = set(wanted)
    train, test = (
        [
            replace(source, box=boxes[split, source.name])
            for source in found[split]
            if source.label in chosen
        ]
        for split in ("train", "test")
    )
    return train, test


@lru_cache
def known_sums() -> dict[str, str]:
    """Check sum of the photographs of those classes that were at hand: WordNet id to SHA-256.

    Over the lines ``SHA256 NAME`` of a class's training and validation photographs, sorted.
    """
    with open(_SUMS, encoding="utf-8", newline="") as lines:
        return {row["class"]: row["sha256"] for row in csv.DictReader(lines)}


def class_sum(lines: Sequence[str]) -> str:
    """The check sum of a class from its lines ``SHA256 NAME``."""
    return hashlib.sha256("".join(f"{line}\n" for line in sorted(lines)).encode()).hexdigest()


def _unpack(packed: Path, target: Path) -> None:
    """Check the archive and write it as class folders."""
    with zipfile.ZipFile(packed) as archive:
        listed = _listed_classes(packed, archive)
        validation = _annotations(packed, archive, set(listed))
        lines: dict[str, list[str]] = {}
        boxes: list[tuple[str, str, *tuple[int, ...]]] = []
        with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as out:

            def add(name: str, content: bytes) -> None:
                member = tarfile.TarInfo(f"{NAME}/{name}")
                member.size = len(content)
                out.addfile(member, io.BytesIO(content))

            for split, label, place, box in _photographs(packed, archive, set(listed), validation):
                content = _read(packed, archive, place)
                name = posixpath.basename(place)
                _check_size(f"{packed}: {place}", content)
                lines.setdefault(label, []).append(f"{hashlib.sha256(content).hexdigest()} {name}")
                boxes.append((split, f"{label}/{name}", *box))
                add(f"{split}/{label}/{name}", content)
            for label, found in lines.items():
                expected = known_sums().get(label)
                if expected is not None and class_sum(found) != expected:
                    raise InputError(
                        f"{packed}: class '{label}' has {len(found)} photographs of check sum "
                        f"{class_sum(found)}, expected {expected}"
                    )
            add("classes.txt", "".join(f"{label}\n" for label in listed).encode())
            table = io.StringIO()
            csv.writer(table, lineterminator="\n").writerows(boxes)
            add("boxes.csv", table.getvalue().encode())


def _photographs(
    packed: Path,
    archive: zipfile.ZipFile,
    listed: set[str],
    validation: dict[str, tuple[str, Box]],
) -> Iterator[tuple[str, str, str, Box]]:
    """Split, class, place in the archive and box of each photograph, in the order of places."""
    of_training: dict[str, dict[str, Box]] = {}
    for place in sorted(archive.namelist()):
        parts = place.split("/")
        if parts[0] != _TOP or not parts[-1].upper().endswith((".JPEG", ".JPG")):
            continue
        name = parts[-1]
        if parts[1] == "train" and len(parts) == 5 and parts[3] == "images":
            label = parts[2]
            if label not in listed:
                raise InputError(f"{packed}: class '{label}' is not in {_CLASSES}")
            if label not in of_training:
                of_training[label] = _training_boxes(packed, archive, label)
            if name not in of_training[label]:
                raise InputError(f"{packed}: {place} has no box in {label}_boxes.txt")
            yield "train", label, place, of_training[label][name]
        elif parts[1:3] == ["val", "images"] and len(parts) == 4:
            if name not in validation:
                raise InputError(f"{packed}: {place} has no line in {_ANNOTATIONS}")
            label, box = validation[name]
            yield "test", label, place, box


def _read(packed: Path, archive: zipfile.ZipFile, place: str) -> bytes:
    try:
        size = archive.getinfo(place).file_size
    except KeyError:
        raise InputError(
            f"{packed}: holds no {place}, which the archive at {ADDRESS} has"
        ) from None
    if size > _LIMIT:
        raise InputError(f"{packed}: {place} unpacks to {size} bytes; expected at most {_LIMIT}")
    return archive.read(place)


def _text(packed: Path, archive: zipfile.ZipFile, place: str) -> list[list[str]]:
    """A list of the archive: its lines, cut at tabs."""
    content = _read(packed, archive, place)
    try:
        return [line.split("\t") for line in content.decode().splitlines() if line]
    except UnicodeDecodeError:
        raise InputError(f"{packed}: {place} is no text") from None


def _listed_classes(packed: Path, archive: zipfile.ZipFile) -> list[str]:
    found = [row[0].strip() for row in _text(packed, archive, _CLASSES)]
    _check_once(packed, _CLASSES, found, "class")
    return found


def _check_once(packed: Path, place: str, names: Sequence[str], kind: str) -> None:
    name, times = Counter(names).most_common(1)[0] if names else ("", 0)
    if times > 1:
        raise InputError(f"{packed}: {place} names {kind} '{name}' {times} times, expected once")
    if not names:
        raise InputError(f"{packed}: {place} is empty")


def _annotations(
    packed: Path, archive: zipfile.ZipFile, listed: set[str]
) -> dict[str, tuple[str, Box]]:
    """File name of each validation photograph to its class and box."""
    rows = _text(packed, archive, _ANNOTATIONS)
    found: dict[str, tuple[str, Box]] = {}
    for number, row in enumerate(rows, 1):
        if len(row) != 6:
            raise InputError(
                f"{packed}: {_ANNOTATIONS}, line {number}: expected a file, a class and four numbers"
            )
        if row[1] not in listed:
            raise InputError(
                f"{packed}: {_ANNOTATIONS}, line {number}: class '{row[1]}' is not in {_CLASSES}"
            )
        found[row[0]] = row[1], _box(packed, _ANNOTATIONS, number, row[2:])
    _check_once(packed, _ANNOTATIONS, [row[0] for row in rows], "photograph")
    return found


def _training_boxes(packed: Path, archive: zipfile.ZipFile, label: str) -> dict[str, Box]:
    place = f"{_TOP}/train/{label}/{label}_boxes.txt"
    rows = _text(packed, archive, place)
    _check_once(packed, place, [row[0] for row in rows], "photograph")
    return {row[0]: _box(packed, place, number, row[1:]) for number, row in enumerate(rows, 1)}


def _box(packed: Path, place: str, number: int, values: Sequence[str]) -> Box:
    try:
        left, top, right, bottom = map(int, values)
    except ValueError:
        left, top, right, bottom = 0, 0, -1, -1
    if not (0 <= left <= right < SIDE and 0 <= top <= bottom < SIDE):
        raise InputError(
            f"{packed}: {place}, line {number}: expected left, top, right and bottom of a box within "
            f"{SIDE} px, found {' '.join(values)}"
        )
    return left, top, right, bottom


def _check_size(place: str, content: bytes) -> None:
    try:
        width, height = opened(place, content).size
    except Unusable:
        return  # named and counted where photographs are read
    if (width, height) != (SIDE, SIDE):
        raise InputError(
            f"{place}: {width} x {height} px; expected {SIDE} x {SIDE} px, as all photographs have"
        )


def _lists(path: Path) -> tuple[list[str], dict[tuple[str, str], Box]]:
    """Classes and boxes of an unpacked archive."""
    try:
        with tarfile.open(path, "r:") as archive:
            texts = [
                archive.extractfile(f"{NAME}/{name}").read().decode()
                for name in ("classes.txt", "boxes.csv")
            ]
    except (tarfile.TarError, KeyError, OSError, EOFError) as error:
        raise InputError(
            f"{path}: not what was unpacked ({error}); delete it to unpack anew"
        ) from None
    rows = csv.reader(io.StringIO(texts[1]))
    boxes = {(split, name): tuple(map(int, box)) for split, name, *box in rows}
    return texts[0].split(), boxes
