"""A folder of class folders of photographs, as image sets: split, decoded once, written row by row.

Each class's files are put in an order that the seed and each file's own name determine, so adding a
file moves no other. The first usable files of a class become its test images, then come validation
and training; a file that is broken, or the same byte for byte as an earlier one, is named in the
manifest and passed over. Memory holds a few images at a time, however many there are.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from texshape.config.data import PhotographSettings
from texshape.data import imageset
from texshape.data.photographs import (
    Source,
    check_count,
    read_picture,
    square,
    squeezed,
    written_name,
)
from texshape.data.pictures import Unusable
from texshape.errors import InputError, nearest
from texshape.files import atomic_path
from texshape.trials.names import ABSENT, RESERVED, is_class_name

MANIFEST_COLUMNS = ["source", "file", "class", "outcome", "imagename", "sha256", "reason"]
# Of a data set that comes with boxes, in pixels of the file: rectangles, which are no outlines.
BOX_COLUMNS = ["box_left", "box_top", "box_right", "box_bottom"]
# In the order in which they are filled.
SPLITS = ("test", "validation", "train")
_CHUNK = 16  # files a worker takes at a time


def write_sets(
    settings: PhotographSettings,
    sources: Sequence[Source],
    test_sources: Sequence[Source] | None,
    output_dir: str | Path,
    *,
    seed: int,
    executor: Executor | None = None,
    window: int = 1,
    log: Callable[[str], None] = lambda line: None,
) -> dict[str, int]:
    """Write ``train-plain``, ``validation-plain``, ``test-plain`` and ``photographs.csv``.

    With `settings.whole` also ``train-whole``: the training photographs again, whole, squeezed into squares of
    that side, with their `imageset.ASPECT_RATIO`.

    Parameters
    ----------
    settings : PhotographSettings
    sources, test_sources : sequence of Source
        Image files with their classes; the second None where one folder is split.
    output_dir : path
    seed : int
        Of the split.
    executor : Executor, optional
        Processes that decode; the bytes do not depend on them.
    window : int
        Chunks of files in flight with an executor.
    log : callable
        Takes lines.

    Returns
    -------
    dict of split to number of images

    Raises
    ------
    InputError
        If a folder cannot be used, a class has too few usable images, or more files are unusable
        than are tolerated (each is named on stderr and in the manifest's place).
    """
    quotas = {name: getattr(settings, name) for name in SPLITS}
    passes = [("source", sources, quotas)]
    if test_sources is not None:
        passes = [("test_source", test_sources, {"test": quotas["test"]}),
                  ("source", sources, {name: quotas[name] for name in SPLITS[1:]})]  # fmt: skip
    named = settings.classes and tuple(map(written_name, settings.classes))
    passes = [(key, chosen_classes(files, named, key), wanted) for key, files, wanted in passes]
    classes = sorted({source.label for source in passes[-1][1]})
    for key, files, wanted in passes:
        numbers = Counter(source.label for source in files)
        if odd := sorted(set(numbers) ^ set(classes)):
            raise InputError(f"data.folder.{key}: class '{odd[0]}' is not in both folders")
        _check_numbers(key, numbers, wanted)

    output_dir = Path(output_dir)
    unusable: list[str] = []
    seen: set[bytes] = set()
    looked_at = 0
    with ExitStack() as stack:
        manifest = csv.writer(
            stack.enter_context(
                open(
                    stack.enter_context(atomic_path(output_dir / "photographs.csv")),
                    "w", encoding="utf-8", newline="",
                )
            ),
            lineterminator="\n",
        )  # fmt: skip
        boxed = any(source.box for _, files, _ in passes for source in files)
        manifest.writerow(MANIFEST_COLUMNS + (BOX_COLUMNS if boxed else []))
        writers = {
            name: stack.enter_context(
                imageset.Writer(output_dir / f"{name}-plain", settings.image_size)
            )
            for name in SPLITS
        }
        whole = settings.whole and stack.enter_context(
            imageset.Writer(
                output_dir / "train-whole", settings.whole, more=[imageset.ASPECT_RATIO]
            )
        )
        for key, files, wanted in passes:
            filled = {name: Counter[str]() for name in wanted}

            def is_full(label: str, wanted=wanted, filled=filled) -> bool:
                return all(
                    wanted[name] is not None and filled[name][label] >= wanted[name]
                    for name in wanted
                )

            candidates = (source for source in _in_turn(files, seed) if not is_full(source.label))
            for source, pixels, entire, digest, reason in _decoded(
                candidates, settings, executor, window
            ):
                if is_full(source.label):  # was already under way when its class became full
                    continue
                looked_at += 1
                outcome, name = "unusable", ""
                if pixels is None:
                    unusable.append(reason)
                    print(f"texshape: warning: {reason}", file=sys.stderr)
                elif digest in seen:
                    outcome = "duplicate"
                else:
                    seen.add(digest)
                    outcome = next(
                        part for part in wanted
                        if wanted[part] is None or filled[part][source.label] < wanted[part]
                    )  # fmt: skip
                    filled[outcome][source.label] += 1
                    exemplar = f"{source.label}{filled[outcome][source.label]}"
                    name = f"{exemplar}-{exemplar}.png"
                    labels = [name, source.label, source.label, exemplar, exemplar]
                    writers[outcome].add(pixels, [*labels, f"{outcome}-plain"])
                    if outcome == "train" and whole:
                        squeezed_pixels, ratio = entire
                        whole.add(squeezed_pixels, [*labels, "train-whole", f"{ratio:.6g}"])
                reason = reason.removeprefix(f"{source.place}: ")
                row = [key, source.name, source.label, outcome, name, digest.hex(), reason]
                manifest.writerow(row + list(source.box or 4 * [""]) * boxed)
            _check_filled(key, classes, wanted, filled, unusable)
        check_count(unusable, settings.tolerated, looked_at, "data.folder")
        counts = {name: writers[name].count for name in SPLITS}
    log(
        f"{len(classes)} classes, "
        + ", ".join(f"{counts[name]} {name}" for name in reversed(SPLITS))
        + f"; {looked_at} files looked at, {len(unusable)} unusable"
    )
    return counts


def chosen_classes(
    sources: Sequence[Source], wanted: Sequence[str] | None, key: str = "source"
) -> list[Source]:
    """The files of the classes that are wanted.

    Raises
    ------
    InputError
        If a wanted class is missing, there are fewer than two, or stimuli cannot be named by one.
    """
    classes = sorted({source.label for source in sources})
    for name in wanted or []:
        if name not in classes:
            raise InputError(f"data.folder.classes: no folder '{name}'{nearest(name, classes)}")
    classes = sorted(wanted or classes)
    if len(classes) < 2:
        raise InputError(
            f"data.folder.{key}: holds one class, '{classes[0]}'; expected at least two"
        )
    for name in classes:
        if not is_class_name(name) or name in RESERVED:
            raise InputError(
                f"data.folder.{key}: class folder '{name}'; expected letters of any script, spaces "
                f"and hyphens (not {' or '.join(map(repr, RESERVED))}) or a WordNet id, since "
                "stimuli are named CLASS<i>-CLASS<j>.png"
            )
    return [source for source in sources if source.label in set(classes)]


def _check_numbers(key: str, found: Mapping[str, int], wanted: Mapping[str, int | None]) -> None:
    """Before anything is decoded: is there a file for every place?"""
    needed = sum(1 if count is None else count for count in wanted.values())
    for label, count in sorted(found.items()):
        if count < needed:
            raise InputError(
                f"data.folder.{key}: class '{label}' has {count} files, expected at least {needed} "
                f"({_in_words(wanted)})"
            )


def _check_filled(
    key: str,
    classes: Sequence[str],
    wanted: Mapping[str, int | None],
    filled: Mapping[str, Mapping[str, int]],
    unusable: Sequence[str],
) -> None:
    for label in classes:
        for name, count in wanted.items():
            if filled[name].get(label, 0) < (1 if count is None else count):
                usable = sum(part.get(label, 0) for part in filled.values())
                first = f"; the first unusable file: {unusable[0]}" if unusable else ""
                raise InputError(
                    f"data.folder.{key}: class '{label}' has {usable} different usable images, expected "
                    f"more ({_in_words(wanted)}){first}"
                )


def _in_words(wanted: Mapping[str, int | None]) -> str:
    return ", ".join(f"{'1 or more' if n is None else n} {name}" for name, n in wanted.items())


def _in_turn(sources: Sequence[Source], seed: int) -> Iterator[Source]:
    """The classes in turn, the files of each in the order of a hash of seed and name."""
    by_class: dict[str, list[Source]] = {}
    for source in sources:
        by_class.setdefault(source.label, []).append(source)
    for group in by_class.values():
        group.sort(key=lambda source: _rank(seed, source.name))
    for row in itertools.zip_longest(*(by_class[label] for label in sorted(by_class))):
        yield from (source for source in row if source is not None)


def _rank(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed} {name}".encode()).digest()


Entire = tuple[np.ndarray, float]
Decoded = tuple[Source, np.ndarray | None, Entire | None, bytes, str]


def _decode(sources: Sequence[Source], settings: PhotographSettings) -> list[Decoded]:
    """Read files: the square, the whole with its aspect ratio (where wanted), hash, why it is unusable."""
    found: list[Decoded] = []
    images, entire = settings.images, None
    for source in sources:
        content = b""
        try:
            content = source.read_bytes()
            image = read_picture(source.place, images, content=content)
            if settings.whole:
                entire = squeezed(image, settings.whole), image.width / image.height
            digest = hashlib.sha256(content).digest()
            found.append((source, square(image, images), entire, digest, ""))
        except OSError as error:
            line = f"{source.place}: cannot be read ({error.strerror})"
            found.append((source, None, None, b"", line))
        except Unusable as error:
            found.append((source, None, None, hashlib.sha256(content).digest(), str(error)))
    return found


def _decoded(
    sources: Iterator[Source], settings: PhotographSettings, executor: Executor | None, window: int
) -> Iterator[Decoded]:
    """Decode in order, a window of chunks ahead."""
    if executor is None:
        for source in sources:
            yield from _decode([source], settings)
        return
    pending: deque[Future[list[Decoded]]] = deque()
    while True:
        while len(pending) < window:
            chunk = list(itertools.islice(sources, _CHUNK))
            if not chunk:
                break
            pending.append(executor.submit(_decode, chunk, settings))
        if not pending:
            return
        yield from pending.popleft().result()


def first_of_each_class(
    images: imageset.ImageSet, count: int, *, skip: int, condition: str
) -> imageset.ImageSet:
    """Exemplars for cue-conflict images: some images of each class, numbered from 1.

    Parameters
    ----------
    images : ImageSet
        Plain photographs.
    count, skip : int
        Images of each class, after the first `skip`.
    condition : str
        Entered in the labels.

    Returns
    -------
    ImageSet
        Class by class; ``shape_exemplar`` and ``texture_exemplar`` are both ``CLASS<i>``.

    Raises
    ------
    InputError
        If a class has too few images.
    """
    rows: list[int] = []
    names: list[str] = []
    labels = images.labels
    for label in sorted(labels["shape"].unique()):
        found = np.flatnonzero((labels["shape"] == label).to_numpy())
        if len(found) < skip + count:
            raise InputError(
                f"{condition}: class '{label}' has {len(found)} test images, expected at least "
                f"{skip + count} (data.shape_exemplars and data.texture_exemplars)"
            )
        rows += found[skip : skip + count].tolist()
        names += [f"{label}{number}" for number in range(1, count + 1)]
    chosen = labels.iloc[rows].reset_index(drop=True)
    chosen["shape_exemplar"] = chosen["texture_exemplar"] = names
    chosen["imagename"] = chosen["shape_exemplar"] + "-" + chosen["texture_exemplar"] + ".png"
    chosen["condition"] = condition
    return imageset.ImageSet(np.asarray(images.images[rows]), chosen)


def edge_drawings(images: imageset.ImageSet, *, batch: int = 256) -> imageset.ImageSet:
    """Edges of photographs by Canny's detector, as the only cue to shape that needs no mask."""
    from texshape.data.probes import edges

    pixels = np.concatenate(
        [edges(images.images[i : i + batch]) for i in range(0, len(images), batch)]
    )
    labels = images.labels.copy()
    labels["texture"] = labels["texture_exemplar"] = ABSENT
    labels["imagename"] = labels["shape_exemplar"] + f"-{ABSENT}0.png"
    labels["condition"] = "edges"
    return imageset.ImageSet(pixels, labels)
